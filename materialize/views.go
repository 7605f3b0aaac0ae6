package materialize

import (
	"slices"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
)

// Views returns the views of a snapshot to materialize: those named, each once, in the order given, or, if none is
// named, all that are online, ordered by name. A name that does not exist is a *fault.NotFoundError, and one that is
// not online a *fault.PreconditionError.
func Views(snapshot *feature.Snapshot, names []string) ([]*feature.View, error) {
	if len(names) == 0 {
		offline := func(view *feature.View) bool { return !view.Online }
		return slices.DeleteFunc(snapshot.Views(), offline), nil
	}
	var views []*feature.View
	for _, name := range names {
		view, err := snapshot.View(name)
		if err != nil {
			return nil, err
		}
		if !view.Online {
			return nil, notOnline(view)
		}
		if !slices.Contains(views, view) {
			views = append(views, view)
		}
	}
	return views, nil
}

func notOnline(view *feature.View) error {
	return &fault.PreconditionError{Message: "view " + view.Name + " has online: false and is never materialized; " +
		"set online: true and apply"}
}
