package cli

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/plumbstore/plumb/audit/auditlog"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/server"
)

// recorder opens the audit log; nil where none is kept.
func (p *project) recorder(ctx context.Context, logger *slog.Logger) (*auditlog.Recorder, error) {
	audit := p.config.Serving.Audit
	if audit.Dir == "" {
		return nil, nil //nolint:nilnil // Nothing is kept, and nothing is wrong.
	}
	hasher := auditlog.NewHasher(audit.HashKey.Reveal())
	if hasher == nil {
		if err := p.checkNothingSensitive(ctx); err != nil {
			return nil, err
		}
	}
	return auditlog.NewRecorder(auditlog.RecorderConfig{
		Writer: auditlog.Config{
			Folder: audit.Dir, Project: p.config.Project, Now: p.app.now, MaxBytes: audit.FileSize, MaxAge: audit.Interval,
		},
		Product: p.app.version, Rate: audit.Rate, Hasher: hasher, Logger: logger,
	})
}

// checkNothingSensitive is an error where a view that is served has something sensitive. What is applied later is
// withheld from the log, and so is what cannot be read of the registry now.
func (p *project) checkNothingSensitive(ctx context.Context) error {
	engine, err := p.registry(ctx)
	if err != nil {
		return err
	}
	current, err := engine.Current(ctx, p.config.Project)
	if err != nil {
		return nil //nolint:nilerr // The server goes on without the registry, and says so.
	}
	var sensitive []string
	for _, view := range current.Views() {
		if names := view.Sensitive(); view.Online && names != nil {
			sensitive = append(sensitive, fmt.Sprintf("%s of feature view %s", strings.Join(names, ", "), view.Name))
		}
	}
	if sensitive == nil {
		return nil
	}
	return fault.Inputf("serving.audit.hash_key", "is missing, so what is sensitive cannot be kept in the audit "+
		"log: %s; set it to a secret, such as ${PLUMB_AUDIT_KEY}", strings.Join(sensitive, "; "))
}

// drainInterval is how often what was answered goes from memory to the files of the audit log.
const drainInterval = 50 * time.Millisecond

// recording serves, and writes the audit log meanwhile and until all that was answered is in it.
func (p *project) recording(ctx context.Context, config server.Config, serve func(context.Context) error) error {
	if config.Audit == nil {
		return serve(ctx)
	}
	writing, stop := context.WithCancel(context.WithoutCancel(ctx))
	written := make(chan struct{})
	go func() {
		defer close(written)
		ticks, stopTicks := p.app.ticks(drainInterval)
		defer stopTicks()
		config.Audit.Run(writing, ticks)
	}()
	defer func() { stop(); <-written }()
	return serve(ctx)
}
