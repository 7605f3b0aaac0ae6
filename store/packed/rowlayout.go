package packed

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// A packed row is, with all numbers big-endian:
//
//	0   8  event time in microseconds, sign bit flipped
//	8   8  created time likewise; zeros if it is null
//	16  1  format version
//	17  4  schema id
//	21  8  origin: what wrote the row (Origin); rows of format 1 lack it
//	29     null bits: bit i%8 of byte i/8 is set if field i is null
//	       fixed section: the fields of fixed width, in schema order; zeros if null
//	       offsets: for each other field, in schema order, 4 bytes with the end of its value in the variable section; its
//	       start is the end of the one before
//	       variable section, to the end of the row
//
// The first VersionSize bytes compare bytewise as (event time, created time with null lowest), which decides which row
// wins (R14). The origin is not part of it. The position of a field behind the header follows from the schema alone, so
// that a reader picks one without looking at the others.
//
// BOOL is one byte, 0 or 1; INT32 and FLOAT32 are 4 bytes, INT64, FLOAT64 and TIMESTAMP 8, floats by their bits;
// STRING and BYTES are their bytes. An array is 4 bytes with the number of elements, null bits for these, and the
// elements: those of fixed width one after the other, others as 4 bytes each with their end, then their bytes.
//
// The bytes are durable: rowFormat changes whenever they do. Rows of all formats may be in one store, and are read. A
// value of format 3 holds several rows (ahead.go).
const (
	rowFormat     = 2
	formatAt      = VersionSize
	schemaAt      = formatAt + 1
	originAt      = schemaAt + 4
	rowHeaderSize = originAt + 8
	offsetSize    = 4
	countSize     = 4

	// originlessFormat is the format of rows without an origin, whose header ends where the origin would be.
	originlessFormat = 1
	// nullCreated represents no created time; the instant with these bytes cannot be stored.
	nullCreated = feature.Instant(math.MinInt64)
)

// VersionSize is the length of the comparable prefix of a packed row: event time, then created time.
const VersionSize = 16

// MaxRowSize is the greatest length of a packed row in bytes.
const MaxRowSize = 64 << 20

// Row is a stored row whose header has been read.
type Row struct {
	// Event is the row's event time.
	Event feature.Instant
	// SchemaID names the feature.Schema that the fields were written by.
	SchemaID uint32
	// Origin is the origin of the row.
	Origin Origin

	created feature.Instant
	// body is what follows the header.
	body []byte
}

// Created returns the row's created time, and false if it is null.
func (r *Row) Created() (feature.Instant, bool) { return r.created, r.created != nullCreated }

// Parse reads the header of a stored row. It fails with an error that wraps ErrCorrupt for a row that is cut
// short, and fault.ErrNewer for one in a later format. The row keeps referring to value.
func Parse(value []byte) (Row, error) {
	if len(value) < originAt {
		return Row{}, fmt.Errorf("%w: it has %d bytes, the shortest header %d", ErrCorrupt, len(value), originAt)
	}
	row := Row{
		Event: readInstant(value), SchemaID: binary.BigEndian.Uint32(value[schemaAt:]), created: readInstant(value[8:]),
	}
	switch format := value[formatAt]; {
	case format == aheadFormat:
		return Row{}, fmt.Errorf("%w: it stands for several rows, and is one of them", ErrCorrupt)
	case format > aheadFormat:
		return Row{}, fmt.Errorf("the stored row has format %d, this version reads up to %d: %w", format,
			aheadFormat, fault.ErrNewer)
	case format < originlessFormat:
		return Row{}, fmt.Errorf("%w: it has the unknown format %d", ErrCorrupt, format)
	case format == originlessFormat:
		row.body = value[originAt:]
	case len(value) < rowHeaderSize:
		return Row{}, fmt.Errorf("%w: it has %d bytes, its header alone %d", ErrCorrupt, len(value), rowHeaderSize)
	default:
		row.Origin, row.body = Origin(binary.BigEndian.Uint64(value[originAt:])), value[rowHeaderSize:]
	}
	return row, nil
}

// appendInstant keeps the order of instants in the order of bytes.
func appendInstant(dst []byte, i feature.Instant) []byte {
	return binary.BigEndian.AppendUint64(dst, uint64(i)^(1<<63))
}

// VersionOf returns the first bytes of the packed rows that have this event time.
func VersionOf(event feature.Instant) []byte { return appendInstant(nil, event) }

// EventOf returns the event time of a packed row, with which its version begins; the earliest instant if the row is too
// short to have one.
func EventOf(value []byte) feature.Instant {
	if len(value) < VersionSize {
		return math.MinInt64
	}
	return readInstant(value)
}

func readInstant(b []byte) feature.Instant {
	return feature.Instant(binary.BigEndian.Uint64(b) ^ (1 << 63))
}

