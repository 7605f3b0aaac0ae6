package duckdb

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime/debug"
	"slices"

	"github.com/duckdb/duckdb-go/v2/mapping"

	"github.com/plumbstore/plumb/store/duckdb/relation"
	"github.com/plumbstore/plumb/store/duckdb/session"
	"github.com/plumbstore/plumb/store/duckdb/winners"
	"github.com/plumbstore/plumb/store/offline"
)

// joinRun is one run of a join: the session that it reads in, and what the uses of views share in it.
type joinRun struct {
	session   *session.Session
	relations *relation.Set
	choice    choosing
	// threads is how many threads compute beside DuckDB.
	threads   int
	collector collector
	// uses are all uses of views in the order in which they run, and labels the number of label rows.
	uses   []*use
	labels int64
	// computing are the computations, which are made while rows are written.
	computing []*computing
	// keptBytes is the memory of the label indexes that keep features.
	keptBytes int64
}

// useRun is one run of a use: it finds the winner of each label, and leaves them in the table found or in the index.
//
// What it knows grows on the way: stage reads a SQL source, choose settles on a strategy by the rows and labels that
// there are, and find makes the passes. The use itself stays as it is, but for other hashes if two keys have one.
type useRun struct {
	*joinRun
	use    *use
	seen   timeRange
	chosen strategy
	// matcher is the label index that the rows are offered to, and counter what counts events, of a use with panes.
	matcher *matcher
	counter *paneCounter
	// matched counts the label rows that find a row, of a use with panes.
	matched int64
}

// of is the run of a use over the files that may hold what the labels see.
func (r *joinRun) of(whole *use, labels timeRange) *useRun {
	seen := whole.seenBy(labels)
	return &useRun{joinRun: r, use: whole.narrowed(seen), seen: seen}
}

// run finds the winners and counts.
func (r *useRun) run(ctx context.Context, p *progress) (report offline.ViewReport, err error) {
	report.Alias = r.use.reference.Alias
	err = p.during("preparing view "+r.use.reference.View.Name, 0, func() error {
		if err := r.use.rows.checkStoredTimes(ctx, r.relations); err != nil {
			return err
		}
		return r.stage(ctx)
	})
	if err == nil {
		err = r.choose(ctx)
	}
	if err == nil {
		err = r.find(ctx, p)
	}
	for errors.Is(err, session.ErrCollision) {
		r.use = r.use.rehashed()
		err = r.find(ctx, p)
	}
	if err == nil {
		report.NullTimes, report.NullKeys, err = r.use.rows.countUnusable(ctx, r.session)
	}
	if err != nil {
		return report, r.explain(ctx, err)
	}
	if r.use.panes != nil {
		report.Matched = r.matched
		return report, nil
	}
	if r.chosen.keeps {
		report.Matched = r.matcher.index.Matched(r.use.rows.view.TTL.Microseconds())
		return report, nil
	}
	return report, r.session.QueryRow(ctx, "SELECT count(*) FROM "+r.use.table("found")+" WHERE NOT expired",
		&report.Matched)
}

func (r *useRun) explain(ctx context.Context, err error) error {
	return fmt.Errorf("view %s: %w", r.use.reference.View.Name, r.relations.Blame(ctx, err))
}

// statements are the SQL of a pass, for people.
func (r *useRun) statements() []string {
	of := search{r.use, pass{of: r.chosen.passes}, r.seen}
	if r.use.panes != nil {
		return paneSearch{of}.statements(r.chosen.keeps)
	}
	return of.statements(r.chosen.keeps)
}

