package parity

import (
	"slices"

	"github.com/plumbstore/plumb/feature"
)

// Outcome is what a verification came to.
type Outcome string

// The outcomes. Nothing is no pass: there was nothing to compare, and so nothing was found to agree.
const (
	Passed  Outcome = "passed"
	Failed  Outcome = "failed"
	Nothing Outcome = "nothing to verify"
)

// Report is what a verification found. Only what was compared is counted, and it is counted once, as a match or as a
// mismatch.
type Report struct {
	Outcome  Outcome `json:"outcome"`
	Project  string  `json:"project"`
	Revision int64   `json:"revision"`
	// Plan says that the definitions of a plan were verified, which have not been applied.
	Plan bool `json:"plan"`
	// Seed samples the same label rows again.
	Seed    uint64          `json:"seed"`
	Totals  Totals          `json:"totals"`
	Causes  []CauseCount    `json:"causes"`
	Targets []*TargetReport `json:"targets"`
	Views   []ViewReport    `json:"views"`
	// Examples are the first mismatches of each feature and cause.
	Examples []Example `json:"examples"`
	// Skipped is what was asked for and cannot be served, so that there is nothing to hold training to.
	Skipped []Skipped `json:"skipped"`
	Seconds Seconds   `json:"seconds"`
}

// Totals sum up all targets.
type Totals struct {
	LabelRows int64 `json:"label_rows"`
	// Values are features of label rows, each with its status and event time.
	Values     int64 `json:"values"`
	Matches    int64 `json:"matches"`
	Mismatches int64 `json:"mismatches"`
	// Windows is how many windows were materialized, WindowMismatches how many of them read other rows than they should.
	Windows          int64 `json:"windows"`
	WindowMismatches int64 `json:"window_mismatches"`
}

// CauseCount counts mismatches of one cause.
type CauseCount struct {
	Cause Cause `json:"cause"`
	Count int64 `json:"count"`
}

// TargetReport is what was found of one target.
type TargetReport struct {
	Name      string          `json:"name"`
	LabelRows int64           `json:"label_rows"`
	Kinds     []KindReport    `json:"kinds"`
	Features  []FeatureReport `json:"features"`

	examples []Example
}

// KindReport counts the label rows of a kind, and those of them with a mismatch.
type KindReport struct {
	Kind       Kind  `json:"kind"`
	LabelRows  int64 `json:"label_rows"`
	Mismatched int64 `json:"mismatched"`
}

// FeatureReport is what was found of one feature.
type FeatureReport struct {
	// Feature is the output's name, View the view that it is of.
	Feature    string       `json:"feature"`
	View       string       `json:"view"`
	Matches    int64        `json:"matches"`
	Mismatches int64        `json:"mismatches"`
	Statuses   StatusCounts `json:"statuses"`
	Causes     []CauseCount `json:"causes"`
}

// StatusCounts counts matches by status.
type StatusCounts struct {
	Present  int64 `json:"PRESENT"`
	Null     int64 `json:"NULL"`
	NotFound int64 `json:"NOT_FOUND"`
	Expired  int64 `json:"EXPIRED"`
	Invalid  int64 `json:"INVALID"`
}

// ViewReport is what was materialized of a view.
type ViewReport struct {
	View    string `json:"view"`
	Windows int    `json:"windows"`
	Read    int64  `json:"read"`
	Written int64  `json:"written"`
	// Mismatches are windows that read other rows than the source has in them.
	Mismatches []WindowMismatch `json:"mismatches"`
}

// WindowMismatch is a window after After, which is null for no beginning, through Through.
type WindowMismatch struct {
	After      *string `json:"after"`
	Through    string  `json:"through"`
	Read       int64   `json:"read"`
	SourceRows int64   `json:"source_rows"`
}

// Example is one mismatch, with what all sides say.
type Example struct {
	Target string `json:"target"`
	// Row is the label row's number, from 1.
	Row      int64     `json:"row"`
	Kind     Kind      `json:"kind"`
	Keys     []KeyText `json:"keys"`
	At       string    `json:"at"`
	Feature  string    `json:"feature"`
	Cause    Cause     `json:"cause"`
	Training Told      `json:"training"`
	Served   Told      `json:"served"`
	// SourceEvent is the newest event time at or before At that the source has for the key, and SourceRows how many rows
	// have it.
	SourceEvent *string `json:"source_event"`
	SourceRows  int     `json:"source_rows"`
	// MaterializedTo is how far the view was materialized.
	MaterializedTo string `json:"materialized_to"`
}

// KeyText is a key column of a label row, as text.
type KeyText struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Told is what one side reports. Value is text, null unless Status is PRESENT.
type Told struct {
	Value          *string `json:"value"`
	Status         string  `json:"status"`
	EventTimestamp *string `json:"event_timestamp"`
}

