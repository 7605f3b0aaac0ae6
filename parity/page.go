package parity

import (
	"fmt"
	"strings"

	"github.com/plumbstore/plumb/internal/printable"
	"github.com/plumbstore/plumb/internal/report"
)

// Page is the report as a page of HTML. By names the version of the product.
func (r *Report) Page(by string) report.Page {
	page := report.Page{
		Title:   "Training and serving of project " + r.Project,
		Verdict: r.banner(),
		Facts: []report.Fact{
			{Name: "values compared", Value: count(r.Totals.Values)},
			{Name: "equal", Value: count(r.Totals.Matches)},
			{Name: "different", Value: count(r.Totals.Mismatches), Tone: badIf(r.Totals.Mismatches > 0)},
			{Name: "label rows", Value: count(r.Totals.LabelRows)},
			{Name: "windows", Value: count(r.Totals.Windows), Tone: badIf(r.Totals.WindowMismatches > 0)},
			{Name: "seconds", Value: fmt.Sprintf("%.1f", r.Seconds.Total)},
		},
		Foot: fmt.Sprintf("%s · project %s, %s · seed %d: the same label rows are sampled with --seed %d", by, r.Project,
			r.what(), r.Seed, r.Seed),
	}
	add := func(section report.Section) {
		if len(section.Parts) > 0 {
			page.Sections = append(page.Sections, section)
		}
	}
	add(r.causesSection())
	for _, target := range r.Targets {
		add(target.section())
	}
	add(r.examplesSection())
	add(r.windowsSection())
	add(r.skippedSection())
	add(r.timeSection())
	return page
}

func badIf(bad bool) report.Tone {
	if bad {
		return report.Bad
	}
	return report.Plain
}

// what says which definitions were verified.
func (r *Report) what() string {
	if r.Plan {
		return "the definitions that a plan would apply"
	}
	return fmt.Sprintf("revision %d", r.Revision)
}

func (r *Report) banner() report.Verdict {
	how := "Label rows were joined offline, as for training, and looked up online at their instants through the " +
		"materializer, the store, the codec and gRPC. Value, bit for bit, status and event time have to be the same."
	switch r.Outcome {
	case Passed:
		return report.Verdict{Tone: report.Good, Text: "Training and serving agree", Detail: how}
	case Nothing:
		return report.Verdict{Tone: report.Warning, Text: "Nothing to verify", Detail: r.Verdict()}
	}
	return report.Verdict{Tone: report.Bad, Text: "Training and serving do not agree", Detail: r.Verdict()}
}

func (r *Report) causesSection() report.Section {
	section := report.Section{Title: "Causes", Text: "What the mismatches are told by."}
	var bars []report.Bar
	for _, cause := range Causes() {
		for _, counted := range r.Causes {
			if counted.Cause == cause {
				bars = append(bars, report.Bar{Label: string(cause), Value: float64(counted.Count), Text: count(counted.Count),
					Tone: report.Bad})
			}
		}
	}
	if bars != nil {
		section.Parts = []report.Part{report.Bars{Title: "mismatches by cause", Bars: bars}}
	}
	return section
}

// examplesSection has the first example of each feature and cause.
func (r *Report) examplesSection() report.Section {
	table := report.Table{Columns: []report.Column{{Name: "feature"}, {Name: "label row"}, {Name: "training"},
		{Name: "serving"}, {Name: "source"}}}
	shown := map[string]bool{}
	for _, e := range r.Examples {
		kind := e.Target + " " + e.Feature + " " + string(e.Cause)
		if shown[kind] {
			continue
		}
		shown[kind] = true
		table.Rows = append(table.Rows, []report.Cell{
			{Text: e.Feature + "\n" + string(e.Cause), Tone: report.Bad, Code: true},
			{Text: fmt.Sprintf("%s\n%s\n%s\nrow %d of %s", e.keyText("\n"), short(e.At), e.Kind, e.Row, e.Target),
				Code: true},
			{Text: e.Training.lines(), Code: true},
			{Text: e.Served.lines() + "\n\nmaterialized through\n" + short(e.materialized()), Code: true},
			{Text: strings.ReplaceAll(short(e.sourceText()), " of ", "\nof "), Code: true},
		})
	}
	section := report.Section{Title: "Examples",
		Text: "The first mismatch of each feature and cause. Verify with --output json has more."}
	if table.Rows != nil {
		section.Parts = []report.Part{table}
	}
	return section
}

