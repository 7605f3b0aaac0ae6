package packed

import (
	"cmp"
	"encoding/binary"
	"fmt"
)

// Array is an array value within a row.
type Array struct {
	Count, width    int
	nulls           []byte
	places, section []byte
}

// ParseArray checks the lengths that an array claims, before anything is allocated for them.
func ParseArray(raw []byte, width int) (Array, error) {
	a := Array{width: width}
	if len(raw) < countSize {
		return a, fmt.Errorf("%w: an array has %d bytes", ErrCorrupt, len(raw))
	}
	count, rest := uint64(binary.BigEndian.Uint32(raw)), raw[countSize:]
	place := uint64(cmp.Or(width, offsetSize))
	bits := (count + 7) / 8
	if need := bits + count*place; need > uint64(len(rest)) || width > 0 && need != uint64(len(rest)) {
		return a, fmt.Errorf("%w: an array of %d elements has %d bytes", ErrCorrupt, count, len(raw))
	}
	a.Count = int(count)
	a.nulls, a.places, a.section = rest[:bits], rest[bits:bits+count*place], rest[bits+count*place:]
	if !endClear(a.nulls, a.Count) {
		return a, fmt.Errorf("%w: an array says of more elements than it has that they are null", ErrCorrupt)
	}
	end := uint32(0)
	if width == 0 && count > 0 {
		end = binary.BigEndian.Uint32(a.places[len(a.places)-offsetSize:])
	}
	if width == 0 && uint64(end) != uint64(len(a.section)) {
		return a, fmt.Errorf("%w: the elements of an array end at %d of %d bytes", ErrCorrupt, end, len(a.section))
	}
	return a, nil
}

// At returns the bytes of an element, and false if it is null.
func (a *Array) At(i int) ([]byte, bool, error) {
	if a.width > 0 {
		return unlessNull(a.places[i*a.width:(i+1)*a.width], bit(a.nulls, i), true)
	}
	start := uint32(0)
	if i > 0 {
		start = binary.BigEndian.Uint32(a.places[(i-1)*offsetSize:])
	}
	raw, err := between(a.section, start, binary.BigEndian.Uint32(a.places[i*offsetSize:]))
	if err != nil {
		return nil, false, err
	}
	return unlessNull(raw, bit(a.nulls, i), false)
}
