package arrowipc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// continuation is what a message begins with since version 0.15 of the format.
const continuation = 0xffffffff

// streamMessages reads the messages of a stream of bytes: for each the length of its metadata, the metadata, and a body
// as long as the metadata announces. A length of 0 ends the stream, and so does the end of the bytes.
type streamMessages struct {
	from  io.Reader
	limit int64
}

// Next implements Messages.
func (s *streamMessages) Next() (metadata, body []byte, err error) {
	length, err := s.length()
	if err != nil {
		return nil, nil, err
	}
	if metadata, err = readFull(s.from, int64(length)); err != nil {
		return nil, nil, fmt.Errorf("it ends within the metadata of a message: %w", err)
	}
	announced, err := bodyLength(metadata)
	if err != nil {
		return nil, nil, fmt.Errorf("the metadata of a message is damaged: %w", err)
	}
	if announced > s.limit {
		return nil, nil, &LimitError{s.limit}
	}
	if body, err = readFull(s.from, announced); err != nil {
		return nil, nil, fmt.Errorf("it ends within the body of a message: %w", err)
	}
	return metadata, body, nil
}

// length reads how long the metadata is, or io.EOF.
func (s *streamMessages) length() (uint32, error) {
	var word [4]byte
	if _, err := io.ReadFull(s.from, word[:]); err != nil {
		return 0, ended(err)
	}
	length := binary.LittleEndian.Uint32(word[:])
	if length == continuation {
		if _, err := io.ReadFull(s.from, word[:]); err != nil {
			return 0, io.ErrUnexpectedEOF
		}
		length = binary.LittleEndian.Uint32(word[:])
	}
	if length == 0 {
		return 0, io.EOF
	}
	if length > MaxMetadata {
		return 0, fmt.Errorf("a message begins with metadata of %d bytes; at most %d are read", length, MaxMetadata)
	}
	return length, nil
}

// ended returns io.EOF if nothing came, and otherwise what went wrong.
func ended(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it ends within a message")
	}
	return err
}

// readFull reads length bytes. It allocates memory as they arrive, since the length is only a claim.
func readFull(from io.Reader, length int64) ([]byte, error) {
	const most = 1 << 20
	read := make([]byte, 0, min(length, most))
	for int64(len(read)) < length {
		if len(read) == cap(read) {
			read = append(read, 0)[:len(read)]
		}
		room := min(int64(cap(read)), length)
		count, err := io.ReadFull(from, read[len(read):room])
		read = read[:len(read)+count]
		if err != nil {
			return nil, io.ErrUnexpectedEOF
		}
	}
	return read, nil
}
