package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"

	"github.com/plumbstore/plumb/internal/document"
	"github.com/plumbstore/plumb/internal/printable"
	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/store"
)

func (a *application) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show how far each view has been materialized, and how its last run ended",
		Args:  arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.inProject(cmd.Context(), a.status)
		},
	}
}

// viewStatus is what status says of a view. Times are RFC 3339; null where there are none.
type viewStatus struct {
	View   string  `json:"view"`
	Online bool    `json:"online"`
	Start  *string `json:"start"`
	End    *string `json:"end"`
	// FreshnessSeconds is how long ago the window's end is.
	FreshnessSeconds *float64 `json:"freshness_seconds"`
	LastRun          *runLine `json:"last_run"`
	// Problems are sentences that say what is not as it should be, and what to do.
	Problems []string `json:"problems,omitempty"`
}

func (a *application) status(ctx context.Context, p *project) error {
	snapshot, err := p.snapshot(ctx)
	if err != nil {
		return err
	}
	ledger, err := p.registry(ctx)
	if err != nil {
		return err
	}
	progress, err := ledger.Progress(ctx, snapshot.Project)
	if err != nil {
		return err
	}
	runs, err := ledger.LastRuns(ctx, snapshot.Project)
	if err != nil {
		return err
	}
	views := []viewStatus{}
	for _, view := range snapshot.Views() {
		status := a.viewStatus(view, progress, runs)
		if status.Problems, err = a.problemsOf(p, view, progress); err != nil {
			return err
		}
		views = append(views, status)
	}
	document := map[string]any{"project": snapshot.Project, "revision": snapshot.Revision, "views": views}
	return a.print(document, func(w *printable.Writer) error { return writeStatus(w, views) })
}

func (a *application) viewStatus(view *registry.View, progress map[string]registry.Progress,
	runs map[string]registry.Run,
) viewStatus {
	status := viewStatus{View: view.Name, Online: view.Online}
	if done, ok := progress[view.Name]; ok {
		status.Start = timeOf(done.Start)
		status.End = timeOf(&done.End)
		age := a.now().Sub(store.Instant(done.End).Time()).Seconds()
		status.FreshnessSeconds = &age
	}
	if run, ok := runs[view.Name]; ok {
		line := lineOf(run)
		status.LastRun = &line
	}
	return status
}

func timeOf(micros *int64) *string {
	if micros == nil {
		return nil
	}
	return new(document.Instant(store.Instant(*micros)))
}

func writeStatus(w *printable.Writer, views []viewStatus) error {
	rows := [][]string{{"VIEW", "FROM", "TO", "FRESHNESS", "LAST RUN", "READ", "WRITTEN", "OLDER"}}
	for _, view := range views {
		rows = append(rows, statusCells(view))
	}
	w.Table(rows)
	for _, view := range views {
		for _, problem := range view.Problems {
			w.Printf("%s: %s\n", view.View, problem)
		}
	}
	return w.Err()
}

func statusCells(view viewStatus) []string {
	cells := []string{view.View, "-", "-", "-", "-", "-", "-", "-"}
	switch {
	case !view.Online:
		cells[2] = "not online"
	case view.End != nil:
		cells[1], cells[2], cells[3] = orBeginning(view.Start), *view.End, age(*view.FreshnessSeconds)
	}
	if run := view.LastRun; run != nil {
		cells[4] = string(run.Outcome)
		cells[5], cells[6], cells[7] = fmt.Sprint(run.Read), fmt.Sprint(run.Written), fmt.Sprint(run.Older)
		if run.Skipped > 0 {
			cells[4] += fmt.Sprintf(" without %s", english.Plural(int(run.Skipped), "row", ""))
		}
		if run.Error != "" {
			cells[4] += ": " + run.Error
		}
	}
	return cells
}

func orBeginning(start *string) string {
	if start == nil {
		return "the beginning"
	}
	return *start
}

// age is a duration as people say it: in its largest two units.
func age(seconds float64) string {
	const minute, hour, day = 60, 60 * 60, 24 * 60 * 60
	whole := max(int64(seconds), 0)
	switch {
	case whole >= day:
		return fmt.Sprintf("%dd%dh", whole/day, whole%day/hour)
	case whole >= hour:
		return fmt.Sprintf("%dh%dm", whole/hour, whole%hour/minute)
	}
	return (time.Duration(whole) * time.Second).String()
}
