package push

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store/pushlog"
)

// groupCommit writes rows to one view that has a push log: to the log, and then online, in one order. So rows of one
// version, of which the last wins online (R14), win offline too (R3). Pushes that arrive while others are being written
// wait, and are then written together in one step, which makes them durable at once.
//
// What is in the log and could not be brought online is brought there before anything else is, in the same order, and
// before it becomes a Parquet file, which training reads. So is what was brought online under an older definition: its
// table or layout are no longer those that are read.
//
// For example, push A writes alone, and B and C arrive meanwhile. Both enter waiting and ask for road. B gets it, finds
// itself and C waiting, and leads: it appends the rows of both, makes them durable by one fsync, and writes B's rows
// and then C's online. C gets road next, finds that it is done, and returns. So the number of fsyncs follows the speed
// of the disk and not the number of pushes. entry is only held to enter waiting or to take it, never while anything is
// written.
type groupCommit struct {
	name string
	log  *pushlog.Log

	entry   sync.Mutex
	waiting []*logged

	// road is held by the push that is writing.
	road sync.Mutex
	// view is the newest definition that rows were brought online under.
	view *feature.View
}

// logged is one push on its way.
type logged struct {
	ctx    context.Context //nolint:containedctx // Who leads writes for all who wait, within the time that each has.
	view   *feature.View
	packed packedRows
	record arrow.RecordBatch
	done   bool
	report *Report
	err    error
}

// pushLogged makes the rows durable in the view's log, and then writes them online.
func (p *Pusher) pushLogged(ctx context.Context, view *feature.View, rows Rows, packed packedRows,
	report *Report,
) error {
	if len(packed.rows) == 0 {
		return nil
	}
	l, err := p.groupCommitOf(ctx, view)
	if err != nil {
		return err
	}
	record, err := logRecord(view, rows, packed)
	if err != nil {
		return fmt.Errorf("push to view %q: %w", view.Name, err)
	}
	push := &logged{ctx: ctx, view: view, packed: packed, record: record, report: report}
	l.entry.Lock()
	l.waiting = append(l.waiting, push)
	l.entry.Unlock()
	l.road.Lock()
	defer l.road.Unlock()
	if !push.done {
		p.lead(l)
	}
	return push.err
}

// lead writes all waiting pushes.
//
// A push whose time is over is left out before anything is logged. The newest definition of the group is taken up
// before the log is settled, so that what waits in the log goes online under that definition too.
func (p *Pusher) lead(l *groupCommit) {
	l.entry.Lock()
	group := l.waiting
	l.waiting = nil
	l.entry.Unlock()
	var records []arrow.RecordBatch
	for _, push := range group {
		push.done = true
		if push.err = context.Cause(push.ctx); push.err == nil {
			records = append(records, push.record)
			l.follow(push.view)
		}
	}
	if len(records) == 0 {
		return
	}
	// If that fails, so would these, and rows that are not served must not be logged.
	failure := p.settle(l)
	if failure == nil {
		failure = l.log.Append(records...)
	}
	if errors.Is(failure, syscall.ENOSPC) {
		failure = fmt.Errorf("%w: %w", fault.ErrDiskFull, failure)
	}
	p.bringOnline(l, group, failure)
}

// bringOnline writes the rows of the pushes that have not failed, unless all have.
//
// The log has the rows of all pushes of the group by now, but does not know which rows are whose. So it is settled as a
// whole or not at all: if one push fails, the next settle replays the rows of all of them, which is harmless (R14).
//
// A push under an older definition than the newest is not written, since nobody reads that table or layout any more.
// Its rows go online by a replay from the log, under the newest definition. They are counted as written: how many of
// them the store finds older is not known.
func (p *Pusher) bringOnline(l *groupCommit, group []*logged, failure error) {
	complete := failure == nil
	for _, push := range group {
		switch {
		case push.err != nil:
			continue
		case failure != nil:
			push.err = fmt.Errorf("push to view %q: %w", push.view.Name, failure)
		case isNewerThan(l.view, push.view):
			complete = false
			push.report.Written, push.report.Older = int64(len(push.packed.rows)), push.packed.superseded
		default:
			push.err = p.write(push.ctx, push.view, push.packed, push.report)
		}
		complete = complete && push.err == nil
	}
	if complete {
		l.log.Settled()
		return
	}
	for _, push := range group {
		// It was made under an older definition than others, and goes online under theirs.
		if failure == nil && push.err == nil && isNewerThan(l.view, push.view) {
			push.err = p.settle(l)
		}
	}
}

// isNewerThan says whether rows that are written under the second definition are not what readers of the first look
// for. Another generation is another table, and another schema id another layout in it. A change of neither, such as of
// a description, leaves the rows as they are.
func isNewerThan(view, other *feature.View) bool {
	return view.Generation > other.Generation ||
		view.Generation == other.Generation && view.Schema().ID > other.Schema().ID
}

// follow takes up a definition, unless it is older. What is in no Parquet file yet has to be brought online under it.
func (l *groupCommit) follow(view *feature.View) {
	if isNewerThan(view, l.view) {
		l.view = view
		l.log.Unsettle()
	}
}

// settleTime bounds how long others wait for rows that could not be brought online before.
const settleTime = 10 * time.Second

// settle brings online what is in the log and not there yet. It has a time of its own, whatever the caller's is: the
// rows belong to earlier pushes.
func (p *Pusher) settle(l *groupCommit) error {
	if l.log.IsSettled() {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), settleTime)
	defer cancel()
	return l.log.Settle(ctx)
}

