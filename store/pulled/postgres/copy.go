package postgres

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

const (
	// batchRows and batchBytes bound a batch.
	batchRows, batchBytes = 4096, 8 << 20
	// criticalFlags are those of a COPY header that a reader may not ignore: values have another form.
	criticalFlags = 0xffff0000
)

// signature is what binary COPY data begins with.
var signature = []byte("PGCOPY\n\xff\r\n\x00")

// decoder is an io.Writer that makes batches of binary COPY data. The data may be cut anywhere between writes. Every
// length in it is compared with what is there.
type decoder struct {
	columns []column
	yield   func(arrow.RecordBatch) error
	builder *array.RecordBuilder
	// rest is what was written of a row that is not whole yet.
	rest []byte
	// begun says that the header was read, ended that the trailer was.
	begun, ended bool
	// rows were decoded; inBatch and bytes of them are in the builder.
	rows           int64
	inBatch, bytes int
	// failure is the first error, which ends the decoding.
	failure error
}

func newDecoder(columns []column, fields []arrow.Field, yield func(arrow.RecordBatch) error) *decoder {
	return &decoder{columns: columns, yield: yield,
		builder: array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(fields, nil))}
}

func (d *decoder) release() { d.builder.Release() }

// errCut says that data is not whole yet.
var errCut = errors.New("the rows end in the middle of one")

// Write implements io.Writer.
func (d *decoder) Write(data []byte) (int, error) {
	if d.failure != nil {
		return 0, d.failure
	}
	left := data
	if len(d.rest) > 0 {
		d.rest = append(d.rest, data...)
		left = d.rest
	}
	for len(left) > 0 && d.failure == nil {
		used, err := d.next(left)
		if errors.Is(err, errCut) {
			break
		}
		d.failure, left = err, left[used:]
	}
	if d.failure == nil && len(left) > maxMessage {
		d.failure = fmt.Errorf("row %d has more than %d bytes; leave its largest columns out", d.rows+1, maxMessage)
	}
	d.rest = append(d.rest[:0], left...)
	if d.failure != nil {
		return 0, d.failure
	}
	return len(data), nil
}

// next decodes the header, a row or the trailer that data begins with, and returns its length.
func (d *decoder) next(data []byte) (used int, err error) {
	switch {
	case d.ended:
		return 0, errors.New("there is more after the end of the rows")
	case !d.begun:
		used, err = headerLength(data)
		d.begun = err == nil
		return used, err
	case len(data) < 2:
		return 0, errCut
	}
	count := int(int16(bigEndian.Uint16(data)))
	if count == -1 {
		d.ended = true
		return 2, nil
	}
	if count != len(d.columns) {
		return 0, fmt.Errorf("row %d has %d columns, and the query %d", d.rows+1, count, len(d.columns))
	}
	used, err = rowLength(data, count)
	if err != nil {
		return 0, err
	}
	if err := d.add(data[2:used]); err != nil {
		return 0, err
	}
	d.rows++
	d.inBatch++
	d.bytes += used
	if d.inBatch >= batchRows || d.bytes >= batchBytes {
		err = d.flush()
	}
	return used, err
}

// headerLength checks a header and returns its length.
func headerLength(data []byte) (int, error) {
	const fixed = 19
	if !bytes.HasPrefix(data, signature[:min(len(data), len(signature))]) {
		return 0, errors.New("this is no binary COPY data")
	}
	if len(data) < fixed {
		return 0, errCut
	}
	flags, extension := bigEndian.Uint32(data[11:]), bigEndian.Uint32(data[15:])
	if flags&criticalFlags != 0 {
		return 0, fmt.Errorf("this binary COPY data has flags %08x, which are not known", flags)
	}
	if int64(extension) > maxMessage {
		return 0, fmt.Errorf("the header speaks of %d more bytes", extension)
	}
	if len(data)-fixed < int(extension) {
		return 0, errCut
	}
	return fixed + int(extension), nil
}

// rowLength returns how many bytes a row has, or errCut if they are not all there.
func rowLength(data []byte, columns int) (int, error) {
	at := 2
	for i := range columns {
		if len(data)-at < 4 {
			return 0, errCut
		}
		length := int(int32(bigEndian.Uint32(data[at:])))
		at += 4
		switch {
		case length == -1:
			continue
		case length < 0 || length > maxMessage:
			return 0, fmt.Errorf("column %d of a row speaks of %d bytes", i+1, length)
		case len(data)-at < length:
			return 0, errCut
		}
		at += length
	}
	return at, nil
}

// rowError says which value of which row cannot be taken.
type rowError struct {
	row    int64
	column string
	cause  error
}

func (e *rowError) Error() string {
	return fmt.Sprintf("row %d, column %s: %v", e.row, e.column, e.cause)
}

func (e *rowError) Unwrap() error { return e.cause }

// add appends the values of a row, whose lengths have been checked.
func (d *decoder) add(data []byte) error {
	for i, c := range d.columns {
		length := int32(bigEndian.Uint32(data))
		data = data[4:]
		if length == -1 {
			d.builder.Field(i).AppendNull()
			continue
		}
		if err := c.kind.add(d.builder.Field(i), data[:length]); err != nil {
			return &rowError{d.rows + 1, c.name, err}
		}
		data = data[length:]
	}
	return nil
}

// flush hands out what is in the builder.
func (d *decoder) flush() error {
	batch := d.builder.NewRecordBatch()
	defer batch.Release()
	d.inBatch, d.bytes = 0, 0
	return d.yield(batch)
}

// end hands out the last rows. It is an error if the trailer was missing.
func (d *decoder) end() error {
	if !d.ended {
		return errCut
	}
	if d.inBatch == 0 {
		return nil
	}
	return d.flush()
}
