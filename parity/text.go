package parity

import (
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/plumbstore/plumb/internal/printable"
)

// shownExamples is how many examples are written as text; JSON and HTML have all.
const shownExamples = 10

// WriteText writes the report for people.
func (r *Report) WriteText(text *printable.Writer) error {
	for _, skipped := range r.Skipped {
		text.Printf("%s is not compared: %s\n", skipped.Name, skipped.Reason)
	}
	for _, target := range r.Targets {
		target.write(text)
	}
	r.writeViews(text)
	for i, example := range r.Examples {
		if i == shownExamples {
			text.Printf("\n… and %d more examples, which --output json and --html have\n", len(r.Examples)-i)
			break
		}
		example.write(text)
	}
	text.Printf("\n%s\n", r.Verdict())
	return text.Err()
}

// Verdict is the outcome in a sentence or two.
func (r *Report) Verdict() string {
	t := r.Totals
	switch {
	case r.Outcome == Nothing:
		return "Nothing to verify: nothing that is served would change, and nothing was compared."
	case t.Values == 0:
		return "FAILED: nothing was compared."
	}
	compared := fmt.Sprintf("%s values of %s label rows compared in %.1f s, seed %d", count(t.Values), count(t.LabelRows),
		r.Seconds.Total, r.Seed)
	if r.Outcome == Passed {
		return fmt.Sprintf("Passed: training and serving agree on all of them. %s.", compared)
	}
	var causes []string
	for _, cause := range Causes() {
		for _, counted := range r.Causes {
			if counted.Cause == cause {
				causes = append(causes, fmt.Sprintf("%s %s", cause, count(counted.Count)))
			}
		}
	}
	return fmt.Sprintf("FAILED: %s of the values and %s of %s windows do not agree (%s). %s.", count(t.Mismatches),
		count(t.WindowMismatches), count(t.Windows), strings.Join(causes, ", "), compared)
}

func count(n int64) string { return humanize.Comma(n) }

// write writes a table of the features of a target.
func (r *TargetReport) write(text *printable.Writer) {
	text.Printf("%s: %s label rows: ", r.Name, count(r.LabelRows))
	for i, kind := range r.Kinds {
		if i > 0 {
			text.Printf(", ")
		}
		text.Printf("%s %s", count(kind.LabelRows), kind.Kind)
	}
	text.Printf("\n")
	lines := [][]string{{"  FEATURE", "EQUAL", "DIFFERENT", "PRESENT", "NULL", "NOT_FOUND", "EXPIRED", "INVALID",
		"CAUSES"}}
	for _, f := range r.Features {
		causes := "-"
		for i, counted := range f.Causes {
			causes = []string{"", causes + ", "}[min(i, 1)] + fmt.Sprintf("%s %s", counted.Cause, count(counted.Count))
		}
		line := []string{"  " + f.Feature}
		for _, n := range []int64{f.Matches, f.Mismatches, f.Statuses.Present, f.Statuses.Null, f.Statuses.NotFound,
			f.Statuses.Expired, f.Statuses.Invalid} {
			line = append(line, fmt.Sprint(n))
		}
		lines = append(lines, append(line, causes))
	}
	text.Table(lines)
}

func (r *Report) writeViews(text *printable.Writer) {
	if len(r.Views) == 0 {
		return
	}
	text.Printf("windows:\n")
	for _, view := range r.Views {
		text.Printf("  %s: %s rows read in %d windows, %s written", view.View, count(view.Read), view.Windows,
			count(view.Written))
		if len(view.Mismatches) > 0 {
			first := view.Mismatches[0]
			text.Printf("; %d windows did not read the rows that the source has in them, first after %s up to %s: "+
				"%d read, %d there", len(view.Mismatches), orBeginning(first.After), first.Through, first.Read, first.SourceRows)
		}
		text.Printf("\n")
	}
}

func orBeginning(instant *string) string {
	if instant == nil {
		return "the beginning"
	}
	return *instant
}

// write writes an example on a few lines.
func (e Example) write(text *printable.Writer) {
	text.Printf("\n%s, %s: row %d of %s at %s, %s (%s)\n", e.Feature, e.Cause, e.Row, e.Target, e.At, e.keyText(" "),
		e.Kind)
	text.Printf("  training  %s\n  serving   %s, materialized through %s\n  source    %s\n", e.Training, e.Served,
		e.materialized(), e.sourceText())
}

func (e Example) keyText(between string) string {
	if len(e.Keys) == 0 {
		return "no keys"
	}
	keys := make([]string, len(e.Keys))
	for i, key := range e.Keys {
		keys[i] = printable.Text(key.Name + "=" + key.Value)
	}
	return strings.Join(keys, between)
}

func (e Example) materialized() string {
	if e.MaterializedTo == "" {
		return "nothing"
	}
	return e.MaterializedTo
}

func (e Example) sourceText() string {
	switch {
	case e.SourceEvent == nil:
		return "no row up to then"
	case e.SourceRows == 1:
		return "newest row of " + *e.SourceEvent
	}
	return fmt.Sprintf("%d newest rows of %s", e.SourceRows, *e.SourceEvent)
}

// String is the value, or why there is none, and the event time.
func (t Told) String() string {
	text := t.Status
	if t.Value != nil {
		text = *t.Value
	}
	if t.EventTimestamp != nil {
		text += " of " + *t.EventTimestamp
	}
	return text
}
