package packed_test

import (
	"bytes"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"pgregory.net/rapid"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/packed"
	"github.com/plumbstore/plumb/store/storetest"
)

// keyCase is one entity key, with the types that its values say.
type keyCase struct {
	name string
	key  []any
}

var keyCases = []keyCase{
	{"entity-less", nil},
	{"string", []any{"EWR"}},
	{"empty string", []any{""}},
	{"string a", []any{"a"}},
	{"string a NUL", []any{"a\x00"}},
	{"string not ASCII", []any{"é🛫"}},
	{"string of 128 bytes", []any{strings.Repeat("x", 128)}},
	{"bytes", []any{[]byte{0, 1, '}', '{', ':', 0xff}}},
	{"no bytes", []any{[]byte{}}},
	{"bytes a", []any{[]byte("a")}},
	{"false", []any{false}},
	{"true", []any{true}},
	{"int32", []any{int32(1)}},
	{"least int32", []any{int32(math.MinInt32)}},
	{"int64", []any{int64(1)}},
	{"least int64", []any{int64(math.MinInt64)}},
	{"greatest int64", []any{int64(math.MaxInt64)}},
	{"1 and 11", []any{int64(1), int64(11)}},
	{"11 and 1", []any{int64(11), int64(1)}},
	{"texts 1 and 11", []any{"1", "11"}},
	{"texts 11 and 1", []any{"11", "1"}},
	{"texts ab and c", []any{"ab", "c"}},
	{"texts a and bc", []any{"a", "bc"}},
	{"one of each", []any{"a", []byte("b"), true, int32(-1), int64(-1)}},
}

func typeOf(value any) plumbv1.Type {
	switch value.(type) {
	case string:
		return plumbv1.Type_STRING
	case []byte:
		return plumbv1.Type_BYTES
	case bool:
		return plumbv1.Type_BOOL
	case int32:
		return plumbv1.Type_INT32
	}
	return plumbv1.Type_INT64
}

func encodeKey(t rapid.TB, key []any) []byte {
	t.Helper()
	fields := make([]feature.Field, len(key))
	columns := make([]arrow.Array, len(key))
	for i, value := range key {
		fields[i] = feature.Field{Name: fmt.Sprint("key", i), Type: typeOf(value)}
		columns[i] = storetest.ArrowColumn(t, fields[i].Type, value)
	}
	encoder := packed.NewKeyEncoder(fields)
	if err := encoder.Bind(columns); err != nil {
		t.Fatalf("Bind: %v", err)
	}
	return encoder.AppendKey([]byte{}, 0)
}

func TestR9_DifferentEntitiesHaveDifferentKeys(t *testing.T) {
	seen := map[string]string{}
	for _, c := range keyCases {
		key := string(encodeKey(t, c.key))
		if other, ok := seen[key]; ok {
			t.Errorf("%s and %s have the same key %x", c.name, other, key)
		}
		seen[key] = c.name
	}
}

func TestR9_KeysAreEqualExactlyWhereTheirValuesAre(t *testing.T) {
	texts := rapid.SampledFrom([]string{"", "a", "a\x00", "\x00", "\x06", "\x01a", "\x06\x01a", "b"})
	part := rapid.OneOf(
		rapid.Map(texts, func(s string) any { return s }),
		rapid.Map(texts, func(s string) any { return []byte(s) }),
		rapid.Map(rapid.Bool(), func(b bool) any { return b }),
		rapid.Map(rapid.Int32Range(-1, 11), func(i int32) any { return i }),
		rapid.Map(rapid.Int64Range(-1, 11), func(i int64) any { return i }),
	)
	tuple := rapid.SliceOfN(part, 0, 3)
	rapid.Check(t, func(t *rapid.T) {
		a, b := tuple.Draw(t, "a"), tuple.Draw(t, "b")
		if same := bytes.Equal(encodeKey(t, a), encodeKey(t, b)); same != reflect.DeepEqual(a, b) {
			t.Fatalf("%#v and %#v: equal keys is %v", a, b, same)
		}
	})
}

func TestR12_TheKeyOfAnEntitylessViewIsTheVersionAlone(t *testing.T) {
	if key := encodeKey(t, nil); !bytes.Equal(key, []byte{1}) {
		t.Errorf("key is %x", key)
	}
}

func TestKeysOfASliceOfColumnsAreThoseOfItsRows(t *testing.T) {
	fields := []feature.Field{{Name: "a", Type: plumbv1.Type_STRING}, {Name: "b", Type: plumbv1.Type_BOOL}}
	whole := []arrow.Array{
		storetest.ArrowColumn(t, plumbv1.Type_STRING, "x", "y", "z"),
		storetest.ArrowColumn(t, plumbv1.Type_BOOL, false, true, false),
	}
	encoder := packed.NewKeyEncoder(fields)
	if err := encoder.Bind([]arrow.Array{array.NewSlice(whole[0], 1, 3), array.NewSlice(whole[1], 1, 3)}); err != nil {
		t.Fatal(err)
	}
	for row, want := range [][]any{{"y", true}, {"z", false}} {
		if got := encoder.AppendKey(nil, row); !bytes.Equal(got, encodeKey(t, want)) {
			t.Errorf("row %d has key %x, want that of %v", row, got, want)
		}
	}
}

func TestColumnsThatAreNotAsDeclaredAreRefused(t *testing.T) {
	text := feature.Field{Name: "a", Type: plumbv1.Type_STRING}
	number := feature.Field{Name: "b", Type: plumbv1.Type_INT64}
	texts := storetest.ArrowColumn(t, plumbv1.Type_STRING, "x", "y")
	numbers := storetest.ArrowColumn(t, plumbv1.Type_INT64, int64(1))
	for _, c := range []struct {
		name    string
		fields  []feature.Field
		columns []arrow.Array
		want    string
	}{
		{"R8 a null key", []feature.Field{text},
			[]arrow.Array{storetest.ArrowColumn(t, plumbv1.Type_STRING, "x", nil)}, `join key "a": 1 of 2 rows are null`},
		{"another type", []feature.Field{text}, []arrow.Array{numbers}, `column "a": is int64 where utf8 is wanted`},
		{"too few columns", []feature.Field{text, number}, []arrow.Array{texts}, "1 columns were given for 2 fields"},
		{"uneven columns", []feature.Field{text, number}, []arrow.Array{texts, numbers}, `has 1 rows where "a" has 2`},
		{"no key type", []feature.Field{{Name: "c", Type: plumbv1.Type_FLOAT64}},
			[]arrow.Array{storetest.ArrowColumn(t, plumbv1.Type_FLOAT64, 1.5)}, "FLOAT64 cannot be a join key"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := packed.NewKeyEncoder(c.fields).Bind(c.columns)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestR16_NoEntityHasTheKeyOfAMark(t *testing.T) {
	for _, c := range keyCases {
		if key := encodeKey(t, c.key); online.IsMark(key) || key[0] == 0 {
			t.Errorf("%s has the key %x", c.name, key)
		}
	}
}
