package audit

import (
	"math"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/storetest"
)

// different are values of each type of which no two are the same.
var different = map[plumbv1.Type][]any{
	plumbv1.Type_BOOL:  {nil, false, true},
	plumbv1.Type_INT32: {nil, int32(0), int32(-1), int32(math.MaxInt32)},
	plumbv1.Type_INT64: {nil, int64(0), int64(-1), int64(math.MaxInt64)},
	plumbv1.Type_FLOAT32: {nil, float32(0), float32(math.Copysign(0, -1)), float32(math.NaN()), float32(math.Inf(1)),
		math.Float32frombits(0x7fc00001)},
	plumbv1.Type_FLOAT64: {nil, 0.0, math.Copysign(0, -1), math.NaN(), math.Inf(1),
		math.Float64frombits(0x7ff8000000000002)},
	plumbv1.Type_STRING:    {nil, "", "a", "a\x00", "A"},
	plumbv1.Type_BYTES:     {nil, []byte{}, []byte("a"), []byte("a\x00")},
	plumbv1.Type_TIMESTAMP: {nil, feature.Instant(0), feature.Instant(-1), feature.Instant(1)},
}

func TestR17_ValuesAreTheSameOnlyBitForBit(t *testing.T) {
	for declared, values := range different {
		onlyEachIsItself(t, declared.String(), storetest.ArrowColumn(t, declared, values...),
			storetest.ArrowColumn(t, declared, values...))
		arrays := []any{nil, []any{}}
		for _, value := range values {
			arrays = append(arrays, []any{value}, []any{value, value})
		}
		list := declared + plumbv1.Type_BOOL_ARRAY - plumbv1.Type_BOOL
		onlyEachIsItself(t, list.String(), storetest.ArrowColumn(t, list, arrays...),
			storetest.ArrowColumn(t, list, arrays...))
	}
	whole := storetest.ArrowColumn(t, plumbv1.Type_INT64, int64(1))
	if sameValue(whole, 0, storetest.ArrowColumn(t, plumbv1.Type_INT32, int32(1)), 0) {
		t.Error("values of two types are the same")
	}
}

func onlyEachIsItself(t *testing.T, name string, a, b arrow.Array) {
	t.Helper()
	for i := range a.Len() {
		for j := range b.Len() {
			if got := sameValue(a, i, b, j); got != (i == j) {
				t.Errorf("%s: %s and %s are the same: %v", name, a.ValueStr(i), b.ValueStr(j), got)
			}
		}
	}
}

func TestAStatusIsReadByItsName(t *testing.T) {
	builder := array.NewStringBuilder(memory.DefaultAllocator)
	builder.AppendValues([]string{"EXPIRED", "ODD"}, nil)
	words := builder.NewArray()
	if status, err := statusAt(words, 0); err != nil || status != plumbv1.Status_EXPIRED {
		t.Error(status, err)
	}
	if status, err := statusAt(words, 1); err == nil {
		t.Errorf("ODD is %s", status)
	}
}