// groupCommitOf opens the view's log if it is not open yet, which brings online what a killed process has left in it.
//
// p.mu is held meanwhile, so that a log is opened once. Replay uses the definition that l.view has when it is called,
// and not the one that the log was opened under.
func (p *Pusher) groupCommitOf(ctx context.Context, view *feature.View) (*groupCommit, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	path := view.Source.Log.Path
	if l, ok := p.groupCommits[path]; ok {
		return l, nil
	}
	folder, err := p.config.LogFolder(path)
	if err != nil {
		return nil, err
	}
	var rolled pushlog.Rolled
	if p.config.Rolled != nil {
		if rolled, err = p.config.Rolled(path); err != nil {
			return nil, err
		}
	}
	l := &groupCommit{name: view.Name, view: view}
	l.log, err = pushlog.Open(ctx, pushlog.Config{
		Folder: folder, Rolled: rolled, Now: p.config.Now, MaxBytes: p.config.LogBytes, MaxAge: p.config.LogInterval,
		Replay: func(ctx context.Context, record arrow.RecordBatch) error { return p.replay(ctx, l.view, record) },
	})
	if err != nil {
		return nil, fmt.Errorf("open the push log of view %q: %w", view.Name, err)
	}
	if p.groupCommits == nil {
		p.groupCommits = map[string]*groupCommit{}
	}
	p.groupCommits[path] = l
	return l, nil
}

// replay writes rows of the log online, whatever definition they were logged under. Rows that cannot be read as rows of
// this definition (loggedRows) are passed over, as are those of a view that is no longer online: there is no table that
// they belong in.
func (p *Pusher) replay(ctx context.Context, view *feature.View, record arrow.RecordBatch) error {
	rows, ok := loggedRows(ctx, view, record)
	if !ok || !view.Online {
		return nil
	}
	packed, err := p.pack(view, rows)
	if err != nil {
		return err
	}
	return p.write(ctx, view, packed, &Report{})
}

// Recover opens the push logs of the views, so that what killed processes have left in them is served and becomes part
// of training sets. It goes on after a failure, and returns all of them.
func (p *Pusher) Recover(ctx context.Context, views []*feature.View) error {
	var failures []error
	for _, view := range views {
		if view.Source.Log != nil && view.Online {
			_, err := p.groupCommitOf(ctx, view)
			failures = append(failures, err)
		}
	}
	return errors.Join(failures...)
}

// RollDue brings online what is in the push logs and not there yet, also what killed processes have left since, and
// makes Parquet files if these are due.
func (p *Pusher) RollDue(ctx context.Context) error {
	var failures []error
	for _, l := range p.opened() {
		failures = append(failures, p.keep(ctx, l, true))
	}
	return errors.Join(failures...)
}

// keep looks after one log. Rows become a Parquet file only after the definition was read later than they were logged:
// a server that has not heard of a new generation yet would else leave it without them.
//
// prepare holds road, and RollClosed does not: pushes go on while Parquet files are written.
func (p *Pusher) keep(ctx context.Context, l *groupCommit, due bool) error {
	err := p.prepare(ctx, l, due)
	if err != nil {
		return err
	}
	return l.log.RollClosed()
}

// prepare brings online what is going to become a Parquet file.
//
// The order matters. A file is retired first and the definition is read after that, so the definition is at least as
// new as every row in the file. If it were read first, a view could get a new generation and a row could still be
// logged under the old one before the file is retired; the row would become a part of training and would be missing
// online.
func (p *Pusher) prepare(ctx context.Context, l *groupCommit, due bool) error {
	l.road.Lock()
	defer l.road.Unlock()
	if err := l.log.Adopt(); err != nil {
		return err
	}
	if !l.log.Retire(due) && l.log.IsSettled() {
		return nil
	}
	if p.config.Definition == nil {
		return p.settle(l)
	}
	view, err := p.config.Definition(ctx, l.name)
	var notFound *fault.NotFoundError
	switch {
	case errors.As(err, &notFound):
	case err != nil:
		return fmt.Errorf("read the definition of view %q: %w", l.name, err)
	case view.Online && view.Source.Log != nil && view.Source.Log.Path == l.view.Source.Log.Path:
		l.follow(view)
		return p.settle(l)
	}
	l.log.Settled() // Nobody reads this log any more, or what is online.
	return nil
}

// Waiting is how many rows are in the push log of each view, by its name, and could not be brought online yet.
func (p *Pusher) Waiting() map[string]int64 {
	waiting := map[string]int64{}
	for _, l := range p.opened() {
		waiting[l.name] += l.log.Waiting()
	}
	return waiting
}

func (p *Pusher) opened() []*groupCommit {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Collect(maps.Values(p.groupCommits))
}

// Close makes Parquet files of all that is in the push logs and online. What could not be brought online stays in its
// write-ahead files, for the next process that opens the log. Nothing may be pushed during it or after.
func (p *Pusher) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), settleTime)
	defer cancel()
	var failures []error
	for _, l := range p.opened() {
		err := p.prepare(ctx, l, false)
		switch {
		case err == nil:
			err = l.log.Close()
		case errors.Is(err, fault.ErrUnavailable):
			err = l.log.Release()
		default:
			err = errors.Join(err, l.log.Release())
		}
		failures = append(failures, err)
	}
	return errors.Join(failures...)
}
