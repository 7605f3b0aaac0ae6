package packed_test

import (
	"bytes"
	"errors"
	"math"
	"math/bits"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/packed"
	"github.com/plumbstore/plumb/store/storetest"
)

func TestDamagedRowsAreErrors(t *testing.T) {
	c := rowCases()[slices.IndexFunc(rowCases(), func(c rowCase) bool { return c.name == "every type" })]
	whole := c.pack(t).Value
	for length := range whole {
		if _, err := unpack(t, c.view(), whole[:length], math.MaxInt64); err == nil {
			t.Fatalf("the first %d of %d bytes pass for a row", length, len(whole))
		}
	}
	if _, err := unpack(t, c.view(), append(slices.Clone(whole), 0), math.MaxInt64); err == nil {
		t.Error("a row with a byte too many passes for one")
	}
	newer := slices.Clone(whole)
	newer[shapeAt(newer)] |= 0x40
	if _, err := unpack(t, c.view(), newer, math.MaxInt64); !errors.Is(err, fault.ErrNewer) {
		t.Errorf("a row of a later format gives %v, want ErrNewer", err)
	}
}

// shapeAt is where the shape lies in a row.
func shapeAt(value []byte) int { return packed.PrecedenceSize(value) }

// Each bit of each row is turned, and each byte of the row with every type is given every other value. What is read
// then is an error, or a row whose bytes are these: nothing was read from elsewhere, no two values overlap, and nothing
// was left unread.
func TestARowWithADamagedByteIsAnErrorOrAnotherRow(t *testing.T) {
	for _, c := range rowCases() {
		whole := c.pack(t).Value
		for length := range whole {
			if _, err := unpack(t, c.view(), whole[:length], math.MaxInt64); err == nil {
				t.Fatalf("%s: the first %d of %d bytes pass for a row", c.name, length, len(whole))
			}
		}
		for at := range whole {
			for change := 1; change < 256; change++ {
				if bits.OnesCount(uint(change)) > 1 && c.name != "every type" {
					continue
				}
				damaged := slices.Clone(whole)
				damaged[at] ^= byte(change)
				c.checkReadsWhole(t, damaged)
			}
		}
	}
}

// checkReadsWhole reads all fields of a row; if that works, a row of these values has these bytes. Null bits and
// offsets may be there that the values do not need, as in rows that older versions have stored.
func (c rowCase) checkReadsWhole(t *testing.T, value []byte) {
	t.Helper()
	columns, err := unpack(t, c.view(), value, math.MaxInt64)
	if err != nil {
		return
	}
	read := rowCase{fields: c.fields}
	for _, column := range columns {
		read.values = append(read.values, storetest.Cells(column)[0].Value)
	}
	again := read.pack(t).Value
	if value[shapeAt(value)]&7 != again[shapeAt(again)]&7 {
		return
	}
	if !bytes.Equal(bodyOf(t, again), bodyOf(t, value)) {
		t.Fatalf("%s: %x is read as %v, which is %x", c.name, value, read.values, again)
	}
}

func bodyOf(t *testing.T, value []byte) []byte {
	t.Helper()
	row, err := packed.Parse(value)
	if err != nil {
		t.Fatal(err)
	}
	return value[len(row.Append(nil)):]
}

func TestDamagedValuesAreErrorsThatSayWhere(t *testing.T) {
	// The rows have an event time, no created time, a schema id of five bytes, a shape, and an origin of nine. A field
	// follows, or an offset of one byte.
	const fieldAt = 8 + 1 + 5 + 1 + 9
	// If something else is null, the null bits come first.
	const nullsAt = fieldAt
	for _, c := range []struct {
		name     string
		declared plumbv1.Type
		value    any
		at       int
		damage   string
		want     string
	}{
		{"a BOOL of 2", plumbv1.Type_BOOL, true, fieldAt, "\x02", `output "f": the stored row is corrupt: a BOOL is 2`},
		{"an end beyond the row", plumbv1.Type_STRING, "abc", fieldAt, "\xff", "its schema wants"},
		{"text that is not UTF-8", plumbv1.Type_STRING, "abc", fieldAt + 1, "\xff", "a STRING is not UTF-8"},
		{"an array without a count", plumbv1.Type_INT64_ARRAY, nil, fieldAt, "\x00", "an array has 0 bytes"},
		{"an array of four billion", plumbv1.Type_INT64_ARRAY, []any{int64(1)}, fieldAt + 1, "\xff\xff\xff\xff",
			"an array of 4294967295 elements has 13 bytes"},
		{"an array with bytes left over", plumbv1.Type_INT32_ARRAY, []any{int32(1), int32(2)}, fieldAt + 1,
			"\x00\x00\x00\x01",
			"an array of 1 elements has 13 bytes"},
		{"an element beyond its array", plumbv1.Type_STRING_ARRAY, []any{"a"}, fieldAt + 6, "\x00\x00\x00\x02",
			"the elements of an array end at 2 of 1 bytes"},
		{"elements that go back", plumbv1.Type_BYTES_ARRAY, []any{[]byte("a"), []byte("b")}, fieldAt + 6,
			"\x00\x00\x00\x02\x00\x00\x00\x01",
			"the elements of an array end at 1 of 2 bytes"},
		{"an element that ends before it begins", plumbv1.Type_BYTES_ARRAY, []any{[]byte("a"), []byte(""), []byte("b")},
			fieldAt + 10, "\x00\x00\x00\x00", "a value lies at 1 to 0 of 2 bytes"},
		{"a null with a value", plumbv1.Type_INT32, int32(1), nullsAt, "\x03", "a null has a value"},
		{"a null text with a value", plumbv1.Type_STRING, "a", nullsAt, "\x03", "a null has a value"},
		{"a null element with a value", plumbv1.Type_STRING_ARRAY, []any{"a"}, fieldAt + 5, "\x01", "a null has a value"},
		{"a null beyond the fields", plumbv1.Type_INT32, int32(1), nullsAt, "\x06", "more fields than it has"},
	} {
		t.Run(c.name, func(t *testing.T) {
			row := rowCase{fields: []feature.Field{{Name: "f", Type: c.declared}}, values: []any{c.value}}
			if strings.HasPrefix(c.name, "a null") && !strings.Contains(c.name, "element") {
				row.fields = append(row.fields, feature.Field{Name: "null", Type: plumbv1.Type_BOOL})
				row.values = append(row.values, nil)
			}
			value := row.pack(t).Value
			copy(value[c.at:], c.damage)
			_, err := unpack(t, row.view(), value, 1)
			if !errors.Is(err, packed.ErrCorrupt) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want ErrCorruptRow with %q", err, c.want)
			}
		})
	}
}

// FuzzRow looks up every field of any bytes: an answer or an error, and no look outside of the row.
func FuzzRow(f *testing.F) {
	cases := rowCases()
	for i, c := range cases {
		f.Add(i, c.pack(f).Value)
	}
	f.Fuzz(func(t *testing.T, number int, value []byte) {
		c := cases[uint(number)%uint(len(cases))]
		columns, err := unpack(t, c.view(), slices.Clip(value), math.MaxInt64)
		if err != nil {
			return
		}
		c.checkReadsWhole(t, value)
		for i, column := range columns {
			if cells := storetest.Cells(column); len(cells) != 1 {
				t.Errorf("field %d has %d values", i, len(cells))
			}
			if _, err := proto.Marshal(column); err != nil {
				t.Errorf("field %d cannot be sent: %v", i, err)
			}
		}
	})
}
