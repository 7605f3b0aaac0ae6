package redis

import (
	"context"
	"slices"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// batcher lets reads that wait at the same time share round trips to one server. If fewer than maxInFlight batches are
// on their way, a read is sent at once and alone. Other reads wait, and when a batch ends, all that wait are sent
// together: one write to a connection and one read from it for many look-ups, each of which the server answers
// separately. So an idle server delays nothing, and the busier it is the more reads share a round trip.
//
// One read does not hold up another. A read of many entities is sent alone, and so is a read that has waited for
// maxWait, because the batches on their way may be on broken connections.
type batcher struct {
	client goredis.UniversalClient

	mutex sync.Mutex
	// inFlight is how many batches are on their way.
	inFlight int
	waiting  []*waitingRead
}

// waitingRead is a read that waits to be sent with others.
type waitingRead struct {
	ctx      context.Context
	commands []goredis.Cmder
	// done is closed once the commands have their answers.
	done chan struct{}
}

const (
	maxInFlight = 2
	// maxShared is the greatest number of commands of a read that is sent with others.
	maxShared = 16
	// maxBatch is about how many commands a batch has at most.
	maxBatch = 256
	maxWait  = 50 * time.Millisecond
)

// send sends the commands of a read and waits until all have their answers, which may be errors. It fails only if the
// context ends first. In a cluster, reads of one entity are sent with others to the same node.
func (s *Store) send(ctx context.Context, commands []goredis.Cmder) error {
	b := &s.batcher
	cluster, ok := s.client.(*goredis.ClusterClient)
	switch {
	case len(commands) > maxShared || ok && len(commands) > 1:
		b.exec(ctx, commands)
		return nil
	case ok:
		node, err := cluster.MasterForKey(ctx, textOf(commands[0].Args()[1]))
		if err != nil {
			return err
		}
		found, _ := s.batchers.LoadOrStore(node.Options().Addr, &batcher{client: s.client})
		b = found.(*batcher)
	}
	return b.send(ctx, commands)
}

func (b *batcher) send(ctx context.Context, commands []goredis.Cmder) error {
	b.mutex.Lock()
	if b.inFlight < maxInFlight {
		b.inFlight++
		b.mutex.Unlock()
		defer b.next()
		b.exec(ctx, commands)
		return nil
	}
	read := &waitingRead{ctx: ctx, commands: commands, done: make(chan struct{})}
	b.waiting = append(b.waiting, read)
	b.mutex.Unlock()
	return b.wait(ctx, read)
}

func (b *batcher) wait(ctx context.Context, read *waitingRead) error {
	timer := time.NewTimer(maxWait)
	defer timer.Stop()
	for {
		select {
		case <-read.done:
			return nil
		case <-ctx.Done():
			b.withdraw(read)
			return ctx.Err()
		case <-timer.C:
			if b.withdraw(read) {
				b.exec(ctx, read.commands)
				return nil
			}
		}
	}
}

// withdraw removes a read from those that wait. It returns false if the read has been sent.
func (b *batcher) withdraw(read *waitingRead) bool {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	at := slices.Index(b.waiting, read)
	if at < 0 {
		return false
	}
	b.waiting = slices.Delete(b.waiting, at, at+1)
	return true
}

// next is called when a batch ends, and sends those that wait.
func (b *batcher) next() {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	taken, commands := 0, 0
	for taken < len(b.waiting) && commands < maxBatch {
		commands += len(b.waiting[taken].commands)
		taken++
	}
	if taken == 0 {
		b.inFlight--
		return
	}
	batch := slices.Clone(b.waiting[:taken])
	b.waiting = slices.Delete(b.waiting, 0, taken)
	go b.execTogether(batch)
}

// execTogether sends several reads. Its deadline is the latest of theirs: a read whose own deadline passes before has
// returned by then.
func (b *batcher) execTogether(batch []*waitingRead) {
	defer b.next()
	var commands []goredis.Cmder
	var latest time.Time
	bounded := true
	for _, read := range batch {
		commands = append(commands, read.commands...)
		deadline, ok := read.ctx.Deadline()
		if bounded = bounded && ok; deadline.After(latest) {
			latest = deadline
		}
	}
	ctx := context.WithoutCancel(batch[0].ctx)
	if bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, latest)
		defer cancel()
	}
	b.exec(ctx, commands)
	for _, read := range batch {
		close(read.done)
	}
}

// exec sends commands on one connection, or in a cluster on one connection to each node, and waits for their answers.
// Each command has its own error.
func (b *batcher) exec(ctx context.Context, commands []goredis.Cmder) {
	if len(commands) == 1 {
		_ = b.client.Process(ctx, commands[0])
		return
	}
	pipeline := b.client.Pipeline()
	_ = pipeline.BatchProcess(ctx, commands...)
	_, _ = pipeline.Exec(ctx)
}
