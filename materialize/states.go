package materialize

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/compute/windows"
	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store/offline"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/packed"
)

// statePacker turns record batches of events into batches of the rows of states. Events come by key and then by time,
// so that there is one state at a time.
type statePacker struct {
	filling
	*statePlan

	online online.Reader
	table  online.Table
	keys   *packed.KeyEncoder
	events *eventReader
	header packed.Header
	// rowLayout is that of the row of a state.
	rowLayout packed.Layout

	builder *windows.Builder
	// key is that of the state that is being built, and isOpen says whether there is one. isLater says that the store has
	// a state of the key that is complete for longer: the key is left as it is.
	key             []byte
	isOpen, isLater bool
	state           []byte
	// groups are the keys that begin in the record batch.
	groups []group
	arena  []byte
	// older counts keys that were left as they are. failed are the states that cannot be stored.
	older     int64
	failed    offline.NewestReport
	maxFailed int64
}

// group is the first row of a key in a record batch, and its state if one is to be continued.
type group struct {
	row      int
	from, to int
	stored   []byte
	isLater  bool
}

// copyStates makes the states of the plan. If a state that is there turns out to be of no use to go on from, all are
// made anew: what was written until then is right, and written again.
func (m *Materializer) copyStates(ctx context.Context, p *plan, maxFailed int64, report *Report) error {
	err := m.copyWindow(ctx, p, maxFailed, report)
	if !p.states.continues || !errors.Is(err, windows.ErrNotMergeable) {
		return err
	}
	anew := p.makeAnew(err)
	report.Notes = append(report.Notes, anew.notes...)
	run := &report.Run
	run.Start, run.Written, run.Older, run.Bytes, run.Tiles = (*int64)(anew.window.Start), 0, 0, 0, 0
	return m.copyWindow(ctx, anew, maxFailed, report)
}

func (c *copying) newStatePacker() *statePacker {
	view, states := c.plan.view, c.plan.states
	schema := view.Schema().ID
	return &statePacker{
		filling: c.filling(), statePlan: states, maxFailed: c.maxFailed,
		online: c.config.Online, table: online.NewTable(view, 0), rowLayout: packed.NewLayout(packed.StateSchema(schema)),
		keys: packed.NewKeyEncoder(view.Keys), events: newEventReader(view), builder: windows.NewBuilder(states.layout),
		header: packed.StateRow(feature.Instant(states.horizon.Through), states.build, schema,
			packed.RunOrigin(c.report.Run.ID)),
	}
}

// packStates reads the events of the window, makes the states of their keys, and sends full batches.
func (c *copying) packStates(ctx context.Context) error {
	p := c.newStatePacker()
	request := offline.EventsRequest{View: c.plan.view, Window: c.plan.window, MaxFailed: c.maxFailed,
		Part: c.plan.part}
	report, err := c.config.Offline.Events(ctx, request, func(record arrow.RecordBatch) error {
		return p.addAll(ctx, record)
	})
	if err == nil {
		err = p.close(ctx)
	}
	if err := c.countRead(report, p.failed, err); err != nil {
		return err
	}
	c.mu.Lock()
	c.report.Run.Older += p.older
	c.mu.Unlock()
	return p.send(ctx)
}

// addAll adds the events of a record batch to the states of their keys.
func (p *statePacker) addAll(ctx context.Context, record arrow.RecordBatch) error {
	if err := p.keys.Bind(record.Columns()[:p.events.keys]); err != nil {
		return err
	}
	if err := p.events.bind(record); err != nil {
		return err
	}
	p.divide(int(record.NumRows()))
	if err := p.readStored(ctx); err != nil {
		return err
	}
	next := 0
	for row := range int(record.NumRows()) {
		if next < len(p.groups) && p.groups[next].row == row {
			if err := p.begin(ctx, &p.groups[next]); err != nil {
				return err
			}
			next++
		}
		if p.events.counts[row] && !p.isLater {
			p.builder.Add(&p.events.events, row)
		}
	}
	return nil
}

