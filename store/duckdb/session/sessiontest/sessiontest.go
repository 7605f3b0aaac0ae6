// Package sessiontest starts a real session for tests of what runs in one.
package sessiontest

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/plumbstore/plumb/store/duckdb/session"
)

// Open starts a session with the engine's usual memory, which is closed when the test ends.
func Open(t testing.TB) *session.Session {
	t.Helper()
	s, err := open(t.Context(), t.TempDir())
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

func open(ctx context.Context, tempDir string) (*session.Session, error) {
	return session.Open(ctx, session.Options{
		DatabaseBytes: 1_250_000_000, ArrowBytes: 750_000_000, TempDir: tempDir,
	})
}

// shared is nil until a test asks for it.
var shared struct {
	mu      sync.Mutex
	session *session.Session
}

// Shared is a session for all tests of a package whose TestMain runs Main, since opening one takes longer than most
// statements. It is for one test at a time, which leaves it as it was.
func Shared(t testing.TB) *session.Session {
	t.Helper()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.session == nil {
		var err error
		if shared.session, err = open(context.Background(), os.TempDir()); err != nil {
			t.Fatal(err)
		}
	}
	return shared.session
}

// Main runs the tests, closes the shared session and returns the exit code.
func Main(m *testing.M) int {
	code := m.Run()
	if shared.session != nil {
		if err := shared.session.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "close the shared session:", err)
			code = 1
		}
	}
	return code
}
