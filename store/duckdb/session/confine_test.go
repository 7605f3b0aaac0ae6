package session

import (
	"testing"
)

// Were a query to get past the parser, the instance itself would still refuse.
func TestSessionTouchesNothingButTheFilesAllowed(t *testing.T) {
	s := startSession(t, spillingOptions(t.TempDir()))
	t.Cleanup(func() { s.Close() })
	if err := s.Confine(t.Context(), []string{"/somewhere/allowed.parquet"}); err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		"SELECT * FROM read_text('/etc/hostname')",
		"SELECT * FROM '/etc/passwd.csv'",
		"COPY (SELECT 1) TO '/tmp/plumb-escape.csv'",
		"SELECT * FROM read_parquet('http://127.0.0.1:1/x.parquet')",
		"INSTALL httpfs",
		"LOAD httpfs",
		"ATTACH '/tmp/plumb-escape.db'",
		"SET enable_external_access = true",
		"SET threads = 1",
		"SET TimeZone = 'Asia/Kolkata'",
	} {
		if err := s.Exec(t.Context(), statement); err == nil {
			t.Errorf("%s: want an error", statement)
		}
	}
}