// lines is String on two lines.
func (t Told) lines() string {
	return strings.Replace(short(printable.Text(t.String())), " of ", "\nof ", 1)
}

// short leaves out the microseconds of instants that are whole seconds.
func short(text string) string { return strings.ReplaceAll(text, ".000000Z", "Z") }

func (r *TargetReport) section() report.Section {
	features := report.Table{Columns: []report.Column{{Name: "feature"}, {Name: "view"}, {Name: "equal", Number: true},
		{Name: "different", Number: true}, {Name: "PRESENT", Number: true}, {Name: "NULL", Number: true},
		{Name: "NOT_FOUND", Number: true}, {Name: "EXPIRED", Number: true}, {Name: "INVALID", Number: true},
		{Name: "causes"}}}
	for _, f := range r.Features {
		var causes []string
		for _, counted := range f.Causes {
			causes = append(causes, fmt.Sprintf("%s %s", counted.Cause, count(counted.Count)))
		}
		tone := report.Good
		if f.Mismatches > 0 || f.Matches == 0 {
			tone = report.Bad
		}
		cells := report.Texts(f.Feature, f.View, count(f.Matches), count(f.Mismatches), count(f.Statuses.Present),
			count(f.Statuses.Null), count(f.Statuses.NotFound), count(f.Statuses.Expired), count(f.Statuses.Invalid),
			strings.Join(causes, ", "))
		cells[0].Code, cells[2].Tone, cells[3].Tone = true, tone, badIf(f.Mismatches > 0)
		features.Rows = append(features.Rows, cells)
	}
	kinds := report.Bars{Title: "label rows by what they are aimed at"}
	for _, kind := range r.Kinds {
		bar := report.Bar{Label: string(kind.Kind), Value: float64(kind.LabelRows), Text: count(kind.LabelRows)}
		if kind.Mismatched > 0 {
			bar.Tone = report.Bad
			bar.Text += fmt.Sprintf(", %s with a mismatch", count(kind.Mismatched))
		}
		kinds.Bars = append(kinds.Bars, bar)
	}
	return report.Section{Title: r.Name, Text: count(r.LabelRows) + " label rows. Statuses count what is equal.",
		Parts: []report.Part{features, kinds}}
}

func (r *Report) windowsSection() report.Section {
	table := report.Table{Columns: []report.Column{{Name: "view"}, {Name: "windows", Number: true},
		{Name: "rows read", Number: true}, {Name: "written", Number: true}, {Name: "windows that read other rows"}}}
	for _, view := range r.Views {
		cells := report.Texts(view.View, count(int64(view.Windows)), count(view.Read), count(view.Written), "none")
		if len(view.Mismatches) > 0 {
			first := view.Mismatches[0]
			cells[4] = report.Cell{Tone: report.Bad, Text: fmt.Sprintf("%d, first after %s up to %s: %d read, %d there",
				len(view.Mismatches), orBeginning(first.After), first.Through, first.Read, first.SourceRows)}
		}
		table.Rows = append(table.Rows, cells)
	}
	section := report.Section{Title: "Windows of materialization",
		Text: "Views were materialized in consecutive windows. Each has to read exactly the rows that the source has in it."}
	if table.Rows != nil {
		section.Parts = []report.Part{table}
	}
	return section
}

func (r *Report) skippedSection() report.Section {
	table := report.Table{Columns: []report.Column{{Name: "name"}, {Name: "why"}}}
	for _, skipped := range r.Skipped {
		table.Rows = append(table.Rows, report.Texts(skipped.Name, skipped.Reason))
	}
	section := report.Section{Title: "Not compared"}
	if table.Rows != nil {
		section.Parts = []report.Part{table}
	}
	return section
}

func (r *Report) timeSection() report.Section {
	bars := report.Bars{Title: "seconds"}
	for _, part := range []struct {
		name    string
		seconds float64
	}{
		{"sampling", r.Seconds.Sampling}, {"joining offline", r.Seconds.Offline},
		{"materializing", r.Seconds.Materializing}, {"looking up", r.Seconds.LookingUp},
	} {
		bars.Bars = append(bars.Bars, report.Bar{Label: part.name, Value: part.seconds,
			Text: fmt.Sprintf("%.1f s", part.seconds)})
	}
	return report.Section{Title: "Time", Parts: []report.Part{bars}}
}
