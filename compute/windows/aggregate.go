package windows

import "github.com/plumbstore/plumb/compute/aggregate"

// Aggregate is what is computed of the events in one window.
type Aggregate struct {
	Spec aggregate.Spec
	Span Span
}
