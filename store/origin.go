package store

import (
	"github.com/plumbstore/plumb/feature"
)

// Origin says who wrote a stored row. It is kept in 8 bytes: positive, the id of the run that materialized the row;
// negative, a push that was accepted so many microseconds after the epoch; 0 where that is not known, as of rows that
// were stored before rows had an origin.
type Origin int64

// RunOrigin is that of rows that a run materializes; see registry.Ledger.Begin.
func RunOrigin(id int64) Origin { return Origin(max(id, 0)) }

// PushOrigin is that of rows of a push that was accepted at an instant, which is not known where it is not after the
// epoch.
func PushOrigin(accepted feature.Instant) Origin { return Origin(-max(accepted, 0)) }

// Run returns the id of the run that materialized the row, and false where none did.
func (o Origin) Run() (int64, bool) { return int64(o), o > 0 }

// Pushed returns when the push that brought the row was accepted, and false where none brought it.
func (o Origin) Pushed() (feature.Instant, bool) { return feature.Instant(-o), o < 0 }
