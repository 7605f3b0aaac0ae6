package cli

import (
	"context"
	"log/slog"
	"time"

	"github.com/plumbstore/plumb/internal/project"
	"github.com/plumbstore/plumb/internal/telemetry"
	"github.com/plumbstore/plumb/store/online"
)

// logger logs to stderr, in the form of the setting.
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

// tracesTime bounds how long the last spans may take to send.
const tracesTime = 5 * time.Second

// stopTracing sends the last spans. That they could not be sent is no failure of the server's.
func stopTracing(ctx context.Context, logger *slog.Logger, tracing *telemetry.Tracing, failure error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tracesTime)
	defer cancel()
	if err := tracing.Stop(ctx); err != nil {
		logger.Warn("the last traces could not be sent", "error", err)
	}
	return failure
}
