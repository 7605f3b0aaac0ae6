// Package sessiontest starts a real session for tests of what runs in one.
package sessiontest

import (
	"testing"

	"github.com/plumbstore/plumb/store/duckdb/session"
)

// Open starts a session with the engine's usual memory, which is closed when the test ends.
func Open(t testing.TB) *session.Session {
	t.Helper()
	s, err := session.Open(t.Context(), session.Options{
		DatabaseBytes: 1_250_000_000, ArrowBytes: 750_000_000, TempDir: t.TempDir(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
