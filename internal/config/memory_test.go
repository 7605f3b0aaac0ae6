package config_test

import (
	"testing"

	"github.com/plumbstore/plumb/internal/config"
)

func TestJobsShareTheMemoryEvenly(t *testing.T) {
	for _, c := range []struct {
		limit string
		jobs  int
		share string
	}{{"2GB", 2, "1000MB"}, {"1GiB", 3, "357MB"}, {"1500KB", 4, "1MB"}} {
		if got := (config.Offline{MemoryLimit: c.limit}).MemoryShare(c.jobs); got != c.share {
			t.Errorf("each of %d jobs gets %s of %s, not %s", c.jobs, got, c.limit, c.share)
		}
	}
}

func TestThreeEighthsOfTheMemoryAndTheProgramsOwnAreForGo(t *testing.T) {
	if got := (config.Offline{MemoryLimit: "2GB"}).GoBytes(); got != 750_000_000+config.ProgramBytes {
		t.Errorf("Go gets %d bytes of 2 GB", got)
	}
}
