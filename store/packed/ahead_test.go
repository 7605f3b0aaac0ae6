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
	sample := onlinetest.Samples(t, "ahead-v3.txt")["ahead-v3.txt"]["three rows"]
	if !bytes.Equal(value, sample) {
		t.Errorf("three rows are %s, want %x", hex.EncodeToString(value), sample)
	}
	for at, want := range map[feature.Instant]any{9: nil, 10: "first", 19: "first", 20: "second", 30: "third",
		math.MaxInt64: "third"} {
		columns, err := unpack(t, view, sample, at)
		if err != nil {
			t.Fatal(err)
		}
		if cell := storetest.Cells(columns[0])[0]; cell.Value != want {
			t.Errorf("at %d they are %v, want %v", at, cell, want)
		}
	}
}

func TestDamagedRowsThatLieAheadAreErrors(t *testing.T) {
	view, value := threeRows(t)
	row := value[packed.Beginning+4+4:]
	for length := packed.Beginning + 1; length < len(value); length++ {
		_, err := unpack(t, view, value[:length], 5)
		if _, merging := packed.Merge(value[:length], row, 5); err == nil && merging == nil {
			t.Errorf("the first %d of %d bytes pass for rows", length, len(value))
		}
	}
	nested := bytes.Clone(value)
	nested[packed.Beginning+4+4+packed.VersionSize] = 3
	if _, err := unpack(t, view, nested, 30); !errors.Is(err, packed.ErrCorrupt) {
		t.Errorf("rows within rows give %v", err)
	}
}
