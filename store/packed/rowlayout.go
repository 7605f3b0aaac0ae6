package packed

import (
	"encoding/binary"
	"fmt"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// The body of a packed row follows its header. All numbers in it are big-endian:
//
//	null bits, if any field is null: bit i%8 of byte i/8 is set if field i is
//	fixed section: the fields of fixed width, in schema order; zeros if null
//	offsets: for each other field, in schema order, the end of its value in the variable section; its start is the end
//	of the one before. Each takes 1, 2 or 4 bytes, whichever is enough for the last
//	variable section, to the end of the row
//
// BOOL is one byte, 0 or 1; INT32 and FLOAT32 are 4 bytes, INT64, FLOAT64 and TIMESTAMP 8, floats by their bits;
// STRING and BYTES are their bytes. An array is 4 bytes with the number of elements, null bits for these, and the
// elements: those of fixed width one after the other, others as 4 bytes each with their end, then their bytes.
//
// Whether there are null bits and how wide offsets are is in the header's shape, so that a reader picks a field without
// looking at the others.
const (
	// widestOffset is the logarithm of the greatest width of an offset.
	widestOffset = 2
	offsetSize   = 1 << widestOffset
	countSize    = 4
)

// MaxRowSize is the greatest length of a packed row in bytes.
const MaxRowSize = 64 << 20

// Layout has the positions of a schema's fields in the body of a packed row.
type Layout struct {
	slots []slot
	// nulls is the size of the null bits, fixed that of the fixed section.
	nulls, fixed int
	// variable is the number of fields in the variable section.
	variable int
}

// slot is the place of one field.
type slot struct {
	// width is that of a fixed-width field; 0 for one in the variable section.
	width int
	// at is the position of the value in the fixed section, or, for a variable field, its number among those.
	at int
	// elementWidth is the width of an array's elements, 0 if it varies.
	elementWidth int
}

// NewLayout returns the layout of the rows of a schema.
func NewLayout(schema feature.Schema) Layout {
	l := Layout{slots: make([]slot, len(schema.Fields)), nulls: bitsSize(len(schema.Fields))}
	for i, field := range schema.Fields {
		if width := Width(field.Type); width > 0 {
			l.slots[i] = slot{width: width, at: l.fixed}
			l.fixed += width
			continue
		}
		element, _ := value.ElementType(field.Type)
		l.slots[i] = slot{at: l.variable, elementWidth: Width(element)}
		l.variable++
	}
	return l
}

// Check says whether a row is as long as its schema and its last offset want it, and whether its offsets ascend, so
// that no two values overlap. It has to be called before Field.
func (l *Layout) Check(row *Row) error {
	row.fixedAt = 0
	if row.shape&hasNulls != 0 {
		row.fixedAt = l.nulls
	}
	row.variableAt = row.fixedAt + l.fixed + l.variable<<row.offsetWidth()
	want := uint64(row.variableAt)
	if len(row.body) >= row.variableAt {
		want += uint64(row.end(l, l.variable-1))
	}
	if uint64(len(row.body)) != want {
		return fmt.Errorf("%w: it has %d bytes after its header, and its schema wants %d", ErrCorrupt, len(row.body), want)
	}
	if row.fixedAt > 0 && !endClear(row.body, len(l.slots)) {
		return fmt.Errorf("%w: it says of more fields than it has that they are null", ErrCorrupt)
	}
	start := uint32(0)
	for i := range l.variable {
		end := row.end(l, i)
		if end < start {
			return fmt.Errorf("%w: a value begins at %d and ends at %d", ErrCorrupt, start, end)
		}
		start = end
	}
	return nil
}

// offsetWidth is the logarithm of the width of the row's offsets.
func (r *Row) offsetWidth() int { return int(r.shape & offsetBits >> offsetShift) }

// end is the end in the variable section of a variable field, by its number among those; that of none is 0.
func (r *Row) end(l *Layout, number int) uint32 {
	if number < 0 {
		return 0
	}
	width := r.offsetWidth()
	at := r.fixedAt + l.fixed + number<<width
	switch width {
	case 0:
		return uint32(r.body[at])
	case 1:
		return uint32(binary.BigEndian.Uint16(r.body[at:]))
	}
	return binary.BigEndian.Uint32(r.body[at:])
}

// Field returns the bytes of a field's value, and false if it is null. It never reads out of bounds, whatever the
// offsets. A field that is null and has a value all the same is damage: one of the two is not what was written.
func (l *Layout) Field(row *Row, position int) ([]byte, bool, error) {
	place := l.slots[position]
	isNull := row.fixedAt > 0 && bit(row.body, position)
	if place.width > 0 {
		at := row.fixedAt + place.at
		return unlessNull(row.body[at:at+place.width], isNull, true)
	}
	raw, err := between(row.body[row.variableAt:], row.end(l, place.at-1), row.end(l, place.at))
	if err != nil {
		return nil, false, err
	}
	return unlessNull(raw, isNull, false)
}

// endClear says whether the bits after the first n are zero in the last byte that those take.
func endClear(bits []byte, n int) bool { return n%8 == 0 || bits[n/8]>>(n%8) == 0 }

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
