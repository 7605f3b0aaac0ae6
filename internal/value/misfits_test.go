package value_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

func TestAValueOfAnotherTypeIsAnErrorAndANull(t *testing.T) {
	eachType(t, func(t *testing.T, declared plumbv1.Type, values []any) {
		builder := builderOf(t, declared)
		wrong := any(struct{}{})
		if _, isArray := value.ElementType(declared); isArray {
			wrong = []any{struct{}{}}
		}
		if err := value.Append(builder, wrong); err == nil || !strings.Contains(err.Error(), "struct {}") {
			t.Errorf("the error is %v", err)
		}
		if err := value.Append(builder, values[0]); err != nil {
			t.Error(err)
		}
		if column := builder.NewArray(); column.Len() != 2 {
			t.Errorf("two values make %d rows", column.Len())
		}
		if _, err := value.AppendBits(nil, wrong); err == nil {
			t.Error("it has bits")
		}
	})
}

func TestAColumnOfNoDeclaredTypeIsAnError(t *testing.T) {
	builder := array.NewInt8Builder(memory.DefaultAllocator)
	builder.AppendValues([]int8{1, 1}, nil)
	small := builder.NewArray()
	lists := array.NewListBuilder(memory.DefaultAllocator, arrow.PrimitiveTypes.Int8)
	lists.Append(true)
	lists.ValueBuilder().(*array.Int8Builder).Append(1)
	for _, column := range []arrow.Array{small, lists.NewArray()} {
		if v, err := value.At(column, 0); err == nil {
			t.Errorf("%s has the value %v", column.DataType(), v)
		}
		if _, err := value.AppendArrowBits(nil, column, 0); err == nil {
			t.Errorf("%s has bits", column.DataType())
		}
		if value.SameArrow(column, 0, column, 0) {
			t.Errorf("%s is compared", column.DataType())
		}
	}
}

func TestBitsThatAreOfNoValueAreRefused(t *testing.T) {
	for declared, all := range map[plumbv1.Type][]string{
		plumbv1.Type_TYPE_UNSPECIFIED: {"", "\x01"},
		plumbv1.Type_BOOL:             {"", "\x00\x01"},
		plumbv1.Type_INT32:            {"\x00", "12345678"},
		plumbv1.Type_TIMESTAMP:        {"1234"},
		plumbv1.Type_INT32_ARRAY: {
			"", "\x00\x00", "\x00\x00\x00\x01", "\x00\x00\x00\x00\x01", "\x00\x00\x00\x01\x00\x00\x00\x00\x04\x00",
			"\x00\x00\x00\x01\x00\x00\x00\x00\x01\x00", "\x00\x00\x00\x02\x01\x00\x00\x00\x00",
		},
	} {
		for _, bits := range all {
			if v, err := value.FromBits(declared, []byte(bits)); err == nil {
				t.Errorf("%x are %v of %s", bits, v, declared)
			}
		}
	}
}

func TestAWireColumnThatContradictsItselfIsRefused(t *testing.T) {
	three, _ := value.ToWire(plumbv1.Type_INT32, []any{int32(1), int32(2), int32(3)})
	arrays := func(nulls string, lengths ...uint32) *plumbv1.Values {
		return &plumbv1.Values{Kind: &plumbv1.Values_Arrays{Arrays: &plumbv1.ArrayValues{
			Lengths: lengths, Elements: three, Nulls: []byte(nulls)}}}
	}
	for want, column := range map[string]*plumbv1.Values{
		"has 3 elements, which is not the sum of its lengths":                          arrays("", 1, 1),
		"has 3 elements, which is not the sum of its lengths ":                         arrays("", 1, math.MaxUint32),
		"among its elements has 1 null flags for 3 values; give one for each, or none": arrays("\x00", 3),
		"among its elements has 2 for a null flag at 3; 0 and 1 are allowed":           arrays("\x00\x01\x02", 3),
	} {
		if err := value.CheckElements(column); err == nil || err.Error() != strings.TrimSpace(want) {
			t.Errorf("the error is %v, want %s", err, want)
		}
	}
	if err := value.CheckElements(arrays("\x00\x01\x00", 0, 2, 1)); err != nil {
		t.Error(err)
	}
	nulls := &plumbv1.Values{Kind: &plumbv1.Values_Arrays{Arrays: &plumbv1.ArrayValues{
		Lengths: []uint32{2}, Nulls: []byte{1, 1}}}}
	if v, err := value.ReadWire(nulls).At(0); err == nil {
		t.Errorf("two elements that are not there are %v", v)
	}
	short := value.ReadWire(arrays("", 2, 2))
	if _, err := short.At(0); err != nil {
		t.Error(err)
	}
	for _, row := range []int{-1, 1, 2} {
		if _, err := short.At(row); err == nil {
			t.Errorf("row %d has a value", row)
		}
		if _, err := short.AppendBits(nil, row); err == nil {
			t.Errorf("row %d has bits", row)
		}
	}
}

