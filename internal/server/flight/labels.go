package flight

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"google.golang.org/grpc/status"

	"github.com/plumbstore/plumb/internal/arrowipc"
	"github.com/plumbstore/plumb/internal/fault"
)

// labelsName is how messages name label rows that a client sent, a singular.
const labelsName = "the label table"

// incoming reads the messages of a client that hold Arrow data. The first is the one with the command, which may hold
// some or not.
type incoming struct {
	stream  flight.DataStreamReader
	first   *flight.FlightData
	checker arrowipc.Checker
}

// Recv implements flight.DataStreamReader.
func (i *incoming) Recv() (*flight.FlightData, error) {
	for {
		message, err := i.next()
		if err != nil {
			return nil, err
		}
		if len(message.GetDataHeader()) > 0 {
			return message, i.check(message)
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

// check refuses a message of which Arrow would believe too much, and a second schema.
func (i *incoming) check(message *flight.FlightData) error {
	body := message.GetDataBody()
	i.checker.Limit = maxInflated
	err := i.checker.Check(message.GetDataHeader(), io.NewSectionReader(bytes.NewReader(body), 0, int64(len(body))))
	if errors.Is(err, arrowipc.ErrSecondSchema) {
		return fault.Inputf("", "%s: a second schema came after the first; all batches of a call must have one schema",
			labelsName)
	}
	if err != nil {
		return unreadable("a message cannot be read", err)
	}
	return nil
}

// spool writes label rows to a file of the folder, up to the bound, and returns its path. The file is an Arrow IPC
// stream, since that alone may replace dictionaries on the way. With a file the engine reads label rows in one way,
// wherever they come from, and may read them more than once.
func (s *Service) spool(from *incoming, folder string) (path string, err error) {
	path = filepath.Join(folder, "labels.arrow")
	file, err := os.Create(path)
	if err != nil {
		return "", fmt.Errorf("keep label rows: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	buffered := bufio.NewWriterSize(&bounded{to: file, left: s.config.Limits.SpoolBytes, of: s.config.Limits.SpoolBytes},
		1<<20)
	if err := copyLabels(from, buffered, s.config.Limits.SpoolBytes); err != nil {
		return "", err
	}
	return path, buffered.Flush()
}

// copyLabels copies an Arrow stream, and checks on the way that each batch is what its schema says, since the engine
// reads it without checks. What its rows share may take up to the bound once each has its values for itself.
func copyLabels(from *incoming, to io.Writer, bound int64) (err error) {
	defer func() {
		if damage := recover(); damage != nil { // Arrow panics on what it cannot make sense of.
			err = unreadable("a batch is damaged", fmt.Errorf("%v", damage))
		}
	}()
	reader, err := flight.NewRecordReader(from, ipc.WithAllocator(arrowipc.NewCapped(maxInflated)))
	if errors.Is(err, io.EOF) {
		return fault.Inputf("", "%s: no rows came, not even their schema; write them after the command", labelsName)
	}
	if err != nil {
		return unreadable("its schema cannot be read", err)
	}
	defer reader.Release()
	writer := ipc.NewWriter(to, ipc.WithSchema(reader.Schema()))
	rows, left := int64(0), bound
	for reader.Next() {
		batch := reader.RecordBatch()
		if err := arrowipc.CheckWhole(batch); err != nil {
			return unreadable(fmt.Sprintf("the batch after row %d is damaged", rows), err)
		}
		if left -= max(0, arrowipc.WrittenOut(batch)-arrowipc.Held(batch)); left < 0 {
			return &LimitError{fmt.Sprintf("%s takes more than %d bytes once each row has its values for itself; send fewer "+
				"rows or columns, or raise serving.flight_spool there", labelsName, bound)}
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
	input, isInput := errors.AsType[*fault.InputError](err)
	limit, isLimit := errors.AsType[*LimitError](err)
	idle, isIdle := errors.AsType[*IdleError](err)
	inflated, isInflated := errors.AsType[*arrowipc.LimitError](err)
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
	case isInflated:
		return &LimitError{fmt.Sprintf("%s: a compressed message is larger than %d MiB once inflated; send batches of fewer "+
			"rows", labelsName, inflated.Limit>>20)}
	case isStatus:
		return broken
	}
	detail := err.Error()
	for _, prefix := range []string{"arrow/flight: could not create flight reader: ", "arrow/ipc: ", "arrow/array: "} {
		detail = strings.ReplaceAll(detail, prefix, "")
	}
	return fault.Inputf("", "%s: %s: %s", labelsName, what, detail)
}

// bounded writes up to a bound. The bound holds while rows come: how many a client will send is known only once it has
// sent them.
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
