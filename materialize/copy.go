package materialize

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"golang.org/x/sync/errgroup"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store/offline"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/packed"
)

const (
	// writers is how many batches are written at a time: a store over the network is then never left without work.
	writers = 2
	// depth is the number of batches there are: those being written, one being filled, one waiting. No more are ever made,
	// which bounds memory.
	depth = writers + 2
)

// copying is one run's way from the offline to the online store.
//
// A fixed number of batches goes round: pack takes an empty one from free, fills it and sends it to full; a writer
// takes it from there, writes it, and returns it to free. A store that is slower than the source thus holds the reading
// back. If either side fails, the group's context ends and releases the other.
type copying struct {
	*Materializer
	plan       *plan
	maxFailed  int64
	guard      *guard
	free, full chan *batch

	// mu guards what follows while batches are written.
	mu     sync.Mutex
	report *Report
	given  int64
}

// copyWindow writes what the plan's window has to the online store, and counts it in the report. Reading, packing and
// writing overlap. Batches arrive in any order: no two have a row of one key.
func (m *Materializer) copyWindow(ctx context.Context, p *plan, maxFailed int64, report *Report) error {
	c := &copying{Materializer: m, plan: p, maxFailed: maxFailed, report: report,
		guard: newGuard(m.config.Registry, p.view), free: make(chan *batch, depth), full: make(chan *batch, depth)}
	for range depth {
		c.free <- &batch{}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(c.full)
		if p.states != nil {
			return c.packStates(ctx)
		}
		return c.packNewest(ctx)
	})
	table := online.NewTable(p.view, m.config.Retention)
	for range writers {
		group.Go(func() error { return c.write(ctx, table) })
	}
	return group.Wait()
}

// filling fills the batches that the writers have written.
func (c *copying) filling() filling {
	return filling{rows: c.config.BatchRows, free: c.free, full: c.full}
}

// packNewest reads the newest rows of the window and sends full batches, the last one partly full. Rows fail in two
// places: the engine finds values that do not fit their type, the packer rows that cannot be packed, such as one that
// is too long. MaxFailed bounds both together.
func (c *copying) packNewest(ctx context.Context) error {
	p, err := newPacker(c.plan.view, packed.RunOrigin(c.report.Run.ID))
	if err != nil {
		return err
	}
	p.filling, p.maxFailed = c.filling(), c.maxFailed
	request := offline.NewestRequest{View: c.plan.view, Window: c.plan.window, MaxFailed: c.maxFailed,
		CountBefore: c.plan.countBefore, Part: c.plan.part}
	report, err := c.config.Offline.Newest(ctx, request, func(record arrow.RecordBatch) error {
		return p.addAll(ctx, record)
	})
	if err := c.countRead(report, p.failed, err); err != nil {
		return err
	}
	return p.send(ctx)
}

// countRead counts what was read and what could not be packed. It returns the error of the reading, or one of its own
// if more has failed than may.
func (c *copying) countRead(report, unpacked offline.NewestReport, err error) error {
	report.Failed += unpacked.Failed
	report.Failures = append(report.Failures, unpacked.Failures...)
	c.count(report)
	if err == nil && report.Failed > c.maxFailed {
		return offline.TooManyFailed(report, c.maxFailed)
	}
	return err
}

func (c *copying) count(read offline.NewestReport) {
	c.mu.Lock()
	defer c.mu.Unlock()
	run := &c.report.Run
	run.Read, run.NullKeys, run.NullTimes, run.Skipped = read.Read, read.NullKeys, read.NullTimes, read.Failed
	run.Inputs = read.Inputs
	c.report.Failures = read.Failures[:min(len(read.Failures), offline.FailureSamples)]
	c.report.Before = read.Before
}

// write gives batches to the online store until there are no more.
func (c *copying) write(ctx context.Context, table online.Table) error {
	for batch := range c.full {
		if err := c.mayWrite(ctx); err != nil {
			return err
		}
		written, err := c.config.Online.Write(ctx, table, batch.cut())
		if err != nil {
			return err
		}
		c.countWritten(written, batch)
		batch.reset()
		c.free <- batch // never blocks: free has room for every batch there is
	}
	return nil
}

// mayWrite says why the run may not write any more.
func (c *copying) mayWrite(ctx context.Context) error {
	if c.plan.keeping != nil {
		if err := c.plan.keeping.check(); err != nil {
			return err
		}
	}
	return c.guard.check(ctx)
}

