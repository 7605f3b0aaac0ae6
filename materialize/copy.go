package materialize

import (
	"context"
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"golang.org/x/sync/errgroup"

	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/store"
)

// depth is the number of batches between reading and writing: one being filled, one being written, one waiting. No more
// are ever made, which bounds memory.
const depth = 3

// copyWindow writes the newest rows of the window to the online store, and counts them in run. Reading and packing
// overlap with writing.
func (m *Materializer) copyWindow(ctx context.Context, view *registry.View, window store.Window,
	run *registry.Run,
) error {
	free, full := make(chan *batch, depth), make(chan *batch, depth)
	for range depth {
		free <- &batch{}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(full)
		return m.pack(ctx, view, window, run, free, full)
	})
	group.Go(func() error { return m.write(ctx, store.NewTable(view, m.config.Retention), run, free, full) })
	return group.Wait()
}

// pack reads the window and sends full batches, the last one partly full.
func (m *Materializer) pack(ctx context.Context, view *registry.View, window store.Window, run *registry.Run,
	free <-chan *batch, full chan<- *batch,
) error {
	p, err := newPacker(view)
	if err != nil {
		return err
	}
	p.rows, p.free, p.full = m.config.BatchRows, free, full
	report, err := m.config.Offline.Newest(ctx, store.NewestRequest{View: view, Window: window}, func(record arrow.RecordBatch) error {
		return p.addAll(ctx, record)
	})
	run.Read, run.NullKeys, run.NullTimes = report.Read, report.NullKeys, report.NullTimes
	if err != nil {
		return err
	}
	return p.send(ctx)
}

// write gives batches to the online store until there are no more.
func (m *Materializer) write(ctx context.Context, table store.Table, run *registry.Run, free chan<- *batch,
	full <-chan *batch,
) error {
	var rows int64
	for batch := range full {
		report, err := m.config.Online.Write(ctx, table, batch.cut())
		if err != nil {
			return err
		}
		run.Written += report.Written
		run.Older += report.Older
		rows += int64(batch.len())
		m.config.Progress(run.View, rows)
		batch.reset()
		free <- batch // never blocks: free has room for every batch there is
	}
	return nil
}

// packer turns record batches of one view into batches of packed rows.
type packer struct {
	keys   *store.KeyEncoder
	values *store.RowEncoder
	// keyCount is the number of key columns, which come first; event and created time follow.
	keyCount int
	// columns are the positions, in a record batch, of the schema's fields.
	columns []int
	rows    int
	free    <-chan *batch
	full    chan<- *batch
	// current is being filled; nil where there is none.
	current *batch
}

func newPacker(view *registry.View) (*packer, error) {
	schema := view.Schema()
	p := &packer{keys: store.NewKeyEncoder(view.Keys), values: store.NewRowEncoder(schema), keyCount: len(view.Keys)}
	for _, field := range schema.Fields {
		at := slices.IndexFunc(view.Features, func(f registry.Feature) bool { return f.Field == field })
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
			return fmt.Errorf("the row with %s: %w", p.describe(record, row), err)
		}
		if p.current.len() < p.rows && len(p.current.arena) < batchBytes {
			continue
		}
		if err := p.send(ctx); err != nil {
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

// describe names a row by its keys and event time.
func (p *packer) describe(record arrow.RecordBatch, row int) string {
	text := ""
	for i := range p.keyCount {
		text += record.ColumnName(i) + " " + record.Column(i).ValueStr(row) + ", "
	}
	if events, ok := record.Column(p.keyCount).(*array.Int64); ok && events.IsValid(row) {
		text += "event time " + store.Instant(events.Value(row)).String()
	}
	return text
}

// take makes sure that there is a batch to fill.
func (p *packer) take(ctx context.Context) error {
	if p.current != nil {
		return nil
	}
	select {
	case p.current = <-p.free:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// send passes the batch that is being filled on, if there is one.
func (p *packer) send(ctx context.Context) error {
	if p.current == nil {
		return context.Cause(ctx)
	}
	select {
	case p.full <- p.current:
		p.current = nil
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
