//go:build !race

// The race detector allocates on its own; make test runs this file without it.

package redis

import (
	"errors"
	"fmt"
	"testing"

	"github.com/plumbstore/plumb/internal/redistest"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/packed"
)

// A read allocates once for an entity of which it reads one row. For others it allocates once for each entity and twice
// for each value, when the driver parses it.
func TestAReadAllocatesLittle(t *testing.T) {
	server := redistest.Start(t)
	s, err := Open(t.Context(), server.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if _, err := s.HasOlder(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	header := packed.NewHeader(0, nil, 1, 0)
	for _, c := range []struct {
		entities, tables int
		most             float64
	}{{1, 1, 12}, {1, 5, 22}, {1, 25, 64}, {100, 1, 118}, {100, 5, 1118}} {
		var gets []online.Get
		for entity := range c.entities {
			for i := range c.tables {
				table := online.Table{Project: "test", View: fmt.Sprint("view", i), Generation: 1}
				row := online.Row{Key: fmt.Appendf(nil, "key %d", entity), Value: header.Append(nil)}
				if _, err := s.Write(t.Context(), table, []online.Row{row}); err != nil {
					t.Fatal(err)
				}
				gets = append(gets, online.Get{Table: table, Key: row.Key})
			}
		}
		allocated := testing.AllocsPerRun(100, func() {
			if _, e := s.Read(t.Context(), gets); e != nil {
				err = errors.Join(err, e)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%d entities in %d tables: %.0f allocations", c.entities, c.tables, allocated)
		if allocated > c.most {
			t.Errorf("%d entities in %d tables: %.0f allocations, want at most %.0f", c.entities, c.tables, allocated, c.most)
		}
	}
}
