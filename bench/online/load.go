package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/plumbstore/plumb/bench/process"
)

// caller makes calls one after the other.
type caller interface {
	call(ctx context.Context) error
	close() error
}

// load is what came of calls.
type load struct {
	p50, p99 time.Duration
	// perSecond is how many calls were answered.
	perSecond float64
	// calls is how many there were, those of the warm-up too.
	calls int
}

const (
	// warmUp is how many calls each caller makes before they are measured.
	warmUp = 50
	// measured is for how long calls are measured at a time.
	measured = time.Second
)

// press lets all callers call for a while.
func press(ctx context.Context, callers []caller) (load, error) {
	warm, err := together(ctx, callers, func(done int, _ time.Duration) bool { return done == warmUp })
	if err != nil {
		return load{}, err
	}
	begin := process.Now()
	took, err := together(ctx, callers, func(_ int, passed time.Duration) bool { return passed >= measured })
	if err != nil {
		return load{}, err
	}
	elapsed := process.Now().Sub(begin)
	slices.Sort(took)
	return load{
		p50: took[len(took)/2], p99: took[len(took)*99/100], perSecond: float64(len(took)) / elapsed.Seconds(),
		calls: len(warm) + len(took),
	}, nil
}

// together returns how long the calls of all took.
func together(ctx context.Context, callers []caller, enough func(done int, passed time.Duration) bool) (
	[]time.Duration, error,
) {
	took := make([][]time.Duration, len(callers))
	group, ctx := errgroup.WithContext(ctx)
	for i, caller := range callers {
		group.Go(func() error {
			begin := process.Now()
			for before := begin; !enough(len(took[i]), before.Sub(begin)); {
				if err := caller.call(ctx); err != nil {
					return err
				}
				after := process.Now()
				took[i] = append(took[i], after.Sub(before))
				before = after
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return slices.Concat(took...), nil
}

func closeAll(callers []caller) error {
	var failures []error
	for _, caller := range callers {
		failures = append(failures, caller.close())
	}
	return errors.Join(failures...)
}

// medianOf is the median of each figure.
func medianOf(loads []load) load {
	return load{
		p50:       medianBy(loads, func(l load) time.Duration { return l.p50 }),
		p99:       medianBy(loads, func(l load) time.Duration { return l.p99 }),
		perSecond: medianBy(loads, func(l load) float64 { return l.perSecond }),
	}
}

func medianBy[T any, N time.Duration | float64](all []T, of func(T) N) N {
	numbers := make([]N, len(all))
	for i, each := range all {
		numbers[i] = of(each)
	}
	slices.Sort(numbers)
	return numbers[len(numbers)/2]
}
