package offline

import "github.com/plumbstore/plumb/feature"

// EventsRequest asks for the events of a window, which a build of a view of the kind feature.Windows counts.
type EventsRequest struct {
	View   *feature.View
	Window Window
	// MaxFailed is how many rows may fail and are left out.
	MaxFailed int64
	// Part, if not nil, is all that is read.
	Part *Part
}
