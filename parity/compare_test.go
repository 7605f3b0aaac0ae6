package parity

import (
	"testing"
	"time"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

const (
	present  = plumbv1.Status_PRESENT
	null     = plumbv1.Status_NULL
	expired  = plumbv1.Status_EXPIRED
	notFound = plumbv1.Status_NOT_FOUND
)

func TestEachMismatchIsToldByWhatTheThreeSidesSay(t *testing.T) {
	one, two := []byte{1}, []byte{2}
	for name, c := range map[string]struct {
		offline, online cell
		source          sourceState
		at              feature.Instant
		want            Cause
	}{
		"all agree": {
			cell{present, 90, one}, cell{present, 90, one}, sourceState{rows: 1, event: 90}, 100, "",
		},
		"all agree that there is no row": {
			cell{notFound, 0, nil}, cell{notFound, 5, nil}, sourceState{}, 100, "",
		},
		"all agree that it expired": {
			cell{expired, 89, nil}, cell{expired, 89, nil}, sourceState{rows: 1, event: 89}, 100, "",
		},
		"online has no row": {
			cell{present, 90, one}, cell{notFound, 0, nil}, sourceState{rows: 1, event: 90}, 100, MissingRow,
		},
		"online lost an expired row": {
			cell{expired, 80, nil}, cell{notFound, 0, nil}, sourceState{rows: 1, event: 80}, 100, MissingRow,
		},
		"offline has no row": {
			cell{notFound, 0, nil}, cell{null, 90, nil}, sourceState{}, 100, SurplusRow,
		},
		"another row": {
			cell{present, 90, one}, cell{present, 91, one}, sourceState{rows: 1, event: 90}, 100, EventTime,
		},
		"another row that expired": {
			cell{present, 95, one}, cell{expired, 80, nil}, sourceState{rows: 1, event: 95}, 100, EventTime,
		},
		"exactly at the end of the ttl": {
			cell{present, 90, one}, cell{expired, 90, nil}, sourceState{rows: 1, event: 90}, 100, TTLEdge,
		},
		"a microsecond after it": {
			cell{expired, 89, nil}, cell{present, 89, one}, sourceState{rows: 1, event: 89}, 100, TTLEdge,
		},
		"long after it": {
			cell{expired, 50, nil}, cell{present, 50, one}, sourceState{rows: 1, event: 50}, 100, TTL,
		},
		"one of two rows": {
			cell{present, 90, one}, cell{present, 90, two}, sourceState{rows: 2, event: 90}, 100, Tie,
		},
		"one of two rows, with a null": {
			cell{present, 90, one}, cell{null, 90, nil}, sourceState{rows: 2, event: 90}, 100, Tie,
		},
		"a null": {
			cell{present, 90, one}, cell{null, 90, nil}, sourceState{rows: 1, event: 90}, 100, Status,
		},
		"another value": {
			cell{present, 90, one}, cell{present, 90, two}, sourceState{rows: 1, event: 90}, 100, Value,
		},
		"both miss the newer row": {
			cell{present, 90, one}, cell{present, 90, one}, sourceState{rows: 1, event: 95}, 100, Witness,
		},
		"both miss a row": {
			cell{notFound, 0, nil}, cell{notFound, 0, nil}, sourceState{rows: 1, event: 95}, 100, Witness,
		},
		"both see a row that is not there": {
			cell{null, 90, nil}, cell{null, 90, nil}, sourceState{}, 100, Witness,
		},
		"both serve what has expired": {
			cell{present, 80, one}, cell{present, 80, one}, sourceState{rows: 1, event: 80}, 100, Witness,
		},
		"both withhold what has not": {
			cell{expired, 95, nil}, cell{expired, 95, nil}, sourceState{rows: 1, event: 95}, 100, Witness,
		},
		"both say nothing that is a status": {
			cell{0, 90, nil}, cell{0, 90, nil}, sourceState{rows: 1, event: 90}, 100, Witness,
		},
	} {
		view := &sandboxView{View: &feature.View{TTL: 10 * time.Microsecond}}
		compared := comparison{use: &use{view: view}, label: &label{at: c.at}, offline: c.offline, online: c.online,
			witnessed: c.source}
		if got := compared.cause(); got != c.want {
			t.Errorf("%s: the cause is %q, want %q", name, got, c.want)
		}
	}
}

// verified is a verification of one feature with the given numbers of label rows, matches and mismatches.
func verified(rows, matches, mismatches int64) *verification {
	only := &target{labels: make([]label, rows), report: &TargetReport{Name: "model", LabelRows: rows,
		Features: []FeatureReport{{Feature: "level", Matches: matches, Mismatches: mismatches}}}}
	now := func() time.Time { return time.Time{} }
	return &verification{Config: Config{Now: now}, targets: []*target{only}, report: &Report{}}
}

func TestOnlyWhatWasComparedWholeAndAgreesPasses(t *testing.T) {
	for name, c := range map[string]struct {
		verification *verification
		want         Outcome
	}{
		"all agree":              {verified(4, 4, 0), Passed},
		"one differs":            {verified(4, 3, 1), Failed},
		"nothing was compared":   {verified(0, 0, 0), Failed},
		"a row was not compared": {verified(4, 3, 0), Failed},
		"no row was compared":    {verified(4, 0, 0), Failed},
		"there were no targets":  {&verification{Config: Config{Now: time.Time{}.UTC}, report: &Report{}}, Failed},
	} {
		c.verification.conclude()
		if got := c.verification.report.Outcome; got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	windows := verified(4, 4, 0)
	windows.report.Views = []ViewReport{{View: "reading", Windows: 2, Mismatches: []WindowMismatch{{Through: "now"}}}}
	if windows.conclude(); windows.report.Outcome != Failed || windows.report.Causes[0] != (CauseCount{Window, 1}) {
		t.Errorf("a window that read other rows passes: %+v", windows.report)
	}
}
