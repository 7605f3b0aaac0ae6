package duckdb

import (
	"testing"

	"github.com/plumbstore/plumb/feature"
)

func TestLabelsAreIndexedInAsFewPassesAsMemoryAllows(t *testing.T) {
	const labels, rows = 1000, 1 << 40
	u := &use{rows: &viewRows{}}
	whole := u.bytes(labels, rows)
	for _, c := range []struct {
		available int64
		passes    int
	}{{whole, 1}, {whole - 1, 2}, {whole / 2, 2}, {whole/2 - 1, 3}, {whole / 10, 10}, {0, labels}} {
		s := strategy{labels: labels, rows: rows}
		s.split(u, 1, c.available)
		if s.passes != c.passes {
			t.Errorf("with %d of %d bytes: %d passes, want %d", c.available, whole, s.passes, c.passes)
		}
	}
	if dense := u.bytes(labels, 64); dense >= whole {
		t.Errorf("winners among 64 rows take %d bytes, no less than %d among many", dense, whole)
	}
}

// The winners of a view are kept if the memory is enough for the indexes that come after, of which there is one at a
// time.
func TestKeptWinnersLeaveMemoryToTheIndexesOfLaterViews(t *testing.T) {
	const labels, all = 1000, 1 << 30
	rows := &viewRows{viewColumns: viewColumns{view: &feature.View{Source: &feature.Source{}}}}
	uses := []*use{{number: 0, rows: rows}, {number: 1, rows: rows}, {number: 2, rows: rows}}
	one := uses[0].bytes(labels, 0)
	for _, c := range []struct {
		use      int
		labels   int64
		reserved int64
	}{{0, labels, one}, {1, labels, one}, {2, labels, 0}, {0, all, all / 2}} {
		r := &useRun{joinRun: &joinRun{uses: uses, labels: c.labels, choice: choosing{indexBytes: all}}, use: uses[c.use]}
		if got := r.reserved(); got != c.reserved {
			t.Errorf("before view %d of %d, with %d labels: %d bytes are reserved, want %d", c.use, len(uses), c.labels, got,
				c.reserved)
		}
	}
}
