package online_test

import (
	"bytes"
	"context"
	"math"
	"testing"

	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/online/onlinetest"
	"github.com/plumbstore/plumb/store/packed"
)

// recording is a store that keeps what was written last.
type recording struct {
	table online.Table
	row   online.Row
}

func (r *recording) Write(_ context.Context, table online.Table, rows []online.Row) (online.WriteReport, error) {
	r.table, r.row = table, rows[0]
	return online.WriteReport{Written: 1}, nil
}

// The samples are never changed: what some version has marked stays marked.
func TestTheBytesOfMarksArePinned(t *testing.T) {
	sample := onlinetest.Samples(t, "mark-v4.txt")["mark-v4.txt"]
	var store recording
	for name, write := range map[string]func(context.Context, online.Writer, online.Table, int64, packed.Origin) error{
		"birth": online.WriteBirth, "progress": online.WriteProgress,
	} {
		if err := write(t.Context(), &store, online.Table{Retention: 1}, 0x1122, 0x11); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(store.row.Key, sample[name+" key"]) ||
			!bytes.Equal(store.row.Value, sample["mark 1122 of run 11"]) {
			t.Errorf("the %s is %x: %x, want %x: %x", name, store.row.Key, store.row.Value, sample[name+" key"],
				sample["mark 1122 of run 11"])
		}
		if !online.IsMark(store.row.Key) || store.table.Retention != 0 {
			t.Errorf("the %s under %x may be taken for a row, or expire", name, store.row.Key)
		}
	}
	old, err := packed.Upgrade(onlinetest.Samples(t, "mark-v1.txt")["mark-v1.txt"]["mark 1122 of run 11"])
	if err != nil || !bytes.Equal(old, store.row.Value) {
		t.Errorf("a mark of an older version is upgraded to %x, %v, want %x", old, err, store.row.Value)
	}
}

// Marks are rows as any other to a store: of two the greater wins, and none waits for its time to come.
func TestR14_TheGreaterMarkWins(t *testing.T) {
	numbers := []int64{0, 1, 255, 256, 1 << 40, math.MaxInt64}
	var values [][]byte
	var store recording
	for _, number := range numbers {
		if err := online.WriteProgress(t.Context(), &store, online.Table{}, number, 0); err != nil {
			t.Fatal(err)
		}
		values = append(values, store.row.Value)
	}
	for i, value := range values {
		if number := numbers[i]; number < 1<<62 && packed.EventOf(value) > -1<<62 {
			t.Errorf("the mark %d lies at %s, and may be ahead of a clock", number, packed.EventOf(value))
		}
		for j, stored := range values {
			if replaces := packed.Replaces(value, stored); replaces != (i >= j) {
				t.Errorf("that %d replaces %d is %t", numbers[i], numbers[j], replaces)
			}
		}
	}
}

func TestWhatIsNoMarkCountsAsNone(t *testing.T) {
	table := online.Table{Project: "p", View: "v", Generation: 1}
	for _, length := range []int{0, 1, 21, 28, 30} {
		marks, err := online.ReadMarks(t.Context(), fixed{bytes.Repeat([]byte{1}, length)}, table)
		if err != nil || marks[0] != (online.Marks{}) {
			t.Errorf("%d bytes are taken for %+v, %v", length, marks, err)
		}
	}
}

// fixed is a store that has one value under every key.
type fixed struct{ value []byte }

func (f fixed) Read(_ context.Context, gets []online.Get) ([][]byte, error) {
	values := make([][]byte, len(gets))
	for i := range values {
		values[i] = f.value
	}
	return values, nil
}
