package arrowipc

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// Reader reads the batches of a file or a stream in their order. It is for one goroutine.
type Reader struct {
	schema *arrow.Schema
	// next returns the next batch, valid until the call after, or io.EOF.
	next func() (arrow.RecordBatch, error)
	// release lets go of the last batch and the dictionaries.
	release func()
	batches int
}

// magic is what a file begins and ends with; a stream does not.
var magic = []byte("ARROW1")

// Open reads an Arrow IPC file, or a stream that was written to a file. What its batches take in memory at a time is at
// most limit bytes. The caller closes the file after the Reader.
func Open(opened *os.File, limit int64) (*Reader, error) {
	info, err := opened.Stat()
	if err != nil {
		return nil, err
	}
	end := make([]byte, len(magic))
	if info.Size() >= int64(len(end)) {
		if _, err := opened.ReadAt(end, info.Size()-int64(len(end))); err != nil {
			return nil, err
		}
	}
	if bytes.Equal(end, magic) {
		return newFileReader(opened, info.Size(), limit)
	}
	return NewReader(io.NewSectionReader(opened, 0, info.Size()), limit)
}

// OpenFile is Open for what has to be a file and no stream.
func OpenFile(opened *os.File, limit int64) (*Reader, error) {
	info, err := opened.Stat()
	if err != nil {
		return nil, err
	}
	return newFileReader(opened, info.Size(), limit)
}

// NewReader reads a stream.
func NewReader(from io.Reader, limit int64) (*Reader, error) {
	return NewMessageReader(&streamMessages{from: from, limit: limit}, limit)
}

// NewMessageReader reads messages, and checks each.
func NewMessageReader(messages Messages, limit int64) (reader *Reader, err error) {
	defer func() {
		if err = recovered(recover(), err); err != nil {
			reader = nil
		}
	}()
	checked := &checkedMessages{from: messages, checker: Checker{Limit: limit}}
	stream, err := ipc.NewReaderFromMessageReader(checked, ipc.WithAllocator(NewCapped(limit)))
	if err != nil {
		return nil, checked.explain(err)
	}
	return &Reader{
		schema: stream.Schema(),
		next: func() (arrow.RecordBatch, error) {
			batch, err := stream.Read()
			return batch, checked.explain(err)
		},
		release: stream.Release,
	}, nil
}

// Schema is that of every batch.
func (r *Reader) Schema() *arrow.Schema { return r.schema }

// Read returns the next batch, or io.EOF. It has been checked whole, is valid until the next call, and belongs to the
// Reader.
func (r *Reader) Read() (batch arrow.RecordBatch, err error) {
	defer func() {
		if err = recovered(recover(), err); err != nil {
			batch = nil
			if !errors.Is(err, io.EOF) {
				err = fmt.Errorf("batch %d: %w", r.batches, err)
			}
		}
	}()
	r.batches++
	if batch, err = r.next(); err != nil {
		return nil, err
	}
	return batch, CheckWhole(batch)
}

// Close releases the last batch.
func (r *Reader) Close() {
	defer func() { _ = recover() }() // Nobody wants what is let go.
	r.release()
}

// recovered is the error of a call that may have panicked: Arrow does on what it cannot make sense of.
func recovered(fault any, err error) error {
	if fault == nil {
		return err
	}
	if limit, ok := fault.(*LimitError); ok {
		return limit
	}
	return fmt.Errorf("it is damaged: %v", fault)
}

// Messages yields the messages of a stream.
type Messages interface {
	// Next returns the metadata and the body of the next message, or io.EOF.
	Next() (metadata, body []byte, err error)
}

// checkedMessages implements ipc.MessageReader.
type checkedMessages struct {
	from    Messages
	checker Checker
	// fault is what went wrong here, in its own words.
	fault error
}

// Message implements ipc.MessageReader.
func (c *checkedMessages) Message() (*ipc.Message, error) {
	metadata, body, err := c.from.Next()
	if err == nil {
		err = c.checker.Check(metadata, io.NewSectionReader(bytes.NewReader(body), 0, int64(len(body))))
	}
	if err != nil {
		if c.fault = err; errors.Is(err, io.EOF) {
			c.fault = nil
		}
		return nil, err
	}
	return ipc.NewMessage(memory.NewBufferBytes(metadata), memory.NewBufferBytes(body)), nil
}

// Retain implements ipc.MessageReader.
func (c *checkedMessages) Retain() {}

// Release implements ipc.MessageReader.
func (c *checkedMessages) Release() {}

// explain prefers what went wrong here to what Arrow makes of it.
func (c *checkedMessages) explain(err error) error {
	if err == nil || c.fault == nil {
		return err
	}
	return c.fault
}
