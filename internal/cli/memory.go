package cli

import (
	"os"
	"runtime/debug"

	"github.com/plumbstore/plumb/internal/config"
)

// commandGC is how far the heap grows before garbage is collected, in percent of what lives. Most of what a command
// allocates, such as the footers of files, is soon garbage.
const commandGC = 400

// limitMemory keeps Go within its part of offline.memory_limit: the collector runs as often as that needs, and no more
// often than commandGC says. The offline engine keeps DuckDB within the rest. It changes nothing that the user has set
// by GOMEMLIMIT or GOGC.
func limitMemory(offline config.Offline) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(offline.GoBytes())
	}
	collectLess(commandGC)
}

// servingGC is how far the heap of a server grows before garbage is collected, in percent of what lives. What lives is
// little, some megabytes of plans, and each call leaves garbage, so that the usual 100 would collect all the time. A
// join's index lives in the heap too; then limitMemory makes the collector run before the heap has grown that far.
const servingGC = 800

// collectLess sets how far the heap grows unless the user set GOGC.
func collectLess(percent int) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
}
