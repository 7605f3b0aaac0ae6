package parquetfile

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Types of the compact protocol of Thrift, which footers are written in.
const (
	stop       = 0
	boolTrue   = 1
	boolFalse  = 2
	oneByte    = 3
	int16Type  = 4
	int32Type  = 5
	int64Type  = 6
	doubleType = 7
	binaryType = 8
	listType   = 9
	setType    = 10
	mapType    = 11
	structType = 12
	uuidType   = 13
)

// maxThriftDepth bounds how deep structs and lists lie in each other. Those of Parquet's own format lie 8 deep.
const maxThriftDepth = 32

// maxStructs bounds the structs of a footer, since each takes much more memory than its bytes in the file.
const maxStructs = 4 << 20

var errTruncated = errors.New("it ends within a value")

// scanner walks over a Thrift message without decoding it. It believes no length: whatever a value takes must be there.
type scanner struct {
	data    []byte
	at      int
	structs int
}

// fields walks over a struct. It calls visit at the value of each field; visit has to walk over the value. A field
// begins with one byte: its type in the low four bits, and in the high four how much its number is above that of the
// field before. If those are 0, the number follows.
func (s *scanner) fields(depth int, visit func(id int64, kind byte) error) error {
	if s.structs++; s.structs > maxStructs {
		return fmt.Errorf("it has more than %d parts", maxStructs)
	}
	if depth > maxThriftDepth {
		return fmt.Errorf("it is nested more than %d deep", maxThriftDepth)
	}
	var seen uint64
	id := int64(0)
	for {
		header, err := s.byte()
		if err != nil || header == stop {
			return err
		}
		if delta := header >> 4; delta != 0 {
			id += int64(delta)
		} else if id, err = s.integer(); err != nil {
			return err
		}
		if id >= 0 && id < 64 {
			if seen&(1<<id) != 0 {
				return fmt.Errorf("field %d is there twice", id)
			}
			seen |= 1 << id
		}
		if err := visit(id, header&0x0f); err != nil {
			return err
		}
	}
}

// skip walks over a value.
func (s *scanner) skip(kind byte, depth int) error {
	switch kind {
	case boolTrue, boolFalse:
		return nil // A field has its value in its header.
	case oneByte:
		return s.advance(1)
	case int16Type, int32Type, int64Type:
		_, err := s.varint()
		return err
	case doubleType:
		return s.advance(8)
	case uuidType:
		return s.advance(16)
	case binaryType:
		length, err := s.varint()
		if err != nil {
			return err
		}
		return s.advance(length)
	case listType, setType:
		return s.list(depth, func(kind byte) error { return s.element(kind, depth+1) })
	case mapType:
		return s.pairs(depth)
	case structType:
		return s.fields(depth, func(_ int64, kind byte) error { return s.skip(kind, depth+1) })
	}
	return fmt.Errorf("it has a value of the unknown type %d", kind)
}

// element skips an element of a list, in which a bool takes a byte. As the field of a struct it takes none: its value
// is in the type of the field.
func (s *scanner) element(kind byte, depth int) error {
	if kind == boolTrue || kind == boolFalse {
		return s.advance(1)
	}
	return s.skip(kind, depth)
}

// list walks over a list. Each element takes a byte at least, so there cannot be more of them than bytes. A list begins
// with the type of its elements in four bits and their number in the other four; 15 says that the number follows.
func (s *scanner) list(depth int, visit func(kind byte) error) error {
	if depth > maxThriftDepth {
		return fmt.Errorf("it is nested more than %d deep", maxThriftDepth)
	}
	header, err := s.byte()
	if err != nil {
		return err
	}
	count := uint64(header >> 4)
	if count == 15 {
		if count, err = s.varint(); err != nil {
			return err
		}
	}
	if left := uint64(len(s.data) - s.at); count > left {
		return fmt.Errorf("it has a list of %d elements in %d bytes", count, left)
	}
	for range count {
		if err := visit(header & 0x0f); err != nil {
			return err
		}
	}
	return nil
}

func (s *scanner) pairs(depth int) error {
	if depth > maxThriftDepth {
		return fmt.Errorf("it is nested more than %d deep", maxThriftDepth)
	}
	count, err := s.varint()
	if err != nil || count == 0 {
		return err
	}
	if left := uint64(len(s.data) - s.at); count > left {
		return fmt.Errorf("it has a map of %d pairs in %d bytes", count, left)
	}
	kinds, err := s.byte()
	if err != nil {
		return err
	}
	for range count {
		if err := s.element(kinds>>4, depth+1); err != nil {
			return err
		}
		if err := s.element(kinds&0x0f, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (s *scanner) byte() (byte, error) {
	if s.at >= len(s.data) {
		return 0, errTruncated
	}
	s.at++
	return s.data[s.at-1], nil
}

func (s *scanner) advance(count uint64) error {
	if count > uint64(len(s.data)-s.at) {
		return errTruncated
	}
	s.at += int(count) //nolint:gosec // It is at most what is left.
	return nil
}

func (s *scanner) varint() (uint64, error) {
	value, length := binary.Uvarint(s.data[s.at:])
	if length <= 0 {
		return 0, errTruncated
	}
	s.at += length
	return value, nil
}

// integer is a number in zigzag form.
func (s *scanner) integer() (int64, error) {
	value, length := binary.Varint(s.data[s.at:])
	if length <= 0 {
		return 0, errTruncated
	}
	s.at += length
	return value, nil
}
