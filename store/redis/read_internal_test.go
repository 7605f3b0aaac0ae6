package redis

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/plumbstore/plumb/internal/redistest"
	"github.com/plumbstore/plumb/store"
)

func TestARepliesValuesAreCutWhereTheyLie(t *testing.T) {
	reply := []byte("*5\r\n$2\r\n\r\n\r\n$-1\r\n$0\r\n\r\n_\r\n$1\r\nx\r\n")
	values, err := cut(nil, reply, 5)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{`"\r\n"`, "nil", `""`, "nil", `"x"`}
	got := make([]string, len(values))
	for i, value := range values {
		if got[i] = "nil"; value != nil {
			got[i] = fmt.Sprintf("%q", value)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if extended := append(values[0], 'y'); string(reply[8:10]) != "\r\n" || len(extended) != 3 {
		t.Error("a value that grows writes into the reply")
	}
}

func TestAReplyThatIsNoListOfValuesIsRefused(t *testing.T) {
	whole := "*2\r\n$2\r\nab\r\n$-1\r\n"
	for end := range len(whole) {
		if values, err := cut(nil, []byte(whole[:end]), 2); err == nil {
			t.Errorf("%q: got %q, want an error", whole[:end], values)
		}
	}
	for _, reply := range []string{
		"*1\r\n$1\r\na\r\n", "*3\r\n$-1\r\n$-1\r\n$-1\r\n", "*2\r\n:1\r\n:2\r\n", "*2\r\n$-2\r\n$-1\r\n", "*x\r\n",
		"*2\r\n$99999999999999999999\r\n$-1\r\n",
	} {
		if values, err := cut(nil, []byte(reply), 2); err == nil {
			t.Errorf("%q: got %q, want an error", reply, values)
		}
	}
}

// What a read allocates grows by no more than what the driver takes for each doubling of the reply.
func TestAReadAllocatesNothingForEachKey(t *testing.T) {
	server := redistest.Start(t)
	s, err := Open(t.Context(), server.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	table := store.Table{Project: "test", View: "view", Generation: 1}
	var gets []store.Get
	var rows []store.Row
	for i := range readChunk {
		key := fmt.Appendf(nil, "key %d", i)
		rows = append(rows, store.Row{Key: key, Value: make([]byte, 100)})
		gets = append(gets, store.Get{Table: table, Key: key})
	}
	if _, err := s.Write(t.Context(), table, rows); err != nil {
		t.Fatal(err)
	}
	for keys, most := range map[int]float64{1: 11, 5: 16, readChunk: 34} {
		allocated := testing.AllocsPerRun(100, func() {
			if _, e := s.Read(t.Context(), gets[:keys]); e != nil {
				err = errors.Join(err, e)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		if t.Logf("%d keys: %.0f allocations", keys, allocated); allocated > most {
			t.Errorf("%d keys: %.0f allocations, want at most %.0f", keys, allocated, most)
		}
	}
}
