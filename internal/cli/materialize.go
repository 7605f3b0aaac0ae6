package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/document"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/printable"
	"github.com/plumbstore/plumb/internal/project"
	"github.com/plumbstore/plumb/internal/value"
	"github.com/plumbstore/plumb/materialize"
	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/store/offline"
)

type materializeFlags struct {
	to, from string
	lookback string
	views    []string
	full     bool
	// maxFailed is how many rows of a view may have values that do not fit.
	maxFailed int64
	shardFlags
}

func (a *application) materializeCommand() *cobra.Command {
	var flags materializeFlags
	cmd := &cobra.Command{
		Use:   "materialize",
		Short: "Bring the newest row of each entity into the online store",
		Long: "Materialize reads the rows with an event time after --from up to --to, and writes the newest of each\n" +
			"entity into the online store. Without --from, each view goes on where what is complete ends, and windows may\n" +
			"be done in any order. So a schedule needs no more than --to. Views run one after the other; one that fails\n" +
			"does not hide the others.\n\n" +
			"With --shards, a run is opened that any number of processes with --worker do together, on any machines.",
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := flags.check(cmd); err != nil {
				return err
			}
			return a.inProject(cmd.Context(), func(ctx context.Context, p *project.Project) error {
				switch {
				case flags.shards > 0:
					return a.divide(ctx, p, flags)
				case flags.worker:
					return a.work(ctx, p, flags)
				case flags.cancel:
					return a.cancelShards(ctx, p, flags)
				}
				return a.materialize(ctx, p, flags)
			})
		},
	}
	cmd.Flags().StringVar(&flags.to, "to", "now", "the window's end, inclusive, "+timeForms)
	cmd.Flags().StringVar(&flags.from, "from", "",
		"the window's start, exclusive, before --to; without it, where what is complete of each view ends")
	cmd.Flags().StringVar(&flags.lookback, "lookback", "",
		"how far before that end each view begins, such as 2d, for rows that arrive late; its definition's unless told")
	cmd.Flags().StringArrayVar(&flags.views, "view", nil, "a view to materialize; all that are online unless told")
	cmd.Flags().BoolVar(&flags.full, "full", false, "start over: ignore what is done of each view, and replace it")
	cmd.Flags().Int64Var(&flags.maxFailed, "max-failed-rows", 0,
		"rows of a view that may have values that do not fit their types; they are left out and reported")
	flags.add(cmd)
	a.completeViews(cmd, "view")
	return cmd
}

func (a *application) materialize(ctx context.Context, p *project.Project, flags materializeFlags) error {
	request, err := a.materializeRequest(flags)
	if err != nil {
		return err
	}
	var current *progress // Of the view that is being materialized.
	return p.Materialize(ctx, project.Materialization{
		Views:   flags.views,
		Request: request,
		Begin:   func(view *feature.View) { current = a.progress("materializing " + view.Name) },
		Progress: func(view string, rows int64) {
			current.report(offline.Progress{Step: "materializing " + view, Rows: rows})
		},
		End: func(view *feature.View, report materialize.Report, err error) error {
			current.stop()
			return a.tell(view, report, err)
		},
	})
}

func (a *application) materializeRequest(flags materializeFlags) (materialize.Request, error) {
	if flags.maxFailed < 0 {
		return materialize.Request{}, fault.Inputf("--max-failed-rows", "%d is less than 0; give the number of rows that "+
			"may fail", flags.maxFailed)
	}
	to, err := a.instant("--to", flags.to)
	request := materialize.Request{To: to, Full: flags.full, MaxFailed: flags.maxFailed}
	if err != nil {
		return request, err
	}
	if flags.lookback != "" {
		if flags.from != "" || flags.full {
			return request, fault.Inputf("--lookback", "goes back from where a view's last run ended, which --from and "+
				"--full leave aside; give one of them")
		}
		lookback, err := feature.ParseDuration(flags.lookback)
		if err != nil {
			return request, fault.Inputf("--lookback", "%v", err)
		}
		request.Lookback = &lookback
	}
	if flags.from == "" {
		return request, nil
	}
	from, err := a.instant("--from", flags.from)
	if err != nil {
		return request, err
	}
	request.From = &from
	return request, a.checkOrder(from, to)
}

// checkOrder refuses a window that holds no instant before any view is looked at.
func (a *application) checkOrder(from, to feature.Instant) error {
	end, name := to, "--to"
	if now := feature.InstantOf(a.now()); now < to {
		end, name = now, "now"
	}
	if from < end {
		return nil
	}
	return fault.Inputf("--from", "%s is not before %s, %s, so the window holds no instant; give an earlier one, or "+
		"leave --from out: each view then goes on where what is complete ends", value.FormatInstant(from), name,
		value.FormatInstant(end))
}

// tell prints what came of a view's run. A run that was begun is printed even if it failed: it is in the ledger, and
// status shows it.
func (a *application) tell(view *feature.View, report materialize.Report, err error) error {
	for _, note := range report.Notes {
		a.note("%s: %s", view.Name, note)
	}
	if err != nil && report.Run.ID == 0 {
		return err
	}
	if report.Before > 0 && err == nil {
		a.note("%s: %s with an event time up to --from, %s, are not online; --full without --from starts at the beginning",
			view.Name, english.Plural(int(report.Before), "row", ""), value.FormatInstant(feature.Instant(*report.Run.Start)))
	}
	made := project.NewMaterialized(report)
	return errors.Join(err, a.print(made, func(w *printable.Writer) error { return writeMaterialized(w, made) }))
}

// writeMaterialized names the rows that were left out. Those that made the run fail are in its error.
func writeMaterialized(w *printable.Writer, m project.Materialized) error {
	if m.Outcome == project.NothingToDo {
		w.Printf("%s: already at %s; nothing to do (--full starts over)\n", m.View, m.End)
		return w.Err()
	}
	if err := writeRun(w, m.Run); err != nil || m.Skipped == 0 || m.Outcome == string(registry.Failed) {
		return err
	}
	w.Printf("  left out: %s with values that do not fit\n", english.Plural(int(m.Skipped), "row", ""))
	for _, failure := range m.Failures {
		w.Printf("  %s\n", failure)
	}
	return w.Err()
}

func writeRun(w *printable.Writer, l document.Run) error {
	counts := []string{fmt.Sprintf("%d rows read", l.Read), fmt.Sprintf("%d written", l.Written)}
	for _, extra := range []struct {
		count int64
		what  string
	}{
		{l.Older, "older than what is there"},
		{l.NullKeys, "skipped for a null key"},
		{l.NullTimes, "skipped for a null time"},
	} {
		if extra.count > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", extra.count, extra.what))
		}
	}
	return w.Printf("%s: after %s up to %s: %s: %s, %.2f s\n", l.View, orBeginning(l.Start), l.End, l.Outcome,
		strings.Join(counts, ", "), l.Seconds)
}
