package arrowipc

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
)

// Slots of the table Footer of Arrow's format.
const (
	footerSchema       = 1
	footerDictionaries = 2
	footerBatches      = 3
	footerMetadata     = 4
)

// blockWidth is the size of a block: an offset of 8 bytes, a length of metadata of 4, 4 that are unused, and a length
// of body of 8.
const blockWidth = 24

// block is the position of a message in a file.
type block struct{ offset, metadata, body int64 }

// checkedFile is a file whose footer and metadata are read once, checked, and served from memory from then on, since
// the file may change meanwhile. Bodies are read from the file.
//
// An Arrow file is "ARROW1" and padding, messages one behind the other, the footer, its length in 4 bytes, and
// "ARROW1". The footer lists where each message is. A message is metadata, which says how many rows and buffers there
// are, and a body with the buffers.
type checkedFile struct {
	io.ReadSeeker
	from    io.ReaderAt
	size    int64
	checker Checker
	// kept is what was checked, by its offset in the file.
	kept map[int64][]byte
	// metadata is the bytes of the dictionaries' metadata.
	metadata              int64
	dictionaries, batches []block
}

// ReadAt implements io.ReaderAt. What was checked is read as it was checked.
func (f *checkedFile) ReadAt(p []byte, offset int64) (int, error) {
	kept, ok := f.kept[offset]
	if !ok {
		return f.from.ReadAt(p, offset)
	}
	if len(p) != len(kept) {
		return 0, errors.New("two messages of it overlap")
	}
	return copy(p, kept), nil
}

func newFileReader(from io.ReaderAt, size, limit int64) (reader *Reader, err error) {
	defer func() {
		if err = recovered(recover(), err); err != nil {
			reader = nil
		}
	}()
	f := &checkedFile{ReadSeeker: io.NewSectionReader(from, 0, size), from: from, size: size,
		kept: map[int64][]byte{}, checker: Checker{Limit: limit}}
	if err := f.checkFooter(); err != nil {
		return nil, err
	}
	file, err := ipc.NewFileReader(f, ipc.WithAllocator(NewCapped(limit)))
	if err != nil {
		return nil, err
	}
	at := 0
	return &Reader{
		schema: file.Schema(),
		next: func() (arrow.RecordBatch, error) {
			if at == len(f.batches) {
				return nil, io.EOF
			}
			here := f.batches[at]
			if err := f.checkBlock(here); err != nil {
				return nil, err
			}
			defer delete(f.kept, here.offset)
			at++
			return file.RecordBatch(at - 1)
		},
		release: func() { _ = file.Close() },
	}, nil
}

// checkFooter checks the footer, and the dictionaries, which Arrow reads at once.
func (f *checkedFile) checkFooter() error {
	tail := make([]byte, 4+len(magic))
	if f.size < int64(len(tail)+len(magic)+2) {
		return errors.New("it is not a whole Arrow file: it is too short")
	}
	if _, err := f.from.ReadAt(tail, f.size-int64(len(tail))); err != nil {
		return err
	}
	if !bytes.Equal(tail[4:], magic) {
		return errors.New("it is not a whole Arrow file: it does not end as one")
	}
	length := int64(binary.LittleEndian.Uint32(tail))
	if length > f.size-int64(len(tail)+len(magic)+2) || length > MaxMetadata {
		return fmt.Errorf("it is not a whole Arrow file: a footer of %d bytes does not fit in", length)
	}
	start := f.size - int64(len(tail)) - length
	data := make([]byte, length)
	if _, err := f.from.ReadAt(data, start); err != nil {
		return err
	}
	f.kept[start], f.kept[start+length] = data, tail
	if err := f.parseFooter(data, start); err != nil {
		return fmt.Errorf("its footer is damaged: %w", err)
	}
	for _, dictionary := range f.dictionaries {
		if f.metadata += dictionary.metadata; f.metadata > MaxMetadata {
			return fmt.Errorf("the metadata of its dictionaries has more than %d bytes", MaxMetadata)
		}
		if err := f.checkBlock(dictionary); err != nil {
			return err
		}
	}
	return nil
}

// parseFooter checks the footer, and that the messages that it lists lie in front of it.
func (f *checkedFile) parseFooter(data []byte, end int64) error {
	footer, err := rootOf(data)
	if err != nil {
		return err
	}
	c := &checker{}
	if err := c.shape(footer, []int{2, footerSchema: 4}); err != nil {
		return err
	}
	if err := c.metadata(footer, footerMetadata); err != nil {
		return err
	}
	schema, found, err := footer.child(footerSchema)
	if err == nil && !found {
		err = errors.New("it has no schema")
	}
	if err != nil {
		return err
	}
	if err := c.schema(schema); err != nil {
		return err
	}
	f.checker.needs = &c.needs
	if f.batches, err = blocks(footer, footerBatches); err != nil {
		return err
	}
	if f.dictionaries, err = blocks(footer, footerDictionaries); err != nil {
		return err
	}
	return checkPlaces(slices.Concat(f.batches, f.dictionaries), end)
}

func blocks(footer table, slot int) ([]block, error) {
	at, count, err := footer.vector(slot, blockWidth)
	if err != nil {
		return nil, err
	}
	blocks := make([]block, count)
	for i := range blocks {
		start := at + blockWidth*i
		blocks[i] = block{
			numberAt(footer.data, start, 8), numberAt(footer.data, start+8, 4), numberAt(footer.data, start+16, 8),
		}
	}
	return blocks, nil
}

// checkPlaces checks that messages lie one behind the other. A few bytes that are listed again and again would stand
// for any number of rows.
func checkPlaces(all []block, end int64) error {
	slices.SortFunc(all, func(a, b block) int { return cmp.Compare(a.offset, b.offset) })
	behind := int64(len(magic))
	for _, b := range all {
		if b.offset < behind || b.metadata < 8 || b.body < 0 || b.offset > end || b.metadata > end-b.offset ||
			b.body > end-b.offset-b.metadata {
			return fmt.Errorf("a message of %d and %d bytes at %d does not lie where one may", b.metadata, b.body, b.offset)
		}
		behind = b.offset + b.metadata + b.body
	}
	return nil
}

// checkBlock reads, checks and keeps the metadata of a message. checkPlaces has made sure that it has 8 bytes at least.
// Before version 0.15 of the format, metadata began with its length alone, and since then with a mark before it.
func (f *checkedFile) checkBlock(b block) error {
	if b.metadata > MaxMetadata {
		return fmt.Errorf("a message begins with metadata of %d bytes; at most %d are read", b.metadata, MaxMetadata)
	}
	data := make([]byte, b.metadata)
	if _, err := f.from.ReadAt(data, b.offset); err != nil {
		return err
	}
	f.kept[b.offset] = data
	prefix := 4
	if binary.LittleEndian.Uint32(data) == continuation {
		prefix = 8
	}
	return f.checker.Check(data[prefix:], io.NewSectionReader(f.from, b.offset+b.metadata, b.body))
}
