package materialize

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/store"
	"github.com/plumbstore/plumb/store/pushlog"
)

// lane is the way of rows to one view that has a push log: into the log, and then online, in one order. So rows of one
// version, of which the last wins online (R14), win offline too (R3). Whoever comes while others are under way waits,
// and goes with all who wait in one step, which makes them durable at once.
type lane struct {
	log *pushlog.Log

	entry   sync.Mutex
	waiting []*logged

	// road is held by who is under way.
	road sync.Mutex
}

// logged is one push on its way.
type logged struct {
	ctx    context.Context //nolint:containedctx // Who leads writes for all who wait, within the time that each has.
	view   *registry.View
	packed packedRows
	record arrow.RecordBatch
	done   bool
	report *PushReport
	err    error
}

// pushLogged makes the rows durable in the view's log, and then writes them online.
func (p *Pusher) pushLogged(ctx context.Context, view *registry.View, rows Rows, packed packedRows,
	report *PushReport,
) error {
	if len(packed.rows) == 0 {
		return nil
	}
	l, err := p.laneOf(ctx, view)
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

// lead takes all who wait along.
func (p *Pusher) lead(l *lane) {
	l.entry.Lock()
	group := l.waiting
	l.waiting = nil
	l.entry.Unlock()
	var records []arrow.RecordBatch
	for _, push := range group {
		push.done = true
		if push.err = context.Cause(push.ctx); push.err == nil {
			records = append(records, push.record)
		}
	}
	if len(records) == 0 {
		return
	}
	failure := l.log.Append(records...)
	if errors.Is(failure, syscall.ENOSPC) {
		failure = fmt.Errorf("%w: %w", store.ErrDiskFull, failure)
	}
	for _, push := range group {
		switch {
		case push.err != nil:
		case failure != nil:
			push.err = fmt.Errorf("push to view %q: %w", push.view.Name, failure)
		default:
			push.err = p.write(push.ctx, push.view, push.packed, push.report)
		}
	}
}

// laneOf opens the view's log where it is not open yet, which brings online what a killed process has left in it.
func (p *Pusher) laneOf(ctx context.Context, view *registry.View) (*lane, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	path := view.Source.Log.Path
	if l, ok := p.lanes[path]; ok {
		return l, nil
	}
	folder, err := p.config.LogFolder(path)
	if err != nil {
		return nil, err
	}
	log, err := pushlog.Open(pushlog.Config{
		Folder: folder, Now: p.config.Now, MaxBytes: p.config.LogBytes, MaxAge: p.config.LogInterval,
		Replay: func(record arrow.RecordBatch) error { return p.replay(ctx, view, record) },
	})
	if err != nil {
		return nil, fmt.Errorf("open the push log of view %q: %w", view.Name, err)
	}
	if p.lanes == nil {
		p.lanes = map[string]*lane{}
	}
	p.lanes[path] = &lane{log: log}
	return p.lanes[path], nil
}

// replay writes rows online that a killed process had logged. Rows of another definition are left to materialization.
func (p *Pusher) replay(ctx context.Context, view *registry.View, record arrow.RecordBatch) error {
	rows, ok := loggedRows(view, record)
	if !ok || !view.Online {
		return nil
	}
	packed, err := p.pack(view, rows)
	if err != nil {
		return err
	}
	return p.write(ctx, view, packed, &PushReport{})
}

// Recover opens the push logs of the views, so that what killed processes have left in them is served and becomes part
// of training sets. It goes on after a failure, and returns all of them.
func (p *Pusher) Recover(ctx context.Context, views []*registry.View) error {
	var failures []error
	for _, view := range views {
		if view.Source.Log != nil && view.Online {
			_, err := p.laneOf(ctx, view)
			failures = append(failures, err)
		}
	}
	return errors.Join(failures...)
}

// Run makes Parquet files of the push logs as they become due, asking at each tick, until ctx is done. Failures are
// told, and tried again at the next tick.
func (p *Pusher) Run(ctx context.Context, ticks <-chan time.Time, failed func(error)) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks:
			if err := p.RollDue(); err != nil {
				failed(err)
			}
		}
	}
}

// RollDue makes Parquet files of the push logs where these are due.
func (p *Pusher) RollDue() error {
	var failures []error
	for _, l := range p.opened() {
		failures = append(failures, l.log.RollDue())
	}
	return errors.Join(failures...)
}

func (p *Pusher) opened() []*lane {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Collect(maps.Values(p.lanes))
}

