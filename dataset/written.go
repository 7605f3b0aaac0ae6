package dataset

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"golang.org/x/sync/errgroup"

	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/parquetfile"
)

// writtenFile is a Parquet file that has just been written by us. Most columns of training sets are numbers, whose
// pages are little more than the values one after the other. These columns are read page by page, which takes half as
// long as with a reader that can read everything. All else is read as in any other file.
type writtenFile struct {
	table table
	pages *file.Reader
	scan  *tableScan
}

// scanWritten is scan for such a file.
func (t table) scanWritten(ctx context.Context, measure func(*arrow.Schema, *tableScan)) (*tableScan, error) {
	opened, err := disk.OpenRegular(t.path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = opened.Close() }()
	properties := parquet.NewReaderProperties(&recycling{Allocator: memory.DefaultAllocator})
	properties.BufferedStreamEnabled = true
	pages, err := parquetfile.NewReader(opened, file.WithReadProps(properties))
	if err != nil {
		return nil, t.damaged(err)
	}
	reader, err := pqarrow.NewFileReader(pages, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		return nil, t.damaged(err)
	}
	schema, err := reader.Schema()
	if err != nil {
		return nil, t.damaged(err)
	}
	w := &writtenFile{table: t, pages: pages, scan: newTableScan(schema)}
	w.scan.rows = pages.NumRows()
	w.scan.sample = appendSample(nil, 0, w.scan.rows, sampleOf(w.scan.rows))
	if measure != nil {
		measure(schema, w.scan)
	}
	return w.scan, w.run(ctx, opened, reader.Manifest.Fields)
}

// run reads the columns side by side.
func (w *writtenFile) run(ctx context.Context, opened *os.File, fields []pqarrow.SchemaField) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	var others []int
	for i, field := range fields {
		if !w.isPlain(field) {
			others = append(others, i)
			continue
		}
		group.Go(func() error {
			err := w.readColumn(ctx, w.scan.columns[i], field)
			if err == nil || errors.Is(err, ctx.Err()) {
				return err
			}
			return w.table.damaged(fmt.Errorf("column %q: %w", field.Field.Name, err))
		})
	}
	if len(others) > 0 {
		group.Go(func() error { return w.readOthers(ctx, opened, fields, others) })
	}
	return group.Wait()
}

// readOthers reads columns as those of any file.
func (w *writtenFile) readOthers(ctx context.Context, opened *os.File, fields []pqarrow.SchemaField,
	others []int,
) error {
	scan := &tableScan{}
	var leaves []int
	for _, i := range others {
		scan.columns = append(scan.columns, w.scan.columns[i])
		leaves = appendLeaves(leaves, fields[i])
	}
	err := w.table.readParquet(ctx, opened, leaves, scan.add)
	if err == nil && scan.rows != w.scan.rows {
		err = w.table.damaged(fmt.Errorf("%d rows in the place of %d", scan.rows, w.scan.rows))
	}
	return err
}

// appendLeaves appends the numbers of the leaf columns of a field.
func appendLeaves(to []int, field pqarrow.SchemaField) []int {
	if field.IsLeaf() {
		return append(to, field.ColIndex)
	}
	for _, child := range field.Children {
		to = appendLeaves(to, child)
	}
	return to
}

// isPlain says whether a column can be read page by page.
func (w *writtenFile) isPlain(field pqarrow.SchemaField) bool {
	physical, ok := map[arrow.Type]parquet.Type{
		arrow.INT64: parquet.Types.Int64, arrow.TIMESTAMP: parquet.Types.Int64, arrow.FLOAT64: parquet.Types.Double,
		arrow.INT32: parquet.Types.Int32, arrow.FLOAT32: parquet.Types.Float,
	}[field.Field.Type.ID()]
	if !ok || !field.IsLeaf() {
		return false
	}
	leaf := w.pages.MetaData().Schema.Column(field.ColIndex)
	if leaf.PhysicalType() != physical || leaf.MaxRepetitionLevel() != 0 || leaf.MaxDefinitionLevel() > 1 {
		return false
	}
	for i := range w.pages.NumRowGroups() {
		chunk, err := w.pages.MetaData().RowGroup(i).ColumnChunk(field.ColIndex)
		if err != nil || chunk.HasDictionaryPage() || slices.ContainsFunc(chunk.Encodings(), isNotPlain) {
			return false
		}
	}
	return true
}

func isNotPlain(e parquet.Encoding) bool {
	return e != parquet.Encodings.Plain && e != parquet.Encodings.RLE
}

// readColumn reads all of a column.
func (w *writtenFile) readColumn(ctx context.Context, to *columnScan, field pqarrow.SchemaField) (err error) {
	defer func() {
		if damage := recover(); damage != nil {
			err = broken(damage)
		}
	}()
	column := &plainColumn{scan: to, kind: field.Field.Type.(arrow.FixedWidthDataType),
		nullable: field.LevelInfo.DefLevel > 0, sample: w.scan.sample}
	for i := range w.pages.NumRowGroups() {
		pages, err := w.pages.RowGroup(i).GetColumnPageReader(field.ColIndex)
		if err != nil {
			return err
		}
		for pages.Next() {
			if err := errors.Join(ctx.Err(), column.add(pages.Page())); err != nil {
				return err
			}
		}
		if err := errors.Join(pages.Err(), pages.Close()); err != nil {
			return err
		}
	}
	if column.rows != w.scan.rows {
		return fmt.Errorf("%d rows in the place of %d", column.rows, w.scan.rows)
	}
	return nil
}

