package duckdb

import (
	"testing"

	"github.com/plumbstore/plumb/internal/config"
)

// What is not DuckDB's is the part that the command line gives to Go, and the indexes fit into it.
func TestDuckDBAndGoStayWithinTheLimitTogether(t *testing.T) {
	engine, err := Open(Config{ProjectDir: t.TempDir(), MemoryLimit: "800MB"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = engine.Close() })
	ours := (config.Offline{MemoryLimit: "800MB"}).GoBytes() - config.ProgramBytes
	if sum := int64(engine.sessions.DatabaseBytes) + ours; sum > 800_000_000 || engine.choosing.indexBytes > ours/3*2 {
		t.Errorf("DuckDB gets %d bytes, Go %d, of these %d for indexes", engine.sessions.DatabaseBytes, ours,
			engine.choosing.indexBytes)
	}
}
