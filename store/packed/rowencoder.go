package packed

import (
	"encoding/binary"
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
)

// RowEncoder packs rows of Arrow columns into the values that online stores keep.
type RowEncoder struct {
	schema  feature.Schema
	layout  Layout
	origin  Origin
	event   *array.Int64
	created *array.Int64
	columns []arrow.Array
	// variable is the variable section of the current row, and ends are the ends of its values. They are made first,
	// because the width of the offsets depends on them.
	variable []byte
	ends     []uint32
}

// NewRowEncoder makes an encoder of rows of this layout, which origin writes. It is not safe for concurrent use.
func NewRowEncoder(schema feature.Schema, origin Origin) *RowEncoder {
	return &RowEncoder{schema: schema, layout: NewLayout(schema), origin: origin}
}

// Bind makes the encoder read these columns until the next Bind: event and created times as int64 microseconds, and one
// column for each field of the schema, of the Arrow type of its declared type (ArrowType).
func (e *RowEncoder) Bind(event, created arrow.Array, features []arrow.Array) error {
	var ok bool
	if e.event, ok = event.(*array.Int64); !ok {
		return fmt.Errorf("event times are %s where int64 is wanted", event.DataType())
	}
	if e.created, ok = created.(*array.Int64); !ok {
		return fmt.Errorf("created times are %s where int64 is wanted", created.DataType())
	}
	if err := checkColumns(e.schema.Fields, features); err != nil {
		return err
	}
	if created.Len() != event.Len() || len(features) > 0 && features[0].Len() != event.Len() {
		return fmt.Errorf("columns differ in length: %d event times, %d created times", event.Len(), created.Len())
	}
	e.columns = features
	return nil
}

// AppendRow appends the packed form of a row of the bound columns. What cannot be stored is a *fault.InputError: a
// null event time, an event or created time of math.MinInt64, a string that is not UTF-8, a row of more than
// MaxRowSize bytes. It then returns dst as it was.
func (e *RowEncoder) AppendRow(dst []byte, row int) ([]byte, error) {
	header, err := e.header(row)
	if err != nil {
		return dst, err
	}
	if err := e.makeVariable(row); err != nil {
		return dst, err
	}
	header.shape |= e.offsetWidth() << offsetShift
	anyNull := e.anyNull(row)
	if anyNull {
		header.shape |= hasNulls
	}
	packed := header.Append(dst)
	if anyNull {
		packed = append(packed, make([]byte, e.layout.nulls)...)
		e.setNulls(packed[len(packed)-e.layout.nulls:], row)
	}
	packed = e.appendFixedSection(packed, row)
	for _, end := range e.ends {
		packed = appendBytes(packed, uint64(end), 1<<e.offsetWidth())
	}
	packed = append(packed, e.variable...)
	if len(packed)-len(dst) > MaxRowSize {
		return dst, tooLarge(e.schema.Fields[len(e.schema.Fields)-1])
	}
	return packed, nil
}

func tooLarge(field feature.Field) error {
	return fault.Inputf(field.Name, "takes the row beyond %d bytes, the most that can be stored", MaxRowSize)
}

func (e *RowEncoder) header(row int) (Header, error) {
	if e.event.IsNull(row) {
		return Header{}, fault.Inputf("event timestamp", "is null; a row without one is never visible")
	}
	h := Header{Event: feature.Instant(e.event.Value(row)), SchemaID: e.schema.ID, Origin: e.origin, created: nullCreated}
	if !e.created.IsNull(row) {
		if h.created = feature.Instant(e.created.Value(row)); h.created == nullCreated {
			return h, fault.Inputf("created timestamp", "%d microseconds lies too far back to be stored", h.created)
		}
	}
	if h.Event == math.MinInt64 {
		return h, fault.Inputf("event timestamp", "%d microseconds lies too far back to be stored", h.Event)
	}
	return h, nil
}

// makeVariable makes the variable section of a row.
func (e *RowEncoder) makeVariable(row int) error {
	e.variable, e.ends = e.variable[:0], e.ends[:0]
	for i, column := range e.columns {
		place := e.layout.slots[i]
		if place.width > 0 {
			continue
		}
		if !column.IsNull(row) {
			var err error
			if e.variable, err = appendVariable(e.variable, column, row, place.elementWidth); err != nil {
				return fault.Inputf(e.schema.Fields[i].Name, "%v", err)
			}
		}
		if len(e.variable) > MaxRowSize {
			return tooLarge(e.schema.Fields[i])
		}
		e.ends = append(e.ends, uint32(len(e.variable)))
	}
	return nil
}

