package store_test

import (
	"bytes"
	"context"
	"math"
	"testing"

	"github.com/plumbstore/plumb/store"
)

// recording is a store that keeps what was written last.
type recording struct {
	table store.Table
	row   store.Row
}

func (r *recording) Write(_ context.Context, table store.Table, rows []store.Row) (store.WriteReport, error) {
	r.table, r.row = table, rows[0]
	return store.WriteReport{Written: 1}, nil
}

// The samples are never changed: what some version has marked stays marked.
func TestTheBytesOfMarksArePinned(t *testing.T) {
	sample := samples(t, "mark-v1.txt")["mark-v1.txt"]
	var online recording
	for name, write := range map[string]func(context.Context, store.Writer, store.Table, int64, store.Origin) error{
		"birth": store.WriteBirth, "progress": store.WriteProgress,
	} {
		if err := write(t.Context(), &online, store.Table{Retention: 1}, 0x1122, 0x11); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(online.row.Key, sample[name+" key"]) ||
			!bytes.Equal(online.row.Value, sample["mark 1122 of run 11"]) {
			t.Errorf("the %s is %x: %x, want %x: %x", name, online.row.Key, online.row.Value, sample[name+" key"],
				sample["mark 1122 of run 11"])
		}
		if !store.IsMark(online.row.Key) || online.table.Retention != 0 {
			t.Errorf("the %s under %x may be taken for a row, or expire", name, online.row.Key)
		}
	}
}

func TestR16_NoEntityHasTheKeyOfAMark(t *testing.T) {
	for _, c := range keyCases {
		if key := encodeKey(t, c.key); store.IsMark(key) || key[0] == 0 {
			t.Errorf("%s has the key %x", c.name, key)
		}
	}
}

// Marks are rows as any other to a store: of two the greater wins, and none waits for its time to come.
func TestR14_TheGreaterMarkWins(t *testing.T) {
	numbers := []int64{0, 1, 255, 256, 1 << 40, math.MaxInt64}
	var values [][]byte
	var online recording
	for _, number := range numbers {
		if err := store.WriteProgress(t.Context(), &online, store.Table{}, number, 0); err != nil {
			t.Fatal(err)
		}
		values = append(values, online.row.Value)
	}
	for i, value := range values {
		if number := numbers[i]; number < 1<<62 && store.EventOf(value) > -1<<62 {
			t.Errorf("the mark %d lies at %s, and may be ahead of a clock", number, store.EventOf(value))
		}
		for j, stored := range values {
			if replaces := store.Replaces(value, stored); replaces != (i >= j) {
				t.Errorf("that %d replaces %d is %t", numbers[i], numbers[j], replaces)
			}
		}
	}
}

func TestWhatIsNoMarkCountsAsNone(t *testing.T) {
	table := store.Table{Project: "p", View: "v", Generation: 1}
	for _, length := range []int{0, 1, 21, 28, 30} {
		marks, err := store.ReadMarks(t.Context(), fixed{bytes.Repeat([]byte{1}, length)}, table)
		if err != nil || marks[0] != (store.Marks{}) {
			t.Errorf("%d bytes are taken for %+v, %v", length, marks, err)
		}
	}
}

// fixed is a store that has one value under every key.
type fixed struct{ value []byte }

func (f fixed) Read(_ context.Context, gets []store.Get) ([][]byte, error) {
	values := make([][]byte, len(gets))
	for i := range values {
		values[i] = f.value
	}
	return values, nil
}
