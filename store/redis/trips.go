package redis

import (
	"context"
	"slices"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// trips lets reads that wait at the same time share round trips to one server. A read that finds fewer than maxTrips on
// their way goes at once and alone. Others wait, and as soon as one trip ends all that wait go together: one write and
// one read of a connection for many look-ups, of which the server answers each by itself. So nothing is delayed while
// the server is idle, and the busier it is the more reads share a trip.
//
// A read depends on others as little as on their deadlines: one that asks for many entities goes alone, and one that
// has waited for patience does so too, since a trip may be on a connection that is broken.
type trips struct {
	client goredis.UniversalClient

	mutex sync.Mutex
	// running is how many trips are on their way.
	running int
	waiting []*passenger
}

// passenger is a read that waits for a trip.
type passenger struct {
	ctx      context.Context
	commands []goredis.Cmder
	// done is closed after the trip, when the commands have their answers.
	done chan struct{}
}

const (
	// maxTrips is how many trips are on their way at a time.
	maxTrips = 2
	// mostShared is the greatest number of commands of a read that shares a trip.
	mostShared = 16
	// mostCommands bounds the commands of a trip.
	mostCommands = 256
	// waitAtMost is how long a read waits for a trip to begin.
	waitAtMost = 50 * time.Millisecond
)

// send sends the commands of a read and waits until all have their answers, which may be errors. It fails only if the
// context ends before. In a cluster reads share trips that ask for one entity, with others that go to the same node.
func (s *Store) send(ctx context.Context, commands []goredis.Cmder) error {
	lane := &s.trips
	cluster, ok := s.client.(*goredis.ClusterClient)
	switch {
	case len(commands) > mostShared || ok && len(commands) > 1:
		lane.travel(ctx, commands)
		return nil
	case ok:
		node, err := cluster.MasterForKey(ctx, textOf(commands[0].Args()[1]))
		if err != nil {
			return err
		}
		found, _ := s.lanes.LoadOrStore(node.Options().Addr, &trips{client: s.client})
		lane = found.(*trips)
	}
	return lane.run(ctx, commands)
}

func (t *trips) run(ctx context.Context, commands []goredis.Cmder) error {
	t.mutex.Lock()
	if t.running < maxTrips {
		t.running++
		t.mutex.Unlock()
		defer t.next()
		t.travel(ctx, commands)
		return nil
	}
	p := &passenger{ctx: ctx, commands: commands, done: make(chan struct{})}
	t.waiting = append(t.waiting, p)
	t.mutex.Unlock()
	return t.wait(ctx, p)
}

func (t *trips) wait(ctx context.Context, p *passenger) error {
	timer := time.NewTimer(waitAtMost)
	defer timer.Stop()
	for {
		select {
		case <-p.done:
			return nil
		case <-ctx.Done():
			t.leave(p)
			return ctx.Err()
		case <-timer.C:
			if t.leave(p) {
				t.travel(ctx, p.commands)
				return nil
			}
		}
	}
}

// leave takes a read out of those that wait, and returns false if its trip has begun.
func (t *trips) leave(p *passenger) bool {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	at := slices.Index(t.waiting, p)
	if at < 0 {
		return false
	}
	t.waiting = slices.Delete(t.waiting, at, at+1)
	return true
}

// next ends a trip, and begins another with those that wait.
func (t *trips) next() {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	taken, commands := 0, 0
	for taken < len(t.waiting) && commands < mostCommands {
		commands += len(t.waiting[taken].commands)
		taken++
	}
	if taken == 0 {
		t.running--
		return
	}
	together := slices.Clone(t.waiting[:taken])
	t.waiting = slices.Delete(t.waiting, 0, taken)
	go t.share(together)
}

// share makes one trip for several reads. It takes as long as the most patient of them waits; the others have gone by
// then.
func (t *trips) share(together []*passenger) {
	defer t.next()
	var commands []goredis.Cmder
	var latest time.Time
	bounded := true
	for _, p := range together {
		commands = append(commands, p.commands...)
		deadline, ok := p.ctx.Deadline()
		if bounded = bounded && ok; deadline.After(latest) {
			latest = deadline
		}
	}
	ctx := context.WithoutCancel(together[0].ctx)
	if bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, latest)
		defer cancel()
	}
	t.travel(ctx, commands)
	for _, p := range together {
		close(p.done)
	}
}

// travel sends commands on one connection, or in a cluster on one for each node, and waits for their answers. Each
// command has its own error.
func (t *trips) travel(ctx context.Context, commands []goredis.Cmder) {
	if len(commands) == 1 {
		_ = t.client.Process(ctx, commands[0])
		return
	}
	pipeline := t.client.Pipeline()
	for _, command := range commands {
		_ = pipeline.Process(ctx, command)
	}
	_, _ = pipeline.Exec(ctx)
}
