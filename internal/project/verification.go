package project

import (
	"context"
	"errors"
	"os"

	"github.com/plumbstore/plumb/internal/config"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/parity"
	"github.com/plumbstore/plumb/registry/plan"
	"github.com/plumbstore/plumb/store/offline"
)

// EmbeddedStore is the VerifyRequest.Store of a SQLite file that is thrown away.
const EmbeddedStore = "embedded"

// VerifyRequest asks for proof that training and serving agree.
type VerifyRequest struct {
	// Plan is what is verified: everything that it would change. If it is nil, the current revision is.
	Plan *plan.Plan
	// Services narrow that down to these.
	Services []string
	// Labels are the label rows of the one service; if it is empty, label rows are sampled from the sources.
	Labels, TimestampColumn string
	// Rows are sampled for each service. The same Seed samples the same.
	Rows int
	Seed uint64
	// Store is the throw-away online store: EmbeddedStore, or the URL of a Redis, from which all is removed afterwards.
	Store string
	// Progress is called as that of a offline.JoinRequest. May be nil.
	Progress func(offline.Progress)
}

// Verify joins label rows as training does, and plays the same instants through the real materializer, a throw-away
// online store and a real server. A *fault.PreconditionError says that no service of the current revision can be
// served.
func (p *Project) Verify(ctx context.Context, request VerifyRequest) (report *parity.Report, err error) {
	wanted, err := p.toVerify(ctx, request)
	if err != nil {
		return nil, err
	}
	stage := p.staging()
	defer func() { err = stage.end(err) }()
	if request.Labels != "" {
		if err := wanted.label(request.Labels, request.TimestampColumn); err != nil {
			return nil, err
		}
		labels, err := stage.labels(ctx, request.Labels)
		if err != nil {
			return nil, err
		}
		wanted.targets[0].Labels = labels.Path
	}
	began := p.options.Now()
	report = &parity.Report{Outcome: parity.Nothing, Seed: request.Seed}
	if len(wanted.targets) > 0 {
		if report, err = p.inSandbox(ctx, wanted, request); err != nil {
			return nil, err
		}
	}
	report.Project, report.Revision, report.Plan = wanted.snapshot.Project, wanted.snapshot.Revision, wanted.plan
	report.Complete(wanted.skipped)
	report.Seconds.Total = p.options.Now().Sub(began).Seconds()
	return report, nil
}

// toVerify finds out what to verify, and of which definitions.
func (p *Project) toVerify(ctx context.Context, request VerifyRequest) (*verifying, error) {
	if request.Plan != nil {
		return candidates(request.Plan, request.Services)
	}
	current, err := p.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	wanted := newVerifying(current)
	if err := wanted.addServices(request.Services); err != nil {
		return nil, err
	}
	if len(wanted.targets) == 0 {
		return nil, &fault.PreconditionError{Message: wanted.nothing()}
	}
	return wanted, nil
}

// parallelViews is how many views are materialized at a time; they share the memory that joins may take.
const parallelViews = 2

// inSandbox verifies in a sandbox, which it closes whatever happens. The engine's memory is divided by the views that
// are materialized at a time. The witness reads the same files by code of its own, so that a mistake of the engine is
// not compared with itself.
func (p *Project) inSandbox(ctx context.Context, wanted *verifying, request VerifyRequest) (
	report *parity.Report, err error,
) {
	var online config.ConnectionString
	if request.Store != EmbeddedStore {
		if online, err = p.Config.OtherStore(request.Store, os.Getenv); err != nil {
			return nil, fault.Inputf(StoreField, "%v, or %s", err, EmbeddedStore)
		}
	}
	offline, witness, err := p.shared(parallelViews)
	if err != nil {
		return nil, err
	}
	box, err := p.newSandbox(ctx, wanted.snapshot.State, online)
	defer func() { err = errors.Join(err, box.close()) }()
	if err != nil {
		return nil, err
	}
	return parity.Run(ctx, parity.Config{
		Snapshot: box.snapshot,
		Targets:  wanted.targets,
		Offline:  offline,
		Witness:  witness,
		Sandbox: parity.Sandbox{Online: box.online, Ledger: box.ledger, Client: box.client, Clock: box.clock,
			Retention: sandboxRetention, ClockSkew: p.Config.Push.ClockSkew},
		Rows:     request.Rows,
		Seed:     request.Seed,
		Folder:   box.folder,
		Parallel: parallelViews,
		Now:      p.options.Now,
		Progress: request.Progress,
	})
}
