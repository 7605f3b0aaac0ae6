package value_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"google.golang.org/protobuf/proto"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/storetest"
)

// scalars are values of each type that is not an array: a plain one and those at the edges. No two are the same.
var scalars = map[plumbv1.Type][]any{
	plumbv1.Type_BOOL:  {false, true},
	plumbv1.Type_INT32: {int32(-7), int32(0), int32(math.MaxInt32), int32(math.MinInt32)},
	plumbv1.Type_INT64: {int64(-7), int64(0), int64(1<<53 + 1), int64(math.MaxInt64), int64(math.MinInt64)},
	plumbv1.Type_FLOAT32: {
		float32(0.1), float32(0), float32(math.Copysign(0, -1)), float32(math.Inf(1)), float32(math.Inf(-1)),
		float32(math.MaxFloat32), float32(math.SmallestNonzeroFloat32),
		math.Float32frombits(0x7fc00000), math.Float32frombits(0xffc00001), math.Float32frombits(0x7f800001),
	},
	plumbv1.Type_FLOAT64: {
		0.1, 0.0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), math.MaxFloat64, math.SmallestNonzeroFloat64, 1e21,
		value.TextNaN(), math.NaN(), math.Float64frombits(0xfff8000000000123), math.Float64frombits(0x7ff0000000000001),
	},
	plumbv1.Type_STRING: {"é", "", "a", "a\x00", "<A>", "NaN", "null", "\U0001f6eb"},
	plumbv1.Type_BYTES:  {[]byte{0, 255}, []byte{}, []byte("a"), []byte("a\x00")},
	plumbv1.Type_TIMESTAMP: {
		feature.Instant(1e6), feature.Instant(0), feature.Instant(-1), feature.Instant(1_372_953_600_000_001),
		feature.Instant(-62_135_596_800_000_000), feature.Instant(253_402_300_799_999_999),
	},
}

// valuesOf are values of a type, with a null among them. A type without values is new: give it a line above, and see
// that it passes through every form.
func valuesOf(t *testing.T, declared plumbv1.Type) []any {
	t.Helper()
	element, isArray := value.ElementType(declared)
	if !isArray {
		element = declared
	}
	plain := scalars[element]
	if len(plain) == 0 {
		t.Fatalf("%s has no values in this test", element)
	}
	if !isArray {
		return slices.Concat(plain[:1], []any{nil}, plain[1:])
	}
	arrays := []any{nil, []any{}, []any{nil}, []any{nil, nil}, slices.Clone(plain), append([]any{nil}, plain...)}
	for _, v := range plain {
		arrays = append(arrays, []any{v}, []any{v, nil, v})
	}
	return arrays
}

// eachType runs a test for every type that the schema has.
func eachType(t *testing.T, test func(t *testing.T, declared plumbv1.Type, values []any)) {
	t.Helper()
	for number, name := range plumbv1.Type_name {
		if declared := plumbv1.Type(number); declared != plumbv1.Type_TYPE_UNSPECIFIED {
			t.Run(name, func(t *testing.T) { test(t, declared, valuesOf(t, declared)) })
		}
	}
}

// exactly writes a Go value so that values which differ in type or bits are written differently.
func exactly(v any) string {
	switch v := v.(type) {
	case float32:
		return fmt.Sprintf("float32 %08x", math.Float32bits(v))
	case float64:
		return fmt.Sprintf("float64 %016x", math.Float64bits(v))
	case []any:
		text := fmt.Sprint(len(v), " elements:")
		for _, element := range v {
			text += " " + exactly(element)
		}
		return text
	}
	return fmt.Sprintf("%T %#v", v, v)
}

func same(t *testing.T, form string, got, want any) {
	t.Helper()
	if exactly(got) != exactly(want) {
		t.Errorf("%s: %s became %s", form, exactly(want), exactly(got))
	}
}

func builderOf(t *testing.T, declared plumbv1.Type) array.Builder {
	t.Helper()
	builder := array.NewBuilder(memory.DefaultAllocator, value.ArrowType(declared))
	t.Cleanup(builder.Release)
	return builder
}

func sameColumn(t *testing.T, form string, column arrow.Array, want []any) {
	t.Helper()
	if column.Len() != len(want) {
		t.Fatalf("%s: %d rows became %d", form, len(want), column.Len())
	}
	for row, v := range want {
		got, err := value.At(column, row)
		if err != nil {
			t.Fatal(err)
		}
		same(t, form, got, v)
	}
}

