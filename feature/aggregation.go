package feature

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/plumbstore/plumb/compute/aggregate"
	"github.com/plumbstore/plumb/compute/expression"
	"github.com/plumbstore/plumb/compute/windows"
	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// Lifetime is the name of the window that has no beginning, and HopExact the hop of windows that are exactly as long as
// they say.
const (
	Lifetime = "lifetime"
	HopExact = "exact"
)

// Aggregated is how a view of the kind Windows computes its features: from the rows of its source as events.
type Aggregated struct {
	// Events is a view of the rows themselves: its features are the source's columns that are read.
	Events *View
	// Columns are the values of an event that aggregates and the filter need.
	Columns []EventColumn
	// Program computes the columns that are computed; nil if there are none. Inputs says which features of Events it
	// reads.
	Program *expression.Program
	Inputs  []ProgramInput
	// Filter is the position of the filter's outcome, BOOL, among Columns, or aggregate.None.
	Filter int
	// Aggregates are what is computed. View.Features are their results in order: one for each, or two for those that have
	// two results.
	Aggregates []windows.Aggregate
	// reads are the columns of the source that anything here needs, for the hash.
	reads []SourceColumn
}

// EventColumn is a value of an event: a feature of Aggregated.Events, or an output of Aggregated.Program if Computed.
type EventColumn struct {
	Field
	Computed bool
	At       int
}

// AggregationProblem is a mistake in an aggregation. Path leads to the part of it that is wrong.
type AggregationProblem struct {
	Path    []string
	Message string
}

// AggregateOutput is a feature that an aggregation makes.
type AggregateOutput struct {
	Field
	// Aggregate is a position among the aggregates of the view, and Result one among its results.
	Aggregate, Result int
}

// PlanAggregation returns what an aggregation computes over columns of the given names and types, in the order of
// functions and then windows, and the features that come of it. It returns every mistake instead if there is one.
func PlanAggregation(a *plumbv1.Aggregation, columns []Field) ([]windows.Aggregate, []AggregateOutput,
	[]AggregationProblem,
) {
	p := aggregationPlan{aggregation: a, columns: columns}
	p.plan()
	if len(p.problems) > 0 {
		return nil, nil, p.problems
	}
	return p.aggregates, p.outputs, nil
}

type aggregationPlan struct {
	aggregation *plumbv1.Aggregation
	columns     []Field
	aggregates  []windows.Aggregate
	outputs     []AggregateOutput
	problems    []AggregationProblem
}

func (p *aggregationPlan) add(message string, path ...string) {
	p.problems = append(p.problems, AggregationProblem{path, message})
}

// maxOutputs bounds the features of one aggregation.
const maxOutputs = 1000

func (p *aggregationPlan) plan() {
	p.checkColumns()
	if p.tooMany() {
		return
	}
	spans := p.spans()
	for i, f := range p.aggregation.GetFunctions() {
		for _, spec := range p.specs(f, "functions", strconv.Itoa(i)) {
			for _, span := range spans {
				p.compute(windows.Aggregate{Spec: spec, Span: span})
			}
		}
	}
	if as := p.aggregation.GetAs(); as != "" && len(p.outputs) == 1 {
		p.outputs[0].Name = as
	} else if as != "" && len(p.outputs) > 1 {
		p.add(fmt.Sprintf("as names one feature, and this aggregation makes %d; split it, or leave as out", len(p.outputs)),
			"as")
	}
}

// tooMany reports an aggregation that makes more features than anybody asks for.
func (p *aggregationPlan) tooMany() bool {
	results := 0
	for _, f := range p.aggregation.GetFunctions() {
		results += max(len(f.GetQuantiles()), 1)
	}
	if results*len(p.aggregation.GetWindows()) <= maxOutputs {
		return false
	}
	p.add(fmt.Sprintf("the aggregation makes more than %d features; split it over several views", maxOutputs))
	return true
}

// checkColumns checks what the aggregation says of columns but for the functions.
func (p *aggregationPlan) checkColumns() {
	a := p.aggregation
	isRows := func(f *plumbv1.AggregateFunction) bool { return f.GetName() == string(aggregate.Rows) }
	if a.GetOf() != "" && len(a.GetFunctions()) > 0 && !slices.ContainsFunc(a.GetFunctions(),
		func(f *plumbv1.AggregateFunction) bool { return !isRows(f) }) {
		p.add("rows counts events whatever their columns are; leave of out, or use count for values that are not null", "of")
	}
	switch {
	case a.GetBy() == "" && a.GetLargest() > 0:
		p.add("largest says how many groups are given; name the column to group by, with by, or leave largest out", "largest")
	case a.GetBy() != "" && a.GetLargest() == 0:
		p.add(fmt.Sprintf("how many groups are given is missing; write largest, from 1 to %d", maxGroups), "by")
	case a.GetLargest() > maxGroups:
		p.add(fmt.Sprintf("largest is %d; it goes from 1 to %d", a.GetLargest(), maxGroups), "largest")
	}
	if a.GetBy() == "" {
		return
	}
	if by := p.column(a.GetBy(), "by"); by >= 0 && p.columns[by].Type >= plumbv1.Type_BOOL_ARRAY {
		p.add(fmt.Sprintf("events are grouped by single values, and column %q is %s", a.GetBy(), p.columns[by].Type), "by")
	}
}

