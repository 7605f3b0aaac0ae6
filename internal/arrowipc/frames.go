package arrowipc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// smallWindow is a window that a decoder may always have.
const smallWindow = 8 << 20

// zstdCodec is the number of zstd among the codecs; the other is LZ4, whose blocks have 4 MiB at most.
const zstdCodec = 1

// prefixLength is the length of the prefix of a compressed buffer. The prefix is the length after decompression, or -1
// if the buffer is not compressed after all.
const prefixLength = 8

// checkCompressed checks what a compressed buffer says of itself. Memory is asked for by that before any byte is
// decompressed.
func (c *checker) checkCompressed(body *io.SectionReader, offset, length, codec int64) error {
	if length == 0 {
		return nil
	}
	if length < prefixLength {
		return fmt.Errorf("a compressed buffer has %d bytes", length)
	}
	var prefix [prefixLength]byte
	if _, err := body.ReadAt(prefix[:], offset); err != nil {
		return err
	}
	becomes := int64(binary.LittleEndian.Uint64(prefix[:])) //nolint:gosec // -1 is what says that it is not compressed.
	switch {
	case becomes == -1:
		return nil
	case becomes < 0:
		return fmt.Errorf("a buffer becomes %d bytes", becomes)
	case becomes > c.limit:
		return &LimitError{c.limit}
	case codec != zstdCodec:
		return nil
	}
	return checkFrames(io.NewSectionReader(body, offset+prefixLength, length-prefixLength), becomes)
}

// checkFrames walks over the frames of zstd, each of which says how large a window its decoder needs. A decoder makes
// room for the window first, so a frame of a few bytes could take any amount of memory. No frame needs a window that is
// larger than what it becomes.
func checkFrames(frames *io.SectionReader, becomes int64) error {
	for at := int64(0); at < frames.Size(); {
		var head [zstd.HeaderMaxSize]byte
		count, err := frames.ReadAt(head[:], at)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		var frame zstd.Header
		if err := frame.Decode(head[:count]); err != nil {
			return errors.New("a buffer is compressed with zstd and has no frame of it")
		}
		at += int64(frame.HeaderSize)
		if frame.Skippable {
			at += int64(frame.SkippableSize)
			continue
		}
		window := frame.WindowSize
		if frame.SingleSegment {
			window = frame.FrameContentSize
		}
		if window > uint64(max(becomes, smallWindow)) { //nolint:gosec // Neither is negative.
			return fmt.Errorf("a buffer that becomes %d bytes needs a window of %d to be decompressed", becomes, window)
		}
		if at, err = skipBlocks(frames, at, frame.HasCheckSum); err != nil {
			return err
		}
	}
	return nil
}

// skipBlocks returns the position at which the blocks of a frame end. A block begins with 3 bytes: one bit that marks
// the last block, two for its type, and its size in the others. A block of one repeated byte has a size too, and stores
// the byte once.
func skipBlocks(frames *io.SectionReader, at int64, checkSum bool) (int64, error) {
	const repeatedByte = 1
	for last := false; !last; {
		var head [3]byte
		if _, err := frames.ReadAt(head[:], at); err != nil {
			return 0, errors.New("a compressed buffer ends within a frame")
		}
		bits := int64(head[0]) | int64(head[1])<<8 | int64(head[2])<<16
		last = bits&1 == 1
		if bits>>1&3 == repeatedByte {
			at += 3 + 1
		} else {
			at += 3 + bits>>3
		}
	}
	if checkSum {
		at += 4
	}
	return at, nil
}