func TestR9_EveryTypePassesThroughArrowAndBack(t *testing.T) {
	eachType(t, func(t *testing.T, declared plumbv1.Type, values []any) {
		builder := builderOf(t, declared)
		for _, v := range values {
			if err := value.Append(builder, v); err != nil {
				t.Fatal(err)
			}
		}
		column := builder.NewArray()
		sameColumn(t, "Arrow", column, values)
		for row := range values {
			if !value.SameArrow(column, row, storetest.ArrowColumn(t, declared, values...), row) {
				t.Errorf("%s is not in Arrow what the suite has for it", exactly(values[row]))
			}
		}
	})
}

// sent is a column after it has been sent.
func sent(t *testing.T, column *plumbv1.Values) *plumbv1.Values {
	t.Helper()
	message, err := proto.Marshal(column)
	if err != nil {
		t.Fatal(err)
	}
	received := &plumbv1.Values{}
	if err := proto.Unmarshal(message, received); err != nil {
		t.Fatal(err)
	}
	return received
}

// inPlaceOfNull is what a column has for a row without a value.
func inPlaceOfNull(declared plumbv1.Type) any {
	_, isArray := value.ElementType(declared)
	switch {
	case isArray:
		return []any{}
	case declared == plumbv1.Type_FLOAT32:
		return float32(value.TextNaN())
	case declared == plumbv1.Type_FLOAT64:
		return value.TextNaN()
	}
	return map[plumbv1.Type]any{
		plumbv1.Type_BOOL: false, plumbv1.Type_INT32: int32(0), plumbv1.Type_INT64: int64(0), plumbv1.Type_STRING: "",
		plumbv1.Type_BYTES: []byte{}, plumbv1.Type_TIMESTAMP: feature.Instant(0),
	}[declared]
}

func TestR9_EveryTypePassesOverTheWireAndBack(t *testing.T) {
	eachType(t, func(t *testing.T, declared plumbv1.Type, values []any) {
		column, nulls := value.ToWire(declared, values)
		column = sent(t, column)
		if kind, rows := value.Kind(column); kind != declared || rows != len(values) || !value.Fits(column, declared) {
			t.Fatalf("%d values are %d of %s", len(values), rows, kind)
		}
		if err := value.CheckElements(column); err != nil {
			t.Fatal(err)
		}
		read := value.ReadWire(column)
		for row, v := range values {
			if (v == nil) != (nulls[row] == 1) {
				t.Errorf("%s has the null flag %d", exactly(v), nulls[row])
			}
			if v == nil {
				v = inPlaceOfNull(declared)
			}
			got, err := read.At(row)
			if err != nil {
				t.Error(err)
			}
			same(t, "wire", got, v)
		}
		if _, err := read.At(len(values)); err == nil {
			t.Error("there is a row after the last")
		}
	})
}

func TestR9_EveryTypePassesFromTheWireToArrow(t *testing.T) {
	eachType(t, func(t *testing.T, declared plumbv1.Type, values []any) {
		column, nulls := value.ToWire(declared, values)
		sameColumn(t, "all rows", value.WireToArrow(declared, column, nulls), values)

		var rows []int32
		var picked []any
		for row := 0; row < len(values); row += 2 {
			rows, picked = append(rows, int32(row)), append(picked, values[row])
		}
		builder := builderOf(t, declared)
		value.AppendWireRows(builder, column, rows, value.Present(nulls))
		value.AppendWireRows(builder, column, nil, value.Present(nulls))
		sameColumn(t, "every second row", builder.NewArray(), picked)

		given, nulls := value.ToWire(declared, slices.DeleteFunc(slices.Clone(values), func(v any) bool { return v == nil }))
		if nulls != nil {
			t.Errorf("columns without a null have the flags %v", nulls)
		}
		value.AppendWireRows(builder, given, []int32{0, 1}, nil)
		if whole := value.WireToArrow(declared, given, nil); !value.SameArrow(builder.NewArray(), 1, whole, 1) {
			t.Error("a row differs from that of the whole column")
		}
	})
}

func TestR17_EveryFormHasTheSameBits(t *testing.T) {
	eachType(t, func(t *testing.T, declared plumbv1.Type, values []any) {
		column, nulls := value.ToWire(declared, values)
		cells, wire := value.WireToArrow(declared, column, nulls), value.ReadWire(column)
		known := map[string]any{}
		for row, v := range values {
			if v == nil {
				continue
			}
			bits, err := value.AppendBits([]byte("before"), v)
			if err != nil {
				t.Fatal(err)
			}
			inArrow, err := value.AppendArrowBits([]byte("before"), cells, row)
			if err != nil || !bytes.Equal(inArrow, bits) {
				t.Errorf("%s: %x in Go, %x in Arrow, %v", exactly(v), bits, inArrow, err)
			}
			onWire, err := wire.AppendBits([]byte("before"), row)
			if err != nil || !bytes.Equal(onWire, bits) {
				t.Errorf("%s: %x in Go, %x on the wire, %v", exactly(v), bits, onWire, err)
			}
			if other, ok := known[string(bits)]; ok {
				t.Errorf("%s has the bits of %s", exactly(v), exactly(other))
			}
			known[string(bits)] = v
			back, err := value.FromBits(declared, bits[len("before"):])
			if err != nil {
				t.Fatal(err)
			}
			same(t, "bits", back, v)
		}
	})
}

