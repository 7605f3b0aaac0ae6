package cli

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/printable"
	"github.com/plumbstore/plumb/internal/project"
	"github.com/plumbstore/plumb/store/offline"
	"github.com/plumbstore/plumb/store/pulled"
)

type pullFlags struct {
	full, keepChanged, noCount bool
	overlap                    string
}

func (a *application) pullCommand() *cobra.Command {
	var flags pullFlags
	cmd := &cobra.Command{
		Use:   "pull [SOURCE]",
		Short: "Bring new rows of a database into the Parquet files of a source",
		Long: "Pull runs the query of a source in its PostgreSQL database, in one read-only transaction, and writes the\n" +
			"rows that are new to a Parquet file below the source's path. It goes by the created time, or the event time of\n" +
			"a source without one, and begins an overlap before the latest row, for rows that were committed late. The\n" +
			"definition files say what is pulled, so the first pull comes before plumb apply.\n\n" +
			"Without SOURCE it says what has been pulled so far.",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return arguments("SOURCE")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.inProject(cmd.Context(), func(ctx context.Context, p *project.Project) error {
				if len(args) == 0 {
					return a.pulledSources(ctx, p, cmd)
				}
				return a.pull(ctx, p, args[0], flags)
			})
		},
	}
	cmd.Flags().BoolVar(&flags.full, "full", false, "pull all rows anew, and replace what was pulled at once")
	cmd.Flags().StringVar(&flags.overlap, "overlap", "",
		"how far before the latest row to begin, such as 30d; the source's unless told")
	cmd.Flags().BoolVar(&flags.keepChanged, "keep-changed", false,
		"if rows of the overlap were changed or deleted, keep them as they were beside what they have become")
	cmd.Flags().BoolVar(&flags.noCount, "no-count", false,
		"do not count the rows before the overlap, which shows that some came later than it allows for")
	return cmd
}

func (a *application) pull(ctx context.Context, p *project.Project, source string, flags pullFlags) error {
	request := project.PullRequest{Source: source,
		Request: pulled.Request{Full: flags.full, KeepChanged: flags.keepChanged, SkipCount: flags.noCount}}
	if flags.overlap != "" {
		if flags.full {
			return fault.Inputf("--overlap", "goes back from what was pulled, which --full leaves aside; give one of them")
		}
		overlap, err := feature.ParseDuration(flags.overlap)
		if err != nil {
			return fault.Inputf("--overlap", "%v", err)
		}
		request.Overlap = &overlap
	}
	step := "pulling " + source
	progress := a.progress(step)
	request.Progress = func(rows int64) { progress.report(offline.Progress{Step: step, Rows: rows}) }
	done, err := p.Pull(ctx, request)
	progress.stop()
	if err != nil {
		return err
	}
	for _, note := range pullNotes(done) {
		a.note("%s: %s", source, note)
	}
	if err := a.print(done, func(w *printable.Writer) error { return writePulled(w, done) }); err != nil {
		return err
	}
	if done.Missed > 0 {
		return errFailedCheck
	}
	return nil
}

// pullNotes say what may not be meant.
func pullNotes(done *project.Pulled) []string {
	var notes []string
	for _, note := range []struct {
		count int64
		text  string
	}{
		{done.Missed, "rows that came later than the overlap allows for, and are in no file: %d; bring them with " +
			"--overlap, such as 30d, or with --full, and give the source a longer overlap"},
		{done.Gone, "rows from before the overlap that are not in the database any more: %d; the files keep them"},
		{done.Changed, "rows of the overlap that were changed or deleted since they were pulled: %d; the files keep them " +
			"as they were"},
		{done.Waiting, "rows with a time after the database's clock, which wait for a later pull: %d"},
	} {
		if note.count > 0 {
			notes = append(notes, fmt.Sprintf(note.text, note.count))
		}
	}
	if len(done.Zoneless) > 0 {
		notes = append(notes, "times without a zone are taken as UTC: "+strings.Join(done.Zoneless, ", "))
	}
	for _, folder := range done.Former {
		notes = append(notes, folder+" has what was pulled for another query, connection or time column; remove it once no "+
			"revision that is applied reads it")
	}
	return notes
}

func writePulled(w *printable.Writer, done *project.Pulled) error {
	what := "new " + english.PluralWord(int(done.Rows), "row", "")
	if done.Full {
		what = english.PluralWord(int(done.Rows), "row", "") + ", all anew"
	}
	w.Printf("%s: %d %s, %.2f s; %d in all, the latest of %s\n", done.Source, done.Rows, what, done.Seconds, done.Total,
		cmp.Or(done.Latest, "-"))
	if done.File != "" {
		w.Printf("  %s\n", done.File)
	}
	return w.Err()
}

// pulledSources says what was pulled so far.
func (a *application) pulledSources(ctx context.Context, p *project.Project, cmd *cobra.Command) error {
	if cmd.Flags().Changed("full") || cmd.Flags().Changed("overlap") || cmd.Flags().Changed("keep-changed") ||
		cmd.Flags().Changed("no-count") {
		return fault.Inputf("", "SOURCE is missing; write %s", cmd.UseLine())
	}
	sources, err := p.PulledSources(ctx)
	if err != nil {
		return err
	}
	return a.print(map[string]any{"sources": sources}, func(w *printable.Writer) error {
		rows := [][]string{{"SOURCE", "CONNECTION", "ROWS", "LATEST", "PULLED", "AGE", "PATH"}}
		for _, source := range sources {
			old := "-"
			if source.AgeSeconds != nil {
				old = age(*source.AgeSeconds)
			}
			rows = append(rows, []string{source.Source, source.Connection, fmt.Sprint(source.Total), cmp.Or(source.Latest, "-"),
				cmp.Or(source.At, "-"), old, source.Path})
		}
		return w.Table(rows)
	})
}
