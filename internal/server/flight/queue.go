package flight

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/sync/semaphore"
)

// queue admits calls up to a bound, and lets a number of them join at a time, in the order in which they ask.
//
// A call is admitted before its label rows are read and starts when they are on disk, so a client that sends slowly
// holds a place in the queue and no slot: the slots, which share the engine's memory, belong to calls that can join.
type queue struct {
	slots         *semaphore.Weighted
	jobs, waiting int

	mu                sync.Mutex
	admitted, running int
}

func newQueue(jobs, waiting int) *queue {
	return &queue{slots: semaphore.NewWeighted(int64(jobs)), jobs: jobs, waiting: waiting}
}

// enter admits a call, or fails with a *LimitError. The caller calls leave at its end.
func (q *queue) enter() (leave func(), err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.admitted >= q.jobs+q.waiting {
		return nil, &LimitError{fmt.Sprintf("the server takes no more joins: %d run and %d wait; try again later, or "+
			"raise serving.flight_jobs or serving.flight_queue there", q.running, q.admitted-q.running)}
	}
	q.admitted++
	return func() { q.count(&q.admitted, -1) }, nil
}

// start waits for a slot. The caller calls end when its join is done.
func (q *queue) start(ctx context.Context, wait func()) (end func(), err error) {
	if !q.slots.TryAcquire(1) {
		wait()
		if err := q.slots.Acquire(ctx, 1); err != nil {
			return nil, err
		}
	}
	q.count(&q.running, 1)
	return func() { q.count(&q.running, -1); q.slots.Release(1) }, nil
}

func (q *queue) count(number *int, by int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	*number += by
}
