package feature

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/compute/aggregate"
	"github.com/plumbstore/plumb/compute/windows"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// Describe says what an aggregate is computed of, among columns of the given names, and how long its window is: "sum of
// eur in 1h, hop 5m, at most 1h5m long".
func Describe(a windows.Aggregate, columns []Field) string {
	text := functionText(a.Spec)
	if a.Spec.Column != aggregate.None {
		text += " of " + columns[a.Spec.Column].Name
	}
	if a.Spec.By != aggregate.None {
		text += fmt.Sprintf(" by %s, %d largest of at most %d,", columns[a.Spec.By].Name, a.Spec.N, a.Spec.MaxValues)
	}
	return text + " in " + WordsOf(a.Span).String()
}

func functionText(spec aggregate.Spec) string {
	text := string(spec.Function)
	switch spec.Function {
	case aggregate.LastN:
		text += fmt.Sprintf(" %d", spec.N)
	case aggregate.TopK:
		text += fmt.Sprintf(" %d (max_values %d)", spec.N, spec.MaxValues)
	case aggregate.Histogram:
		text += fmt.Sprintf(" (max_values %d)", spec.MaxValues)
	case aggregate.Percentile:
		text += fmt.Sprintf(" %v (error %v)", spec.Quantile, spec.Error)
	}
	return text
}

// WindowWords is a window in words, with durations as definitions have them.
type WindowWords struct {
	// Length is how long the window is at least, or Lifetime.
	Length string `json:"window,omitempty"`
	// Hop is HopExact if the window is always that long. Otherwise it begins at multiples of Hop, and is shorter than
	// Longest.
	Hop     string `json:"hop,omitempty"`
	Longest string `json:"longest,omitempty"`
	// Offset is how long before the time of a look-up the window ends; empty if it ends there.
	Offset string `json:"offset,omitempty"`
}

// WordsOf says a window in words.
func WordsOf(span windows.Span) WindowWords {
	words := WindowWords{Length: WindowText(span)}
	if span.Offset > 0 {
		words.Offset = DurationText(span.Offset)
	}
	switch {
	case span.Length == 0:
	case span.Hop == 0:
		words.Hop = HopExact
	default:
		words.Hop, words.Longest = DurationText(span.Hop), DurationText(span.Length+span.Hop)
	}
	return words
}

// String is like "1h, hop 5m, at most 1h5m long".
func (w WindowWords) String() string {
	text := w.Length
	if w.Offset != "" {
		text += " that end " + w.Offset + " before"
	}
	if w.Hop != "" {
		text += ", hop " + w.Hop
	}
	if w.Longest != "" {
		text += ", at most " + w.Longest + " long"
	}
	return text
}

// Message is the window as it goes over the wire.
func (w WindowWords) Message() *plumbv1.Window {
	return &plumbv1.Window{Length: w.Length, Hop: w.Hop, Longest: w.Longest, Offset: w.Offset}
}

// describeAggregated writes the lines of DefinitionHash that only views with aggregations have.
func (v *View) describeAggregated(text io.Writer) {
	for _, column := range v.Aggregated.reads {
		if column.Expression != "" {
			fmt.Fprintf(text, "computed %+q %s %+q\n", column.Name, column.Type, column.Expression)
		} else {
			fmt.Fprintf(text, "column %+q %s %+q\n", column.Name, column.Type, column.Column)
		}
	}
	if v.Source.Filter != "" {
		fmt.Fprintf(text, "filter %+q\n", v.Source.Filter)
	}
	var lines []string
	at := 0
	for _, a := range v.Aggregated.Aggregates {
		for result := range a.Spec.Results() {
			feature := v.Features[at]
			at++
			lines = append(lines, fmt.Sprintf("aggregate %+q %s %s %d %s\n", feature.Name, feature.Type, a.Spec.Function, result,
				v.Aggregated.parametersOf(a)))
		}
	}
	slices.Sort(lines)
	_, _ = io.WriteString(text, strings.Join(lines, ""))
}

// parametersOf is the end of an aggregate line.
func (a *Aggregated) parametersOf(of windows.Aggregate) string {
	name := func(column int) string {
		if column == aggregate.None {
			return ""
		}
		return a.Columns[column].Name
	}
	spec, span := of.Spec, of.Span
	return fmt.Sprintf("%+q %+q %d %v %v %d %d %d %d", name(spec.Column), name(spec.By), spec.N, spec.Quantile, spec.Error,
		spec.MaxValues, span.Length, span.Hop, span.Offset)
}
