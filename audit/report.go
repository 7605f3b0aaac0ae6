package audit

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/document"
	"github.com/plumbstore/plumb/internal/value"
)

// Report is what an audit found. A value is one feature of one row that was looked up; its status and event time are
// part of it.
type Report struct {
	Project string `json:"project"`
	// From and To bound when look-ups were served: from the first, up to and without the second.
	From string `json:"from"`
	To   string `json:"to"`
	// TooEarly has the views of which what was served was not known yet, unless that is negligible.
	TooEarly []TooEarly `json:"served_too_early"`
	// Files is the number of log files that hold such look-ups, and Rows that of the rows looked up.
	Files int64 `json:"files"`
	Rows  int64 `json:"rows"`
	// UnreadableFiles may hold look-ups too, and nobody knows.
	UnreadableFiles []UnreadableFile `json:"unreadable_files"`
	CopiedFiles     []CopiedFile     `json:"copied_files"`
	// Values = Matched + Mismatched + NotCompared.
	Values      int64 `json:"values"`
	Matched     int64 `json:"matched"`
	Mismatched  int64 `json:"mismatched"`
	NotCompared int64 `json:"not_compared"`
	// Unexplained counts those of Mismatched that no evidence explains.
	Unexplained int64 `json:"unexplained"`
	// Causes are those that were found, in their order of precedence.
	Causes []CauseCount `json:"causes"`
	// Skipped says what was not compared, and why.
	Skipped []Skipped `json:"skipped"`
	Views   []View    `json:"views"`
	// Features are those with mismatches, the worst first.
	Features []Feature `json:"features"`
	Examples []Example `json:"examples"`
	Seconds  float64   `json:"seconds"`
}

// AllChecked says whether every file of the log was read, and nothing was skipped for a mistake in what the audit was
// given.
func (r *Report) AllChecked() bool {
	return len(r.UnreadableFiles) == 0 && !slices.ContainsFunc(r.Skipped, func(s Skipped) bool { return s.Input })
}

// CauseCount is how many values mismatched for a cause.
type CauseCount struct {
	Cause  Cause  `json:"cause"`
	Title  string `json:"title"`
	Values int64  `json:"values"`
}

// Skipped is why values were not compared.
type Skipped struct {
	Reason string `json:"reason"`
	Values int64  `json:"values"`
	// Input says that the reason is a mistake in what the audit was given, such as a source that is gone.
	Input bool `json:"input"`
}

// View is what became of the look-ups of one view.
type View struct {
	View        string       `json:"view"`
	Rows        int64        `json:"rows"`
	Matched     int64        `json:"matched"`
	Mismatched  int64        `json:"mismatched"`
	NotCompared int64        `json:"not_compared"`
	Causes      []CauseCount `json:"causes"`
	// Staleness is null if nothing was served.
	Staleness *Staleness `json:"staleness_seconds"`
	// Knowledge is null if the view's source has no created timestamp, or nothing was compared.
	Knowledge *Knowledge `json:"as_known"`
}

// Staleness is how old the rows were that values were served from: the instant that was asked for less the row's event
// time, in seconds.
type Staleness struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
	// Bins count rows for the plot, by age in seconds.
	Bins []StalenessBin `json:"bins"`
}

// StalenessBin counts rows that were so old or older, up to the next bin.
type StalenessBin struct {
	From float64 `json:"from"`
	To   float64 `json:"to"`
	Rows int64   `json:"rows"`
}

// Knowledge compares training with and without as_known (R4) to what was served.
type Knowledge struct {
	// Compared is the number of values, MatchedDefault of those that the default join matches, and MatchedAsKnown of
	// those that the join as known matches.
	Compared       int64 `json:"compared"`
	MatchedDefault int64 `json:"matched_default"`
	MatchedAsKnown int64 `json:"matched_as_known"`
	// Seen is the number of rows for which the default join has a visible row, and Unknown that of those whose visible row
	// had not been created yet at the instant of the label.
	Seen    int64 `json:"seen"`
	Unknown int64 `json:"unknown"`
	// Served is the number of rows of which a value was served, and ServedUnknown that of those whose served row had not
	// been created yet at the instant asked for, as far as is known.
	Served        int64 `json:"served"`
	ServedUnknown int64 `json:"served_unknown"`
}

