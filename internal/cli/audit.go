package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"

	"github.com/plumbstore/plumb/audit"
	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/printable"
	"github.com/plumbstore/plumb/internal/project"
)

// auditFlags are the flags of two commands in one. Without --labels it audits what was served, from the audit log; with
// it, label rows, and no log is read.
type auditFlags struct {
	selection selectionFlags
	from, to  string
	dir       string
	html      string
	labels    string
	timestamp string
}

func (a *application) auditCommand() *cobra.Command {
	var flags auditFlags
	cmd := &cobra.Command{
		Use:   "audit --from T --to T | audit --labels FILE (--service S | --features …)",
		Short: "Hold what was served against what training sees, and tell why it differs",
		Long: "Audit reads the log of served look-ups (serving.audit), joins their keys again, each at the instant that\n" +
			"it was looked up for and under the revision that answered, and compares status, value and event time bit\n" +
			"for bit. Each difference has one cause, decided by evidence. It exits with 1 where one is unexplained, and\n" +
			"with 3 where something could not be compared.\n\n" +
			"With --labels it tells instead how much a training set over those label rows knows too early: of rows that\n" +
			"had not been created yet at the label's time, and that --as-known leaves out.",
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.inProject(cmd.Context(), func(ctx context.Context, p *project.Project) error {
				if flags.labels != "" {
					return a.foresight(ctx, p, flags)
				}
				return a.audit(ctx, p, flags)
			})
		},
	}
	a.addSelectionFlags(cmd, &flags.selection)
	set := cmd.Flags()
	set.StringVar(&flags.from, "from", "", "audit look-ups that were served from this time on, "+timeForms)
	set.StringVar(&flags.to, "to", "", "and before this time")
	set.StringVar(&flags.dir, "dir", "", "the folder of the audit log, if not serving.audit.dir")
	set.StringVar(&flags.html, "html", "", "write the report as a page to this file, too")
	set.StringVar(&flags.labels, "labels", "", "label rows: tell how much a training set over them knows too early")
	set.StringVar(&flags.timestamp, "timestamp-column", "event_timestamp", "with --labels, the column of each row's time")
	return cmd
}

func (a *application) audit(ctx context.Context, p *project.Project, flags auditFlags) error {
	request, err := a.auditRequest(p, flags)
	if err != nil {
		return err
	}
	shown := a.progress("reading the audit log")
	defer shown.stop()
	report, err := p.Audit(ctx, request, shown.report)
	shown.stop()
	if err != nil {
		return err
	}
	if flags.html != "" {
		if err := auditPage(report, a.version).WriteFile(flags.html); err != nil {
			return err
		}
	}
	if err := a.print(report, func(w *printable.Writer) error { return writeAudit(w, report) }); err != nil {
		return err
	}
	return verdict(report)
}

// verdict is the error that the command ends with: none if all was read and compared, and all that differs is
// explained. An unexplained difference is a fault, and what could not be compared is no proof that there is none.
func verdict(report *audit.Report) error {
	if report.Unexplained > 0 {
		return errFailedCheck
	}
	if !report.AllChecked() {
		return errUnchecked
	}
	return nil
}

// auditRequest reads the flags. It reports everything that is wrong with them at once.
func (a *application) auditRequest(p *project.Project, flags auditFlags) (audit.Request, error) {
	request := audit.Request{
		Project: p.Config.Project, Folder: cmp.Or(flags.dir, p.Config.Serving.Audit.Dir), Service: flags.selection.service,
	}
	var mistakes []error
	for _, bound := range []struct {
		flag, value string
		at          *feature.Instant
	}{{"--from", flags.from, &request.From}, {"--to", flags.to, &request.To}} {
		var err error
		if bound.value == "" {
			err = fault.Inputf(bound.flag, "is missing; give a time, or --labels FILE instead")
		} else {
			*bound.at, err = a.instant(bound.flag, bound.value)
		}
		mistakes = append(mistakes, err)
	}
	if request.Folder == "" {
		mistakes = append(mistakes, fault.Inputf("--dir", "is missing, and so is serving.audit.dir; give one of them"))
	}
	if len(flags.selection.features) > 0 || flags.selection.fullNames {
		mistakes = append(mistakes, fault.Inputf("--features", "and --full-names are for --labels; an audit takes what "+
			"was looked up"))
	}
	if flags.html != "" {
		mistakes = append(mistakes, project.Writable("--html", flags.html))
	}
	return request, errors.Join(mistakes...)
}

