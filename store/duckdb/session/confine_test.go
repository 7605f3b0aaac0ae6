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

// DuckDB counts less memory for kept footers than they take, so only few are kept.
func TestFootersAreKeptIfTheyAreSmall(t *testing.T) {
	options := spillingOptions(t.TempDir())
	most := int64(options.DatabaseBytes / 128)
	for bytes, want := range map[int64]bool{0: true, most: true, most + 1: false} {
		s := startSession(t, options)
		t.Cleanup(func() { s.Close() })
		if err := s.KeepFooters(t.Context(), bytes); err != nil {
			t.Fatal(err)
		}
		var kept bool
		if err := s.QueryRow(t.Context(), "SELECT current_setting('parquet_metadata_cache')", &kept); err != nil {
			t.Fatal(err)
		}
		if kept != want {
			t.Errorf("%d bytes of footers: kept %v, want %v", bytes, kept, want)
		}
	}
}
