package duckdb

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/compute/aggregate"
	"github.com/plumbstore/plumb/compute/expression"
	"github.com/plumbstore/plumb/compute/windows"
	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/store/duckdb/panes"
	"github.com/plumbstore/plumb/store/duckdb/quote"
)

// panePlan is what a use of a view of the kind feature.Windows computes of the view's events, and how: of the
// aggregates of the view those that a feature which is asked for needs, and of the columns those that these need.
type panePlan struct {
	view       *feature.View
	aggregates []windows.Aggregate
	plan       *aggregate.Plan
	// spans are all windows of the view.
	spans []windows.Span
	// widest is the longest window, whose events are counted if provenance is asked for.
	widest *windows.Span
	// results says of which aggregate a feature is, and which of its results; it is by the feature's position.
	results map[int]aggregateResult
	// columns are those of an event.
	columns []paneColumn
	// filter is the position in columns of the filter's outcome, or aggregate.None.
	filter  int
	program *expression.Program
	// inputs are the arguments that the program's inputs are read from, in the order of Program.Inputs.
	inputs []int
	// reads are the features of the events that are arguments.
	reads []int
}

type aggregateResult struct{ aggregate, result int }

// paneColumn is a column of the events: an argument, or an output of the program. Others are not needed.
type paneColumn struct {
	feature.Field
	needed, computed bool
	at               int
}

// newPanePlan plans what the features at some positions of a view need.
func newPanePlan(view *feature.View, features []int, provenance bool) *panePlan {
	a := view.Aggregated
	p := &panePlan{view: view, filter: a.Filter, results: map[int]aggregateResult{}}
	var specs []aggregate.Spec
	position := 0
	for _, one := range a.Aggregates {
		if !slices.Contains(p.spans, one.Span) {
			p.spans = append(p.spans, one.Span)
		}
		wanted := false
		for result := range one.Spec.Results() {
			if slices.Contains(features, position) {
				p.results[position] = aggregateResult{len(specs), result}
				wanted = true
			}
			position++
		}
		if wanted {
			p.aggregates, specs = append(p.aggregates, one), append(specs, one.Spec)
		}
	}
	p.plan = aggregate.NewPlan(specs)
	p.planColumns(a, specs)
	if provenance {
		p.widest = new(a.Longest())
	}
	return p
}

// planColumns finds the columns that the specs and the filter need.
func (p *panePlan) planColumns(a *feature.Aggregated, specs []aggregate.Spec) {
	p.columns = make([]paneColumn, len(a.Columns))
	var outputs []int
	need := func(at int) {
		if at == aggregate.None || p.columns[at].needed {
			return
		}
		from := a.Columns[at]
		p.columns[at] = paneColumn{Field: from.Field, needed: true, computed: from.Computed}
		if from.Computed {
			p.columns[at].at = len(outputs)
			outputs = append(outputs, from.At)
		} else {
			p.columns[at].at = p.argument(from.At)
		}
	}
	for _, spec := range specs {
		need(spec.Column)
		need(spec.By)
	}
	need(a.Filter)
	if outputs == nil {
		return
	}
	p.program = a.Program.Select(outputs)
	for _, input := range p.program.Inputs() {
		at := slices.IndexFunc(a.Inputs, func(i feature.ProgramInput) bool { return i.Input == input })
		p.inputs = append(p.inputs, p.argument(a.Inputs[at].Feature))
	}
}

// argument is the position among the arguments of a feature of the events.
func (p *panePlan) argument(f int) int {
	at := slices.Index(p.reads, f)
	if at < 0 {
		at = len(p.reads)
		p.reads = append(p.reads, f)
	}
	return at
}

// seenBy is the range of event times that the labels can count.
func (p *panePlan) seenBy(labels timeRange) timeRange {
	if labels.from == nil || labels.to == nil {
		return labels
	}
	first, last := int64(math.MaxInt64), int64(math.MinInt64)
	for _, span := range p.spans {
		start, _ := span.Bounds(*labels.from)
		_, end := span.Bounds(*labels.to)
		first, last = min(first, start), max(last, end)
	}
	const far = math.MaxInt64 / 2
	// A bound is left out if DuckDB may not have such a time.
	var seen timeRange
	if first > -far && first < far {
		seen.from = new(first + 1)
	}
	if last > -far && last < far {
		seen.to = &last
	}
	return seen
}

