package connect

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/internal/arrowipc"
)

// maxBatch bounds the memory of a batch once it is decompressed.
const maxBatch = 1 << 30

// Rows are the rows of a query, batch by batch. They are for one goroutine, and have to be closed.
type Rows struct {
	e      *execution
	schema *arrow.Schema
	reader *arrowipc.Reader
	record arrow.RecordBatch
	// rows is how many rows came, and announced how many there are with those of the current reader.
	rows, announced int64
	err             error
	done, closed    bool
}

// Query runs a query. It returns once the first rows are there, or the result is complete.
func (s *Session) Query(ctx context.Context, sql string) (*Rows, error) {
	e, err := s.execute(ctx, sql)
	if err != nil {
		return nil, err
	}
	r := &Rows{e: e}
	for r.reader == nil && r.err == nil {
		r.receive()
	}
	if r.err != nil {
		r.e.close()
		return nil, r.err
	}
	return r, nil
}

// Schema is that of every record.
func (r *Rows) Schema() *arrow.Schema { return r.schema }

// Next reads the next record, which has a row at least. It is false at the end and after an error.
func (r *Rows) Next() bool {
	for !r.done && r.err == nil {
		if r.reader == nil {
			r.receive()
			continue
		}
		record, err := r.reader.Read()
		switch {
		case errors.Is(err, io.EOF):
			r.closeReader()
			if r.rows != r.announced {
				r.err = r.e.damaged(fmt.Sprintf("it announced %d rows, and %d came", r.announced, r.rows))
			}
		case err != nil:
			r.err = r.e.damaged(err.Error())
		default:
			r.rows += record.NumRows()
			if r.record = record; record.NumRows() > 0 {
				return true
			}
		}
	}
	r.record = nil
	return false
}

// Record is what Next read. It belongs to the Rows and is valid until the next call of Next or Close.
func (r *Rows) Record() arrow.RecordBatch { return r.record }

// Err is what ended the rows before their end.
func (r *Rows) Err() error { return r.err }

// Close ends the query if it has not ended. It may be called again.
func (r *Rows) Close() {
	if r.closed {
		return
	}
	r.closed = true
	r.closeReader()
	r.record, r.done = nil, true
	r.e.close()
}

func (r *Rows) closeReader() {
	if r.reader != nil {
		r.reader.Close()
		r.reader = nil
	}
}

// receive takes one response.
func (r *Rows) receive() {
	response, err := r.e.next()
	switch {
	case err != nil:
		r.err = err
	case response.ResultComplete != nil && r.schema == nil:
		r.err = r.e.damaged("its result has no columns")
	case response.ResultComplete != nil:
		r.done = true
	case response.ArrowBatch != nil:
		r.err = r.open(response.ArrowBatch)
		r.e.received()
	}
}

// open begins to read a batch, which is a whole Arrow stream.
func (r *Rows) open(batch *arrowBatch) error {
	if batch.StartOffset == nil || *batch.StartOffset != r.rows || batch.RowCount < 0 {
		return r.e.damaged("rows are missing, or came twice")
	}
	reader, err := arrowipc.NewReader(bytes.NewReader(batch.Data), maxBatch)
	if err != nil {
		return r.e.damaged(err.Error())
	}
	r.reader, r.announced = reader, r.rows+batch.RowCount
	if r.schema == nil {
		r.schema = reader.Schema()
	} else if !r.schema.Equal(reader.Schema()) {
		return r.e.damaged("its batches have different columns")
	}
	return nil
}
