package materialize

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/store/offline"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/packed"
)

// sharedPlan is a plan as the registry keeps it for the workers of a run that is divided. So the window, the inputs and
// the marks are decided once, and what a worker does follows from them and the view's definition. It is durable while
// the run is open.
type sharedPlan struct {
	Format int `json:"format"`
	// These have to be the view's when a shard is taken.
	Generation int64  `json:"generation"`
	Rebuild    int64  `json:"rebuild"`
	Schema     uint32 `json:"schema"`

	Start       *int64 `json:"start"`
	End         int64  `json:"end"`
	Replace     bool   `json:"replace,omitempty"`
	CountBefore bool   `json:"count_before,omitempty"`
	// MaxFailed is that of all shards together.
	MaxFailed int64           `json:"max_failed,omitempty"`
	Division  string          `json:"division"`
	Inputs    []feature.Input `json:"inputs"`
	// Birth is the table's, and Mark the progress that was marked in it.
	Birth int64 `json:"birth"`
	Mark  int64 `json:"mark"`

	LocalStore string `json:"local_store,omitempty"`

	States *sharedStates `json:"states,omitempty"`
}

// sharedStates is a statePlan.
type sharedStates struct {
	Skew      int64  `json:"skew"`
	Lookback  int64  `json:"lookback"`
	Continues bool   `json:"continues,omitempty"`
	Boundary  int64  `json:"boundary,omitempty"`
	Recorded  *int64 `json:"recorded,omitempty"`
	Build     int64  `json:"build"`
}

// sharedFormat is the format that this version writes and reads.
const sharedFormat = 1

// share is the plan for workers, once the table's marks are set.
func (p *plan) share(maxFailed int64, marks *marking) *sharedPlan {
	shared := &sharedPlan{
		Format: sharedFormat, Generation: p.view.Generation, Rebuild: p.view.Rebuild, Schema: p.view.Schema().ID,
		Start: (*int64)(p.window.Start), End: int64(p.window.End), Replace: p.progress.Replace,
		CountBefore: p.countBefore, MaxFailed: maxFailed, Birth: marks.birth, Mark: marks.found.Progress,
	}
	if s := p.states; s != nil {
		shared.States = &sharedStates{Skew: s.skew, Lookback: s.lookback, Continues: s.continues, Boundary: s.boundary,
			Recorded: s.recorded, Build: s.build}
	}
	return shared
}

// opened is a run that is divided, as a worker sees it.
type opened struct {
	*Materializer
	registry.ShardedRun
	shared *sharedPlan
	view   *feature.View
}

// openedRun reads the plan of a run. An error that wraps fault.ErrConflict says that the view has got another
// definition since the run was divided.
func (m *Materializer) openedRun(ctx context.Context, run registry.ShardedRun) (*opened, error) {
	o := &opened{Materializer: m, ShardedRun: run, shared: &sharedPlan{}}
	if err := json.Unmarshal(run.Plan, o.shared); err != nil {
		return nil, fmt.Errorf("the registry is damaged: the plan of run %d cannot be read: %w", run.ID, err)
	}
	if o.shared.Format != sharedFormat {
		return nil, fmt.Errorf("run %d was divided by another version: its plan has format %d, and %d is known; run all "+
			"workers with the version of plumb that opened the run", run.ID, o.shared.Format, sharedFormat)
	}
	if err := o.checkStore(); err != nil {
		return nil, err
	}
	current, err := m.config.Registry.Current(ctx, run.Project)
	if err != nil {
		return nil, fmt.Errorf("read the definition of view %q: %w", run.View, err)
	}
	view, err := current.View(run.View)
	if err == nil && view.Online && view.Generation == o.shared.Generation && view.Rebuild == o.shared.Rebuild &&
		view.Schema().ID == o.shared.Schema {
		o.view = view
		return o, nil
	}
	return nil, fmt.Errorf("revision %d changed view %q after run %d had been divided; divide another run: %w",
		current.Revision, run.View, run.ID, fault.ErrConflict)
}

// checkStore refuses a worker that would write to another file than the others.
func (o *opened) checkStore() error {
	name := func(local string) string { return cmp.Or(local, "a store for all machines") }
	if at, here := o.shared.LocalStore, o.config.Sharding.LocalStore; at != here {
		return &fault.PreconditionError{Message: fmt.Sprintf("run %d writes to %s, and the online store of this worker is "+
			"%s: a SQLite store is written by workers of its own machine; run the worker there, or give all of them one Redis",
			o.ID, name(at), name(here))}
	}
	return nil
}

// plan is what a worker does with a shard.
func (o *opened) plan(shard int, now feature.Instant) (*plan, error) {
	shared := o.shared
	p := &plan{
		view:        o.view,
		window:      offline.Window{Start: (*feature.Instant)(shared.Start), End: feature.Instant(shared.End)},
		countBefore: shared.CountBefore,
		part: &offline.Part{Shard: shard, Shards: len(o.Shards), Division: shared.Division,
			Inputs: shared.Inputs},
	}
	s := shared.States
	if s == nil {
		return p, nil
	}
	layout, err := o.view.Layout()
	if err != nil {
		return nil, err
	}
	p.states = &statePlan{layout: layout, horizon: layout.Horizon(shared.End, s.Skew, s.Lookback), skew: s.Skew,
		lookback: s.Lookback, continues: s.Continues, boundary: s.Boundary, recorded: s.Recorded, build: s.Build}
	if s.Continues && online.NewTable(o.view, 0).Retention > 0 &&
		now-p.window.End+feature.Instant(2*s.Skew) > untold {
		return p.makeAnew(fmt.Errorf("the run ends more than %s before now, and the online store may have forgotten states "+
			"since; all events of the shard are read", time.Duration(untold)*time.Microsecond)), nil
	}
	return p, nil
}

// progress is what to record once all shards are done.
func (o *opened) progress() *registry.Progress {
	return &registry.Progress{View: o.View, Generation: o.shared.Generation, Rebuild: o.shared.Rebuild,
		Intervals: []registry.Interval{{Start: o.shared.Start, End: o.shared.End}}, Replace: o.shared.Replace,
		Birth: o.shared.Birth}
}

// marking is that of the table which the run began to write to.
func (o *opened) marking() *marking {
	return &marking{Materializer: o.Materializer, view: o.view, table: online.NewTable(o.view, 0),
		found: online.Marks{Birth: o.shared.Birth, Progress: o.shared.Mark}, birth: o.shared.Birth,
		origin: packed.RunOrigin(o.ID)}
}