// cutsOf is how many cuts a label makes at the most.
func (p *panePlan) cutsOf() int64 {
	starts, offsets := map[windows.Span]bool{}, map[int64]bool{}
	for _, a := range p.aggregates {
		starts[a.Span] = true
	}
	if p.widest != nil {
		starts[*p.widest] = true
	}
	for _, span := range p.spans {
		offsets[span.Offset] = true
	}
	return int64(len(starts) + len(offsets))
}

// labelBytes bounds the memory of a label while events are counted, apart from what states come to hold.
func (p *panePlan) labelBytes() int64 {
	const places = 256
	bytes := int64(0)
	for _, part := range p.plan.Parts() {
		states := aggregate.NewStates(part)
		states.Grow(places)
		bytes += (states.Bytes() + places - 1) / places
	}
	return p.indexBytes() + p.cutsOf()*bytes
}

// indexBytes bounds the memory of a label without states.
func (p *panePlan) indexBytes() int64 { return panes.LabelBytes + p.cutsOf()*panes.PaneBytes }

// resultBytes bounds the memory of the results of a label, but for what texts and arrays hold.
func (p *panePlan) resultBytes() int64 {
	const row, value = 24, 25
	bytes := int64(row)
	for _, a := range p.aggregates {
		bytes += value * int64(len(a.Spec.Results()))
	}
	return bytes
}

// windowTexts are the windows that are read, for people.
func (p *panePlan) windowTexts() string {
	var texts []string
	for _, a := range p.aggregates {
		text := feature.WindowText(a.Span)
		if !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	return strings.Join(texts, ", ")
}

// paneSearch is the SQL of a pass over the events of a use, for the labels of a part of the hashes.
type paneSearch struct{ search }

// collect is the query that hands the labels over.
func (s paneSearch) collect() string {
	return fmt.Sprintf("SELECT count(*) FILTER (WHERE _plumb_cut%d(%s)) FROM (%s)", s.number,
		strings.Join(append([]string{"CAST(h AS UBIGINT)", "t"}, s.keyNames()...), ", "), s.keyed(s.pass))
}

// add is the query that adds the events.
func (s paneSearch) add() string {
	columns := []string{"h", s.rows.eventTime() + " AS e", "CAST(coalesce(" + s.rows.createdTime() + ", " + noCreated +
		") AS BIGINT) AS c"}
	names := append([]string{"h", "e", "c"}, s.keyNames()...)
	for i, key := range s.rows.typedKeys() {
		columns = append(columns, fmt.Sprintf("%s AS k%d", key, i))
	}
	for _, f := range s.panes.reads {
		name := fmt.Sprintf("f%d", f)
		columns, names = append(columns, s.rows.value("r", "r."+name, f)+" AS "+name), append(names, name)
	}
	where := s.rows.usable() + s.rows.within(s.seen)
	if s.asKnown {
		where += " AND c IS NOT NULL"
	}
	return fmt.Sprintf("SELECT count(*) FILTER (WHERE _plumb_add%[1]d(%[2]s))\nFROM (SELECT %[3]s\n"+
		"  FROM (SELECT *, CAST(%[4]s AS UBIGINT) AS h FROM %[5]s\n    WHERE %[6]s) r\n"+
		"  WHERE _plumb_counts%[1]d(h))", s.number, strings.Join(names, ", "), strings.Join(columns, ", "),
		s.hash.of(s.rows.typedKeys()), s.rows.from, where)
}

// found is the table of the results of the labels.
func (s paneSearch) found() string {
	into := "CREATE OR REPLACE TABLE " + s.table("found") + " AS"
	if s.pass.number > 0 {
		into = "INSERT INTO " + s.table("found")
	}
	return fmt.Sprintf("%s\nSELECT n, p.*\nFROM (SELECT n, _plumb_windows%d(CAST(h AS UBIGINT), t) AS p FROM (%s))\n"+
		"WHERE p.e IS NOT NULL", into, s.number, s.keyed(s.pass))
}

// statements are the SQL of the pass, for people.
func (s paneSearch) statements(keeps bool) []string {
	list := append(slices.Clone(s.rows.staging), s.collect(), s.add())
	if !keeps {
		list = append(list, s.found())
	}
	return list
}

// kept returns the column p# over the labels, with the fields of found.
func (s paneSearch) kept() string {
	keys := "true" + quote.Each(s.labelColumns, " AND $ IS NOT NULL", "")
	return fmt.Sprintf("_plumb_windows%[1]d(CASE WHEN %[2]s THEN CAST(%[3]s AS UBIGINT) END, t) AS p%[1]d", s.number, keys,
		s.hash.of(s.labelKeys))
}