func (p *aggregationPlan) compute(a windows.Aggregate) {
	name := p.nameOf(a)
	for result, t := range a.Spec.Results() {
		field := Field{Name: name, Type: t}
		if result == 1 {
			field.Name += "_" + p.secondOf(a.Spec)
		}
		p.outputs = append(p.outputs, AggregateOutput{field, len(p.aggregates), result})
	}
	p.aggregates = append(p.aggregates, a)
}

// secondOf ends the name of the second result of an aggregate.
func (p *aggregationPlan) secondOf(spec aggregate.Spec) string {
	if spec.By != aggregate.None {
		return "groups"
	}
	return "counts"
}

// nameOf is the name of an aggregate's first feature, such as sum_eur_1h or mean_eur_by_shop_30d_offset_1d.
func (p *aggregationPlan) nameOf(a windows.Aggregate) string {
	parts := []string{string(a.Spec.Function)}
	switch a.Spec.Function {
	case aggregate.LastN:
		parts[0] = fmt.Sprintf("last_%d", a.Spec.N)
	case aggregate.TopK:
		parts[0] = fmt.Sprintf("top_%d", a.Spec.N)
	case aggregate.Percentile:
		parts[0] = "p" + percentOf(a.Spec.Quantile)
	}
	if a.Spec.Column != aggregate.None {
		parts = append(parts, strings.TrimRight(p.columns[a.Spec.Column].Name, "_"))
	}
	if a.Spec.By != aggregate.None {
		parts = append(parts, "by", strings.TrimRight(p.columns[a.Spec.By].Name, "_"))
	}
	parts = append(parts, WindowText(a.Span))
	if a.Span.Offset > 0 {
		parts = append(parts, "offset", DurationText(a.Span.Offset))
	}
	return strings.Join(parts, "_")
}

// percentOf is a hundred times a quantile as part of a name: 99_9 for 0.999. It moves the point in the digits, since
// multiplying would round: 0.07 would be 7.000000000000001.
func percentOf(quantile float64) string {
	whole, fraction, _ := strings.Cut(strconv.FormatFloat(quantile, 'f', -1, 64), ".")
	for len(fraction) < 2 {
		fraction += "0"
	}
	percent := strings.TrimLeft(whole+fraction[:2], "0")
	if rest := fraction[2:]; rest != "" {
		return cmp.Or(percent, "0") + "_" + rest
	}
	return cmp.Or(percent, "0")
}

// WindowText is how long a window is, as definitions have it.
func WindowText(span windows.Span) string {
	if span.Length == 0 {
		return Lifetime
	}
	return DurationText(span.Length)
}

// DurationText writes microseconds as a duration.
func DurationText(micros int64) string {
	text, _ := FormatDuration(time.Duration(micros) * time.Microsecond)
	return text
}

// spans are the windows, in their order.
func (p *aggregationPlan) spans() []windows.Span {
	var spans []windows.Span
	for i, text := range p.aggregation.GetWindows() {
		span, err := windowSpan(text, p.aggregation.GetHop())
		if err != nil {
			p.add(err.Error(), "windows", strconv.Itoa(i))
			continue
		}
		span.Offset = p.aggregation.GetOffset().AsDuration().Microseconds()
		spans = append(spans, span)
	}
	return spans
}

const (
	shortestWindow = time.Millisecond
	longestWindow  = 366 * 24 * time.Hour
)

func windowSpan(text, hop string) (windows.Span, error) {
	if text == Lifetime {
		if hop != "" {
			return windows.Span{}, fault.Inputf("", "a lifetime window has no beginning and takes no hop; leave hop out")
		}
		return windows.Span{}, nil
	}
	length, err := ParseDuration(text)
	switch {
	case err != nil:
		return windows.Span{}, fmt.Errorf("a window is a duration such as 1h or 30d, or lifetime: %w", err)
	case length < shortestWindow:
		return windows.Span{}, fault.Inputf("", "a window of %s is shorter than 1ms; give at least that", text)
	case length > longestWindow:
		return windows.Span{}, fault.Inputf("", "a window of %s is longer than 366d; use lifetime, or a shorter one", text)
	}
	span := windows.Span{Length: length.Microseconds()}
	switch hop {
	case HopExact:
	case "":
		span.Hop = DefaultHop(length).Microseconds()
	default:
		given, err := ParseDuration(hop)
		switch {
		case err != nil:
			return windows.Span{}, err
		case given < shortestWindow:
			return windows.Span{}, fault.Inputf("", "a hop of %s is shorter than 1ms; give at least that", hop)
		case length%given != 0:
			return windows.Span{}, fault.Inputf("", "a hop of %s does not divide the window of %s; give one that does", hop,
				text)
		}
		span.Hop = given.Microseconds()
	}
	return span, nil
}

// DefaultHop is the greatest of 1m, 5m, 1h and 1d that divides a window and is at most a twelfth of it, or else 1m
// (R18).
func DefaultHop(window time.Duration) time.Duration {
	for _, hop := range []time.Duration{24 * time.Hour, time.Hour, 5 * time.Minute} {
		if window%hop == 0 && hop <= window/12 {
			return hop
		}
	}
	return time.Minute
}