// stage reads a SQL source, and refuses infinite times.
func (r *useRun) stage(ctx context.Context) error {
	for _, statement := range append(slices.Clone(r.use.rows.staging), r.use.rows.infinite()...) {
		if err := r.session.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// choose counts labels and rows, settles on a strategy within what is left of the memory, and makes the functions of
// the use known.
func (r *useRun) choose(ctx context.Context) error {
	u, s, chosen := r.use, r.session, &r.chosen
	if err := s.QueryRow(ctx, "SELECT count(*) FROM ("+u.keyed(pass{of: 1})+")", &chosen.labels); err != nil {
		return err
	}
	if chosen.rows = u.rows.count(); chosen.rows < 0 {
		if err := s.QueryRow(ctx, "SELECT count(*) FROM "+u.rows.from, &chosen.rows); err != nil {
			return err
		}
	}
	if u.panes != nil {
		return r.choosePanes()
	}
	var kept []mapping.Type
	if !r.choice.neverKeeps {
		kept = u.keptTypes()
	}
	left := r.choice.indexBytes - r.keptBytes
	bytes := u.bytes(chosen.labels, chosen.rows) + chosen.labels*int64(8*winners.RecordWords(len(kept)))
	if kept != nil && bytes <= left-r.reserved() {
		chosen.keeps, chosen.passes, chosen.bytes = true, 1, bytes
		r.keptBytes += bytes
	} else {
		kept = nil
		chosen.split(u, r.choice.passes, left)
	}
	r.matcher = &matcher{ttl: u.rows.view.TTL.Microseconds(), statuses: u.statuses, kept: kept, names: u.keptNames()}
	return r.matcher.register(s.Native(), u.number)
}

// reserved returns the memory to leave for the indexes of the uses that run after this one. An index that keeps the
// features of its winners stays in memory; any other is freed once it has been read. So only the largest of the later
// indexes counts. It counts for at most half of the memory, because labels can be indexed in several passes.
func (r *useRun) reserved() int64 {
	var largest int64
	for _, later := range r.uses[r.use.number+1:] {
		rows := later.rows.count()
		if rows < 0 {
			rows = math.MaxInt64 // A SQL source that has not been run; there are no more blocks than labels.
		}
		largest = max(largest, later.bytes(r.labels, rows))
	}
	return min(largest, r.choice.indexBytes/2)
}

// find makes the table found, in passes.
func (r *useRun) find(ctx context.Context, p *progress) error {
	if r.use.panes != nil {
		return r.count(ctx, p)
	}
	p.expect(int64(r.chosen.readings())*r.chosen.rows - max(r.use.rows.count(), 0))
	for number := range r.chosen.passes {
		if err := r.findIn(ctx, search{r.use, pass{number, r.chosen.passes}, r.seen}, p); err != nil {
			return err
		}
	}
	return r.session.Exec(ctx, "DROP TABLE IF EXISTS "+r.use.table("winners"))
}

// findIn makes one pass.
func (r *useRun) findIn(ctx context.Context, of search, p *progress) (err error) {
	if r.matcher.index, err = r.collector.indexOf(ctx, r.session, of); err != nil {
		return err
	}
	step := "reading view " + of.reference.View.Name
	if err := p.during(step, r.chosen.rows, func() error { return r.offer(ctx, of) }); err != nil {
		return err
	}
	r.matcher.settle()
	if of.verifies() || !r.chosen.keeps {
		if err := r.session.Exec(ctx, of.winners()); err != nil {
			return err
		}
	}
	if !r.chosen.keeps {
		r.free(of.pass)
		return p.during(step, r.chosen.rows, func() error { return r.session.Exec(ctx, of.found()) })
	}
	if of.verifies() {
		if err := r.compareKeys(ctx, of); err != nil {
			return err
		}
	}
	return p.during(step, r.chosen.rows, func() error { return r.session.Exec(ctx, of.keep()) })
}

// offer shows the rows to the index. Created times are read only if they matter: as known, and if rows of one event
// time tie (R3).
func (r *useRun) offer(ctx context.Context, of search) error {
	if !of.asKnown {
		err := r.session.Exec(ctx, of.scan())
		if err != nil || !of.hasCreated() || !r.matcher.index.HasTies() {
			return err
		}
	}
	r.matcher.index.CompareCreated()
	return r.session.Exec(ctx, of.rank())
}

// free lets go of an index whose winners are in a table. Where there are more passes its memory has to be there for
// what comes next, so it is not left to the garbage collector's own time.
func (r *useRun) free(part pass) {
	r.matcher.index = nil
	if part.of > 1 {
		r.collector.forget()
		debug.FreeOSMemory()
	}
}

// compareKeys finds out whether two keys have one hash.
func (r *useRun) compareKeys(ctx context.Context, of search) error {
	var others int64
	err := r.session.QueryRow(ctx, of.verify(), &others)
	if err == nil && others > 0 {
		err = session.ErrCollision
	}
	return err
}