// Close makes Parquet files of all that is in the push logs. Nothing may be pushed during it or after.
func (p *Pusher) Close() error {
	var failures []error
	for _, l := range p.opened() {
		failures = append(failures, l.log.Close())
	}
	return errors.Join(failures...)
}

// pushedKey names, in the metadata of a record, when the push was accepted: microseconds since the epoch.
const pushedKey = "plumb.pushed"

// logRecord has the accepted rows in the columns of the view's log: those of its source that the view reads.
func logRecord(view *registry.View, rows Rows, packed packedRows) (arrow.RecordBatch, error) {
	columns := slices.Concat(rows.Keys, rows.Features)
	var fields []arrow.Field
	for i, column := range view.Columns() {
		fields = append(fields, arrow.Field{Name: column.Name, Type: columns[i].DataType(), Nullable: true})
	}
	instant := store.ArrowType(plumbv1.Type_TIMESTAMP)
	columns = append(columns, retyped(rows.Event, instant))
	fields = append(fields, arrow.Field{Name: view.Source.EventTimestamp, Type: instant, Nullable: true})
	if view.Source.CreatedTimestamp != "" {
		columns = append(columns, retyped(rows.Created, instant))
		fields = append(fields, arrow.Field{Name: view.Source.CreatedTimestamp, Type: instant, Nullable: true})
	}
	for i := range columns {
		var err error
		if columns[i], err = only(columns[i], packed.accepted); err != nil {
			return nil, err
		}
	}
	pushed := arrow.NewMetadata([]string{pushedKey}, []string{strconv.FormatInt(int64(packed.pushed), 10)})
	return array.NewRecordBatch(arrow.NewSchema(fields, &pushed), columns, int64(len(packed.accepted))), nil
}

// pushedAt is when the push of a record was accepted; 0 where the record does not say, since an older version wrote it.
func pushedAt(record arrow.RecordBatch) store.Instant {
	text, _ := record.Schema().Metadata().GetValue(pushedKey)
	micros, _ := strconv.ParseInt(text, 10, 64)
	return store.Instant(micros)
}

// loggedRows is the inverse of logRecord; false where the record is that of another definition of the view.
func loggedRows(view *registry.View, record arrow.RecordBatch) (Rows, bool) {
	find := func(name string, want arrow.DataType) arrow.Array {
		at := record.Schema().FieldIndices(name)
		if len(at) != 1 || record.Column(at[0]).DataType().ID() != want.ID() {
			return nil
		}
		return record.Column(at[0])
	}
	count := int(record.NumRows())
	rows := Rows{Created: array.MakeArrayOfNull(memory.DefaultAllocator, arrow.PrimitiveTypes.Int64, count),
		pushed: pushedAt(record)}
	for i, field := range view.Columns() {
		column := find(field.Name, store.ArrowType(field.Type))
		if column == nil {
			return Rows{}, false
		}
		if i < len(view.Keys) {
			rows.Keys = append(rows.Keys, column)
		} else {
			rows.Features = append(rows.Features, column)
		}
	}
	event := find(view.Source.EventTimestamp, store.ArrowType(plumbv1.Type_TIMESTAMP))
	if event == nil {
		return Rows{}, false
	}
	rows.Event = retyped(event, arrow.PrimitiveTypes.Int64)
	if view.Source.CreatedTimestamp == "" {
		return rows, true
	}
	created := find(view.Source.CreatedTimestamp, store.ArrowType(plumbv1.Type_TIMESTAMP))
	if created == nil {
		return Rows{}, false
	}
	rows.Created = retyped(created, arrow.PrimitiveTypes.Int64)
	return rows, true
}

// retyped is a column of 8 bytes a row as another such type.
func retyped(column arrow.Array, to arrow.DataType) arrow.Array {
	data := column.Data()
	return array.MakeFromData(array.NewData(to, data.Len(), data.Buffers(), nil, data.NullN(), data.Offset()))
}

// only is the rows of a column at the places, which ascend.
func only(column arrow.Array, places []int) (arrow.Array, error) {
	var parts []arrow.Array
	for from := 0; from < len(places); {
		to := from + 1
		for to < len(places) && places[to] == places[to-1]+1 {
			to++
		}
		parts = append(parts, array.NewSlice(column, int64(places[from]), int64(places[to-1]+1)))
		from = to
	}
	if len(parts) == 1 {
		return parts[0], nil
	}
	return array.Concatenate(parts, memory.DefaultAllocator)
}
