package flight_test

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/store/duckdb"
	"github.com/plumbstore/plumb/store/offline"
)

// hooked is a real engine that reports to a test what happens in it, and that a test can stop.
type hooked struct {
	*duckdb.Engine
	// onPlan is called before a join is planned, onEnd with the outcome of its stream, onRemoved once a call's files are
	// gone. Each may be nil.
	onPlan    func(context.Context)
	onEnd     func(error)
	onRemoved func()
	// onScratch is called with each folder for label rows.
	onScratch func(folder string)
	// onProgress is called with the progress that a join reports, onRows with each batch before it is sent.
	onProgress func(offline.Progress)
	onRows     func()
	// onRun is called before a join's stream begins.
	onRun func()
}

func (h *hooked) PlanJoin(ctx context.Context, request offline.JoinRequest) (offline.Join, error) {
	if h.onPlan != nil {
		h.onPlan(ctx)
	}
	if tell := request.Progress; h.onProgress != nil {
		request.Progress = func(progress offline.Progress) { h.onProgress(progress); tell(progress) }
	}
	planned, err := h.Engine.PlanJoin(ctx, request)
	if err != nil {
		return nil, err
	}
	return &hookedJoin{planned, h}, nil
}

func (h *hooked) Scratch() (string, func() error, error) {
	folder, remove, err := h.Engine.Scratch()
	if err == nil && h.onScratch != nil {
		h.onScratch(folder)
	}
	return folder, func() error {
		err := remove()
		if h.onRemoved != nil {
			h.onRemoved()
		}
		return err
	}, err
}

type hookedJoin struct {
	offline.Join
	engine *hooked
}

func (j *hookedJoin) Stream(ctx context.Context, yield func(arrow.RecordBatch) error) (offline.JoinReport, error) {
	if j.engine.onRun != nil {
		j.engine.onRun()
	}
	report, err := j.Join.Stream(ctx, func(batch arrow.RecordBatch) error {
		if j.engine.onRows != nil {
			j.engine.onRows()
		}
		return yield(batch)
	})
	if j.engine.onEnd != nil {
		j.engine.onEnd(err)
	}
	return report, err
}

// hold makes joins wait before they are planned, until release is called or their context is done. Each sends on
// entered first.
func (h *hooked) hold() (entered <-chan struct{}, release func()) {
	in, out := make(chan struct{}, 100), make(chan struct{})
	h.onPlan = func(ctx context.Context) {
		in <- struct{}{}
		select {
		case <-out:
		case <-ctx.Done():
		}
	}
	return in, func() { close(out) }
}
