package materialize

import (
	"fmt"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
)

// clockTolerance is how far the clocks of machines that materialize one view may be apart, in microseconds.
const clockTolerance = feature.Instant(DefaultClockSkew / 1000)

// AheadOfClock says that a view is recorded as materialized up to an instant that has not come yet: a clock was ahead
// when that was recorded, or this one is behind. Rows up to then would be left out in silence, so that the error says
// what brings things right. It is nil where that is not so.
func AheadOfClock(view string, end, now feature.Instant) error {
	if end <= now+clockTolerance {
		return nil
	}
	return &fault.PreconditionError{Message: fmt.Sprintf("view %s is recorded as materialized up to %s, and this "+
		"machine's clock says %s: the clock was ahead when that was recorded, or this one is behind. Set the clock right; "+
		"where this one is, run plumb materialize --view %s --full --to now, which replaces what is recorded", view, end, now,
		view)}
}
