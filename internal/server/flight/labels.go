package flight

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"google.golang.org/grpc/status"

	"github.com/plumbstore/plumb/registry"
)

// labelsName is how messages name label rows that a client sent, a singular.
const labelsName = "the label table"

// incoming reads the messages of a client that hold Arrow data. The first is the one with the command, which may hold
// some or not.
type incoming struct {
	stream  flight.DataStreamReader
	first   *flight.FlightData
	schemas int
}

// Recv implements flight.DataStreamReader.
func (i *incoming) Recv() (*flight.FlightData, error) {
	for {
		message, err := i.next()
		if err != nil {
			return nil, err
		}
		if len(message.GetDataHeader()) > 0 {
			return message, i.checkSchema(message)
		}
	}
}

func (i *incoming) next() (*flight.FlightData, error) {
	if message := i.first; message != nil {
		i.first = nil
		return message, nil
	}
	return i.stream.Recv()
}

// checkSchema refuses a header that is none, which Arrow panics at, and a second schema.
func (i *incoming) checkSchema(message *flight.FlightData) (err error) {
	defer func() {
		if recover() != nil {
			err = registry.Inputf("", "%s: a message came whose header is no Arrow message", labelsName)
		}
	}()
	parsed := ipc.NewMessage(memory.NewBufferBytes(message.GetDataHeader()), memory.NewBufferBytes(nil))
	defer parsed.Release()
	if parsed.Type() == ipc.MessageSchema {
		i.schemas++
	}
	if i.schemas > 1 {
		return registry.Inputf("", "%s: a second schema came after the first; all batches of a call must have one schema",
			labelsName)
	}
	return nil
}

// spool writes label rows to a file of the folder, up to the bound, and returns its path. The file is an Arrow IPC
// stream, since that alone may replace dictionaries on the way.
func (s *Service) spool(from *incoming, folder string) (path string, err error) {
	path = filepath.Join(folder, "labels.arrow")
	file, err := os.Create(path)
	if err != nil {
		return "", fmt.Errorf("keep label rows: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	buffered := bufio.NewWriterSize(&bounded{to: file, left: s.config.Limits.SpoolBytes, of: s.config.Limits.SpoolBytes},
		1<<20)
	if err := copyLabels(from, buffered); err != nil {
		return "", err
	}
	return path, buffered.Flush()
}

// copyLabels copies an Arrow stream, and checks on the way that each batch is what its schema says, since the engine
// reads it without checks.
func copyLabels(from *incoming, to io.Writer) (err error) {
	reader, err := flight.NewRecordReader(from, ipc.WithAllocator(&capped{Allocator: memory.DefaultAllocator}))
	if errors.Is(err, io.EOF) {
		return registry.Inputf("", "%s: no rows came, not even their schema; write them after the command", labelsName)
	}
	if err != nil {
		return unreadable("its schema cannot be read", err)
	}
	defer reader.Release()
	writer := ipc.NewWriter(to, ipc.WithSchema(reader.Schema()))
	rows := int64(0)
	for reader.Next() {
		batch := reader.RecordBatch()
		if err := array.ValidateRecordFull(batch); err != nil {
			return unreadable(fmt.Sprintf("the batch after row %d is damaged", rows), err)
		}
		if err := writer.Write(batch); err != nil {
			return fmt.Errorf("keep label rows: %w", err)
		}
		rows += batch.NumRows()
	}
	if err := reader.Err(); err != nil {
		return unreadable(fmt.Sprintf("the batch after row %d does not fit its schema", rows), err)
	}
	if err := writer.Close(); err != nil {
		return fmt.Errorf("keep label rows: %w", err)
	}
	return nil
}

// unreadable makes a mistake of the sender's out of what Arrow says; what is none already has its own words.
func unreadable(what string, err error) error {
	input, isInput := errors.AsType[*registry.InputError](err)
	limit, isLimit := errors.AsType[*LimitError](err)
	idle, isIdle := errors.AsType[*IdleError](err)
	broken, isStatus := errors.AsType[interface {
		error
		GRPCStatus() *status.Status
	}](err)
	switch {
	case isInput:
		return input
	case isLimit:
		return limit
	case isIdle:
		return idle
	case isStatus:
		return broken
	}
	detail := err.Error()
	for _, prefix := range []string{"arrow/flight: could not create flight reader: ", "arrow/ipc: ", "arrow/array: "} {
		detail = strings.ReplaceAll(detail, prefix, "")
	}
	return registry.Inputf("", "%s: %s: %s", labelsName, what, detail)
}

// bounded writes up to a bound.
type bounded struct {
	to       io.Writer
	left, of int64
}

// Write implements io.Writer.
func (b *bounded) Write(p []byte) (int, error) {
	if b.left -= int64(len(p)); b.left < 0 {
		return 0, &LimitError{fmt.Sprintf("%s takes more than the %d bytes that one call may send; send fewer rows or "+
			"columns, raise serving.flight_spool there, or name a file on the server with DoGet", labelsName, b.of)}
	}
	return b.to.Write(p)
}

// maxInflated bounds what the compressed buffers of one message may become. They say so themselves, in 8 bytes.
const maxInflated = 4 * MaxLabelMessage

// capped bounds what is allocated at a time.
type capped struct {
	memory.Allocator
	used int
}

// Allocate implements memory.Allocator. It panics beyond the bound; the reader takes that for an error.
func (c *capped) Allocate(size int) []byte {
	c.use(size)
	return c.Allocator.Allocate(size)
}

// Reallocate implements memory.Allocator, as Allocate.
func (c *capped) Reallocate(size int, b []byte) []byte {
	c.use(size - len(b))
	return c.Allocator.Reallocate(size, b)
}

// Free implements memory.Allocator.
func (c *capped) Free(b []byte) {
	c.used -= len(b)
	c.Allocator.Free(b)
}

func (c *capped) use(size int) {
	if size > maxInflated || c.used+size > maxInflated {
		err := fmt.Sprintf("%s: a compressed message is larger than %d MiB once inflated; send batches of fewer rows",
			labelsName, maxInflated>>20)
		panic(&LimitError{err}) //nolint:forbidigo // An allocator has no other way to refuse.
	}
	c.used += size
}
