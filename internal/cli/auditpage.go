package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"

	"github.com/plumbstore/plumb/audit"
	"github.com/plumbstore/plumb/internal/report"
)

// auditPage is the report of an audit as a page.
func auditPage(r *audit.Report, version string) report.Page {
	page := report.Page{
		Title:   "Audit of project " + r.Project,
		Verdict: auditVerdict(r),
		Facts: []report.Fact{
			{Name: "rows looked up", Value: humanize.Comma(r.Rows)},
			{Name: "values", Value: humanize.Comma(r.Values)},
			{Name: "match", Value: percent(r.Matched, r.Values), Tone: report.Good},
			{Name: "mismatches", Value: humanize.Comma(r.Mismatched), Tone: toneOf(r.Mismatched, report.Warning)},
			{Name: "unexplained", Value: humanize.Comma(r.Unexplained), Tone: toneOf(r.Unexplained, report.Bad)},
			{Name: "not compared", Value: humanize.Comma(r.NotCompared), Tone: toneOf(r.NotCompared, report.Warning)},
			{Name: "unreadable files", Value: fmt.Sprint(len(r.UnreadableFiles)),
				Tone: toneOf(int64(len(r.UnreadableFiles)), report.Bad)},
		},
		Foot: fmt.Sprintf("Look-ups served from %s up to %s. plumb %s, in %.1f s.", r.From, r.To, version, r.Seconds),
	}
	if len(r.UnreadableFiles)+len(r.CopiedFiles) > 0 {
		page.Sections = append(page.Sections, logFileSection(r))
	}
	if len(r.Causes) > 0 {
		page.Sections = append(page.Sections, causeSection(r), exampleSection(r))
	}
	page.Sections = append(page.Sections, viewSection(r), stalenessSection(r))
	if known := knowledgeSection(r); len(known.Parts) > 0 {
		page.Sections = append(page.Sections, known)
	}
	if len(r.Skipped) > 0 {
		page.Sections = append(page.Sections, skippedSection(r))
	}
	return page
}

// toneOf is plain for none.
func toneOf(count int64, tone report.Tone) report.Tone {
	if count == 0 {
		return report.Plain
	}
	return tone
}

// auditVerdict is the worst that can be said of what was found: a difference without a cause before one that is
// explained, and either before values that could not be compared.
func auditVerdict(r *audit.Report) report.Verdict {
	compared := r.Matched + r.Mismatched
	detail := fmt.Sprintf("Of %s, %s were compared with what training sees at the same instants.",
		english.Plural(int(r.Values), "served value", ""), humanize.Comma(compared))
	if files := len(r.UnreadableFiles); files > 0 {
		detail += fmt.Sprintf(" %s of the log cannot be read.", english.Plural(files, "file", ""))
	}
	for _, early := range slices.Backward(r.TooEarly) {
		detail = earlyText(early) + " " + detail
	}
	switch {
	case r.Unexplained > 0:
		return report.Verdict{Tone: report.Bad, Text: english.Plural(int(r.Unexplained), "value", "") + " unexplained",
			Detail: detail + " No evidence explains these: look for a bug."}
	case len(r.TooEarly) > 0:
		return report.Verdict{Tone: report.Warning, Text: "Values were served before they were known", Detail: detail}
	case compared == 0:
		return report.Verdict{Tone: report.Warning, Text: "Nothing was compared", Detail: detail}
	case r.Mismatched > 0:
		return report.Verdict{Tone: report.Warning, Text: "All that differs is explained", Detail: detail}
	case r.NotCompared > 0 || len(r.UnreadableFiles) > 0:
		return report.Verdict{Tone: report.Warning, Text: "All that was compared matches", Detail: detail}
	}
	return report.Verdict{Tone: report.Good, Text: "What was served is what training sees", Detail: detail}
}

func causeSection(r *audit.Report) report.Section {
	bars := report.Bars{Title: "Values that differ, by cause"}
	for _, cause := range r.Causes {
		tone := report.Warning
		if cause.Cause == audit.Unexplained {
			tone = report.Bad
		}
		bars.Bars = append(bars.Bars, report.Bar{Label: cause.Title, Value: float64(cause.Values),
			Text: humanize.Comma(cause.Values), Tone: tone})
	}
	worst := report.Table{Caption: "Worst features", Columns: []report.Column{{Name: "feature"},
		{Name: "mismatched", Number: true}, {Name: "compared", Number: true}, {Name: "share", Number: true},
		{Name: "causes"}}}
	for _, feature := range r.Features[:min(len(r.Features), shownFeatures)] {
		worst.Rows = append(worst.Rows, report.Texts(feature.View+":"+feature.Feature, humanize.Comma(feature.Mismatched),
			humanize.Comma(feature.Compared), percent(feature.Mismatched, feature.Compared), causesText(feature.Causes)))
	}
	if more := len(r.Features) - len(worst.Rows); more > 0 {
		worst.More = "and " + english.Plural(more, "more feature", "")
	}
	return report.Section{Title: "Why values differ", Parts: []report.Part{bars, worst},
		Text: "Each difference has the first cause, in a fixed order, that there is evidence for."}
}

