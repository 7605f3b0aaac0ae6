package relation

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/store/duckdb/arrowrows"
	"github.com/plumbstore/plumb/store/duckdb/casts"
	"github.com/plumbstore/plumb/store/duckdb/quote"
	"github.com/plumbstore/plumb/store/duckdb/session"
	"github.com/plumbstore/plumb/store/duckdb/sourcefiles"
)

// textColumns are the columns of a file of text, by position.
func textColumns(files sourcefiles.Files, file int) []fileColumn {
	var columns []fileColumn
	for i, column := range files.Footers[file].Columns {
		if !files.Footers[file].Repeats(i) {
			columns = append(columns, fileColumn{file: files.Paths[file], name: column.Name, stored: column.Name,
				typeName: casts.FileText})
		}
	}
	return columns
}

// LoadTexts reads the sources of text into tables. A join goes over the rows of a source several times, and a file of
// text would be parsed each time. The tables belong to the session, and what memory does not hold of them is spilled.
func (r *Set) LoadTexts(ctx context.Context) error {
	for _, source := range r.order {
		if t, ok := r.tables[source.Name]; ok && t.IsText() {
			if err := r.loadText(ctx, t); err != nil {
				return inSource(source, r.changed(err))
			}
		}
	}
	return nil
}

// loadText reads the files of a source into a table, once.
func (r *Set) loadText(ctx context.Context, t Table) error {
	if r.loaded[t.Source] {
		return nil
	}
	r.loaded[t.Source] = true
	rows := newTextRows(t)
	defer rows.close()
	view := "_texts " + t.Source
	reader, err := (&arrowrows.File{Schema: rows.schema, Next: rows.next}).Numbered()
	if err != nil {
		return err
	}
	if err := r.session.Register(reader, view); err != nil {
		return err
	}
	err = r.session.Exec(ctx, fmt.Sprintf("CREATE TABLE %s AS FROM %s", textTable(t.Source), quote.Identifier(view)))
	if rows.failure != nil && ctx.Err() == nil {
		return rows.failure
	}
	return err
}

func textTable(source string) string { return session.Schema + "." + quote.Identifier("texts "+source) }

// textRows are the rows of files of text, one file after the other, in source order. Files may have different columns,
// or the same in another order: from brings each file's columns to those of the source, and a column that a file lacks
// is null.
type textRows struct {
	table  Table
	schema *arrow.Schema
	// at is the position of the file that current reads; from has for each column of the source that of the file's, or -1.
	at      int
	current *arrowrows.File
	from    []int
	row     int64
	// failure is what ended the reading. DuckDB passes on no more than its text, which is why it is kept here.
	failure error
}

func newTextRows(t Table) *textRows {
	fields := []arrow.Field{{Type: arrow.PrimitiveTypes.Int32}, {Type: arrow.PrimitiveTypes.Int64}}
	for range t.schema.columns {
		fields = append(fields, arrow.Field{Type: arrow.BinaryTypes.String, Nullable: true})
	}
	return &textRows{table: t, schema: arrow.NewSchema(fields, nil)}
}

func (t *textRows) close() {
	if t.current != nil {
		t.current.Close()
		t.current = nil
	}
}

func (t *textRows) next() (arrow.RecordBatch, error) {
	batch, err := t.nextOf()
	if err != nil && !errors.Is(err, io.EOF) {
		t.failure = arrowrows.InFile(t.table.Shown(t.at), err)
	}
	return batch, err
}

func (t *textRows) nextOf() (arrow.RecordBatch, error) {
	for {
		if t.current == nil {
			if t.at == len(t.table.Paths) {
				return nil, io.EOF
			}
			if err := t.open(); err != nil {
				return nil, err
			}
		}
		batch, err := t.current.Next()
		if err == nil {
			return t.placed(batch), nil
		}
		if !errors.Is(err, io.EOF) {
			return nil, err
		}
		t.close()
		t.at++
	}
}

