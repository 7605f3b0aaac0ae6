package plainread

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/parquetfile"
	"github.com/plumbstore/plumb/source/objects"
)

// rowsPerLook is how many rows are read between two looks at the context.
const rowsPerLook = 4096

// readParquet is the rowReader of Parquet files.
func readParquet(ctx context.Context, from place, columns []string, wanted []int64,
	visit func(int64, []cell) error,
) error {
	if from.object != nil {
		if err := fetchEnds(ctx, from.object); err != nil {
			return err
		}
	}
	opened, err := disk.OpenRegular(from.path)
	if err != nil {
		return err
	}
	// What the footer says is checked before anything believes it; closing this closes the file.
	checked, err := parquetfile.NewReader(opened)
	if err != nil {
		return errors.Join(err, opened.Close())
	}
	defer checked.Close()
	info, err := opened.Stat()
	if err != nil {
		return err
	}
	file, err := parquet.OpenFile(opened, info.Size(), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return err
	}
	fields, err := topFields(file.Metadata().Schema)
	if err != nil {
		return err
	}
	scan := &parquetScan{wanted: wanted, visit: visit, cells: make([]cell, len(columns))}
	for _, name := range columns {
		found, err := from.find(fields, name)
		if err != nil {
			return err
		}
		scan.fields = append(scan.fields, found)
	}
	if from.object != nil {
		if err := objects.Fetch(ctx, []objects.Need{{File: from.object, Ranges: scan.ranges(file.Metadata())}}); err != nil {
			return err
		}
	}
	for _, group := range file.RowGroups() {
		if err := scan.group(ctx, group); err != nil {
			return err
		}
	}
	return nil
}

// find finds a column of a file.
func (p place) find(fields []*field, name string) (*field, error) {
	if p.columns != nil {
		return findOfTable(fields, p.columns, name)
	}
	return findField(fields, name)
}

// fetchEnds fetches what tells a Parquet file: its first bytes and its footer.
func fetchEnds(ctx context.Context, object *objects.File) error {
	const magic = 4
	first := []objects.Range{{Start: 0, End: magic}}
	if err := objects.Fetch(ctx, []objects.Need{{File: object, Ranges: first}}); err != nil {
		return err
	}
	return object.EnsureFooter(ctx)
}

// ranges are the bytes of the wanted columns in the row groups with a wanted row.
func (s *parquetScan) ranges(contents *format.FileMetaData) []objects.Range {
	var ranges []objects.Range
	first, wanted := int64(0), s.wanted
	for _, group := range contents.RowGroups {
		after := first + group.NumRows
		count, _ := slices.BinarySearch(wanted, after)
		if s.wanted == nil || count > 0 {
			for _, field := range s.fields {
				if field != nil && field.leaf >= 0 {
					ranges = append(ranges, chunkOf(&group.Columns[field.leaf].MetaData))
				}
			}
		}
		first, wanted = after, wanted[count:]
	}
	return ranges
}

// chunkOf are the bytes of a column in a row group. Some writers do not count the header of the dictionary.
func chunkOf(chunk *format.ColumnMetaData) objects.Range {
	const header = 128
	start := chunk.DataPageOffset
	if dictionary := chunk.DictionaryPageOffset; dictionary > 0 {
		start = min(start, dictionary)
	}
	return objects.Range{Start: start, End: start + chunk.TotalCompressedSize + header}
}

// parquetScan goes through a file's rows. Row groups without a wanted row are passed over whole. Within a group every
// row before a wanted one is read and dropped, since the values of a column can only be counted by reading them.
type parquetScan struct {
	// fields are those of the wanted columns; nil for a column that the file does not have.
	fields []*field
	// wanted are the numbers of the rows that are still to come; nil for all.
	wanted []int64
	visit  func(int64, []cell) error
	cells  []cell
	// next is the number of the next row group's first row.
	next int64
}

func (s *parquetScan) group(ctx context.Context, group parquet.RowGroup) (err error) {
	first := s.next
	s.next += group.NumRows()
	if s.wanted != nil && (len(s.wanted) == 0 || s.wanted[0] >= s.next) {
		return nil
	}
	chunks := group.ColumnChunks()
	readers := make([]*columnReader, len(s.fields))
	for i, field := range s.fields {
		if field != nil {
			readers[i] = &columnReader{field: field, pages: chunks[field.leaf].Pages()}
			defer func() { err = errors.Join(err, readers[i].pages.Close()) }()
		}
	}
	for row := first; row < s.next; row++ {
		if row%rowsPerLook == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := s.row(row, readers); err != nil {
			return err
		}
	}
	return nil
}

func (s *parquetScan) row(row int64, readers []*columnReader) (err error) {
	isWanted := s.wanted == nil || len(s.wanted) > 0 && s.wanted[0] == row
	for i, reader := range readers {
		if reader == nil {
			s.cells[i] = cell{kind: isMissing}
			continue
		}
		if s.cells[i], err = reader.next(isWanted); err != nil {
			return fmt.Errorf("column %q, row %d: %w", reader.field.name, row+1, err)
		}
	}
	if !isWanted {
		return nil
	}
	if s.wanted != nil {
		s.wanted = s.wanted[1:]
	}
	return s.visit(row, s.cells)
}

// columnReader reads a column of a row group, value by value. Parquet has no rows, only values with two levels. The
// repetition level is 0 for the first value of a row. The definition level says how much of what may be null is there.
//
// The rows [1, 2], null and [] of a list column, for example, are four values: 1 and 2 with the repetition levels 0 and
// 1, then two that hold nothing, whose definition levels distinguish the null list from the empty one (field.present).
type columnReader struct {
	field  *field
	pages  parquet.Pages
	values parquet.ValueReader
	buffer [1024]parquet.Value
	read   []parquet.Value
}

// peek returns the next value without taking it; io.EOF if there is none.
func (r *columnReader) peek() (*parquet.Value, error) {
	for len(r.read) == 0 {
		if r.values == nil {
			page, err := r.pages.ReadPage()
			if err != nil {
				return nil, err
			}
			r.values = page.Values()
		}
		count, err := r.values.ReadValues(r.buffer[:])
		r.read = r.buffer[:count]
		switch {
		case errors.Is(err, io.EOF):
			r.values = nil
		case err != nil:
			return nil, err
		}
	}
	return &r.read[0], nil
}

// next is the cell of the next row. Where it is not wanted, it may be any.
func (r *columnReader) next(isWanted bool) (cell, error) {
	value, err := r.peek()
	if err != nil {
		return cell{}, fewer(err)
	}
	if !r.field.isList {
		c := cell{kind: isNull}
		if isWanted && value.DefinitionLevel() == r.field.levels {
			c = r.field.decode(value)
		}
		r.read = r.read[1:]
		return c, nil
	}
	list := cell{kind: isNull}
	if value.DefinitionLevel() >= r.field.present {
		list = cell{kind: isList}
	}
	for {
		if value.DefinitionLevel() > r.field.present && isWanted {
			element := cell{kind: isNull}
			if value.DefinitionLevel() == r.field.levels {
				element = r.field.decode(value)
			}
			list.list = append(list.list, element)
		}
		r.read = r.read[1:]
		value, err = r.peek()
		if errors.Is(err, io.EOF) || err == nil && value.RepetitionLevel() == 0 {
			return list, nil
		}
		if err != nil {
			return cell{}, err
		}
	}
}

// fewer says what the end of a column means before the end of the row group: its footer counted more rows.
func fewer(err error) error {
	if errors.Is(err, io.EOF) {
		return errors.New("the column has fewer values than the file has rows")
	}
	return err
}