func causesText(causes []audit.CauseCount) string {
	var texts []string
	for _, cause := range causes {
		texts = append(texts, fmt.Sprintf("%s %s", cause.Title, humanize.Comma(cause.Values)))
	}
	return strings.Join(texts, "; ")
}

// exampleSection has a table of examples for each cause.
func exampleSection(r *audit.Report) report.Section {
	section := report.Section{Title: "Examples"}
	var table report.Table
	for i, e := range r.Examples {
		if i == 0 || e.Cause != r.Examples[i-1].Cause {
			table = report.Table{Caption: e.Cause.Title(), Columns: []report.Column{{Name: "looked up"}, {Name: "served"},
				{Name: "training sees"}, {Name: "evidence"}}}
		}
		var keys []string
		for _, key := range e.Keys {
			keys = append(keys, key.Name+"="+cell(key.Value))
		}
		lookedUp := fmt.Sprintf("%s:%s of %s for %s", e.View, e.Feature, strings.Join(keys, " "), e.At)
		table.Rows = append(table.Rows, report.Texts(lookedUp, sideText(e.Served), sideText(e.Joined), e.Evidence))
		if i == len(r.Examples)-1 || e.Cause != r.Examples[i+1].Cause {
			section.Parts = append(section.Parts, table)
		}
	}
	return section
}

func viewSection(r *audit.Report) report.Section {
	table := report.Table{Columns: []report.Column{{Name: "view"}, {Name: "rows", Number: true},
		{Name: "matched", Number: true}, {Name: "mismatched", Number: true}, {Name: "not compared", Number: true},
		{Name: "staleness p50", Number: true}, {Name: "p99", Number: true}}}
	for _, line := range viewLines(r)[1:] {
		table.Rows = append(table.Rows, report.Texts(line...))
	}
	return report.Section{Title: "Views", Parts: []report.Part{table}}
}

func stalenessSection(r *audit.Report) report.Section {
	section := report.Section{Title: "Staleness served",
		Text: "How old the rows were that values were served from: the instant asked for less the row's event time."}
	for _, view := range r.Views {
		if view.Staleness == nil {
			continue
		}
		histogram := report.Histogram{Title: fmt.Sprintf("%s: half at most %s, 99%% at most %s", view.View,
			age(view.Staleness.P50), age(view.Staleness.P99)), X: report.Axis{Name: "age", Write: age}}
		for _, bin := range view.Staleness.Bins {
			histogram.Edges = append(histogram.Edges, bin.From)
			histogram.Counts = append(histogram.Counts, bin.Rows)
		}
		last := view.Staleness.Bins[len(view.Staleness.Bins)-1]
		histogram.Edges = append(histogram.Edges, last.To)
		section.Parts = append(section.Parts, histogram)
	}
	return section
}

func knowledgeSection(r *audit.Report) report.Section {
	section := report.Section{Title: "Training as known",
		Text: "Whether training on --as-known would have matched what was served, and how much the default knows too early."}
	table := report.Table{Columns: []report.Column{{Name: "view"}, {Name: "default matches", Number: true},
		{Name: "as known matches", Number: true}, {Name: "rows not known yet", Number: true}, {Name: "of", Number: true},
		{Name: "share", Number: true}}}
	bars := report.Bars{Title: "Served values that training matches"}
	for _, view := range r.Views {
		k := view.Knowledge
		if k == nil {
			continue
		}
		table.Rows = append(table.Rows, report.Texts(view.View, percent(k.MatchedDefault, k.Compared),
			percent(k.MatchedAsKnown, k.Compared), humanize.Comma(k.Unknown), humanize.Comma(k.Seen),
			percent(k.Unknown, k.Seen)))
		bars.Bars = append(bars.Bars,
			report.Bar{Label: view.View + " by default", Value: float64(k.MatchedDefault),
				Text: percent(k.MatchedDefault, k.Compared)},
			report.Bar{Label: view.View + " as known", Value: float64(k.MatchedAsKnown),
				Text: percent(k.MatchedAsKnown, k.Compared), Tone: report.Good})
	}
	if len(table.Rows) > 0 {
		section.Parts = []report.Part{bars, table}
	}
	return section
}

func skippedSection(r *audit.Report) report.Section {
	table := report.Table{Columns: []report.Column{{Name: "values", Number: true}, {Name: "reason"}}}
	for _, skipped := range r.Skipped {
		table.Rows = append(table.Rows, report.Texts(humanize.Comma(skipped.Values), skipped.Reason))
	}
	return report.Section{Title: "Not compared", Parts: []report.Part{table}}
}

// logFileSection has the files of the log that are not counted.
func logFileSection(r *audit.Report) report.Section {
	table := report.Table{Columns: []report.Column{{Name: "file"}, {Name: "why it is not counted"}}}
	for _, file := range r.UnreadableFiles {
		table.Rows = append(table.Rows, report.Texts(file.File, file.Reason))
	}
	for _, file := range r.CopiedFiles {
		table.Rows = append(table.Rows, report.Texts(file.File, "it is a copy of "+file.Of))
	}
	return report.Section{Title: "Files that are not counted", Parts: []report.Part{table}}
}
