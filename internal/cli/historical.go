package cli

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"

	"github.com/plumbstore/plumb/dataset"
	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/document"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/printable"
	"github.com/plumbstore/plumb/internal/project"
	"github.com/plumbstore/plumb/store/offline"
)

type historicalFlags struct {
	selection selectionFlags
	labels    string
	out       string
	timestamp string
	statuses  bool
	times     bool
	asKnown   bool
	explain   bool
	plain     bool
	dvc       bool
	// byContent says that the manifest names the label rows by their content, and not as a file.
	byContent bool
	// provenance asks for the provenance of the values in the result.
	provenance bool
	// shards and shard, which counts from 1, are 0 if they are not given.
	shards, shard int
}

func (a *application) historicalCommand() *cobra.Command {
	var flags historicalFlags
	cmd := &cobra.Command{
		Use:   "historical --labels FILE (--service S | --features …) --out FILE [--shards N]",
		Short: "Join features to label rows, each as of its own instant",
		Long: "Historical writes one row for each label row, in their order: its columns, then the features as they\n" +
			"were at the row's time. Files are .parquet, .csv or .arrow (IPC) on both sides, or objects,\n" +
			"s3://BUCKET/KEY; the output appears whole or not at all. FILE.manifest beside it says what it was made\n" +
			"of and holds; see plumb dataset. With --shards, FILE is a folder that gets several files; after an\n" +
			"interruption the same command makes those that are not there.",
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := flags.checkShards(cmd.Flags().Changed); err != nil {
				return err
			}
			return a.inProject(cmd.Context(), func(ctx context.Context, p *project.Project) error {
				if flags.shards > 0 {
					return a.historicalShards(ctx, p, flags)
				}
				return a.historical(ctx, p, flags)
			})
		},
	}
	a.addSelectionFlags(cmd, &flags.selection)
	set := cmd.Flags()
	set.StringVar(&flags.labels, "labels", "", "the label rows")
	set.StringVar(&flags.out, "out", "", "the file to write")
	set.StringVar(&flags.timestamp, "timestamp-column", "event_timestamp", "the label column with each row's time")
	set.BoolVar(&flags.statuses, "statuses", false, "add <output>__status: PRESENT, NULL, NOT_FOUND, EXPIRED or INVALID")
	set.BoolVar(&flags.times, "event-timestamps", false, "add <view>__event_timestamp: the time of the row found")
	set.BoolVar(&flags.provenance, "provenance", false,
		"add for each view <view>__definition_revision, __definition_hash, __source_file, __event_timestamp,\n"+
			"__created_timestamp and __age_micros: where its values come from")
	set.BoolVar(&flags.asKnown, "as-known", false, "see only rows that had been created by the label's time")
	set.BoolVar(&flags.explain, "explain", false, "print how the join would run, and its SQL, instead of running it")
	set.BoolVar(&flags.plain, "no-manifest", false, "write no manifest: neither beside the output nor within it")
	set.BoolVar(&flags.byContent, "labels-by-content", false,
		"name the label rows in the manifest by the digest of their content: the file will not be kept")
	set.BoolVar(&flags.dvc, "dvc", false, "write FILE.dvc, by which dvc tracks the output")
	set.IntVar(&flags.shards, "shards", 0,
		"divide the label rows by their times, and write this many Parquet files into the folder --out")
	set.IntVar(&flags.shard, "shard", 0, "write this one of the --shards files alone, from 1: others write the others")
	_ = cmd.MarkFlagRequired("labels") // It fails only if there is no such flag.
	return cmd
}

func (a *application) historical(ctx context.Context, p *project.Project, flags historicalFlags) error {
	if flags.out == "" && !flags.explain {
		return fault.Inputf("--out", "is missing; name the file to write")
	}
	request, err := flags.request()
	if err != nil {
		return err
	}
	shown := a.progress("planning the join")
	defer shown.stop()
	request.Progress = shown.report
	if flags.explain {
		explanation, err := p.ExplainTrainingSet(ctx, request)
		shown.stop()
		if err != nil {
			return inFlags(err)
		}
		return a.print(map[string]string{"explain": explanation}, func(w *printable.Writer) error {
			return w.Lines(strings.TrimSpace(explanation) + "\n")
		})
	}
	started := a.now()
	made, err := p.MakeTrainingSet(ctx, request)
	shown.stop()
	if err != nil {
		return inFlags(err)
	}
	return a.summarize(flags, made, a.now().Sub(started).Seconds())
}

