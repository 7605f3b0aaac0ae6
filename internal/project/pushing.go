package project

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/push"
)

// Pusher writes rows into the online store, and into push logs. It is closed with the project.
//
// Its Definition reads the registry each time and not a snapshot: before the rows of a log become a Parquet file, the
// pusher needs a definition that is newer than they are.
func (p *Project) Pusher(ctx context.Context) (*push.Pusher, error) {
	online, err := p.Online(ctx)
	if err != nil {
		return nil, err
	}
	engine, err := p.Registry(ctx)
	if err != nil {
		return nil, err
	}
	pusher := push.New(push.Config{
		Online:    online,
		Now:       p.options.Now,
		ClockSkew: p.Config.Push.ClockSkew,
		Retention: p.Config.OnlineRetention,
		LogFolder: p.LogFolder,
		Rolled:    p.rolledLog,
		Definition: func(ctx context.Context, view string) (*feature.View, error) {
			current, err := engine.Current(ctx, p.Config.Project)
			if err != nil {
				return nil, err
			}
			return current.View(view)
		},
		LogBytes:    p.Config.Push.LogSize,
		LogInterval: p.Config.Push.LogInterval,
	})
	p.closeLater(pusher)
	return pusher, nil
}

// KeepLogs brings online what waits in the push logs, also what killed processes have left there, and makes files of it
// as these become due, at each tick until ctx is done. What fails is tried again at the next tick, and logged once.
func (p *Project) KeepLogs(ctx context.Context, pusher *push.Pusher, ticks <-chan time.Time,
	logger *slog.Logger,
) {
	keeper := logKeeper{project: p, pusher: pusher}
	for last := ""; ; {
		text := ""
		if err := keeper.keep(ctx); err != nil && ctx.Err() == nil {
			text = err.Error()
		}
		if text != "" && text != last {
			logger.Error("a push log could not be kept; its rows are safe, and it is tried again", "error", text)
		}
		last = text
		select {
		case <-ctx.Done():
			return
		case <-ticks:
		}
	}
}

// logKeeper knows the views whose logs are to be kept.
//
// Each tick asks for the revision's number alone. Definitions are read, and logs opened, only if that has moved or if
// opening one has failed.
type logKeeper struct {
	project *Project
	pusher  *push.Pusher
	current *feature.Snapshot
	// recovered says that the logs of all views have been opened.
	recovered bool
}

func (k *logKeeper) keep(ctx context.Context) error {
	return errors.Join(k.recover(ctx), k.pusher.RollDue(ctx))
}

// recover opens the logs of views that are new, so that what killed processes have left in them is found.
func (k *logKeeper) recover(ctx context.Context) error {
	engine, err := k.project.Registry(ctx)
	if err != nil {
		return err
	}
	number, err := engine.Revision(ctx, k.project.Config.Project)
	if err != nil {
		return err
	}
	if k.current == nil || k.current.Revision != number {
		if k.current, err = engine.Current(ctx, k.project.Config.Project); err != nil {
			return err
		}
		k.recovered = false
	}
	if k.recovered {
		return nil
	}
	err = k.pusher.Recover(ctx, k.current.Views())
	k.recovered = err == nil
	return err
}
