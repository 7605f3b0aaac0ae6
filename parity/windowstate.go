package parity

import (
	"math"
	"math/big"
	"slices"

	"github.com/plumbstore/plumb/compute/windows"
	"github.com/plumbstore/plumb/feature"
)

// windowStates are what a plain read of a source says of a view with aggregations: which events of some entity keys
// count at some instants (R18, R22). No code of it is an engine's, not even the bounds of a window.
//
// The bounds of all windows of a key's instants cut time into panes, and each event lies in one pane. So memory does
// not grow with the source.
type windowStates struct{ statesByKey[*windowKey] }

// windowKey is one entity key. Pane i has the events that are later than cuts[i-1] and not later than cuts[i]; the last
// pane has those after all cuts.
type windowKey struct {
	keyStates

	spans []windows.Span
	cuts  []feature.Instant
	panes []pane
}

// pane has how many events lie in it, and the latest of them, of which there are ties.
type pane struct {
	events, ties int
	latest       feature.Instant
	// counts says that some window has the pane.
	counts bool
}

func newWindowStates(view *feature.View) *windowStates {
	spans := spansOf(view)
	return &windowStates{statesByKey[*windowKey]{map[string]*windowKey{}, func() *windowKey {
		return &windowKey{spans: spans}
	}}}
}

// spansOf are the windows of a view, each once.
func spansOf(view *feature.View) []windows.Span {
	var spans []windows.Span
	for _, aggregate := range view.Aggregated.Aggregates {
		if !slices.Contains(spans, aggregate.Span) {
			spans = append(spans, aggregate.Span)
		}
	}
	return spans
}

// windowAt is the window at an instant: events count that are later than start and not later than end (R18).
func windowAt(span windows.Span, at feature.Instant) (start, end feature.Instant) {
	last := new(big.Int).Sub(big.NewInt(int64(at)), big.NewInt(span.Offset))
	if span.Length == 0 {
		return math.MinInt64, clamped(last)
	}
	first := new(big.Int).Sub(last, big.NewInt(span.Length))
	if span.Hop > 0 {
		hop := big.NewInt(span.Hop)
		first.Mul(first.Div(first, hop), hop) // Div rounds down if the divisor is positive.
	}
	return clamped(first), clamped(last)
}

// clamped is the nearest instant.
func clamped(at *big.Int) feature.Instant {
	switch {
	case at.IsInt64():
		return feature.Instant(at.Int64())
	case at.Sign() < 0:
		return math.MinInt64
	}
	return math.MaxInt64
}

// begin makes the panes.
func (k *windowKey) begin() {
	for _, at := range k.times {
		for _, span := range k.spans {
			start, end := windowAt(span, at)
			k.cuts = append(k.cuts, start, end)
		}
	}
	slices.Sort(k.cuts)
	k.cuts = slices.Compact(k.cuts)
	k.panes = slices.Repeat([]pane{{latest: math.MinInt64}}, len(k.cuts)+1)
}

func (k *windowKey) paneOf(event feature.Instant) int {
	at, _ := slices.BinarySearch(k.cuts, event)
	return at
}

func (k *windowKey) pass(row sourceRow) { k.panes[k.paneOf(row.event)].add(row.event) }

func (p *pane) add(event feature.Instant) {
	p.events++
	switch {
	case event > p.latest:
		p.latest, p.ties = event, 1
	case event == p.latest:
		p.ties++
	}
}

// panesOf are the panes of a window, from the first up to before the second.
func (k *windowKey) panesOf(span windows.Span, at feature.Instant) (from, to int) {
	start, end := windowAt(span, at)
	return k.paneOf(start) + 1, k.paneOf(end) + 1
}

// settle finds the latest event that counts in any window, for each instant (R22).
func (k *windowKey) settle() {
	for place, at := range k.times {
		seen := &k.states[place]
		for _, span := range k.spans {
			from, to := k.panesOf(span, at)
			for i := from; i < to; i++ {
				p := &k.panes[i]
				p.counts = true
				if p.events > 0 && p.latest > seen.event {
					seen.event, seen.rows = p.latest, p.ties
				}
			}
		}
	}
}

// counted is how many events of the key count in some window at some instant.
func (k *windowKey) counted() int {
	count := 0
	for _, p := range k.panes {
		if p.counts {
			count += p.events
		}
	}
	return count
}
