package cli

import (
	"os"
	"runtime/debug"

	"github.com/plumbstore/plumb/internal/config"
)

// limitMemory keeps Go within its part of offline.memory_limit: the collector runs as often as that needs. The offline
// engine keeps DuckDB within the rest. It changes nothing if the user has set GOMEMLIMIT.
func limitMemory(offline config.Offline) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(offline.GoBytes())
	}
}

// servingGC is how far the heap of a server grows before garbage is collected, in percent of what lives. What lives is
// little, some megabytes of plans, and each call leaves garbage, so that the usual 100 would collect all the time. A
// join's index lives in the heap too; then limitMemory makes the collector run before the heap has grown that far.
const servingGC = 800

// collectLess sets the garbage collector to servingGC unless the user set GOGC.
func collectLess() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(servingGC)
	}
}