func TestArraysWithoutElementsFitEveryArrayAndNothingElse(t *testing.T) {
	empty := &plumbv1.Values{Kind: &plumbv1.Values_Arrays{Arrays: &plumbv1.ArrayValues{Lengths: []uint32{0, 0}}}}
	eachType(t, func(t *testing.T, declared plumbv1.Type, _ []any) {
		_, isArray := value.ElementType(declared)
		if value.Fits(empty, declared) != isArray {
			t.Errorf("they fit: %v", !isArray)
		}
		if value.Fits(&plumbv1.Values{}, declared) || value.Fits(nil, declared) {
			t.Error("no values fit")
		}
		if isArray {
			sameColumn(t, "Arrow", value.WireToArrow(declared, empty, []byte{0, 1}), []any{[]any{}, nil})
		}
	})
}

func TestOnlyTextsAreReadAsText(t *testing.T) {
	eachType(t, func(t *testing.T, declared plumbv1.Type, values []any) {
		column, _ := value.ToWire(declared, values)
		text, ok := value.ReadWire(column).Text(0)
		switch v := values[0].(type) {
		case string:
			ok = ok && text == v
		case []byte:
			ok = ok && text == string(v)
		default:
			ok = !ok
		}
		if !ok {
			t.Errorf("the text of %s is %q", exactly(values[0]), text)
		}
	})
}

func TestR9_JSONThatDoesNotFitExactlyIsRefused(t *testing.T) {
	for declared, all := range map[plumbv1.Type][]any{
		plumbv1.Type_BOOL:        {"true", json.Number("1")},
		plumbv1.Type_INT32:       {json.Number("2147483648"), json.Number("1.0"), json.Number("1e2"), "007", "+1", "", true},
		plumbv1.Type_INT64:       {json.Number("9223372036854775808"), json.Number("-0"), []any{}},
		plumbv1.Type_FLOAT32:     {json.Number("1e39"), json.Number("1e-60"), "1.5", "nan", "-NaN", "inf"},
		plumbv1.Type_FLOAT64:     {json.Number("1e309"), json.Number("1e-400"), "+Infinity", false},
		plumbv1.Type_STRING:      {json.Number("1"), true, []any{"a"}},
		plumbv1.Type_BYTES:       {"AP8", "AP9=", "AP8=\n", json.Number("1")},
		plumbv1.Type_TIMESTAMP:   {"2013-07-04  16:00:00", "noon", json.Number("0")},
		plumbv1.Type_INT32_ARRAY: {json.Number("1"), []any{"a"}, []any{[]any{}}},
	} {
		for _, given := range all {
			if v, err := value.ParseJSON(given, declared); err == nil {
				t.Errorf("%v fits %s as %s", given, declared, exactly(v))
			}
		}
	}
	_, err := value.ParseJSON(strings.Repeat("é", 100), plumbv1.Type_INT32)
	if want := `"` + strings.Repeat("é", 49) + "… does not fit INT32 exactly"; err == nil || err.Error() != want {
		t.Errorf("the error is %v, want %s", err, want)
	}
}

func TestR1_TimesAreWrittenWithTheDigitsThatTheyHave(t *testing.T) {
	for at, want := range map[feature.Instant]string{
		0: "1970-01-01T00:00:00Z", -1: "1969-12-31T23:59:59.999999Z", 500_000: "1970-01-01T00:00:00.5Z",
	} {
		if got := value.FormatInstant(at); got != want {
			t.Errorf("%d is written %s, want %s", int64(at), got, want)
		}
	}
}
