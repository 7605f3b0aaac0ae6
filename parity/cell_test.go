package parity

import (
	"bytes"
	"math"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"pgregory.net/rapid"

	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// column builds an Arrow column of a type.
func column(t *testing.T, kind plumbv1.Type, fill func(array.Builder)) arrow.Array {
	t.Helper()
	builder := array.NewBuilder(memory.DefaultAllocator, value.ArrowType(kind))
	defer builder.Release()
	fill(builder)
	return builder.NewArray()
}

func bitsOf(t rapid.TB, v any) []byte {
	t.Helper()
	bits, err := value.AppendBits(nil, v)
	if err != nil {
		t.Fatal(err)
	}
	return bits
}

// What joins give and what servers give come in different forms, and are compared by their bits in one.
func TestBothSidesHaveTheSameBitsOfEveryType(t *testing.T) {
	nan := math.Float64frombits(0x7ff8000000000123)
	doubles := func(values ...float64) *plumbv1.Values {
		return &plumbv1.Values{Kind: &plumbv1.Values_Float64S{Float64S: &plumbv1.Float64Values{Values: values}}}
	}
	for kind, c := range map[plumbv1.Type]struct {
		fill func(array.Builder)
		wire *plumbv1.Values
		text string
	}{
		plumbv1.Type_BOOL: {func(b array.Builder) { b.(*array.BooleanBuilder).Append(true) },
			&plumbv1.Values{Kind: &plumbv1.Values_Bools{Bools: &plumbv1.BoolValues{Values: []bool{true}}}}, "true"},
		plumbv1.Type_INT32: {func(b array.Builder) { b.(*array.Int32Builder).Append(-7) },
			&plumbv1.Values{Kind: &plumbv1.Values_Int32S{Int32S: &plumbv1.Int32Values{Values: []int32{-7}}}}, "-7"},
		plumbv1.Type_INT64: {func(b array.Builder) { b.(*array.Int64Builder).Append(math.MinInt64) },
			&plumbv1.Values{Kind: &plumbv1.Values_Int64S{Int64S: &plumbv1.Int64Values{Values: []int64{math.MinInt64}}}},
			"-9223372036854775808"},
		plumbv1.Type_FLOAT32: {func(b array.Builder) { b.(*array.Float32Builder).Append(0.1) },
			&plumbv1.Values{Kind: &plumbv1.Values_Float32S{Float32S: &plumbv1.Float32Values{Values: []float32{0.1}}}}, "0.1"},
		plumbv1.Type_FLOAT64: {func(b array.Builder) { b.(*array.Float64Builder).Append(nan) }, doubles(nan),
			"NaN (7ff8000000000123)"},
		plumbv1.Type_STRING: {func(b array.Builder) { b.(*array.StringBuilder).Append("é") },
			&plumbv1.Values{Kind: &plumbv1.Values_Strings{Strings: &plumbv1.StringValues{Values: []string{"é"}}}}, `"é"`},
		plumbv1.Type_BYTES: {func(b array.Builder) { b.(*array.BinaryBuilder).Append([]byte{0, 255}) },
			&plumbv1.Values{Kind: &plumbv1.Values_Bytes{Bytes: &plumbv1.BytesValues{Values: [][]byte{{0, 255}}}}}, "AP8="},
		plumbv1.Type_TIMESTAMP: {func(b array.Builder) { b.(*array.TimestampBuilder).Append(1) },
			&plumbv1.Values{Kind: &plumbv1.Values_Timestamps{Timestamps: &plumbv1.TimestampValues{Micros: []int64{1}}}},
			"1970-01-01T00:00:00.000001Z"},
		plumbv1.Type_FLOAT64_ARRAY: {func(b array.Builder) {
			list := b.(*array.ListBuilder)
			list.Append(true)
			list.ValueBuilder().(*array.Float64Builder).Append(1.5)
			list.ValueBuilder().AppendNull()
		}, &plumbv1.Values{Kind: &plumbv1.Values_Arrays{Arrays: &plumbv1.ArrayValues{Lengths: []uint32{2},
			Elements: doubles(1.5, 0), Nulls: []byte{0, 1}}}}, "[1.5, null]"},
		plumbv1.Type_STRING_ARRAY: {func(b array.Builder) { b.(*array.ListBuilder).Append(true) },
			&plumbv1.Values{Kind: &plumbv1.Values_Arrays{Arrays: &plumbv1.ArrayValues{Lengths: []uint32{0}}}}, "[]"},
	} {
		joined, err := value.AppendArrowBits(nil, column(t, kind, c.fill), 0)
		if err != nil {
			t.Fatal(err)
		}
		served, err := value.ReadWire(c.wire).AppendBits(nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(joined, served) {
			t.Errorf("%s: %x joined, %x served", kind, joined, served)
		}
		if text := textOf(kind, joined); text != c.text {
			t.Errorf("%s is written %s, want %s", kind, text, c.text)
		}
		if _, err := value.ReadWire(c.wire).AppendBits(nil, 1); err == nil {
			t.Errorf("%s: a row that is not there has a value", kind)
		}
	}
}

func TestR17_ValuesThatCompareEqualAndDifferInTheirBitsDiffer(t *testing.T) {
	present := func(value []byte) cell { return cell{plumbv1.Status_PRESENT, 5, value} }
	float := func(bits uint64) cell { return present(bitsOf(t, math.Float64frombits(bits))) }
	zero, minus := float(0), float(1<<63)
	quiet, other := float(0x7ff8000000000000), float(0x7ff8000000000001)
	for _, pair := range [][2]cell{
		{zero, minus},
		{quiet, other},
		{zero, {plumbv1.Status_NULL, 5, nil}},
		{zero, {plumbv1.Status_PRESENT, 6, zero.value}},
		{present([]byte{}), {plumbv1.Status_NULL, 5, nil}},
		{{plumbv1.Status_EXPIRED, 5, nil}, {plumbv1.Status_EXPIRED, 6, nil}},
	} {
		if pair[0].same(pair[1]) || !pair[0].same(pair[0]) {
			t.Errorf("%v and %v are taken for the same", pair[0], pair[1])
		}
	}
	if absent := (cell{plumbv1.Status_NOT_FOUND, 0, nil}); !absent.same(cell{plumbv1.Status_NOT_FOUND, 7, nil}) {
		t.Error("an event time means something where there is no row")
	}
}
