package online

import (
	"context"
	"math"
	"time"

	"github.com/plumbstore/plumb/feature"
)

// Store keeps packed rows by entity key. Methods are safe for concurrent use, also by several processes.
//
// A store that cannot be reached returns an error that wraps fault.ErrUnavailable.
type Store interface {
	// Write stores rows of one table. A row replaces a stored one iff its version, the first VersionSize bytes of its
	// value, is greater or equal (R14); the check is atomic in the store for each row, and rows of one call may carry the
	// same key. When it returns an error, any subset of the rows may have been stored; writing them again is harmless.
	// Keys and values are not kept after the call.
	Write(ctx context.Context, table Table, rows []Row) (WriteReport, error)
	// Read returns the value for each get, in order; nil if there is none. The caller owns the values.
	Read(ctx context.Context, gets []Get) ([][]byte, error)
	Close() error
}

// Table names the rows of one generation of one view. Rows of different tables never meet (R16).
type Table struct {
	Project    string
	View       string
	Generation int64
	// Retention, if positive, lets the store forget a row once this long has passed since it was written and since its
	// event time, which may be a little later (R15). It is at least the view's ttl, so that no row is forgotten before it
	// has expired (R13).
	Retention time.Duration
}

// NewTable returns the table of the view's current generation. retention is how much longer than its ttl a row is
// kept; rows of a view without a ttl are kept for good. The state of an entity of a view of the kind feature.Windows is
// kept for that much longer than an event in it can count, and for good if a window has no beginning.
func NewTable(view *feature.View, retention time.Duration) Table {
	table := Table{Project: view.Project, View: view.Name, Generation: view.Generation}
	needed := view.TTL
	if view.Kind == feature.Windows {
		needed = stateRetention(view)
	}
	if needed > 0 {
		table.Retention = saturated(needed, max(retention, 0))
	}
	return table
}

// StateGrace is how much longer than the windows of a view and its lookback its states are kept at least. A run that
// goes on from states has to be sure that one which is not there has no event that counts: so it may end this much
// before the clock, less the time that it takes, and no more.
const StateGrace = 24 * time.Hour

// stateRetention is 0 if a window has no beginning.
func stateRetention(view *feature.View) time.Duration {
	reach := view.Aggregated.Reach()
	if reach == 0 {
		return 0
	}
	return saturated(saturated(reach, view.Lookback), StateGrace)
}

// saturated is a + b, or the greatest duration if that is more.
func saturated(a, b time.Duration) time.Duration {
	if sum := a + b; sum >= a {
		return sum
	}
	return math.MaxInt64
}

// Row is a packed row under its encoded entity key.
type Row struct {
	Key, Value []byte
}

// Get asks for one row.
type Get struct {
	Table Table
	Key   []byte
}

// WriteReport counts what became of written rows.
type WriteReport struct {
	// Written rows were stored; Older ones were not, since a newer row is there.
	Written, Older int64
}

// Pooled is an online store that reaches a server over a pool of connections.
type Pooled interface {
	Pool() PoolState
}

// PoolState is the state of a pool of connections.
type PoolState struct {
	// Total are the connections that are open, Idle those of them that wait for a call.
	Total, Idle int
	// Hits, Misses and Timeouts count the calls that found an idle connection, had to make one, and waited for one in
	// vain.
	Hits, Misses, Timeouts uint64
}
