package cli

import (
	"context"
	"time"

	"github.com/plumbstore/plumb/internal/server"
)

// drainInterval is how often what was answered goes from memory to the files of the audit log.
const drainInterval = 50 * time.Millisecond

// recording serves, and writes the audit log meanwhile and until all that was answered is in it.
func (a *application) recording(ctx context.Context, config server.Config, serve func(context.Context) error) error {
	if config.Audit == nil {
		return serve(ctx)
	}
	writing, stop := context.WithCancel(context.WithoutCancel(ctx))
	written := make(chan struct{})
	go func() {
		defer close(written)
		ticks, stopTicks := a.ticks(drainInterval)
		defer stopTicks()
		config.Audit.Run(writing, ticks)
	}()
	defer func() { stop(); <-written }()
	return serve(ctx)
}
