package cli

import (
	"context"
	"log/slog"

	"github.com/plumbstore/plumb/internal/project"
	"github.com/plumbstore/plumb/internal/telemetry"
	"github.com/plumbstore/plumb/store/online"
)

// logger logs to stderr, in the form of the setting. stdout is for results: with --output json, serve writes the
// addresses there.
func (a *application) logger(form string) *slog.Logger {
	if form == "json" {
		return slog.New(slog.NewJSONHandler(a.Err, nil))
	}
	return slog.New(slog.NewTextHandler(a.Err, nil))
}

// metrics returns the metrics of a server, of materialization, and of the online store's connections if it has any.
func (a *application) metrics(ctx context.Context, p *project.Project) (*telemetry.Metrics, error) {
	ledger, err := p.Registry(ctx)
	if err != nil {
		return nil, err
	}
	store, err := p.Online(ctx)
	if err != nil {
		return nil, err
	}
	metrics := telemetry.New(a.now)
	metrics.RegisterRuns(ledger, p.Config.Project)
	if pooled, ok := store.(online.Pooled); ok {
		metrics.RegisterPool(pooled)
	}
	return metrics, nil
}
