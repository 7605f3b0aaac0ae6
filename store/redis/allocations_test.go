//go:build !race

// The race detector allocates on its own; make test runs this file without it.

package redis

import (
	"errors"
	"fmt"
	"testing"

	"github.com/plumbstore/plumb/internal/redistest"
	"github.com/plumbstore/plumb/store/online"
)

// What a read allocates grows by no more than what the driver takes for each doubling of the reply.
func TestAReadAllocatesNothingForEachKey(t *testing.T) {
	server := redistest.Start(t)
	s, err := Open(t.Context(), server.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	table := online.Table{Project: "test", View: "view", Generation: 1}
	var gets []online.Get
	var rows []online.Row
	for i := range readChunk {
		key := fmt.Appendf(nil, "key %d", i)
		rows = append(rows, online.Row{Key: key, Value: make([]byte, 100)})
		gets = append(gets, online.Get{Table: table, Key: key})
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