// offsetWidth returns the binary logarithm of the bytes that each offset takes.
func (e *RowEncoder) offsetWidth() byte {
	switch size := len(e.variable); {
	case size <= math.MaxUint8:
		return 0
	case size <= math.MaxUint16:
		return 1
	}
	return widestOffset
}

func (e *RowEncoder) anyNull(row int) bool {
	for _, column := range e.columns {
		if column.NullN() > 0 && column.IsNull(row) {
			return true
		}
	}
	return false
}

func (e *RowEncoder) setNulls(bits []byte, row int) {
	for i, column := range e.columns {
		if column.IsNull(row) {
			setBit(bits, i)
		}
	}
}

func (e *RowEncoder) appendFixedSection(dst []byte, row int) []byte {
	start := len(dst)
	dst = append(dst, make([]byte, e.layout.fixed)...)
	for i, column := range e.columns {
		if place := e.layout.slots[i]; place.width > 0 && !column.IsNull(row) {
			putFixed(dst[start+place.at:], column, row)
		}
	}
	return dst
}

// putFixed writes a value of fixed width.
func putFixed(dst []byte, column arrow.Array, row int) {
	switch column := column.(type) {
	case *array.Boolean:
		if column.Value(row) {
			dst[0] = 1
		}
	case *array.Int32:
		binary.BigEndian.PutUint32(dst, uint32(column.Value(row)))
	case *array.Float32:
		binary.BigEndian.PutUint32(dst, math.Float32bits(column.Value(row)))
	case *array.Int64:
		binary.BigEndian.PutUint64(dst, uint64(column.Value(row)))
	case *array.Float64:
		binary.BigEndian.PutUint64(dst, math.Float64bits(column.Value(row)))
	case *array.Timestamp:
		binary.BigEndian.PutUint64(dst, uint64(column.Value(row)))
	}
}

// appendVariable appends a value of the variable section. elementWidth is that of an array's elements, 0 if they are
// variable too.
func appendVariable(dst []byte, column arrow.Array, row, elementWidth int) ([]byte, error) {
	switch column := column.(type) {
	case *array.String:
		if !utf8.ValidString(column.Value(row)) {
			return dst, fmt.Errorf("%q is not valid UTF-8; declare the feature as BYTES", column.Value(row))
		}
		return append(dst, column.Value(row)...), nil
	case *array.Binary:
		return append(dst, column.Value(row)...), nil
	case *array.List:
		start, end := column.ValueOffsets(row)
		if elementWidth > 0 {
			return appendFixedArray(dst, column.ListValues(), int(start), int(end), elementWidth), nil
		}
		return appendVariableArray(dst, column.ListValues(), int(start), int(end))
	}
	return dst, fmt.Errorf("%s cannot be stored", column.DataType())
}

// appendFixedArray appends the elements from start to end as one array.
func appendFixedArray(dst []byte, elements arrow.Array, start, end, width int) []byte {
	dst, nulls := appendArrayHeader(dst, end-start, width)
	places := nulls + bitsSize(end-start)
	for i := range end - start {
		if elements.IsNull(start + i) {
			setBit(dst[nulls:], i)
		} else {
			putFixed(dst[places+i*width:], elements, start+i)
		}
	}
	return dst
}

func appendVariableArray(dst []byte, elements arrow.Array, start, end int) ([]byte, error) {
	dst, nulls := appendArrayHeader(dst, end-start, offsetSize)
	places := nulls + bitsSize(end-start)
	variable := len(dst)
	for i := range end - start {
		if elements.IsNull(start + i) {
			setBit(dst[nulls:], i)
		} else {
			var err error
			if dst, err = appendVariable(dst, elements, start+i, 0); err != nil {
				return dst, err
			}
		}
		binary.BigEndian.PutUint32(dst[places+i*offsetSize:], uint32(len(dst)-variable))
	}
	return dst, nil
}

// appendArrayHeader appends the count of an array, and zeros for its null bits and a place of the given width for each
// element. It returns the position of the null bits.
func appendArrayHeader(dst []byte, count, width int) (appended []byte, nulls int) {
	dst = binary.BigEndian.AppendUint32(dst, uint32(count))
	return append(dst, make([]byte, bitsSize(count)+count*width)...), len(dst)
}
