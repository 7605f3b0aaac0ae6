package offline

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
)

// FileColumns has the positions of a view's columns among those of a file of rows to push. Created is -1 if the file
// has none.
type FileColumns struct {
	Keys           []int
	Event, Created int
	Features       []int
}

// FileRows are rows of a file in the types of a view, column by column.
type FileRows struct {
	// Keys, Event, Created and Features are as in a batch of Store.Newest, and all may have nulls.
	Keys           []arrow.Array
	Event, Created arrow.Array
	Features       []arrow.Array
	// Misfits are the values that cannot be brought to their declared type, by row (R9); the first of each row. The
	// columns have nulls there.
	Misfits []Misfit
}

// Misfit is a value that does not fit its declared type.
type Misfit struct {
	// Row counts from 0 within the FileRows.
	Row int
	// Column is the name of the file's column.
	Column string
	Reason string
}

// The names that a file may give to its times, beside those of the view's source.
const (
	EventColumn   = "event_timestamp"
	CreatedColumn = "created_timestamp"
)

// FindColumns finds the columns of a view among the names of a file's: join keys and features by their names, or by the
// names of the source's columns; the times by the names that the source has for them, or as event_timestamp and
// created_timestamp. Names have to differ. It reports every mistake at once, as joined *fault.InputError: what
// is missing, what is there under both names, what belongs to nothing.
func FindColumns(view *feature.View, names []string) (FileColumns, error) {
	f := &columnFinder{view: view, names: names, used: make([]bool, len(names))}
	found := FileColumns{Created: -1}
	for i, key := range view.Keys {
		found.Keys = append(found.Keys, f.need("join key", key.Name, view.KeyColumn(i)))
	}
	found.Event = f.need("event time", view.Source.EventTimestamp, EventColumn)
	if view.Source.CreatedTimestamp != "" {
		found.Created = f.find("created time", view.Source.CreatedTimestamp, CreatedColumn)
	}
	for _, field := range view.Features {
		found.Features = append(found.Features, f.need("feature", field.Name, field.Column))
	}
	f.refuseSurplus()
	return found, errors.Join(f.mistakes...)
}

// columnFinder is one call of FindColumns.
type columnFinder struct {
	view     *feature.View
	names    []string
	used     []bool
	mistakes []error
}

// find returns the position of the column that has one of the names, or -1. A second name that also means something
// else is used only if the first does not exist.
func (f *columnFinder) find(what string, names ...string) int {
	at := -1
	for i, name := range names {
		position := slices.Index(f.names, name)
		if position < 0 || position == at {
			continue
		}
		if at >= 0 && !f.isOwn(name, names[0]) {
			f.mistakes = append(f.mistakes, fault.Inputf(name, "is there beside %s, and both mean the %s %s; keep one",
				f.names[at], what, names[0]))
		}
		if at < 0 && (i == 0 || !f.isOwn(name, names[0]) || what == "feature") {
			at = position
		}
	}
	if at >= 0 {
		f.used[at] = true
	}
	return at
}

func (f *columnFinder) need(what string, names ...string) int {
	before := len(f.mistakes)
	at := f.find(what, names...)
	if at < 0 && len(f.mistakes) == before {
		names = slices.Compact(names)
		advice := ""
		if what == "feature" { // A row without a key or an event time is refused.
			advice = ", with nulls where it is not known"
		}
		f.mistakes = append(f.mistakes, fault.Inputf(names[0], "is missing, the %s; give a column of the name %s%s", what,
			strings.Join(names, " or "), advice))
	}
	return at
}

// isOwn says whether a name is first of all that of a key, a time of the source or a feature other than the one named.
func (f *columnFinder) isOwn(name, field string) bool {
	return name == f.view.Source.EventTimestamp || name == f.view.Source.CreatedTimestamp ||
		slices.ContainsFunc(f.view.Keys, func(key feature.Field) bool { return key.Name == name }) ||
		slices.ContainsFunc(f.view.Features, func(o feature.Feature) bool { return o.Name == name && o.Name != field })
}

func (f *columnFinder) refuseSurplus() {
	var known []string
	for _, key := range f.view.Keys {
		known = append(known, key.Name)
	}
	known = append(known, f.view.Source.EventTimestamp)
	if f.view.Source.CreatedTimestamp != "" {
		known = append(known, f.view.Source.CreatedTimestamp)
	}
	for _, field := range f.view.Features {
		known = append(known, field.Name)
	}
	for i, name := range f.names {
		if f.used[i] {
			continue
		}
		hint := "its columns are " + strings.Join(known, ", ")
		if closest := fault.Closest(name, known); closest != "" && !slices.Contains(f.names, closest) {
			hint = fmt.Sprintf("did you mean %q?", closest)
		}
		if alreadySaid := slices.ContainsFunc(f.mistakes, func(err error) bool {
			var input *fault.InputError
			return errors.As(err, &input) && input.Field == name
		}); !alreadySaid {
			f.mistakes = append(f.mistakes, fault.Inputf(name, "belongs to nothing of view %s; %s", f.view.Name, hint))
		}
	}
}
