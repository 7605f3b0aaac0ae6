package connect_test

import (
	"testing"

	"github.com/plumbstore/plumb/store/spark/connect"
	"github.com/plumbstore/plumb/store/spark/sparktest"
)

// dial begins a session that ends with the test.
func dial(t *testing.T, c connect.Config) *connect.Session {
	t.Helper()
	s, err := connect.Dial(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestQuery_ReturnsRows(t *testing.T) {
	s := dial(t, connect.Config{Remote: sparktest.Shared(t).Remote})
	rows, err := s.Query(t.Context(), "SELECT id, id * 2D x FROM range(100000)")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	count := int64(0)
	for rows.Next() {
		count += rows.Record().NumRows()
	}
	if rows.Err() != nil || count != 100_000 {
		t.Errorf("%d rows, %v", count, rows.Err())
	}
}