func TestR17_CellsAreTheSameOnlyBitForBit(t *testing.T) {
	eachType(t, func(t *testing.T, declared plumbv1.Type, values []any) {
		a, b := storetest.ArrowColumn(t, declared, values...), storetest.ArrowColumn(t, declared, values...)
		for i := range values {
			for j := range values {
				if got := value.SameArrow(a, i, b, j); got != (i == j) {
					t.Errorf("%s and %s are the same: %v", exactly(values[i]), exactly(values[j]), got)
				}
			}
		}
	})
	whole := storetest.ArrowColumn(t, plumbv1.Type_INT64, int64(0))
	for other, zero := range map[plumbv1.Type]any{
		plumbv1.Type_INT32: int32(0), plumbv1.Type_FLOAT64: 0.0, plumbv1.Type_TIMESTAMP: feature.Instant(0),
		plumbv1.Type_INT64_ARRAY: []any{int64(0)},
	} {
		cell := storetest.ArrowColumn(t, other, zero)
		if value.SameArrow(whole, 0, cell, 0) || value.SameArrow(cell, 0, whole, 0) {
			t.Errorf("an INT64 is the same as a value of %s", other)
		}
	}
}

// withoutPayload replaces each NaN by that of the text NaN: JSON has one NaN.
func withoutPayload(v any) any {
	switch v := v.(type) {
	case float32:
		if v != v {
			return float32(value.TextNaN())
		}
	case float64:
		if v != v {
			return value.TextNaN()
		}
	case []any:
		all := make([]any, len(v))
		for i, element := range v {
			all[i] = withoutPayload(element)
		}
		return all
	}
	return v
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(value.JSON(v))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestR9_EveryTypePassesThroughJSONAndBack(t *testing.T) {
	eachType(t, func(t *testing.T, declared plumbv1.Type, values []any) {
		for _, v := range values {
			decoder := json.NewDecoder(bytes.NewBufferString(jsonOf(t, v)))
			decoder.UseNumber()
			var given any
			if err := decoder.Decode(&given); err != nil {
				t.Fatal(err)
			}
			back, err := value.ParseJSON(given, declared)
			if err != nil {
				t.Errorf("%s: %v", exactly(v), err)
			}
			same(t, "JSON", back, withoutPayload(v))
		}
	})
}

// The forms that the documentation of the package shows.
func TestTheFormsOfTheDocumentation(t *testing.T) {
	for _, c := range []struct {
		value      any
		json, bits string
	}{
		{true, "true", "01"},
		{int32(-7), "-7", "fffffff9"},
		{int64(-7), "-7", "fffffffffffffff9"},
		{float32(1), "1.0", "3f800000"},
		{math.Inf(1), `"Infinity"`, "7ff0000000000000"},
		{"é", `"é"`, "c3a9"},
		{[]byte{0, 255}, `"AP8="`, "00ff"},
		{feature.Instant(1e6), `"1970-01-01T00:00:01Z"`, "00000000000f4240"},
		{[]any{int32(-7), nil}, `[-7,null]`, "00000002" + "0000000004fffffff9" + "0100000000"},
	} {
		bits, err := value.AppendBits(nil, c.value)
		if err != nil || hex.EncodeToString(bits) != c.bits {
			t.Errorf("%v has the bits %x, %v; want %s", c.value, bits, err, c.bits)
		}
		if text := jsonOf(t, c.value); text != c.json {
			t.Errorf("%v is %s in JSON, want %s", c.value, text, c.json)
		}
	}
}

func TestAFloatInJSONIsTheShortestNumberThatIsReadAsIt(t *testing.T) {
	for want, float := range map[string]any{
		"0.1": float32(0.1), "0.10000000149011612": float64(float32(0.1)), "1.0": 1.0, "-0.0": math.Copysign(0, -1),
		"100000.0": 1e5, "1e+21": 1e21, "1e-07": 1e-7, "0.000001": 1e-6, `"NaN"`: math.NaN(),
		`"-Infinity"`: float32(math.Inf(-1)),
	} {
		if got := jsonOf(t, float); got != want {
			t.Errorf("%v is %s in JSON, want %s", float, got, want)
		}
	}
}
