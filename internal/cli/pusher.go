package cli

import (
	"context"

	"github.com/plumbstore/plumb/materialize"
)

// pusher writes rows into the online store.
func (p *project) pusher(ctx context.Context) (*materialize.Pusher, error) {
	online, err := p.online(ctx)
	if err != nil {
		return nil, err
	}
	return materialize.NewPusher(materialize.PushConfig{
		Online:    online,
		Now:       p.app.now,
		ClockSkew: p.config.Push.ClockSkew,
		Retention: p.config.OnlineRetention,
	}), nil
}