func (t *textRows) open() (err error) {
	path := t.table.Paths[t.at]
	if t.table.Format == feature.JSONLines {
		t.current, err = arrowrows.OpenJSONLines(path, t.table.schema.names())
	} else {
		t.current, err = arrowrows.OpenCSV(path)
	}
	if err != nil {
		return err
	}
	t.row, t.from = 0, nil
	for _, column := range t.table.schema.columns {
		t.from = append(t.from, slices.IndexFunc(t.current.Schema.Fields(), func(f arrow.Field) bool {
			return strings.EqualFold(f.Name, column.name)
		}))
	}
	return nil
}

// placed is a batch of a file with the places of its rows and the columns of the source.
func (t *textRows) placed(batch arrow.RecordBatch) arrow.RecordBatch {
	rows := int(batch.NumRows())
	files, numbers := array.NewInt32Builder(memory.DefaultAllocator), array.NewInt64Builder(memory.DefaultAllocator)
	for range rows {
		files.Append(int32(t.at))
		numbers.Append(t.row)
		t.row++
	}
	columns := []arrow.Array{files.NewArray(), numbers.NewArray()}
	for _, at := range t.from {
		if at < 0 {
			columns = append(columns, array.MakeArrayOfNull(memory.DefaultAllocator, arrow.BinaryTypes.String, rows))
		} else {
			columns = append(columns, batch.Column(at))
		}
	}
	return array.NewRecordBatch(t.schema, columns, int64(rows))
}

// scanTexts is the FROM item of the table with the rows of the files, as scan is of Parquet files.
func (t Table) scanTexts() string {
	places := t.places()
	columns := t.selectTexts(nil)
	columns = append(columns, t.pick(t.Paths)+" AS "+places.file, "c1 AS "+places.row)
	if len(t.Partitions) == 0 || places != duckdbPlaces {
		columns = append(columns, "c0 AS "+places.index)
	}
	return fmt.Sprintf("(SELECT %s FROM %s)", strings.Join(columns, ", "), textTable(t.Source))
}

// selectTexts are the columns of the source in the table, in these types; nil for text.
func (t Table) selectTexts(types []string) []string {
	var columns []string
	for i, column := range t.schema.columns {
		sql := fmt.Sprintf("c%d", i+2)
		if types != nil {
			sql = fmt.Sprintf("CAST(%s AS %s)", sql, types[i])
		}
		if column.unreadable != "" {
			sql = fmt.Sprintf("CAST(error(%s) AS VARCHAR)", quote.Literal(casts.Marker+column.unreadable))
		}
		columns = append(columns, sql+" AS "+quote.Identifier(column.alias(types != nil)))
	}
	for _, name := range t.Partitions {
		values := make([]string, len(t.Paths))
		for i := range t.Paths {
			values[i] = "NULL"
			if value := t.PartitionValue(i, name); value != nil {
				values[i] = quote.Literal(*value)
			}
		}
		columns = append(columns, fmt.Sprintf("CAST([%s][c0 + 1] AS VARCHAR) AS %s", strings.Join(values, ", "),
			quote.Identifier(name)))
	}
	return columns
}

// pick is the SQL of the text that belongs to a row's file.
func (t Table) pick(texts []string) string { return quote.Literals(texts) + "[c0 + 1]" }

// scanTextsForQueries is the query that a SQL source reads the files by. Their columns have the types that all of their
// texts spell, as those of label files have.
func (r *Set) scanTextsForQueries(ctx context.Context, t Table) (string, error) {
	from := textTable(t.Source)
	types, err := casts.TypesOfText(ctx, r.session, from, numberedFrom(2, len(t.schema.columns)))
	if err != nil {
		return "", err
	}
	scan := fmt.Sprintf("SELECT %s FROM %s", strings.Join(t.selectTexts(types), ", "), from)
	return t.renameUnreadable(scan), nil
}

// numberedFrom returns count column names, numbered from first on.
func numberedFrom(first, count int) []string { return quote.Numbered("c", first+count)[first:] }
