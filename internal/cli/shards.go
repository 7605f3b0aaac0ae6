package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/document"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/printable"
	"github.com/plumbstore/plumb/internal/project"
	"github.com/plumbstore/plumb/materialize"
	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/store/offline"
)

// shardFlags are those of materialize that divide a run, do its shards and close it.
type shardFlags struct {
	shards         int
	worker, cancel bool
	lease          string
}

func (f *shardFlags) add(cmd *cobra.Command) {
	cmd.Flags().IntVar(&f.shards, "shards", 0,
		"divide the run of each view into this many shards for workers, and write nothing yet")
	cmd.Flags().BoolVar(&f.worker, "worker", false, "do shards of the open runs until all of them are done")
	cmd.Flags().BoolVar(&f.cancel, "cancel", false, "close the open runs that are divided, as failed")
	cmd.Flags().StringVar(&f.lease, "lease", "1m", "how long a shard stays with a worker that is not heard of")
}

// check refuses flags that say nothing together.
func (f *shardFlags) check(cmd *cobra.Command) error {
	changed := func(name string) bool { return cmd.Flags().Changed(name) }
	switch {
	case f.worker && f.cancel, changed("shards") && (f.worker || f.cancel):
		return fault.Inputf("--shards", "--shards opens a run, --worker does its shards and --cancel closes it; give one "+
			"of them")
	case changed("lease") && !f.worker:
		return fault.Inputf("--lease", "is of a worker; give --worker too")
	case changed("shards") && f.shards < 1, f.shards > materialize.MostShards:
		return fault.Inputf("--shards", "%d is not from 1 to %d", f.shards, materialize.MostShards)
	}
	if !f.worker && !f.cancel {
		return nil
	}
	for _, name := range []string{"to", "from", "lookback", "full", "max-failed-rows"} {
		if changed(name) {
			return fault.Inputf("--"+name, "was decided when the run was opened with --shards; leave it out")
		}
	}
	return nil
}

// term is --lease.
func (f *shardFlags) term() (time.Duration, error) {
	term, err := feature.ParseDuration(f.lease)
	if err != nil {
		return 0, fault.Inputf("--lease", "%v", err)
	}
	if term < time.Second || term > 24*time.Hour {
		return 0, fault.Inputf("--lease", "%s is not from 1s to 24h", f.lease)
	}
	return term, nil
}

// divided is the document of a run that was opened.
type divided struct {
	document.Run
	Shards int `json:"shards"`
}

// divide opens runs.
func (a *application) divide(ctx context.Context, p *project.Project, flags materializeFlags) error {
	request, err := a.materializeRequest(flags)
	if err != nil {
		return err
	}
	return p.Divide(ctx, project.Division{
		Views: flags.views, Request: request, Shards: flags.shards,
		End: func(view *feature.View, report materialize.Report, err error) error {
			if err != nil || report.Done != nil {
				return a.tell(view, report, err)
			}
			for _, note := range report.Notes {
				a.note("%s: %s", view.Name, note)
			}
			made := divided{project.NewMaterialized(report).Run, flags.shards}
			return a.print(made, func(w *printable.Writer) error {
				return w.Printf("%s: after %s up to %s: run %d is open, in %s; do it with plumb materialize --worker\n", made.View,
					orBeginning(made.Start), made.End, report.Run.ID, english.Plural(flags.shards, "shard", ""))
			})
		},
	})
}

// shardDone is the document of a shard that a worker has done or failed to do.
type shardDone struct {
	document.Run
	Shard  int    `json:"shard"`
	Shards int    `json:"shards"`
	Error  string `json:"error,omitempty"`
}

// work does shards.
func (a *application) work(ctx context.Context, p *project.Project, flags materializeFlags) error {
	term, err := flags.term()
	if err != nil {
		return err
	}
	var current *progress // Of the shard that is being done.
	var step string
	did := false
	var printed []error
	working := project.Working{
		Views: flags.views, Holder: fmt.Sprintf("%s, process %d", userAtHost(), os.Getpid()), Term: term,
		Begin: func(run registry.ShardedRun, shard int) {
			step = fmt.Sprintf("materializing %s, shard %d of %d", run.View, shard+1, len(run.Shards))
			current = a.progress(step)
		},
		Progress: func(_ string, rows int64) { current.report(offline.Progress{Step: step, Rows: rows}) },
		End: func(run registry.ShardedRun, shard int, report materialize.Report, err error) {
			did = true
			current.stop()
			printed = append(printed, a.tellShard(run, shard, report, err))
		},
		Closed: func(view *feature.View, report materialize.Report, err error) {
			did = true
			if err == nil { // Otherwise the command ends with it.
				printed = append(printed, a.tell(view, report, nil))
			}
		},
	}
	err = p.Work(ctx, working)
	if err == nil && !did {
		a.note("no run is divided and open; open one with plumb materialize --shards")
	}
	return errors.Join(append(printed, err)...)
}

