// Package parity proves before a deployment that training and serving agree (R17).
//
// It takes label rows, given or sampled, and asks twice what the features of each were at its instant T: offline, by
// the point-in-time join that training sets are made with, and online, by the path that production takes: the
// materializer, window after window, into a store that is thrown away, the row codec, and GetOnlineFeatures over gRPC
// of a server whose clock is set to T. Value, bit for bit, status and event time have to be the same.
//
// # Instants
//
// Materializing through every T would take a window for each label row. So a label row (K, T) may be played with its
// views materialized through some later instant W, as long as no row of K's in a view has an event time in (T, W]: then
// the row that is served at W is the one that was served at T, and the server's clock, which is at T, decides on its
// visibility and ttl. Label rows are intervals, and the fewest instants that stab them all are found for each view by
// itself; windows are real and incremental.
//
// What lies in (T, W] comes from a third side, the witness: a plain read of the source that knows nothing of windows or
// winners (offline.Witness). If it were wrong, the server would find a row that is not visible at T, and say NOT_FOUND
// when offline has a value: a mismatch, not a pass. The witness also says how many rows each window has to read (R5).
// It says which event time, which status and, if rows have a place, which value offline has to find, so that a mistake
// that both sides share is seen as well.
//
// A window has other events at every instant. But the state of a view with aggregations can be looked up at all
// instants from its floor on (R27), which lies twice the clock skew before W. So a label row for such a view is played
// with W in [T, T + twice the skew], whatever events there are in between, and label rows lie at few instants and just
// before them. The witness says which events count in any window, and what the simpler functions give for them.
//
// # Edges
//
// Sampled label rows are uniform over time and keys. A part of them is aimed at likely mistakes: at, just before and
// just after a row of a source, at the ends of a ttl, at rows that tie, at rows that became known late, keys that no
// source has, null keys, and instants at which windows lose or reach a row (see Kind). A seed makes them reproducible.
//
// The package depends only on contracts; the caller brings the engines and the server.
package parity

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/materialize"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/store/offline"
)

// Config says what to verify and with what. All of it is required but for Progress.
type Config struct {
	// Snapshot is what is verified: the revision that Sandbox serves.
	Snapshot *feature.Snapshot
	Targets  []Target
	Offline  Offline
	// Witness is the third party, which has to read in another way than Offline.
	Witness offline.Witness
	Sandbox Sandbox
	// Rows is how many label rows to sample for each target that has none.
	Rows int
	// Seed decides what is sampled.
	Seed uint64
	// Folder is where label files may be written; the caller removes it.
	Folder string
	// Parallel is how many views may be materialized at a time. Each of them takes an operation's memory.
	Parallel int
	// Now returns the time, to measure how long things take.
	Now func() time.Time
	// Progress is called now and then with how far the work is. May be nil.
	Progress func(offline.Progress)
}

// Offline is what is needed of an offline engine.
type Offline interface {
	// PlanJoin and Read are those of offline.Store.
	PlanJoin(ctx context.Context, request offline.JoinRequest) (offline.Join, error)
	Read(ctx context.Context, views []*feature.View) (offline.Reading, error)
}

// Sandbox is a serving path that is thrown away afterwards. Nothing has been materialized on it.
type Sandbox struct {
	// Online takes what is materialized. Client asks a server that reads the same store.
	Online materialize.Online
	Ledger registry.Ledger
	Client plumbv1.ServingServiceClient
	// Clock is the server's.
	Clock *Clock
	// Retention has to outlast the verification.
	Retention time.Duration
	// ClockSkew is that of the states of windows: they can be looked up from twice as long before the end of a
	// materialization (R27).
	ClockSkew time.Duration
}

// Clock is a clock that stays at the time it was set to. It is safe for concurrent use.
type Clock struct{ at atomic.Int64 }

// Now returns the time that the clock is set to.
func (c *Clock) Now() time.Time { return feature.Instant(c.at.Load()).Time() }

func (c *Clock) set(at feature.Instant) { c.at.Store(int64(at)) }

// Target is a selection of features to verify.
type Target struct {
	// Name names it in reports.
	Name string
	// Service is the feature service, or empty, and then Features are references "view:feature" or "view:*".
	Service  string
	Features []string
	// Labels is a label file, whose column TimestampColumn has the instants. If it is empty, label rows are sampled.
	Labels          string
	TimestampColumn string
}

// verification is one run.
type verification struct {
	Config
	targets []*target
	views   []*sandboxView
	report  *Report
	began   time.Time
}

// Run verifies the targets. Whether they agree is in the report; an error says that it could not be found out, such as
// a *fault.InputError for a label file or a source that cannot be read.
func Run(ctx context.Context, config Config) (*Report, error) {
	if config.Progress == nil {
		config.Progress = func(offline.Progress) {}
	}
	v := &verification{Config: config, began: config.Now(), report: &Report{
		Project: config.Snapshot.Project, Revision: config.Snapshot.Revision, Seed: config.Seed,
	}}
	for _, step := range []func(context.Context) error{
		v.resolve, v.label, v.witness, v.joinOffline, v.play, v.countWindows,
	} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	v.conclude()
	return v.report, nil
}

// resolve finds out what the targets select.
func (v *verification) resolve(context.Context) error {
	for number, wanted := range v.Targets {
		t, err := newTarget(v.Snapshot, wanted)
		if err != nil {
			return fmt.Errorf("%s: %w", wanted.Name, err)
		}
		if t.Labels == "" {
			t.path = filepath.Join(v.Folder, fmt.Sprintf("labels%d.arrow", number))
		}
		for i, reference := range t.selection.References {
			t.uses[i].view = v.sandboxView(reference.View)
		}
		v.targets = append(v.targets, t)
	}
	return nil
}

// sandboxView is the view as it is played, made when it is first used.
func (v *verification) sandboxView(view *feature.View) *sandboxView {
	at := slices.IndexFunc(v.views, func(s *sandboxView) bool { return s.View == view })
	if at < 0 {
		at = len(v.views)
		v.views = append(v.views, &sandboxView{View: view})
	}
	return v.views[at]
}

// label reads the label rows that are given, and samples the others.
func (v *verification) label(ctx context.Context) error {
	for _, t := range v.targets {
		if t.Labels == "" {
			continue
		}
		v.Progress(offline.Progress{Step: "reading the labels"})
		if err := t.readLabels(ctx, v.Witness); err != nil {
			return err
		}
	}
	return v.sample(ctx)
}

// witness lets the sources tell what each label row has to see.
func (v *verification) witness(ctx context.Context) error {
	for _, view := range v.views {
		view.states = newWitnessStates(view.View)
	}
	for _, t := range v.targets {
		for i := range t.labels {
			for _, u := range t.uses {
				if tuple, ok := u.tuple(&t.labels[i]); ok {
					u.view.states.add(tuple, t.labels[i].at)
				}
			}
		}
	}
	for _, view := range v.views {
		v.Progress(offline.Progress{Step: "reading the source of view " + view.Name})
		if err := view.states.read(ctx, v.Witness, view.View); err != nil {
			return err
		}
		if err := view.readValues(ctx, v.Witness); err != nil {
			return err
		}
	}
	return nil
}