// TooEarly is a view of which Rows of the Of rows served were not known yet at the instant asked for.
type TooEarly struct {
	View string `json:"view"`
	Rows int64  `json:"rows"`
	Of   int64  `json:"of"`
}

// negligible is the share of rows served too early up to which a report does not lead with them.
const negligible = 0.01

// servedTooEarly are the views that a report leads with.
func servedTooEarly(views []View) []TooEarly {
	found := []TooEarly{}
	for _, view := range views {
		if k := view.Knowledge; k != nil && share(k.ServedUnknown, k.Served) > negligible {
			found = append(found, TooEarly{View: view.View, Rows: k.ServedUnknown, Of: k.Served})
		}
	}
	return found
}

// Optimism is the share of the rows seen that were not known yet.
func (k *Knowledge) Optimism() float64 { return share(k.Unknown, k.Seen) }

func share(part, of int64) float64 {
	if of == 0 {
		return 0
	}
	return float64(part) / float64(of)
}

// Feature is what became of one feature.
type Feature struct {
	View       string       `json:"view"`
	Feature    string       `json:"feature"`
	Compared   int64        `json:"compared"`
	Mismatched int64        `json:"mismatched"`
	Causes     []CauseCount `json:"causes"`
}

// Example is a value that was served otherwise than training sees it.
type Example struct {
	Cause    Cause  `json:"cause"`
	Evidence string `json:"evidence"`
	View     string `json:"view"`
	Feature  string `json:"feature"`
	// Output is the name that the feature was served under.
	Output string          `json:"output"`
	Keys   document.Object `json:"keys"`
	// Request and Row name the row in its log file, File.
	File     string `json:"file"`
	Request  int64  `json:"request"`
	Row      int64  `json:"row"`
	ServedAt string `json:"served_at"`
	At       string `json:"at"`
	Served   Shown  `json:"served"`
	Joined   Shown  `json:"joined"`
}

// Shown is one side of an example. Sensitive values are shown as their hashes.
type Shown struct {
	Value          any     `json:"value"`
	Status         string  `json:"status"`
	EventTimestamp *string `json:"event_timestamp"`
}

// examplesOf is how many examples there are of each cause in each view.
const examplesOf = 3

// tally counts while an audit goes on. Its memory grows with views, features and causes, and not with the log: of
// values it keeps a few examples, and of ages a spread.
type tally struct {
	views    map[string]*viewTally
	features map[[2]string]*featureTally
	skipped  map[Skipped]int64
	examples []Example
	shown    map[exampleKind]int
}

type exampleKind struct {
	cause Cause
	view  string
}

type viewTally struct {
	rows, matched, mismatched, skipped int64
	causes                             map[Cause]int64
	staleness                          spread
	knowledge                          Knowledge
	tellsCreated                       bool
}

type featureTally struct {
	compared, mismatched int64
	causes               map[Cause]int64
}

func newTally() *tally {
	return &tally{
		views: map[string]*viewTally{}, features: map[[2]string]*featureTally{}, skipped: map[Skipped]int64{},
		shown: map[exampleKind]int{},
	}
}

func (t *tally) view(name string) *viewTally {
	if t.views[name] == nil {
		t.views[name] = &viewTally{causes: map[Cause]int64{}}
	}
	return t.views[name]
}

func (t *tally) feature(view, name string) *featureTally {
	key := [2]string{view, name}
	if t.features[key] == nil {
		t.features[key] = &featureTally{causes: map[Cause]int64{}}
	}
	return t.features[key]
}

// skip counts values of a view that are not compared.
func (t *tally) skip(view string, reason Skipped, values int64) {
	t.skipped[reason] += values
	t.view(view).skipped += values
}

// wants says whether there is room for one more example of a cause.
func (t *tally) wants(cause Cause, view string) bool {
	return t.shown[exampleKind{cause, view}] < examplesOf
}

