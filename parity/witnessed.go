package parity

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/offline"
)

// witnessed is a value as the witness read it, with its bits as a cell has them.
type witnessed struct {
	isNull bool
	// misfit says that the value does not fit its type: both sides leave such rows to errors of their own.
	misfit bool
	bits   []byte
}

// is says whether a cell that was found has this value.
func (w witnessed) is(c cell) bool {
	switch {
	case w.misfit:
		return true
	case w.isNull:
		return c.status == plumbv1.Status_NULL
	}
	return c.status == plumbv1.Status_PRESENT && bytes.Equal(c.value, w.bits)
}

// readValues lets the witness tell the features of the rows that label rows have to see.
func (s *sandboxView) readValues(ctx context.Context, witness offline.Witness) error {
	var places []int64
	s.values = map[int64][]witnessed{}
	for _, key := range s.states.byKey {
		for _, seen := range key.states {
			if _, ok := s.values[seen.place]; !ok && seen.place != noPlace {
				s.values[seen.place] = nil
				places = append(places, seen.place)
			}
		}
	}
	if len(places) == 0 {
		return nil
	}
	return witness.Values(ctx, s.View, places, func(place int64, values []any) error {
		all := make([]witnessed, len(values))
		for i, value := range values {
			var err error
			if all[i], err = newWitnessed(value); err != nil {
				return err
			}
		}
		s.values[place] = all
		return nil
	})
}

func newWitnessed(value any) (witnessed, error) {
	switch value.(type) {
	case nil:
		return witnessed{isNull: true}, nil
	case offline.Misfit:
		return witnessed{misfit: true}, nil
	}
	bits, err := appendPlain(nil, value)
	return witnessed{bits: bits}, err
}

// appendPlain appends the bits of a value that is not null.
func appendPlain(dst []byte, value any) ([]byte, error) {
	switch value := value.(type) {
	case bool:
		return appendBool(dst, value), nil
	case int32:
		return binary.BigEndian.AppendUint32(dst, uint32(value)), nil
	case int64:
		return binary.BigEndian.AppendUint64(dst, uint64(value)), nil
	case float32:
		return binary.BigEndian.AppendUint32(dst, math.Float32bits(value)), nil
	case float64:
		return binary.BigEndian.AppendUint64(dst, math.Float64bits(value)), nil
	case string:
		return append(dst, value...), nil
	case []byte:
		return append(dst, value...), nil
	case feature.Instant:
		return binary.BigEndian.AppendUint64(dst, uint64(value)), nil
	case []any:
		return appendPlainList(dst, value)
	}
	return nil, fmt.Errorf("a value of type %T is no feature", value)
}

func appendPlainList(dst []byte, list []any) ([]byte, error) {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(list)))
	for _, value := range list {
		var element []byte
		if value != nil {
			var err error
			if element, err = appendPlain(nil, value); err != nil {
				return nil, err
			}
		}
		dst = appendElement(dst, value == nil, element)
	}
	return dst, nil
}
