package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"golang.org/x/sync/errgroup"

	"github.com/plumbstore/plumb/internal/arrowipc"
	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/gitlfs"
	"github.com/plumbstore/plumb/internal/parquetfile"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// batchRows is how many rows are read at a time.
const batchRows = 1 << 15

// batchBytes bounds the memory that is held of a file at a time, whatever the file says of itself.
const batchBytes = 2 << 30

// table is a file of rows.
type table struct {
	path string
	// format is .parquet, .arrow or .csv, since a file that is not yet in its place has another name.
	format string
	// types are the declared types of columns, by name: CSV has texts alone.
	types map[string]plumbv1.Type
	// whole says that the file has just been written by us, so that its columns may be decoded side by side: what breaks
	// on a goroutine of the decoder's own, as a damaged file may, breaks the process.
	whole bool
}

// formatOf is the format of a file by its name.
func formatOf(path string) string { return strings.ToLower(filepath.Ext(path)) }

// read yields the rows in their order, in batches that are valid until yield returns, and at least one, which may be
// empty. A file that is not what its name says is a *fault.InputError.
func (t table) read(ctx context.Context, yield func(arrow.RecordBatch) error) (err error) {
	defer func() {
		if damage := recover(); damage != nil {
			err = t.damaged(broken(damage))
		}
	}()
	if err := gitlfs.Refuse(t.path, t.path); err != nil {
		return err
	}
	opened, err := disk.OpenRegular(t.path)
	if err != nil {
		return fault.Inputf("", "cannot read %s: %v", t.path, reason(err))
	}
	defer func() { _ = opened.Close() }()
	switch t.format {
	case ".parquet":
		return t.readParquet(ctx, opened, nil, yield)
	case ".arrow":
		return t.readArrow(ctx, opened, yield)
	}
	return t.readCSV(ctx, opened, yield)
}

// broken is the error in the place of a panic: a damaged file is allowed to break a decoder, or to have offsets that
// lead nowhere, and nothing else.
func broken(damage any) error { return fmt.Errorf("%v", damage) }

func (t table) damaged(err error) error {
	return fault.Inputf("", "%s is damaged: %v", t.path, err)
}

// readParquet reads the leaf columns of these numbers; all if there are none.
func (t table) readParquet(ctx context.Context, opened *os.File, leaves []int,
	yield func(arrow.RecordBatch) error,
) error {
	allocator := arrowipc.NewCapped(batchBytes)
	pages, err := parquetfile.NewReader(opened, file.WithReadProps(parquet.NewReaderProperties(allocator)))
	if err != nil {
		return t.damaged(err)
	}
	properties := pqarrow.ArrowReadProperties{BatchSize: batchRows, Parallel: t.whole}
	reader, err := pqarrow.NewFileReader(pages, properties, allocator)
	if err != nil {
		return t.damaged(err)
	}
	rows, err := reader.GetRecordReader(ctx, leaves, nil)
	if err != nil {
		return t.damaged(err)
	}
	defer rows.Release()
	return t.yieldAll(ctx, rows.Schema(), func() (arrow.RecordBatch, error) {
		if rows.Next() {
			return rows.RecordBatch(), nil
		}
		return nil, rows.Err()
	}, yield)
}

func (t table) readArrow(ctx context.Context, opened *os.File, yield func(arrow.RecordBatch) error) error {
	reader, err := arrowipc.OpenFile(opened, batchBytes)
	if err != nil {
		return t.damaged(err)
	}
	defer reader.Close()
	return t.yieldAll(ctx, reader.Schema(), func() (arrow.RecordBatch, error) {
		batch, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		return batch, err
	}, yield)
}

// yieldAll yields what next returns until that is nil.
func (t table) yieldAll(ctx context.Context, schema *arrow.Schema, next func() (arrow.RecordBatch, error),
	yield func(arrow.RecordBatch) error,
) error {
	for batches := 0; ; batches++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		batch, err := next()
		if err != nil {
			return t.damaged(err)
		}
		if batch == nil {
			if batches > 0 {
				return nil
			}
			batch = emptyBatch(schema)
		}
		if err := yield(batch); err != nil {
			return err
		}
	}
}

func emptyBatch(schema *arrow.Schema) arrow.RecordBatch {
	builder := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer builder.Release()
	return builder.NewRecordBatch()
}

// tableScan digests and measures the columns of a table, each on its own, and so on as many threads as there are
// columns and cores. Within a column the order of values counts, so batches are taken one after the other.
type tableScan struct {
	columns []*columnScan
	rows    int64
	// sample is used again for each batch.
	sample []sampledRow
}

type columnScan struct {
	name   string
	digest *columnDigest
	// spread is nil if the distribution is not wanted.
	spread *spread
	// statuses counts texts if the column holds statuses.
	statuses map[string]int64
}

// scan reads all of a table. Digests are made of every column; measure, if given, says what else is wanted. It is one
// pass for both, since reading and decoding a large file takes longer than either.
func (t table) scan(ctx context.Context, measure func(schema *arrow.Schema, scan *tableScan)) (*tableScan, error) {
	if t.whole && t.format == ".parquet" {
		return t.scanWritten(ctx, measure)
	}
	var s *tableScan
	err := t.read(ctx, func(batch arrow.RecordBatch) error {
		if s == nil {
			s = newTableScan(batch.Schema())
			if measure != nil {
				measure(batch.Schema(), s)
			}
		}
		if err := s.add(batch); err != nil {
			return t.damaged(err)
		}
		return nil
	})
	return s, err
}

func newTableScan(schema *arrow.Schema) *tableScan {
	s := &tableScan{}
	for _, field := range schema.Fields() {
		s.columns = append(s.columns, &columnScan{name: field.Name, digest: newColumnDigest(field.Type)})
	}
	return s
}

func (s *tableScan) add(batch arrow.RecordBatch) error {
	end := s.rows + batch.NumRows()
	s.sample = appendSample(s.sample[:0], s.rows, end, sampleOf(end))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, column := range s.columns {
		group.Go(func() error { return column.add(batch.Column(i), s.sample) })
	}
	s.rows += batch.NumRows()
	return group.Wait()
}

// distributions are those of the columns, nil for a column without one. They are made side by side, since each sorts a
// sample.
func (s *tableScan) distributions() []*Distribution {
	made := make([]*Distribution, len(s.columns))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, column := range s.columns {
		if column.spread != nil {
			group.Go(func() error {
				made[i] = column.spread.distribution()
				return nil
			})
		}
	}
	_ = group.Wait() // None fails.
	return made
}

func (c *columnScan) add(values arrow.Array, sample []sampledRow) (err error) {
	defer func() {
		if damage := recover(); damage != nil {
			err = fmt.Errorf("column %q: %w", c.name, broken(damage))
		}
	}()
	c.digest.add(values)
	if c.spread != nil {
		c.spread.add(values, sample)
	}
	if c.statuses != nil {
		for i := range values.Len() {
			c.statuses[textOf(values, i)]++
		}
	}
	return nil
}
