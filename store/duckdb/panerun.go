package duckdb

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/plumbstore/plumb/store/duckdb/panes"
	"github.com/plumbstore/plumb/store/duckdb/session"
	"github.com/plumbstore/plumb/store/offline"
)

// choosePanes settles on a strategy for a use with panes: results stay in memory if they and the states fit, and go to
// the table found otherwise, in as many passes as the states need.
func (r *useRun) choosePanes() error {
	u, chosen := r.use, &r.chosen
	chosen.windows, chosen.panes = u.panes.windowTexts(), chosen.labels*u.panes.cutsOf()
	left := r.choice.indexBytes - r.keptBytes
	chosen.bytes = u.bytes(chosen.labels, chosen.rows)
	if !r.choice.neverKeeps && chosen.bytes <= left-r.reserved() {
		chosen.keeps, chosen.passes = true, 1
		r.keptBytes += chosen.labels * u.panes.resultBytes()
	} else {
		chosen.split(u, r.choice.passes, left)
	}
	key := len(u.labelKeys) == 1
	r.counter = newPaneCounter(u.panes, u.features, key && !u.verifies())
	return r.counter.register(r.session.Native(), u.number)
}

// count computes the results, in passes. States may grow beyond what was expected of them, by texts and by different
// values. Then it begins anew with more passes.
func (r *useRun) count(ctx context.Context, p *progress) error {
	p.expect(int64(r.chosen.passes)*r.chosen.rows - max(r.use.rows.count(), 0))
	for {
		err := r.countInPasses(ctx, p)
		if !errors.Is(err, panes.ErrFull) {
			return err
		}
		if int64(r.chosen.passes) >= r.chosen.labels {
			return fmt.Errorf("%w: the windows of one key hold more than fits; raise offline.memory_limit, or ask for fewer "+
				"features", offline.ErrOutOfMemory)
		}
		if r.chosen.keeps {
			r.keptBytes -= r.chosen.labels * r.use.panes.resultBytes()
		}
		r.chosen.keeps, r.chosen.passes = false, 2*r.chosen.passes
		p.expect(int64(r.chosen.passes) * r.chosen.rows)
	}
}

func (r *useRun) countInPasses(ctx context.Context, p *progress) error {
	// Passes of an attempt before, which was given up, count for nothing.
	r.matched = 0
	r.counter.forget()
	for number := range r.chosen.passes {
		s := paneSearch{search{r.use, pass{number, r.chosen.passes}, r.seen}}
		if err := r.countIn(ctx, s, p); err != nil {
			return err
		}
	}
	return nil
}

// countIn makes one pass.
func (r *useRun) countIn(ctx context.Context, s paneSearch, p *progress) error {
	if r.counter.index = nil; s.pass.of > 1 {
		debug.FreeOSMemory()
	}
	if err := r.cut(ctx, s); err != nil {
		return err
	}
	step := "reading view " + s.reference.View.Name
	err := p.during(step, r.chosen.rows, func() error {
		if err := r.session.Exec(ctx, s.add()); err != nil {
			return err
		}
		return r.counter.index.Settle(ctx, r.threads)
	})
	if err != nil {
		return err
	}
	r.matched += r.counter.index.Matched()
	if r.chosen.keeps {
		r.keptBytes += r.counter.index.Bytes()
		return nil
	}
	return r.session.Exec(ctx, s.found())
}

// cut makes the index of the labels of a pass.
func (r *useRun) cut(ctx context.Context, s paneSearch) error {
	var expected, taken int64
	if err := r.session.QueryRow(ctx, "SELECT count(*) FROM ("+s.keyed(s.pass)+")", &expected); err != nil {
		return err
	}
	r.counter.expect(expected)
	if err := r.session.QueryRow(ctx, s.collect(), &taken); err != nil {
		return err
	}
	if taken != expected {
		return fmt.Errorf("indexed %d of %d label rows", taken, expected)
	}
	err := r.counter.build(s, r.choice.indexBytes-r.keptBytes-expected*r.use.panes.indexBytes())
	if errors.Is(err, panes.ErrCollision) {
		return session.ErrCollision
	}
	return err
}

// invalid counts the values that are INVALID, of a use with panes.
func (r *useRun) invalid() offline.ComputedReport {
	report := offline.ComputedReport{Alias: r.use.reference.Alias}
	if r.counter == nil {
		return report
	}
	for i, f := range r.use.features {
		if n := r.counter.invalid[i].Load(); n > 0 {
			report.Invalid = append(report.Invalid,
				offline.InvalidValues{Feature: r.use.reference.View.Features[f].Name, Rows: n})
		}
	}
	return report
}
