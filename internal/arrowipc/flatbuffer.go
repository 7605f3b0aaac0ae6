package arrowipc

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// errOutside is what is wrong with most damaged metadata.
var errOutside = errors.New("an offset or a length in it leads out of it")

// table is a table of a flatbuffer of which nothing is believed: every offset and length is checked against the bytes
// that are there.
//
// A table begins with the distance back to its vtable. The vtable has its own length and that of the table, 2 bytes
// each, and then 2 bytes for each field, which is known by its slot: where the field begins in the table, or 0 if it is
// left out. A vtable may also end early, which leaves out all further fields. A field that is not a number is an offset
// to what it holds: another table, a text, or a vector, which begins with its number of elements.
type table struct {
	data []byte
	at   int
	// vtable is the position of the offsets of its fields, slots the number of fields it has room for, and size its own
	// length in bytes.
	vtable, slots, size int
}

// rootOf is the table that a flatbuffer is about.
func rootOf(data []byte) (table, error) {
	at, err := follow(data, 0)
	if err != nil {
		return table{}, err
	}
	return tableAt(data, at)
}

// tableAt reads the head of a table.
func tableAt(data []byte, at int) (table, error) {
	if !within(data, at, 4) {
		return table{}, errOutside
	}
	vtable := at - int(int32(binary.LittleEndian.Uint32(data[at:]))) //nolint:gosec // It is signed, that is its meaning.
	if !within(data, vtable, 4) {
		return table{}, errOutside
	}
	length := int(binary.LittleEndian.Uint16(data[vtable:]))
	size := int(binary.LittleEndian.Uint16(data[vtable+2:]))
	if length < 4 || !within(data, vtable, length) || size < 4 || !within(data, at, size) {
		return table{}, errOutside
	}
	return table{data: data, at: at, vtable: vtable, slots: (length - 4) / 2, size: size}, nil
}

// within says whether count bytes are there. No position is so large that the sum overflows.
func within(data []byte, at, count int) bool {
	return at >= 0 && count >= 0 && at <= len(data) && count <= len(data)-at
}

// follow returns the position that the offset at a position leads to. Offsets only lead forward, so that no chain of
// them comes back to where it began.
func follow(data []byte, at int) (int, error) {
	if !within(data, at, 4) {
		return 0, errOutside
	}
	to := at + int(binary.LittleEndian.Uint32(data[at:]))
	if to == at || to >= len(data) {
		return 0, errOutside
	}
	return to, nil
}

// field returns the position of a field that is width bytes long. It is false if the table has no such field.
func (t table) field(slot, width int) (at int, found bool, err error) {
	if slot >= t.slots {
		return 0, false, nil
	}
	offset := int(binary.LittleEndian.Uint16(t.data[t.vtable+4+2*slot:]))
	if offset == 0 {
		return 0, false, nil
	}
	if offset < 4 || offset+width > t.size {
		return 0, false, errOutside
	}
	return t.at + offset, true, nil
}

// number returns the signed value of a field of 1, 2, 4 or 8 bytes, or 0 if there is none.
func (t table) number(slot, width int) (int64, error) {
	at, found, err := t.field(slot, width)
	if err != nil || !found {
		return 0, err
	}
	return numberAt(t.data, at, width), nil
}

func numberAt(data []byte, at, width int) int64 {
	//nolint:gosec // Two's complement is what the format has.
	switch width {
	case 1:
		return int64(int8(data[at]))
	case 2:
		return int64(int16(binary.LittleEndian.Uint16(data[at:])))
	case 4:
		return int64(int32(binary.LittleEndian.Uint32(data[at:])))
	}
	return int64(binary.LittleEndian.Uint64(data[at:])) //nolint:gosec // As above.
}

// child returns the table that a field leads to. It is false if there is none.
func (t table) child(slot int) (table, bool, error) {
	at, found, err := t.field(slot, 4)
	if err != nil || !found {
		return table{}, false, err
	}
	if at, err = follow(t.data, at); err != nil {
		return table{}, false, err
	}
	child, err := tableAt(t.data, at)
	return child, err == nil, err
}

// vector returns the position of the elements of a field, each width bytes long, and the number of elements.
func (t table) vector(slot, width int) (at, count int, err error) {
	at, found, err := t.field(slot, 4)
	if err != nil || !found {
		return 0, 0, err
	}
	if at, err = follow(t.data, at); err != nil {
		return 0, 0, err
	}
	if !within(t.data, at, 4) {
		return 0, 0, errOutside
	}
	length := int64(binary.LittleEndian.Uint32(t.data[at:])) * int64(width)
	if at += 4; length > int64(len(t.data)-at) {
		return 0, 0, fmt.Errorf("it has a list of %d bytes where %d are left", length, len(t.data)-at)
	}
	return at, int(length) / width, nil
}

// text is the number of bytes of a text.
func (t table) text(slot int) (int, error) {
	_, length, err := t.vector(slot, 1)
	return length, err
}

// tables calls visit for each table of a list of them.
func (t table) tables(slot int, visit func(table) error) error {
	at, count, err := t.vector(slot, 4)
	if err != nil {
		return err
	}
	for i := range count {
		to, err := follow(t.data, at+4*i)
		if err != nil {
			return err
		}
		element, err := tableAt(t.data, to)
		if err != nil {
			return err
		}
		if err := visit(element); err != nil {
			return err
		}
	}
	return nil
}