func (a *application) tellShard(run registry.ShardedRun, shard int, report materialize.Report, err error) error {
	if err != nil && !errors.Is(err, registry.ErrLeaseLost) {
		return nil // The command ends with it.
	}
	for _, note := range report.Notes {
		a.note("%s: %s", run.View, note)
	}
	made := shardDone{Run: project.NewMaterialized(report).Run, Shard: shard + 1, Shards: len(run.Shards)}
	if made.Outcome = "shard done"; err != nil {
		made.Outcome, made.Error = "lease lost", err.Error()
	}
	return a.print(made, func(w *printable.Writer) error {
		if err != nil {
			return w.Printf("%s: shard %d of %d of run %d: %v\n", made.View, made.Shard, made.Shards, run.ID, err)
		}
		w.Printf("%s: shard %d of %d of run %d: %d rows read, %d written\n", made.View, made.Shard, made.Shards, run.ID,
			made.Read, made.Written)
		if report.Before > 0 {
			w.Printf("  not online: %s before the window\n", english.Plural(int(report.Before), "row", ""))
		}
		return w.Err()
	})
}

// cancelShards closes runs.
func (a *application) cancelShards(ctx context.Context, p *project.Project, flags materializeFlags) error {
	cancelled, err := p.CancelShards(ctx, flags.views)
	for _, run := range cancelled {
		made := document.NewRun(project.RunMessage(run))
		err = errors.Join(err, a.print(made, func(w *printable.Writer) error {
			return w.Printf("%s: run %d is cancelled; rows that were written stay, and do no harm\n", run.View, run.ID)
		}))
	}
	if err == nil && len(cancelled) == 0 {
		a.note("no run is divided and open")
	}
	return err
}

// shardedRun is what status says of a run that is divided and open.
type shardedRun struct {
	Run    int64         `json:"run"`
	View   string        `json:"view"`
	Done   int           `json:"done"`
	Taken  int           `json:"taken"`
	Free   int           `json:"free"`
	Shards []shardStatus `json:"shards"`
}

type shardStatus struct {
	Shard   int    `json:"shard"`
	State   string `json:"state"`
	Worker  string `json:"worker,omitempty"`
	Leases  int64  `json:"leases"`
	Rows    int64  `json:"rows"`
	Problem string `json:"problem,omitempty"`
}

func newShardedRun(run registry.ShardedRun) shardedRun {
	made := shardedRun{Run: run.ID, View: run.View, Done: run.Count(registry.ShardDone),
		Taken: run.Count(registry.ShardTaken), Free: run.Count(registry.ShardFree)}
	for _, shard := range run.Shards {
		made.Shards = append(made.Shards, shardStatus{Shard: shard.Number + 1, State: string(shard.State),
			Worker: shard.Holder, Leases: shard.Leases, Rows: shard.Rows, Problem: shard.Problem})
	}
	return made
}

// notes are the lines below the table of status.
func (r shardedRun) notes() []string {
	notes := []string{fmt.Sprintf("%s: run %d is divided into %s: %d done, %d with workers, %d free", r.View, r.Run,
		english.Plural(len(r.Shards), "shard", ""), r.Done, r.Taken, r.Free)}
	for _, shard := range r.Shards {
		switch {
		case shard.State == string(registry.ShardTaken):
			notes = append(notes, fmt.Sprintf("%s: shard %d: %s rows written by %s", r.View, shard.Shard,
				humanize.Comma(shard.Rows), shard.Worker))
		case shard.Problem != "":
			notes = append(notes, fmt.Sprintf("%s: shard %d: given back: %s", r.View, shard.Shard, shard.Problem))
		}
	}
	return notes
}