// divide finds the rows at which keys begin. The first row may go on with the key of the batch before.
func (p *statePacker) divide(rows int) {
	p.groups, p.arena = p.groups[:0], p.arena[:0]
	last, isOpen := p.key, p.isOpen
	for row := range rows {
		from := len(p.arena)
		p.arena = p.keys.AppendKey(p.arena, row)
		if isOpen && bytes.Equal(p.arena[from:], last) {
			p.arena = p.arena[:from]
			continue
		}
		// The arena may move later; what is compared stays as it is.
		last, isOpen = p.arena[from:len(p.arena):len(p.arena)], true
		p.groups = append(p.groups, group{row: row, from: from, to: len(p.arena)})
	}
}

// readStored reads the states that are to be continued.
func (p *statePacker) readStored(ctx context.Context) error {
	if !p.continues || len(p.groups) == 0 {
		return nil
	}
	gets := make([]online.Get, len(p.groups))
	for i, g := range p.groups {
		gets[i] = online.Get{Table: p.table, Key: p.arena[g.from:g.to:g.to]}
	}
	read := p.online.Read
	if primary, ok := p.online.(online.PrimaryReader); ok {
		read = primary.ReadPrimary
	}
	values, err := read(ctx, gets)
	if err != nil {
		return fmt.Errorf("read the states that are to be continued: %w", err)
	}
	if len(values) != len(gets) {
		return fmt.Errorf("the online store answered %d of %d reads", len(values), len(gets))
	}
	for i, value := range values {
		if value == nil {
			continue
		}
		if p.groups[i].stored, p.groups[i].isLater, err = p.newestOf(value); err != nil {
			return notMergeable(err)
		}
	}
	return nil
}

// newestOf returns the newest state of a stored value that is complete through the end of the run or less, or says that
// all are complete for longer.
func (p *statePacker) newestOf(value []byte) (state []byte, isLater bool, err error) {
	rows, err := packed.Rows(value)
	if err != nil {
		return nil, false, err
	}
	for _, row := range rows {
		if packed.EventOf(row) > feature.Instant(p.horizon.Through) {
			continue
		}
		stored, err := packed.Parse(row)
		if err != nil {
			return nil, false, err
		}
		if err := p.rowLayout.Check(&stored); err != nil {
			return nil, false, err
		}
		state, ok, err := p.rowLayout.Field(&stored, 0)
		if err == nil && !ok {
			err = packed.ErrCorrupt
		}
		return state, false, err
	}
	return nil, true, nil
}

// notMergeable says that a stored state is of no use to go on from.
func notMergeable(err error) error {
	if errors.Is(err, windows.ErrNotMergeable) {
		return err
	}
	return fmt.Errorf("%w: %w", windows.ErrNotMergeable, err)
}

// begin ends the state before, and begins that of a key.
func (p *statePacker) begin(ctx context.Context, g *group) error {
	if err := p.close(ctx); err != nil {
		return err
	}
	p.key = append(p.key[:0], p.arena[g.from:g.to]...)
	p.isOpen, p.isLater = true, g.isLater
	p.builder.Begin(p.horizon)
	if g.stored == nil {
		return nil
	}
	through, err := p.layout.Through(g.stored)
	if err == nil {
		err = p.builder.Merge(g.stored, p.boundary, p.layout.Boundary(through, p.skew, p.lookback))
	}
	if err != nil {
		return notMergeable(err)
	}
	return nil
}

// close writes the state that is being built, if there is one.
func (p *statePacker) close(ctx context.Context) error {
	if !p.isOpen {
		return nil
	}
	p.isOpen = false
	if p.isLater {
		p.older++
		return nil
	}
	var err error
	if p.state, err = p.builder.Append(p.state[:0]); err != nil {
		return err
	}
	if err := p.take(ctx); err != nil {
		return err
	}
	if err := p.current.addState(p.key, p.header, p.state, p.builder.Tiles()); err != nil {
		return p.fail(err)
	}
	return p.sendIfFull(ctx)
}

// fail counts a state that cannot be stored.
func (p *statePacker) fail(err error) error {
	var input *fault.InputError
	if !errors.As(err, &input) {
		return err
	}
	p.failed.Failed++
	if len(p.failed.Failures) < offline.FailureSamples {
		p.failed.Failures = append(p.failed.Failures, offline.FailedRow{Column: input.Field,
			Value: fmt.Sprintf("of the key %x", p.key), Reason: "cannot be stored: " + input.Message})
	}
	if p.failed.Failed > p.maxFailed {
		return offline.TooManyFailed(p.failed, p.maxFailed)
	}
	return nil
}
