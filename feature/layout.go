package feature

import (
	"fmt"
	"time"

	"github.com/plumbstore/plumb/compute/windows"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// Layout returns what online stores keep of the events of an entity of a view of the kind Windows.
func (v *View) Layout() (*windows.Layout, error) {
	types := make([]plumbv1.Type, len(v.Aggregated.Columns))
	for i, column := range v.Aggregated.Columns {
		types[i] = column.Type
	}
	layout, err := windows.NewLayout(v.Aggregated.Aggregates, types)
	if err != nil {
		return nil, fmt.Errorf("view %s: %w", v.Name, err)
	}
	return layout, nil
}

// Longest returns the window that begins earliest: one without a beginning if there is one.
func (a *Aggregated) Longest() windows.Span {
	var longest windows.Span
	for i, each := range a.Aggregates {
		if each.Span.Length == 0 {
			return each.Span
		}
		if i == 0 || Reach(each.Span) > Reach(longest) {
			longest = each.Span
		}
	}
	return longest
}

// Reach is more than how long before an instant a window begins, by its offset, its length and the hop that its start
// is rounded down to (R18). A window without a beginning has none.
func Reach(span windows.Span) time.Duration {
	return time.Duration(span.Length+span.Hop+span.Offset) * time.Microsecond
}