func (t *tally) show(example Example) {
	t.shown[exampleKind{example.Cause, example.View}]++
	t.examples = append(t.examples, example)
}

// report sums up.
func (t *tally) report() *Report {
	r := &Report{Skipped: []Skipped{}, Views: []View{}, Features: []Feature{}, Examples: t.sortedExamples()}
	causes := map[Cause]int64{}
	for _, name := range slices.Sorted(maps.Keys(t.views)) {
		view := t.views[name]
		r.Matched, r.Mismatched = r.Matched+view.matched, r.Mismatched+view.mismatched
		r.NotCompared += view.skipped
		for cause, values := range view.causes {
			causes[cause] += values
		}
		r.Views = append(r.Views, view.report(name))
	}
	r.TooEarly = servedTooEarly(r.Views)
	r.Values = r.Matched + r.Mismatched + r.NotCompared
	r.Causes, r.Unexplained = counts(causes), causes[Unexplained]
	for key, f := range t.features {
		if f.mismatched > 0 {
			r.Features = append(r.Features, Feature{View: key[0], Feature: key[1], Compared: f.compared,
				Mismatched: f.mismatched, Causes: counts(f.causes)})
		}
	}
	slices.SortFunc(r.Features, worstFirst)
	for reason, values := range t.skipped {
		reason.Values = values
		r.Skipped = append(r.Skipped, reason)
	}
	slices.SortFunc(r.Skipped, func(a, b Skipped) int {
		return cmp.Or(cmp.Compare(b.Values, a.Values), strings.Compare(a.Reason, b.Reason))
	})
	return r
}

func worstFirst(a, b Feature) int {
	return cmp.Or(cmp.Compare(b.Mismatched, a.Mismatched), strings.Compare(a.View, b.View),
		strings.Compare(a.Feature, b.Feature))
}

// sortedExamples has the causes in the reverse order of precedence, so that what nothing explains, which is a bug,
// comes first.
func (t *tally) sortedExamples() []Example {
	order := Causes()
	examples := append([]Example{}, t.examples...)
	slices.SortStableFunc(examples, func(a, b Example) int {
		return cmp.Or(cmp.Compare(slices.Index(order, b.Cause), slices.Index(order, a.Cause)),
			strings.Compare(a.View, b.View))
	})
	return examples
}

// counts lists causes in their order.
func counts(causes map[Cause]int64) []CauseCount {
	listed := []CauseCount{}
	for _, cause := range Causes() {
		if causes[cause] > 0 {
			listed = append(listed, CauseCount{cause, cause.Title(), causes[cause]})
		}
	}
	return listed
}

func (v *viewTally) report(name string) View {
	view := View{View: name, Rows: v.rows, Matched: v.matched, Mismatched: v.mismatched, NotCompared: v.skipped,
		Causes: counts(v.causes), Staleness: v.staleness.report()}
	if v.tellsCreated && v.knowledge.Compared > 0 {
		view.Knowledge = &v.knowledge
	}
	return view
}

// stalenessBins is how many bars a plot of ages has.
const stalenessBins = 24

func (s *spread) report() *Staleness {
	if s.count == 0 {
		return nil
	}
	p50, _ := s.quantile(0.5)
	p99, _ := s.quantile(0.99)
	longest, _ := s.quantile(1)
	told := &Staleness{P50: p50.Seconds(), P99: p99.Seconds(), Bins: make([]StalenessBin, stalenessBins)}
	width := max(longest, time.Microsecond).Seconds() / stalenessBins
	for i := range told.Bins {
		told.Bins[i] = StalenessBin{From: float64(i) * width, To: float64(i+1) * width}
	}
	for _, bin := range s.bins {
		at := min(int(micros(bin.most).Seconds()/width), stalenessBins-1)
		told.Bins[at].Rows += bin.count
	}
	return told
}

func shownInstant(at feature.Instant, there bool) *string {
	if !there {
		return nil
	}
	return new(value.FormatInstant(at))
}