// plainColumn adds the values of plain pages to a scan.
type plainColumn struct {
	scan     *columnScan
	kind     arrow.FixedWidthDataType
	nullable bool
	rows     int64
	// sample is that of the table from the next row on.
	sample []sampledRow
	// These are used again for each page.
	bitmap, values []byte
}

// add takes a page: the validity of the rows, if there may be nulls, and then the values that are not null.
func (c *plainColumn) add(page file.Page) error {
	plain, ok := page.(*file.DataPageV1)
	if !ok {
		return errors.New("a page is of another kind than those that are written")
	}
	rows, values := int(plain.NumValues()), plain.Data()
	var buffers [2]*memory.Buffer
	nulls := 0
	if c.nullable {
		size := int(binary.LittleEndian.Uint32(values))
		levels := values[4 : 4+size]
		values = values[4+size:]
		c.bitmap = slices.Grow(c.bitmap[:0], int(bitutil.BytesForBits(int64(rows))))[:bitutil.BytesForBits(int64(rows))]
		if err := decodeLevels(c.bitmap, levels, rows); err != nil {
			return err
		}
		nulls = rows - bitutil.CountSetBits(c.bitmap, 0, rows)
		buffers[0] = memory.NewBufferBytes(c.bitmap)
	}
	width := c.kind.Bytes()
	if len(values) != (rows-nulls)*width {
		return fmt.Errorf("a page has %d bytes for %d values", len(values), rows-nulls)
	}
	if nulls > 0 {
		values = c.spread(values, rows, width)
	}
	buffers[1] = memory.NewBufferBytes(values)
	return c.addRows(array.NewData(c.kind, rows, buffers[:], nil, nulls, 0))
}

// spread puts values where the rows are that are not null.
func (c *plainColumn) spread(values []byte, rows, width int) []byte {
	c.values = slices.Grow(c.values[:0], rows*width)[:rows*width]
	for from, to := range runs(rows, zerosOf(c.bitmap, 0, rows)) {
		copy(c.values[from*width:to*width], values)
		values = values[(to-from)*width:]
	}
	return c.values
}

// addRows adds rows a few at a time, which stay in a processor's cache while they are digested and measured.
func (c *plainColumn) addRows(data *array.Data) error {
	const often = 1 << 14
	for from := 0; from < data.Len(); from += often {
		part := array.NewSliceData(data, int64(from), int64(min(from+often, data.Len())))
		values := array.MakeFromData(part)
		if err := c.scan.add(values, c.sample); err != nil {
			return err
		}
		c.rows += int64(values.Len())
		behind := 0
		for behind < len(c.sample) && c.sample[behind].row < c.rows {
			behind++
		}
		c.sample = c.sample[behind:]
	}
	return nil
}

// decodeLevels makes the bits of rows that are not null, of definition levels that are 0 or 1 as Parquet has them: runs
// of one level, and groups of eight in a byte each.
func decodeLevels(bitmap, levels []byte, rows int) error {
	for at := 0; at < rows; {
		header, size := binary.Uvarint(levels)
		if size <= 0 || header>>1 == 0 || len(levels) == size {
			return errors.New("its nulls cannot be read")
		}
		levels = levels[size:]
		if header&1 == 0 {
			count := int(min(header>>1, uint64(rows-at)))
			bitutil.SetBitsTo(bitmap, int64(at), int64(count), levels[0] != 0)
			levels = levels[1:]
			at += count
			continue
		}
		groups := header >> 1
		if groups > uint64(len(levels)) {
			return errors.New("its nulls cannot be read")
		}
		count := min(int(groups)*8, rows-at)
		bitutil.CopyBitmap(levels, 0, count, bitmap, at)
		levels = levels[groups:]
		at += count
	}
	return nil
}

// recycling hands out memory again that was freed, as it was left: pages are as large as those before them, and are
// overwritten whole.
type recycling struct {
	memory.Allocator
	mutex sync.Mutex
	free  [][]byte
}

// Allocate implements memory.Allocator.
func (r *recycling) Allocate(size int) []byte {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	for i, each := range r.free {
		if cap(each) >= size {
			r.free = slices.Delete(r.free, i, i+1)
			return each[:size]
		}
	}
	return r.Allocator.Allocate(size)
}

// Reallocate implements memory.Allocator.
func (r *recycling) Reallocate(size int, b []byte) []byte {
	if size <= cap(b) {
		return b[:size]
	}
	larger := r.Allocate(size)
	copy(larger, b)
	r.Free(b)
	return larger
}

// Free implements memory.Allocator.
func (r *recycling) Free(b []byte) {
	const most = 16
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if len(r.free) < most {
		r.free = append(r.free, b)
	}
}
