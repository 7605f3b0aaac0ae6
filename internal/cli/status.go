package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"

	"github.com/plumbstore/plumb/internal/document"
	"github.com/plumbstore/plumb/internal/printable"
	"github.com/plumbstore/plumb/internal/project"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
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

// viewStatus is what status says of a view.
type viewStatus struct {
	document.ViewStatus
	generation, rebuild int64
}

func (a *application) status(ctx context.Context, p *project.Project) error {
	status, err := p.Status(ctx)
	if err != nil {
		return err
	}
	if status.LossesUnknown != nil {
		a.note("whether the online store has lost rows cannot be told: %v", status.LossesUnknown)
	}
	message := status.Message(a.now())
	var views []viewStatus
	for _, view := range message.GetViews() {
		views = append(views, newViewStatus(view))
	}
	open, err := p.ShardedRuns(ctx)
	if err != nil {
		return err
	}
	var runs []shardedRun
	var notes []string
	for _, run := range open {
		runs = append(runs, newShardedRun(run))
		notes = append(notes, runs[len(runs)-1].notes()...)
	}
	made := statusDocument{document.NewStatus(message), runs}
	return a.print(made, func(w *printable.Writer) error { return writeStatus(w, views, notes) })
}

// statusDocument is that of gRPC, with the open runs that are divided.
type statusDocument struct {
	document.Status
	ShardedRuns []shardedRun `json:"sharded_runs,omitempty"`
}

func newViewStatus(from *plumbv1.ViewStatus) viewStatus {
	document := document.NewViewStatus(from)
	return viewStatus{ViewStatus: document, generation: from.GetGeneration(), rebuild: from.GetRebuild()}
}

func writeStatus(w *printable.Writer, views []viewStatus, more []string) error {
	rows := [][]string{{"VIEW", "STATE", "FROM", "TO", "FRESHNESS", "LAST RUN", "READ", "WRITTEN", "OLDER"}}
	var notes []string
	for _, view := range views {
		rows = append(rows, view.cells())
		notes = append(notes, view.notes()...)
	}
	notes = append(notes, more...)
	if err := w.Table(rows); err != nil {
		return err
	}
	for i, note := range notes {
		if i == 0 {
			w.Printf("\n")
		}
		w.Printf("%s\n", note)
	}
	return w.Err()
}

func (s viewStatus) cells() []string {
	cells := []string{s.View, s.words(), "-", "-", "-", "-", "-", "-", "-"}
	if s.Online && s.End != nil {
		cells[2], cells[3], cells[4] = orBeginning(s.Start), *s.End, freshness(*s.FreshnessSeconds, *s.End)
	}
	if run := s.LastRun; run != nil {
		cells[5] = run.Outcome
		cells[6], cells[7], cells[8] = fmt.Sprint(run.Read), fmt.Sprint(run.Written), fmt.Sprint(run.Older)
		if run.Skipped > 0 {
			cells[5] += fmt.Sprintf(" without %s", english.Plural(int(run.Skipped), "row", ""))
		}
	}
	return cells
}

// words describe a state, and say what to do if something is missing.
func (s viewStatus) words() string {
	switch project.ViewState(s.State) {
	case project.NotOnline:
		return "not online"
	case project.Complete:
		return "complete"
	case project.WithGaps:
		text := english.Plural(len(s.Gaps), "gap", "")
		if s.Start != nil {
			text += ", not from the beginning"
		}
		return text
	case project.NotFromBeginning:
		return "not from the beginning"
	case project.NeverMaterialized:
		return "never materialized"
	case project.SetAside:
		return fmt.Sprintf("set aside by revision %d: materialize", s.generation)
	case project.Outdated:
		return fmt.Sprintf("outdated since revision %d: materialize", s.rebuild)
	case project.Removed:
		return "torn down: materialize"
	case project.LostRows:
		return "rows lost: materialize"
	case project.LostRuns:
		return "last runs lost: materialize"
	}
	return "not materialized"
}

// notes are the lines below the table, for what is too long for a cell.
func (s viewStatus) notes() []string {
	var notes []string
	for i, gap := range s.Gaps {
		if i == mostGaps {
			notes = append(notes, fmt.Sprintf("%s: missing: %d more; --output json lists all", s.View, len(s.Gaps)-i))
			break
		}
		notes = append(notes, fmt.Sprintf("%s: missing: after %s up to %s", s.View, *gap.Start, gap.End))
	}
	for _, line := range s.windowLines() {
		notes = append(notes, s.View+": "+line)
	}
	for _, problem := range s.Problems {
		notes = append(notes, s.View+": "+problem)
	}
	if run := s.LastRun; run != nil && run.Error != "" {
		notes = append(notes, fmt.Sprintf("%s: run %d failed: %s", s.View, run.Run, run.Error))
	}
	return notes
}

// windowLines say what is stored for windows; none if the view has none.
func (s viewStatus) windowLines() []string {
	stored := s.StoredWindows
	if stored == nil {
		return nil
	}
	var windows []string
	for _, window := range stored.Windows {
		windows = append(windows, window.String())
	}
	text := fmt.Sprintf("up to %s an entity", english.Plural(int(stored.MostTiles), "tile", ""))
	if stored.MeanTiles != nil {
		text += fmt.Sprintf(", %.1f tiles and %.0f bytes on average in the last run", *stored.MeanTiles, *stored.MeanBytes)
	}
	if stored.Floor != nil {
		text = "look-ups are exact from " + *stored.Floor + " on; " + text
	}
	return []string{"windows of " + strings.Join(windows, "; "), text}
}

// mostGaps is how many gaps of a view are printed.
const mostGaps = 5

func orBeginning(start *string) string {
	if start == nil {
		return "the beginning"
	}
	return *start
}

// freshness is how long ago an end is, beyond a year by its day.
func freshness(seconds float64, end string) string {
	if seconds > 365*24*60*60 {
		return "since " + end[:len(time.DateOnly)]
	}
	return age(seconds)
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