func (a *application) foresight(ctx context.Context, p *project.Project, flags auditFlags) error {
	if flags.from != "" || flags.to != "" || flags.dir != "" || flags.html != "" {
		return fault.Inputf("--labels", "goes without --from, --to, --dir and --html: it reads no audit log")
	}
	selection, err := flags.selection.request()
	if err != nil {
		return err
	}
	shown := a.progress("joining the labels")
	defer shown.stop()
	found, err := p.Foresee(ctx, project.ForesightRequest{Selection: selection, Labels: flags.labels,
		TimestampColumn: flags.timestamp, Progress: shown.report})
	shown.stop()
	if err != nil {
		return err
	}
	return a.print(found, func(w *printable.Writer) error { return writeForesight(w, found) })
}

// shownExamples and shownFeatures bound what people are shown; JSON has all.
const (
	shownExamples = 10
	shownFeatures = 10
)

func writeAudit(w *printable.Writer, r *audit.Report) error {
	for _, early := range r.TooEarly {
		w.Printf("%s\n\n", earlyText(early))
	}
	w.Printf("Project %s, look-ups served from %s up to %s: %s in %s.\n", r.Project, r.From, r.To,
		english.Plural(int(r.Rows), "row", ""), english.Plural(int(r.Files), "file", ""))
	writeLogFiles(w, r)
	w.Printf("%s: %d match what training sees, %d do not, %d were not compared.\n\n",
		english.Plural(int(r.Values), "value", ""), r.Matched, r.Mismatched, r.NotCompared)
	if err := w.Table(viewLines(r)); err != nil {
		return err
	}
	if len(r.Causes) > 0 {
		w.Printf("\n")
		if err := w.Table(causeLines(r)); err != nil {
			return err
		}
		w.Printf("\n")
		if err := w.Table(featureLines(r)); err != nil {
			return err
		}
	}
	for _, example := range r.Examples[:min(len(r.Examples), shownExamples)] {
		writeExample(w, example)
	}
	for _, view := range r.Views {
		if view.Knowledge != nil {
			w.Printf("\n%s\n", knowledgeText(view))
		}
	}
	for _, skipped := range r.Skipped {
		w.Printf("\nNot compared, %s: %s.\n", english.Plural(int(skipped.Values), "value", ""), skipped.Reason)
	}
	return nil
}

// earlyText is the headline for values that were served before they were known.
func earlyText(early audit.TooEarly) string {
	return fmt.Sprintf("SERVED BEFORE KNOWN: %s: %d of %s served (%s) had not been created at the instant asked for, "+
		"as far as is known.", early.View, early.Rows, english.Plural(int(early.Of), "row", ""), percent(early.Rows,
		early.Of))
}

// writeLogFiles says which files of the log are not counted.
func writeLogFiles(w *printable.Writer, r *audit.Report) {
	for _, file := range r.UnreadableFiles {
		w.Printf("Not read: %s: %s.\n", file.File, file.Reason)
	}
	for _, file := range r.CopiedFiles {
		w.Printf("Counted once: %s is a copy of %s.\n", file.File, file.Of)
	}
}

func viewLines(r *audit.Report) [][]string {
	lines := [][]string{{"VIEW", "ROWS", "MATCHED", "MISMATCHED", "NOT COMPARED", "STALENESS P50", "P99"}}
	for _, view := range r.Views {
		line := []string{view.View, fmt.Sprint(view.Rows), fmt.Sprint(view.Matched), fmt.Sprint(view.Mismatched),
			fmt.Sprint(view.NotCompared), "-", "-"}
		if view.Staleness != nil {
			line[5], line[6] = age(view.Staleness.P50), age(view.Staleness.P99)
		}
		lines = append(lines, line)
	}
	return lines
}

