package plainread

import (
	"context"
	"errors"
	"math"
	"runtime"
	"strings"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"golang.org/x/sync/errgroup"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// batchRows is how many rows are handed out at a time.
const batchRows = 8192

// History implements offline.Witness. Files are read side by side, and memory is for a batch and a page of each column
// of those that are open. Batches of different files come in any order, one at a time. The source order of rows (R3) is
// in their places.
func (r *Reader) History(ctx context.Context, view *feature.View, yield func(arrow.RecordBatch) error) (err error) {
	if err := view.RequireNewestRow(); err != nil {
		return err
	}
	if view.Source.IsQuery() {
		return r.engine.History(ctx, view, yield)
	}
	files, letGo, err := r.files(ctx, view.Source)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, letGo()) }()
	var lock sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, one := range files {
		group.Go(func() error {
			h := &history{view: view, file: one, at: int64(i), yield: func(batch arrow.RecordBatch) error {
				lock.Lock()
				defer lock.Unlock()
				return yield(batch)
			}}
			return h.read(ctx)
		})
	}
	return group.Wait()
}

// history reads the keys and times of one file. Features are left out: which row wins depends on keys and times alone,
// and the features of the winners are read afterwards by their places (Reader.Values). This pass over all rows so takes
// no more time if a view has more features.
type history struct {
	view *feature.View
	file file
	// at is the position of the file in source order (R3), from 0.
	at      int64
	yield   func(arrow.RecordBatch) error
	builder *array.RecordBuilder
	rows    int
	keys    []any
}

func (h *history) read(ctx context.Context) error {
	var columns []string
	var fields []arrow.Field
	for i, key := range h.view.Keys {
		columns = append(columns, h.view.KeyColumn(i))
		fields = append(fields, arrow.Field{Name: key.Name, Type: value.ArrowType(key.Type)})
	}
	columns = append(columns, h.view.Source.EventTimestamp)
	if h.view.Source.CreatedTimestamp != "" {
		columns = append(columns, h.view.Source.CreatedTimestamp)
	}
	for _, name := range []string{"event_ts", "created_ts", "place"} {
		fields = append(fields, arrow.Field{Name: name, Type: arrow.PrimitiveTypes.Int64, Nullable: true})
	}
	h.builder = array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(fields, nil))
	defer h.builder.Release()
	h.keys = make([]any, len(h.view.Keys))
	if err := h.file.rows(ctx, columns, nil, h.take); err != nil {
		return err
	}
	return h.flush()
}

// take appends a row, unless it lacks a key or its event time and so can never be seen (R3, R8).
func (h *history) take(row int64, cells []cell) error {
	count := len(h.keys)
	if cells[count].kind == isMissing {
		return fault.Inputf("", "%s has no column %q, the event_timestamp", h.file.path, h.view.Source.EventTimestamp)
	}
	event, err := h.convert(cells[count], row, h.view.Source.EventTimestamp, plumbv1.Type_TIMESTAMP, false)
	if err != nil || event == nil {
		return err
	}
	for i, key := range h.view.Keys {
		if cells[i].kind == isMissing {
			return fault.Inputf("", "%s has no column %q, a join key", h.file.path, h.view.KeyColumn(i))
		}
		if h.keys[i], err = h.convert(cells[i], row, h.view.KeyColumn(i), key.Type, true); err != nil || h.keys[i] == nil {
			return err
		}
	}
	var created any
	if len(cells) > count+1 {
		created, err = h.convert(cells[count+1], row, h.view.Source.CreatedTimestamp, plumbv1.Type_TIMESTAMP, false)
		if err != nil {
			return err
		}
	}
	return h.append(event, created, h.at<<fileShift|row)
}

func (h *history) append(event, created any, place int64) error {
	for i, key := range h.keys {
		if err := value.Append(h.builder.Field(i), key); err != nil {
			return err
		}
	}
	times := len(h.keys)
	h.builder.Field(times).(*array.Int64Builder).Append(int64(event.(feature.Instant)))
	known, _ := h.builder.Field(times + 1).(*array.Int64Builder)
	if created == nil {
		known.AppendNull()
	} else {
		known.Append(int64(created.(feature.Instant)))
	}
	h.builder.Field(times + 2).(*array.Int64Builder).Append(place)
	if h.rows++; h.rows == batchRows {
		return h.flush()
	}
	return nil
}

func (h *history) flush() error {
	if h.rows == 0 {
		return nil
	}
	h.rows = 0
	batch := h.builder.NewRecordBatch()
	defer batch.Release()
	return h.yield(batch)
}

// convert names the place of a value that does not fit. The greatest instant and its negative are what DuckDB reads as
// infinite times. The engine refuses those, so the witness has to refuse them too.
func (h *history) convert(c cell, row int64, column string, to plumbv1.Type, isKey bool) (any, error) {
	value, err := convert(c, to, isKey)
	if err != nil {
		return nil, fault.Inputf("", "column %q, row %d of %s: %s", column, row+1, h.file.path, err)
	}
	if instant, ok := value.(feature.Instant); ok && (instant == math.MaxInt64 || instant == -math.MaxInt64) {
		return nil, fault.Inputf("", "column %q, row %d of %s: an infinite time does not fit %s exactly", column, row+1,
			h.file.path, strings.ToUpper(to.String()))
	}
	return value, nil
}
