package packed

import (
	"github.com/plumbstore/plumb/feature"
)

// Origin says which run or push wrote a stored row. It is kept in 8 bytes. If positive, it is the id of the run that
// materialized the row. If negative, the row was pushed, and the push was accepted that many microseconds after the
// epoch. It is 0 if the origin is not known, as for rows that were stored before rows had an origin.
type Origin int64

// RunOrigin is that of rows that a run materializes; see registry.Ledger.Begin.
func RunOrigin(id int64) Origin { return Origin(max(id, 0)) }

// PushOrigin returns the origin of rows of a push that was accepted at an instant. It is not known if the instant is
// not after the epoch.
func PushOrigin(accepted feature.Instant) Origin { return Origin(-max(accepted, 0)) }

// Run returns the id of the run that materialized the row, and false if none did.
func (o Origin) Run() (int64, bool) { return int64(o), o > 0 }

// Pushed returns when the push that wrote the row was accepted, and false if no push did.
func (o Origin) Pushed() (feature.Instant, bool) { return feature.Instant(-o), o < 0 }
