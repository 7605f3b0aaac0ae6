package cli

import (
	"context"
	"log/slog"
	"time"

	"github.com/plumbstore/plumb/internal/server"
	"github.com/plumbstore/plumb/materialize"
)

// pusher writes rows into the online store, and into push logs. It is closed with the project.
func (p *project) pusher(ctx context.Context) (*materialize.Pusher, error) {
	online, err := p.online(ctx)
	if err != nil {
		return nil, err
	}
	pusher := materialize.NewPusher(materialize.PushConfig{
		Online:      online,
		Now:         p.app.now,
		ClockSkew:   p.config.Push.ClockSkew,
		Retention:   p.config.OnlineRetention,
		LogFolder:   func(path string) (string, error) { return logFolder(p.config, path) },
		LogBytes:    p.config.Push.LogSize,
		LogInterval: p.config.Push.LogInterval,
	})
	p.closers = append(p.closers, pusher)
	return pusher, nil
}

// keepingLogs serves, and keeps the push logs meanwhile, unless the server takes no rows.
func (p *project) keepingLogs(ctx context.Context, config server.Config, serve func(context.Context) error) error {
	if config.ReadOnly {
		return serve(ctx)
	}
	keeping, stop := context.WithCancel(ctx)
	kept := make(chan struct{})
	go func() { defer close(kept); p.keepLogs(keeping, config.Pusher, config.Logger) }()
	defer func() { stop(); <-kept }()
	return serve(ctx)
}

// keepLogs brings back what killed processes have left in the push logs, and then makes files of these as they become
// due, until ctx is done.
func (p *project) keepLogs(ctx context.Context, pusher *materialize.Pusher, logger *slog.Logger) {
	failed := func(err error) {
		logger.Error("a push log could not be kept; its rows are safe, and it is tried again", "error", err)
	}
	engine, err := p.registry(ctx)
	if err == nil {
		snapshot, reading := engine.Current(ctx, p.config.Project)
		if err = reading; err == nil {
			err = pusher.Recover(ctx, snapshot.Views())
		}
	}
	if err != nil {
		failed(err)
	}
	ticks, stop := p.app.ticks(time.Second)
	defer stop()
	pusher.Run(ctx, ticks, failed)
}