func causeLines(r *audit.Report) [][]string {
	lines := [][]string{{"CAUSE", "VALUES", "VIEWS"}}
	for _, cause := range r.Causes {
		var views []string
		for _, view := range r.Views {
			for _, count := range view.Causes {
				if count.Cause == cause.Cause {
					views = append(views, fmt.Sprintf("%s %d", view.View, count.Values))
				}
			}
		}
		lines = append(lines, []string{cause.Title, fmt.Sprint(cause.Values), strings.Join(views, ", ")})
	}
	return lines
}

func featureLines(r *audit.Report) [][]string {
	lines := [][]string{{"WORST FEATURES", "MISMATCHED", "OF", "SHARE"}}
	for _, f := range r.Features[:min(len(r.Features), shownFeatures)] {
		lines = append(lines, []string{f.View + ":" + f.Feature, fmt.Sprint(f.Mismatched),
			fmt.Sprint(f.Compared), percent(f.Mismatched, f.Compared)})
	}
	return lines
}

// percent is a part of a whole.
func percent(part, of int64) string {
	if of == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f%%", 100*float64(part)/float64(of))
}

func writeExample(w *printable.Writer, e audit.Example) {
	var keys []string
	for _, key := range e.Keys {
		keys = append(keys, key.Name+"="+cell(key.Value))
	}
	w.Printf("\n%s:%s of %s, served at %s for %s\n  served:        %s\n  training sees: %s\n  %s: %s\n"+
		"  logged as row %d of request %d in %s\n", e.View, e.Feature, strings.Join(keys, " "), e.ServedAt, e.At,
		sideText(e.Served), sideText(e.Joined), e.Cause, e.Evidence, e.Row, e.Request, e.File)
}

func sideText(s audit.Shown) string {
	text := s.Status
	if s.Value != nil {
		text = cell(s.Value) + " " + text
	}
	if s.EventTimestamp != nil {
		text += " of " + *s.EventTimestamp
	}
	return text
}

// knowledgeText says whether training as known would have matched what was served.
func knowledgeText(v audit.View) string {
	k := v.Knowledge
	return fmt.Sprintf("%s: by default training matches %s of what was served, as known %s. Of %s that it sees by "+
		"default, %d had not been created at the instant asked for, as far as is known (%s).", v.View,
		percent(k.MatchedDefault, k.Compared), percent(k.MatchedAsKnown, k.Compared),
		english.Plural(int(k.Seen), "row", ""), k.Unknown, percent(k.Unknown, k.Seen))
}

func writeForesight(w *printable.Writer, f *audit.Foresight) error {
	w.Printf("%s: %s\n\n", f.Labels, english.Plural(int(f.Rows), "label row", ""))
	views := [][]string{{"VIEW", "SEEN", "NOT KNOWN YET", "SHARE", "SEEN AS KNOWN"}}
	features := [][]string{{"FEATURE", "ANOTHER AS KNOWN", "SHARE"}}
	for _, view := range f.Views {
		views = append(views, []string{view.Alias, fmt.Sprint(view.Seen), fmt.Sprint(view.Unknown),
			percent(view.Unknown, view.Seen), fmt.Sprint(view.SeenAsKnown)})
		for _, field := range view.Features {
			features = append(features, []string{field.Output, fmt.Sprint(field.Changed),
				percent(field.Changed, f.Rows)})
		}
	}
	if err := w.Table(views); err != nil {
		return err
	}
	w.Printf("\n")
	if err := w.Table(features); err != nil {
		return err
	}
	if len(f.Untold) > 0 {
		w.Printf("\nTheir sources do not tell when rows were created: %s.\n", strings.Join(f.Untold, ", "))
	}
	return nil
}
