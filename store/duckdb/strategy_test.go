package duckdb

import "testing"

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
