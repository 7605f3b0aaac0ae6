package duckdb

import (
	"fmt"
	"strings"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store/offline"
)

// Division implements offline.Store. Another version of DuckDB may have another hash.
func (e *Engine) Division() string { return "duckdb " + Version() + " hash" }

// checkPart refuses a part that this engine would not divide as the others do.
func (e *Engine) checkPart(part *offline.Part) error {
	if part == nil {
		return nil
	}
	if part.Shards < 1 || part.Shard < 0 || part.Shard >= part.Shards {
		return fmt.Errorf("shard %d of %d is none", part.Shard, part.Shards)
	}
	if division := e.Division(); division != part.Division {
		return &fault.PreconditionError{Message: fmt.Sprintf("the run was divided by %s, and this worker divides by %s; "+
			"run all workers with the version of plumb that opened the run", part.Division, division)}
	}
	return nil
}

// inPart is the condition that a row belongs to a part: its keys in their declared types have the shard's hash. A key
// that is null, or does not fit, counts as null, so that the row is in one shard too.
func (v *viewColumns) inPart(part *offline.Part) string {
	switch {
	case part == nil || part.Shards == 1:
		return "true"
	case len(v.keys) == 0: // Then all rows are of one key (R12).
		return fmt.Sprint(part.Shard == 0)
	}
	keys := make([]string, len(v.keys))
	for i, key := range v.keys {
		keys[i] = key.OrNull(fmt.Sprintf("k%d", i), "item")
	}
	return fmt.Sprintf("hash(%s) %% %d = %d", strings.Join(keys, ", "), part.Shards, part.Shard)
}
