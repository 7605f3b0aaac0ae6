package duckdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/jsonlines"
	"github.com/plumbstore/plumb/store/duckdb/quote"
)

// Sources in CSV and JSON lines are text. They are read into a table once for each operation, by our own readers, since
// DuckDB's would guess types and not report a row's place: c0 is the file's position, c1 the row's number in it,
// counted from 0, and then come the columns of the source.

// isText says whether the files have nothing but text.
func (f sourceFiles) isText() bool { return f.format != feature.Parquet }

// textFooters tell the columns of files of text, and nothing else.
func textFooters(paths []string, format feature.Format) ([]footer, error) {
	footers := make([]footer, len(paths))
	for i, path := range paths {
		names, err := textNames(path, format)
		if err != nil {
			return nil, inFile(path, err)
		}
		for _, name := range names {
			if name != "" { // Nothing can be read from a column without a name.
				footers[i].columns = append(footers[i].columns, footerColumn{name: name, nulls: -1})
			}
		}
		footers[i].markRepeated()
	}
	return footers, nil
}

// textNames are the names of a file's columns.
func textNames(path string, format feature.Format) ([]string, error) {
	if format == feature.JSONLines {
		input, err := os.Open(path)
		if err != nil {
			return nil, fault.Inputf("", "%s", cmpError(err))
		}
		defer input.Close()
		return jsonlines.Names(input)
	}
	opened, err := openCSV(path)
	if err != nil {
		return nil, err
	}
	defer opened.close()
	var names []string
	for _, field := range opened.schema.Fields() {
		names = append(names, field.Name)
	}
	return names, nil
}

func inFile(path string, err error) error {
	if input, ok := errors.AsType[*fault.InputError](err); ok {
		return fault.Inputf("", "cannot read %s: %s", path, input.Message)
	}
	return fmt.Errorf("read %s: %w", path, err)
}

// textColumns are the columns of a file of text, by position.
func (f sourceFiles) textColumns(file int) []fileColumn {
	var columns []fileColumn
	for i, column := range f.footers[file].columns {
		if !f.footers[file].repeats(i) {
			columns = append(columns, fileColumn{file: f.paths[file], name: column.name, typeName: textType})
		}
	}
	return columns
}

// loadTexts reads the sources of text into tables.
func (r *relations) loadTexts(ctx context.Context) error {
	for _, source := range r.order {
		if files, ok := r.files[source.Name]; ok && files.isText() {
			if err := r.loadText(ctx, files); err != nil {
				return inSource(source, r.changed(err))
			}
		}
	}
	return nil
}

// loadText reads the files of a source into a table, once.
func (r *relations) loadText(ctx context.Context, files sourceFiles) error {
	if r.loaded[files.source] {
		return nil
	}
	r.loaded[files.source] = true
	rows := newTextRows(files)
	defer rows.close()
	view := "_texts " + files.source
	reader, err := (&arrowFile{schema: rows.schema, next: rows.next}).numbered()
	if err != nil {
		return err
	}
	if err := r.session.register(reader, view); err != nil {
		return err
	}
	err = r.session.exec(ctx, fmt.Sprintf("CREATE TABLE %s AS FROM %s", textTable(files.source), quote.Identifier(view)))
	if rows.failure != nil && ctx.Err() == nil {
		return rows.failure
	}
	return err
}

func textTable(source string) string { return internalSchema + "." + quote.Identifier("texts "+source) }

// textRows are the rows of files of text, one file after the other.
type textRows struct {
	files  sourceFiles
	schema *arrow.Schema
	// at is the position of the file that current reads; from has for each column of the source that of the file's, or -1.
	at      int
	current *arrowFile
	from    []int
	row     int64
	// failure is what ended the reading.
	failure error
}

func newTextRows(files sourceFiles) *textRows {
	fields := []arrow.Field{{Type: arrow.PrimitiveTypes.Int32}, {Type: arrow.PrimitiveTypes.Int64}}
	for range files.unified.columns {
		fields = append(fields, arrow.Field{Type: arrow.BinaryTypes.String, Nullable: true})
	}
	return &textRows{files: files, schema: arrow.NewSchema(fields, nil)}
}

func (t *textRows) close() {
	if t.current != nil {
		t.current.close()
		t.current = nil
	}
}

func (t *textRows) next() (arrow.RecordBatch, error) {
	batch, err := t.nextOf()
	if err != nil && !errors.Is(err, io.EOF) {
		t.failure = inFile(t.files.paths[t.at], err)
	}
	return batch, err
}

