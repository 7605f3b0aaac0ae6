package materialize

import (
	"fmt"
	"time"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
)

// clockTolerance is how far the clocks of machines that materialize one view may be apart. A run that has just ended on
// another machine may be recorded a few seconds ahead of this clock, and nothing is wrong then.
const clockTolerance = feature.Instant(10 * time.Second / time.Microsecond)

// AheadOfClock returns an error if a view is recorded as materialized up to an instant that has not come yet: a clock
// was ahead when that was recorded, or this one is behind. Rows up to that instant would be left out silently, so the
// error says how to fix it. Otherwise it returns nil.
//
// For example, a machine whose clock was a year ahead has recorded everything up to 2025-05-01. For a year the other
// machines would find every window done already, and new rows would not be served.
func AheadOfClock(view string, end, now feature.Instant) error {
	if end <= now+clockTolerance {
		return nil
	}
	return &fault.PreconditionError{Message: fmt.Sprintf("view %s is recorded as materialized up to %s, and this "+
		"machine's clock says %s: the clock was ahead when that was recorded, or this one is behind. Set the clock right; "+
		"where this one is, run plumb materialize --view %s --full --to now, which replaces what is recorded", view, end, now,
		view)}
}