// Skipped is a view or a service that was not verified.
type Skipped struct {
	Name   string `json:"name"`
	Reason string `json:"reason"`
}

// Seconds is how long it took, and what for. The caller may include more of it in Total.
type Seconds struct {
	Sampling      float64 `json:"sampling"`
	Offline       float64 `json:"offline"`
	Materializing float64 `json:"materializing"`
	LookingUp     float64 `json:"looking_up"`
	Total         float64 `json:"total"`
}

// examplesEach is how many examples there are of one feature and cause.
const examplesEach = 3

func (r *TargetReport) describe(selection *feature.Selection) {
	for _, output := range selection.Outputs {
		r.Features = append(r.Features, FeatureReport{Feature: output.Name, Causes: []CauseCount{},
			View: selection.Describe(output).View})
	}
}

// count counts one comparison, and says whether all agree.
func (r *TargetReport) count(c comparison) bool {
	f := &r.Features[c.output]
	cause := c.cause()
	if cause == "" {
		f.Matches++
		f.Statuses.count(c.online)
		return true
	}
	f.Mismatches++
	if addCause(&f.Causes, cause, 1) <= examplesEach {
		r.examples = append(r.examples, c.example(cause))
	}
	return false
}

func (r *TargetReport) countRow(kind Kind, differs bool) {
	r.LabelRows++
	at := 0
	for at < len(r.Kinds) && r.Kinds[at].Kind != kind {
		at++
	}
	if at == len(r.Kinds) {
		r.Kinds = append(r.Kinds, KindReport{Kind: kind})
	}
	r.Kinds[at].LabelRows++
	if differs {
		r.Kinds[at].Mismatched++
	}
}

// count relies on the numbers of the statuses: PRESENT is 1, and the others follow in the order of the fields.
func (s *StatusCounts) count(c cell) {
	counts := []*int64{&s.Present, &s.Null, &s.NotFound, &s.Expired, &s.Invalid}
	*counts[c.status-1]++
}

// addCause counts a cause, and returns how often it is there now.
func addCause(causes *[]CauseCount, cause Cause, count int64) int64 {
	for i := range *causes {
		if (*causes)[i].Cause == cause {
			(*causes)[i].Count += count
			return (*causes)[i].Count
		}
	}
	*causes = append(*causes, CauseCount{cause, count})
	return count
}

// conclude sums up.
func (v *verification) conclude() {
	r := v.report
	for _, t := range v.targets {
		r.Targets = append(r.Targets, t.report)
		r.Examples = append(r.Examples, t.report.examples...)
		r.Totals.LabelRows += t.report.LabelRows
		for _, f := range t.report.Features {
			r.Totals.Matches += f.Matches
			r.Totals.Mismatches += f.Mismatches
			for _, counted := range f.Causes {
				addCause(&r.Causes, counted.Cause, counted.Count)
			}
		}
		t.report.order()
	}
	for _, view := range r.Views {
		r.Totals.Windows += int64(view.Windows)
		r.Totals.WindowMismatches += int64(len(view.Mismatches))
	}
	if r.Totals.WindowMismatches > 0 {
		addCause(&r.Causes, Window, r.Totals.WindowMismatches)
	}
	r.Totals.Values = r.Totals.Matches + r.Totals.Mismatches
	r.Outcome = Passed
	if r.Totals.Mismatches > 0 || r.Totals.WindowMismatches > 0 || r.Totals.Values == 0 || v.uncompared() {
		r.Outcome = Failed
	}
	r.Seconds.Total = v.since(v.began)
}

// Complete adds what was not verified, and ensures that JSON has empty lists instead of null.
func (r *Report) Complete(skipped []Skipped) {
	r.Skipped = append(slices.Clone(skipped), r.Skipped...)
	r.Causes, r.Targets = listed(r.Causes), listed(r.Targets)
	r.Views, r.Examples, r.Skipped = listed(r.Views), listed(r.Examples), listed(r.Skipped)
	for i := range r.Views {
		r.Views[i].Mismatches = listed(r.Views[i].Mismatches)
	}
}

// listed is a list that is not null in JSON.
func listed[T any](list []T) []T { return append([]T{}, list...) }

// uncompared says whether a target was not compared at all, or not whole. Mistakes of this package itself would show
// so: label rows that were never played are no mismatch, and without this check they would be no failure.
func (v *verification) uncompared() bool {
	for _, t := range v.targets {
		for _, f := range t.report.Features {
			if compared := f.Matches + f.Mismatches; compared == 0 || compared != int64(len(t.labels)) {
				return true
			}
		}
	}
	return false
}

// order puts kinds into their order.
func (r *TargetReport) order() {
	var ordered []KindReport
	for _, kind := range Kinds() {
		for _, counted := range r.Kinds {
			if counted.Kind == kind {
				ordered = append(ordered, counted)
			}
		}
	}
	r.Kinds = ordered
}