// request is what the flags ask for.
func (f historicalFlags) request() (project.TrainingSetRequest, error) {
	selection, err := f.selection.request()
	return project.TrainingSetRequest{
		Selection: selection,
		Options: dataset.Options{
			TimestampColumn: f.timestamp, Statuses: f.statuses, EventTimestamps: f.times, Provenance: f.provenance,
			AsKnown: f.asKnown,
		},
		Labels: f.labels, Out: f.out, NoManifest: f.plain, LabelsByContent: f.byContent, DVC: f.dvc,
	}, err
}

// inFlags gives the parts of a request that an error names the names of their flags.
func inFlags(err error) error {
	input, ok := errors.AsType[*fault.InputError](err)
	if ok && slices.Contains([]string{project.OutField, project.LabelsField, project.StoreField}, input.Field) {
		input.Field = "--" + input.Field
	}
	return err
}

// joinSummary is what historical says of a finished join.
type joinSummary struct {
	Out string `json:"out"`
	offline.JoinReport
	Seconds       float64 `json:"seconds"`
	RowsPerSecond float64 `json:"rows_per_second"`
	// Manifest is the path of the manifest, and Digest that of the content. Each is empty if there is none.
	Manifest string `json:"manifest,omitempty"`
	Digest   string `json:"digest,omitempty"`
}

// summarize says what was made. The result is the file, so for people the summary is a message, on stderr; for programs
// it is the document.
func (a *application) summarize(flags historicalFlags, made *project.TrainingSet, seconds float64) error {
	report := made.JoinReport
	summary := joinSummary{Out: flags.out, JoinReport: report, Seconds: seconds}
	if made.Manifest != nil {
		summary.Manifest, summary.Digest = flags.out+dataset.Suffix, made.Manifest.Output.Digest
	}
	if seconds > 0 {
		summary.RowsPerSecond = math.Round(float64(report.Rows) / seconds)
	}
	if report.NaiveTimes {
		a.note("%s: %s has no zone; taken as UTC", flags.labels, flags.timestamp)
	}
	if a.output == jsonText {
		return document.Write(a.Out, summary)
	}
	return summary.write(printable.To(a.Err))
}

func (s joinSummary) write(w *printable.Writer) error {
	err := w.Printf("%s: %d rows in %.2f s, %.0f rows/s\n", s.Out, s.Rows, s.Seconds, s.RowsPerSecond)
	if err != nil {
		return err
	}
	var lines [][]string
	for _, view := range s.Views {
		line := matchedText(view.Matched, s.Rows)
		if view.NullKeys > 0 {
			line += fmt.Sprintf("; %d source rows with a null key", view.NullKeys)
		}
		if view.NullTimes > 0 {
			line += fmt.Sprintf("; %d source rows with a null time", view.NullTimes)
		}
		lines = append(lines, []string{"  " + view.Alias, line})
	}
	if err := w.Table(lines); err != nil {
		return err
	}
	for _, view := range s.Views {
		if why := unmatchedText(view.Unmatched); why != "" {
			w.Printf("  %s: %s\n", view.Alias, why)
		}
	}
	for _, view := range s.Computed {
		for _, invalid := range view.Invalid {
			w.Printf("  %s: %s INVALID in %s\n", view.Alias, invalid.Feature, english.Plural(int(invalid.Rows), "row", ""))
		}
	}
	return w.Err()
}

func matchedText(matched, rows int64) string {
	text := fmt.Sprintf("%d matched", matched)
	if rows > 0 {
		text += fmt.Sprintf(", %.2f%%", 100*float64(matched)/float64(rows))
	}
	return text
}

// unmatchedText says why little or nothing was found, or nothing if that is not known.
func unmatchedText(why *offline.Unmatched) string {
	if why == nil || why.LabelsFrom == nil {
		return ""
	}
	if why.SourceFrom == nil {
		return "the source has no rows with all keys and a time"
	}
	var causes []string
	for _, cause := range []struct {
		count int64
		what  string
	}{
		{why.NullKeys, "with a null key"},
		{why.UnknownKeys, "with a key that the source does not have"},
		{why.Early, "earlier than all rows of the source"},
		{why.Late, "later than its last row by more than the ttl"},
	} {
		if cause.count > 0 {
			causes = append(causes, fmt.Sprintf("%s %s", english.Plural(int(cause.count), "label row", ""), cause.what))
		}
	}
	return strings.Join(append(causes, fmt.Sprintf("labels span %s to %s, the source %s to %s", dayOf(why.LabelsFrom),
		dayOf(why.LabelsTo), dayOf(why.SourceFrom), dayOf(why.SourceTo))), "; ")
}

func dayOf(micros *int64) string { return feature.Instant(*micros).Time().Format(time.DateOnly) }
