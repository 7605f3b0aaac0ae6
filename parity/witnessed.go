package parity

import (
	"bytes"
	"context"

	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/offline"
)

// witnessed is a value as the witness read it, with its bits as a cell has them.
type witnessed struct {
	isNull bool
	// misfit says that the value does not fit its type: both sides leave such rows to errors of their own.
	misfit bool
	// isInvalid says that there is no value (R26).
	isInvalid bool
	bits      []byte
}

// is says whether a cell that was found has this value.
func (w witnessed) is(c cell) bool {
	switch {
	case w.misfit:
		return true
	case w.isInvalid:
		return c.status == plumbv1.Status_INVALID
	case w.isNull:
		return c.status == plumbv1.Status_NULL
	}
	return c.status == plumbv1.Status_PRESENT && bytes.Equal(c.value, w.bits)
}

// readValues lets the witness tell the features of the rows that label rows have to see. Only these rows are read with
// their features, each once, however many label rows see it. Rows without a place, those of a SQL source, are left out,
// and their values are compared between the two sides alone.
func (s *sandboxView) readValues(ctx context.Context, witness offline.Witness) (err error) {
	states, ok := s.states.(*sourceStates)
	if !ok {
		s.computed, err = readWindowValues(ctx, witness, s.View, s.states.(*windowStates))
		return err
	}
	var places []int64
	s.values = map[int64][]witnessed{}
	for _, key := range states.byKey {
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
		for i, given := range values {
			told, err := newWitnessed(given)
			if err != nil {
				return err
			}
			all[i] = *told
		}
		s.values[place] = all
		return nil
	})
}

func newWitnessed(given any) (*witnessed, error) {
	switch given.(type) {
	case nil:
		return &witnessed{isNull: true}, nil
	case offline.Misfit:
		return &witnessed{misfit: true}, nil
	}
	bits, err := value.AppendBits(nil, given)
	return &witnessed{bits: bits}, err
}