// Layout has the positions of a schema's fields in the body of a packed row, which begins after its header.
type Layout struct {
	slots []slot
	// offsetsAt is where the offsets begin, variableAt where they end and the variable section begins.
	offsetsAt  int
	variableAt int
	// hasVariable says that there is any variable field, and so an offset right before the variable section.
	hasVariable bool
}

// slot is the place of one field.
type slot struct {
	// width is that of a fixed-width field; 0 for one in the variable section.
	width int
	// at is the position of the value, or, for a variable field, of the end of its value.
	at int
	// first says that a variable field is the first, whose value starts with the section.
	first bool
	// elementWidth is the width of an array's elements, 0 if it varies.
	elementWidth int
}

// NewLayout returns the layout of the rows of a schema.
func NewLayout(schema feature.Schema) Layout {
	l := Layout{slots: make([]slot, len(schema.Fields)), variableAt: bitsSize(len(schema.Fields))}
	for i, field := range schema.Fields {
		if width := Width(field.Type); width > 0 {
			l.slots[i] = slot{width: width, at: l.variableAt}
			l.variableAt += width
		}
	}
	l.offsetsAt = l.variableAt
	for i, field := range schema.Fields {
		if l.slots[i].width == 0 {
			element, _ := value.ElementType(field.Type)
			l.slots[i] = slot{at: l.variableAt, first: !l.hasVariable, elementWidth: Width(element)}
			l.variableAt += offsetSize
			l.hasVariable = true
		}
	}
	return l
}

// ErrCorrupt says that the bytes of a stored row are not those of any row.
var ErrCorrupt = errors.New("the stored row is corrupt")

// Check says whether a row is as long as its schema and its last offset want it, and whether its offsets ascend, so
// that no two values overlap; field may be called then.
func (l *Layout) Check(row *Row) error {
	want := uint64(l.variableAt)
	if len(row.body) >= l.variableAt && l.hasVariable {
		want += uint64(binary.BigEndian.Uint32(row.body[l.variableAt-offsetSize:]))
	}
	if uint64(len(row.body)) != want {
		return fmt.Errorf("%w: it has %d bytes after its header where %d are wanted", ErrCorrupt, len(row.body), want)
	}
	if !endClear(row.body, len(l.slots)) {
		return fmt.Errorf("%w: it says of more fields than it has that they are null", ErrCorrupt)
	}
	start := uint32(0)
	for at := l.offsetsAt; at < l.variableAt; at += offsetSize {
		end := binary.BigEndian.Uint32(row.body[at:])
		if end < start {
			return fmt.Errorf("%w: a value ends at %d where the next begins at %d", ErrCorrupt, start, end)
		}
		start = end
	}
	return nil
}

// endClear says whether the bits after the first n are zero in the last byte that those take.
func endClear(bits []byte, n int) bool { return n%8 == 0 || bits[n/8]>>(n%8) == 0 }

// Field returns the bytes of a field's value, and false if it is null. It never reads out of bounds, whatever the
// offsets. A field that is null and has a value all the same is damage: one of the two is not what was written.
func (l *Layout) Field(row *Row, position int) ([]byte, bool, error) {
	body, place := row.body, l.slots[position]
	raw := body[place.at : place.at+place.width]
	if place.width == 0 {
		start := uint32(0)
		if !place.first {
			start = binary.BigEndian.Uint32(body[place.at-offsetSize:])
		}
		var err error
		if raw, err = between(body[l.variableAt:], start, binary.BigEndian.Uint32(body[place.at:])); err != nil {
			return nil, false, err
		}
	}
	return unlessNull(raw, bit(body, position), place.width > 0)
}

// unlessNull returns a value, or false if it is null: then it is zeros, or has no bytes if its width varies.
func unlessNull(raw []byte, null, fixed bool) ([]byte, bool, error) {
	if !null {
		return raw, true, nil
	}
	for _, b := range raw {
		if b != 0 || !fixed {
			return nil, false, fmt.Errorf("%w: a null has a value", ErrCorrupt)
		}
	}
	return nil, false, nil
}

// between returns section[start:end] if that is within the section.
func between(section []byte, start, end uint32) ([]byte, error) {
	if start > end || uint64(end) > uint64(len(section)) {
		return nil, fmt.Errorf("%w: a value lies at %d to %d of %d bytes", ErrCorrupt, start, end, len(section))
	}
	return section[start:end:end], nil
}

func bitsSize(n int) int { return (n + 7) / 8 }

func bit(bits []byte, i int) bool { return bits[i/8]&(1<<(i%8)) != 0 }

func setBit(bits []byte, i int) { bits[i/8] |= 1 << (i % 8) }

// Width returns the number of bytes that each value of the type takes, 0 if it varies.
func Width(t plumbv1.Type) int {
	switch t {
	case plumbv1.Type_BOOL:
		return 1
	case plumbv1.Type_INT32, plumbv1.Type_FLOAT32:
		return 4
	case plumbv1.Type_INT64, plumbv1.Type_FLOAT64, plumbv1.Type_TIMESTAMP:
		return 8
	}
	return 0
}