func (t *textRows) nextOf() (arrow.RecordBatch, error) {
	for {
		if t.current == nil {
			if t.at == len(t.files.paths) {
				return nil, io.EOF
			}
			if err := t.open(); err != nil {
				return nil, err
			}
		}
		batch, err := t.current.next()
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
	path := t.files.paths[t.at]
	if t.files.format == feature.JSONLines {
		t.current, err = openJSONLines(path, t.files.unified)
	} else {
		t.current, err = openCSV(path)
	}
	if err != nil {
		return err
	}
	t.row, t.from = 0, nil
	for _, column := range t.files.unified.columns {
		t.from = append(t.from, slices.IndexFunc(t.current.schema.Fields(), func(f arrow.Field) bool {
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

// openJSONLines opens a file as Arrow data with the columns of a source, each a nullable text.
func openJSONLines(path string, u *unified) (*arrowFile, error) {
	input, err := os.Open(path)
	if err != nil {
		return nil, fault.Inputf("", "%s", cmpError(err))
	}
	reader := jsonlines.NewReader(input)
	var fields []arrow.Field
	positions := map[string]int{}
	for i, column := range u.columns {
		fields = append(fields, arrow.Field{Name: column.name, Type: arrow.BinaryTypes.String, Nullable: true})
		positions[strings.ToLower(column.name)] = i
	}
	schema := arrow.NewSchema(fields, nil)
	return &arrowFile{file: input, schema: schema, next: func() (arrow.RecordBatch, error) {
		return nextObjects(reader, schema, positions)
	}}, nil
}

// nextObjects is a batch of objects; a member that an object lacks is null.
func nextObjects(reader *jsonlines.Reader, schema *arrow.Schema, positions map[string]int) (arrow.RecordBatch, error) {
	builder := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer builder.Release()
	rows, most := 0, max(min(csvBatchRows, csvBatchBytes/(4*max(len(positions), 1))), 1) // A null takes memory too.
	for size := 0; rows < most && size < csvBatchBytes; rows++ {
		members, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		for _, member := range members {
			at, ok := positions[strings.ToLower(member.Name)]
			if column := builder.Field(at); ok && !member.Null && column.Len() == rows {
				column.(*array.StringBuilder).Append(member.Text)
				size += len(member.Text)
			}
		}
		for _, column := range builder.Fields() {
			if column.Len() == rows {
				column.AppendNull()
			}
		}
	}
	if rows == 0 {
		return nil, io.EOF
	}
	return builder.NewRecordBatch(), nil
}

// scanTexts is the FROM item of the table with the rows of the files, as scan is of Parquet files.
func (f sourceFiles) scanTexts() string {
	places := f.places()
	columns := f.selectTexts(nil)
	columns = append(columns, f.pick(f.paths)+" AS "+places.file, "c1 AS "+places.row)
	if len(f.partitions) == 0 || places != duckdbPlaces {
		columns = append(columns, "c0 AS "+places.index)
	}
	return fmt.Sprintf("(SELECT %s FROM %s)", strings.Join(columns, ", "), textTable(f.source))
}

// selectTexts are the columns of the source in the table, in these types; nil for text.
func (f sourceFiles) selectTexts(types []string) []string {
	var columns []string
	for i, column := range f.unified.columns {
		sql := fmt.Sprintf("c%d", i+2)
		if types != nil {
			sql = fmt.Sprintf("CAST(%s AS %s)", sql, types[i])
		}
		if column.unreadable != "" {
			sql = fmt.Sprintf("CAST(error(%s) AS VARCHAR)", quote.Literal(castMarker+column.unreadable))
		}
		columns = append(columns, sql+" AS "+quote.Identifier(column.alias(types != nil)))
	}
	for _, name := range f.partitions {
		values := make([]string, len(f.paths))
		for i, path := range f.paths {
			values[i] = "NULL"
			if value := partitionValue(path, name); value != nil {
				values[i] = quote.Literal(*value)
			}
		}
		columns = append(columns, fmt.Sprintf("CAST([%s][c0 + 1] AS VARCHAR) AS %s", strings.Join(values, ", "),
			quote.Identifier(name)))
	}
	return columns
}

// pick is the SQL of the text that belongs to a row's file.
func (f sourceFiles) pick(texts []string) string { return quote.Literals(texts) + "[c0 + 1]" }

// scanTextsForQueries is the query that a SQL source reads the files by. Their columns have the types that all of their
// texts spell, as those of label files have.
func (r *relations) scanTextsForQueries(ctx context.Context, files sourceFiles) (string, error) {
	table := textTable(files.source)
	types, err := r.session.typesOfText(ctx, table, numberedFrom(2, len(files.unified.columns)))
	if err != nil {
		return "", err
	}
	scan := fmt.Sprintf("SELECT %s FROM %s", strings.Join(files.selectTexts(types), ", "), table)
	return files.renameUnreadable(scan), nil
}

// numberedFrom returns count column names, numbered from first on.
func numberedFrom(first, count int) []string { return quote.Numbered("c", first+count)[first:] }
