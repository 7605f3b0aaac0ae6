package packed_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"testing"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/online/onlinetest"
	"github.com/plumbstore/plumb/store/packed"
	"github.com/plumbstore/plumb/store/storetest"
)

// threeRows are rows of one key at 10, 20 and 30, and what a store keeps of them at 10, whatever the order.
func threeRows(t *testing.T) (*feature.View, []byte) {
	t.Helper()
	text := feature.Field{Name: "text", Type: plumbv1.Type_STRING}
	view := &feature.View{Project: "p", Name: "v", Generation: 1, Online: true,
		Schemas:  []feature.Schema{{ID: 1, Fields: []feature.Field{text}}},
		Features: []feature.Feature{{Field: text, Column: "text"}}}
	rows := make([][]byte, 3)
	for i, text := range []string{"first", "second", "third"} {
		row := storetest.SourceRow{Event: new(feature.Instant(10 * (i + 1))), Features: []any{text}}
		rows[i] = storetest.Pack(t, nil, view.Schema(), row)[0].Value
	}
	var kept []byte
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 0, 2}, {2, 0, 1}} {
		var value []byte
		for _, i := range order {
			merged, err := packed.Merge(value, rows[i], 10)
			if err != nil || merged == nil {
				t.Fatalf("merging row %d gives %x, %v", i, merged, err)
			}
			value = merged
		}
		if kept != nil && !bytes.Equal(kept, value) {
			t.Errorf("the order %v gives %x, another %x", order, value, kept)
		}
		kept = value
	}
	return view, kept
}

// Rows that lie ahead are kept with what they hide, in bytes that stay readable.
func TestR15_TheBytesOfRowsThatLieAheadArePinned(t *testing.T) {
	view, value := threeRows(t)
	sample := onlinetest.Samples(t, "ahead-v4.txt")["ahead-v4.txt"]["three rows"]
	if !bytes.Equal(value, sample) {
		t.Errorf("three rows are %s, want %x", hex.EncodeToString(value), sample)
	}
	old := upgrade(t, onlinetest.Samples(t, "ahead-v3.txt")["ahead-v3.txt"]["three rows"])
	for _, value := range [][]byte{sample, old} {
		for at, want := range map[feature.Instant]any{9: nil, 10: "first", 19: "first", 20: "second", 30: "third",
			math.MaxInt64: "third"} {
			columns, err := unpack(t, view, value, at)
			if err != nil {
				t.Fatal(err)
			}
			if cell := storetest.Cells(columns[0])[0]; cell.Value != want {
				t.Errorf("at %d they are %v, want %v", at, cell, want)
			}
		}
	}
}

func TestDamagedRowsThatLieAheadAreErrors(t *testing.T) {
	view, value := threeRows(t)
	const rowsAt = 8 + 1 + 1 + 1 + 1 // An event time, no created time, a schema id, the shape and the count.
	row := value[rowsAt+1:]
	for length := rowsAt - 1; length < len(value); length++ {
		_, err := unpack(t, view, value[:length], 5)
		if _, merging := packed.Merge(value[:length], row, 5); err == nil && merging == nil {
			t.Errorf("the first %d of %d bytes pass for rows", length, len(value))
		}
	}
	nested := bytes.Clone(value)
	nested[rowsAt+1+8+1+1] = nested[rowsAt-2]
	if _, err := unpack(t, view, nested, 30); !errors.Is(err, packed.ErrCorrupt) {
		t.Errorf("rows within rows give %v", err)
	}
}

// A union has every row of both values that some instant sees.
func TestR14_AUnionOfValuesHasTheRowsOfBoth(t *testing.T) {
	view, _ := threeRows(t)
	pack := func(event int, text string) []byte {
		row := storetest.SourceRow{Event: new(feature.Instant(event)), Features: []any{text}}
		return storetest.Pack(t, nil, view.Schema(), row)[0].Value
	}
	for _, c := range []struct {
		name   string
		values [2][][]byte
		want   map[feature.Instant]any
	}{
		{"nothing and a row", [2][][]byte{{}, {pack(10, "a")}}, map[feature.Instant]any{9: nil, 10: "a"}},
		{"a row and nothing", [2][][]byte{{pack(10, "a")}, {}}, map[feature.Instant]any{9: nil, 10: "a"}},
		{"the newer first", [2][][]byte{{pack(20, "b")}, {pack(10, "a")}},
			map[feature.Instant]any{9: nil, 19: "a", 20: "b"}},
		{"the newer last", [2][][]byte{{pack(10, "a")}, {pack(20, "b")}},
			map[feature.Instant]any{9: nil, 19: "a", 20: "b"}},
		{"the same time", [2][][]byte{{pack(10, "a")}, {pack(10, "b")}}, map[feature.Instant]any{9: nil, 10: "a"}},
		{"several on both sides", [2][][]byte{{pack(10, "a"), pack(30, "c")}, {pack(20, "b"), pack(40, "d")}},
			map[feature.Instant]any{9: nil, 10: "a", 20: "b", 30: "c", 40: "d"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var sides [2][]byte
			for i, rows := range c.values {
				for _, row := range rows {
					merged, err := packed.Merge(sides[i], row, 0)
					if err != nil {
						t.Fatal(err)
					}
					sides[i] = merged
				}
			}
			union, err := packed.Union(sides[0], sides[1])
			if err != nil {
				t.Fatal(err)
			}
			for at, want := range c.want {
				columns, err := unpack(t, view, union, at)
				if err != nil {
					t.Fatal(err)
				}
				if cell := storetest.Cells(columns[0])[0]; cell.Value != want {
					t.Errorf("at %d it is %v, want %v", at, cell, want)
				}
			}
		})
	}
}