func (c *copying) countWritten(written online.WriteReport, batch *batch) {
	c.mu.Lock()
	defer c.mu.Unlock()
	run := &c.report.Run
	run.Written += written.Written
	run.Older += written.Older
	run.Bytes += int64(len(batch.arena))
	run.Tiles += batch.tiles
	c.given += int64(batch.len())
	if c.plan.keeping != nil {
		c.plan.keeping.rows.Store(c.given)
	}
	c.config.Progress(run.View, c.given)
}

// packer turns record batches of one view into batches of packed rows.
type packer struct {
	keys   *packed.KeyEncoder
	values *packed.RowEncoder
	// keyCount is the number of key columns, which come first; event and created time follow.
	keyCount int
	// columns are the positions, in a record batch, of the schema's fields.
	columns []int
	filling
	// failed are the rows that cannot be packed, of which there may be maxFailed.
	failed    offline.NewestReport
	maxFailed int64
}

// filling fills one batch after the other.
type filling struct {
	rows int
	free <-chan *batch
	full chan<- *batch
	// current is the batch that is being filled; nil if there is none.
	current *batch
}

func newPacker(view *feature.View, origin packed.Origin) (*packer, error) {
	schema := view.Schema()
	p := &packer{keys: packed.NewKeyEncoder(view.Keys), values: packed.NewRowEncoder(schema, origin),
		keyCount: len(view.Keys)}
	for _, field := range schema.Fields {
		at := slices.IndexFunc(view.Features, func(f feature.Feature) bool { return f.Field == field })
		if at < 0 {
			return nil, fmt.Errorf("the layout of view %q has %s %q, which is none of its features", view.Name, field.Type,
				field.Name)
		}
		p.columns = append(p.columns, p.keyCount+2+at)
	}
	return p, nil
}

// addAll packs the rows of a record batch, and sends each batch that is full.
func (p *packer) addAll(ctx context.Context, record arrow.RecordBatch) error {
	if err := p.bind(record.Columns()); err != nil {
		return err
	}
	for row := range int(record.NumRows()) {
		if err := p.take(ctx); err != nil {
			return err
		}
		if err := p.current.add(p.keys, p.values, row); err != nil {
			if err := p.fail(record, row, err); err != nil {
				return err
			}
			continue
		}
		if err := p.sendIfFull(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (p *packer) bind(columns []arrow.Array) error {
	if err := p.keys.Bind(columns[:p.keyCount]); err != nil {
		return err
	}
	features := make([]arrow.Array, len(p.columns))
	for i, column := range p.columns {
		features[i] = columns[column]
	}
	return p.values.Bind(columns[p.keyCount], columns[p.keyCount+1], features)
}

// fail counts a row that cannot be packed. It returns an error if the failure is not the row's fault, or if too many
// rows have failed.
func (p *packer) fail(record arrow.RecordBatch, row int, err error) error {
	var input *fault.InputError
	if !errors.As(err, &input) {
		return fmt.Errorf("the row with %s: %w", p.describe(record, row), err)
	}
	p.failed.Failed++
	if len(p.failed.Failures) < offline.FailureSamples {
		p.failed.Failures = append(p.failed.Failures, offline.FailedRow{Column: input.Field, Value: p.describe(record, row),
			Reason: "cannot be stored: " + input.Message})
	}
	if p.failed.Failed > p.maxFailed {
		return offline.TooManyFailed(p.failed, p.maxFailed)
	}
	return nil
}

// describe names a row by its keys and event time.
func (p *packer) describe(record arrow.RecordBatch, row int) string {
	text := ""
	for i := range p.keyCount {
		text += record.ColumnName(i) + " " + record.Column(i).ValueStr(row) + ", "
	}
	if events, ok := record.Column(p.keyCount).(*array.Int64); ok && events.IsValid(row) {
		text += "event time " + feature.Instant(events.Value(row)).String()
	}
	return text
}

// take makes sure that there is a batch to fill.
func (f *filling) take(ctx context.Context) error {
	if f.current != nil {
		return nil
	}
	select {
	case f.current = <-f.free:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// sendIfFull is send once the batch has as much as one is to have.
func (f *filling) sendIfFull(ctx context.Context) error {
	if f.current.len() < f.rows && len(f.current.arena) < batchBytes {
		return nil
	}
	return f.send(ctx)
}

// send passes the batch that is being filled on, if there is one.
func (f *filling) send(ctx context.Context) error {
	if f.current == nil {
		return context.Cause(ctx)
	}
	select {
	case f.full <- f.current:
		f.current = nil
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
