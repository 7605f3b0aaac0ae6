package packed_test

import (
	"bytes"
	"errors"
	"math"
	"testing"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store/packed"
)

func stateRow(t *testing.T, through feature.Instant, build int64, state []byte) []byte {
	t.Helper()
	value, err := packed.StateRow(through, build, 3, packed.RunOrigin(9)).AppendState(nil, state)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func TestR14_OfTwoStatesTheOneThatIsCompleteLongerWinsAndThenTheLaterBuild(t *testing.T) {
	ascending := [][]byte{
		stateRow(t, -5, 1<<40, nil), stateRow(t, 5, 1, nil), stateRow(t, 5, 2, nil), stateRow(t, 5, 300, nil),
		stateRow(t, 6, 1, nil), stateRow(t, math.MaxInt64-1, 5, nil),
	}
	for i := range ascending {
		for k := range ascending {
			if packed.Replaces(ascending[i], ascending[k]) != (i >= k) {
				t.Errorf("whether %x replaces %x", ascending[i], ascending[k])
			}
		}
	}
}

func TestAStateComesOutOfItsRowAsItWas(t *testing.T) {
	for _, size := range []int{0, 1, 255, 256, math.MaxUint16, math.MaxUint16 + 1} {
		state := bytes.Repeat([]byte{7}, size)
		row, err := packed.Parse(stateRow(t, 5, 2, state))
		if err != nil {
			t.Fatal(err)
		}
		layout := packed.NewLayout(packed.StateSchema(3))
		if err := layout.Check(&row); err != nil {
			t.Fatal(err)
		}
		got, ok, err := layout.Field(&row, 0)
		if run, _ := row.Origin.Run(); !ok || err != nil || !bytes.Equal(got, state) || row.Event != 5 || run != 9 {
			t.Errorf("a state of %d bytes: %d, %v, %v, %+v", size, len(got), ok, err, row.Header)
		}
	}
	_, err := packed.StateRow(5, 2, 3, 0).AppendState(nil, make([]byte, packed.MaxRowSize))
	if _, ok := errors.AsType[*fault.InputError](err); !ok {
		t.Errorf("a state that is too long gives %v", err)
	}
}
