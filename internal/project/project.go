// Package project has the use cases of a project: what the command line, and servers, do with it.
//
// A use case takes a plain request and returns a plain report. It knows no flags and prints nothing, so that each
// caller words results in its own way. Engines are opened when a use case first needs them:
//
//	p := project.Open(config, project.Options{Now: time.Now, Version: "1.0"})
//	defer p.Close()
//	made, err := p.MakeTrainingSet(ctx, project.TrainingSetRequest{Labels: "labels.parquet", Out: "train.parquet", …})
//
// Callers differ in what they may name. The command line runs as its user, so its requests name any file of the
// machine: MakeTrainingSet, Audit, VerifyTrainingSet take paths as they are. Callers over the network name files below
// offline.roots alone, and learn nothing of others. The methods that servers call for them (work.go, trainingsets.go)
// find those files first, by way of within.go, and then call the same use cases.
//
// Engines are picked in engines.go and nowhere else.
package project

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/config"
	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store/online"
)

// Options are what a project takes from the process that it is opened in. Now and Version are required.
type Options struct {
	Now func() time.Time
	// Version is the version of the product, which manifests, events and logs name.
	Version string
	// Listen starts the server that Verify asks; nothing else needs it.
	Listen Listen
	// Warn is called with problems that fail nothing: lineage events that were lost, a cache that cannot be kept. It may
	// be called by any goroutine, and may be nil.
	Warn func(error)
	// Disk is where training sets are written. It is the machine's unless it is set.
	Disk disk.Disk
}

// Project is a project whose engines are opened when they are first asked for, and closed with it. It is safe for
// concurrent use until it is closed.
type Project struct {
	Config  *config.Config
	options Options

	// mu guards what follows.
	mu       sync.Mutex
	closers  []io.Closer
	registry Registry
	online   online.Store
	offline  Offline
	serving  Serving
}

// Open opens nothing yet.
func Open(configured *config.Config, options Options) *Project {
	if options.Warn == nil {
		options.Warn = func(error) {}
	}
	return &Project{Config: configured, options: options}
}

// Moved is the project with its files in another place. It has engines of its own, and is closed by itself.
func (p *Project) Moved(folder string, roots []string) *Project {
	moved := *p.Config
	moved.ProjectDir, moved.Offline.Roots = folder, roots
	return Open(&moved, p.options)
}

// Close closes engines, the newest first. What was opened later may use what was opened before: a pusher still writes
// to the online store while it closes.
func (p *Project) Close() error {
	p.mu.Lock()
	closers := p.closers
	p.closers = nil
	p.mu.Unlock() // What is closed may still ask for an engine.
	var failures []error
	for _, closer := range slices.Backward(closers) {
		failures = append(failures, closer.Close())
	}
	return errors.Join(failures...)
}

// closeLater has something closed with the project.
func (p *Project) closeLater(closer io.Closer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closers = append(p.closers, closer)
}

// Now is the instant by the project's clock.
func (p *Project) Now() time.Time { return p.options.Now() }

// Registry opens the registry.
func (p *Project) Registry(ctx context.Context) (Registry, error) {
	return opened(ctx, p, &p.registry, openRegistry)
}

// Online opens the online store.
func (p *Project) Online(ctx context.Context) (online.Store, error) {
	return opened(ctx, p, &p.online, func(ctx context.Context, c *config.Config) (online.Store, error) {
		return openOnline(ctx, c, p.options.Now)
	})
}

// Offline opens the offline engine for one operation at a time.
func (p *Project) Offline(ctx context.Context) (Offline, error) {
	return opened(ctx, p, &p.offline, func(_ context.Context, c *config.Config) (Offline, error) {
		return openOffline(c, p.options.Disk)
	})
}

// Serving opens the offline engine for a server's joins.
func (p *Project) Serving(ctx context.Context) (Serving, error) {
	return opened(ctx, p, &p.serving, openServing)
}

// opened opens an engine once. p.mu is held while it opens, so that callers which come at once get the same one. If
// opening fails, nothing is kept and the next call tries again.
func opened[T interface {
	comparable
	io.Closer
}](ctx context.Context, p *Project, engine *T, open func(context.Context, *config.Config) (T, error)) (T, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var none T
	if *engine != none {
		return *engine, nil
	}
	made, err := open(ctx, p.Config)
	if err != nil {
		return none, err
	}
	*engine = made
	p.closers = append(p.closers, made)
	return made, nil
}

// Snapshot reads the current revision. A *fault.PreconditionError says that nothing is applied yet.
func (p *Project) Snapshot(ctx context.Context) (*feature.Snapshot, error) {
	engine, err := p.Registry(ctx)
	if err != nil {
		return nil, err
	}
	current, err := engine.Current(ctx, p.Config.Project)
	if err != nil {
		return nil, err
	}
	if current.Revision == 0 {
		return nil, &fault.PreconditionError{Message: "nothing is applied yet: run plumb apply"}
	}
	return current, nil
}

// closing is a function as an io.Closer.
type closing func() error

func (c closing) Close() error { return c() }
