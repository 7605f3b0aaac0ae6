package feature

import (
	"cmp"
	"fmt"
	"math"
	"slices"
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

// Longest returns the longest window: one without a beginning if there is one. Of several it is the one that ends last,
// and then the one that may begin first.
func (a *Aggregated) Longest() windows.Span {
	longest := slices.MaxFunc(a.Aggregates, func(a, b windows.Aggregate) int {
		return cmp.Or(cmp.Compare(lengthOf(a.Span), lengthOf(b.Span)), cmp.Compare(b.Span.Offset, a.Span.Offset),
			cmp.Compare(a.Span.Hop, b.Span.Hop))
	})
	return longest.Span
}

func lengthOf(span windows.Span) int64 {
	if span.Length == 0 {
		return math.MaxInt64
	}
	return span.Length
}

// Reach is more than how long before an instant any window begins, by its offset, its length and the hop that its start
// is rounded down to (R18). It is 0 if a window has no beginning.
func (a *Aggregated) Reach() time.Duration {
	var reach int64
	for _, each := range a.Aggregates {
		if each.Span.Length == 0 {
			return 0
		}
		reach = max(reach, each.Span.Length+each.Span.Hop+each.Span.Offset)
	}
	return time.Duration(reach) * time.Microsecond
}
