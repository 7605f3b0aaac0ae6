package relation

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/plumbstore/plumb/source/lake"
	"github.com/plumbstore/plumb/store/duckdb/casts"
	"github.com/plumbstore/plumb/store/duckdb/quote"
	"github.com/plumbstore/plumb/store/duckdb/session"
	"github.com/plumbstore/plumb/store/duckdb/sourcefiles"
)

// Tables of a lake are read as files are, with two differences. Columns of files are those of the table by their ids,
// whatever they are called (parquetfooter.Footer.Renamed), and the table's schema comes before that of any file. Rows
// that were deleted are left out of the scans of the files that may have some, by an anti-join of their positions with
// a table of the session, which is made before anything is read.

// tableLayout is the layout of the schema of a lake table. No file's layout is called so.
const tableLayout = "table"

// columnTypes are the types of Iceberg, as DuckDB calls what it reads from files with them.
var columnTypes = map[string]string{
	"boolean": "BOOLEAN", "int": "INTEGER", "long": "BIGINT", "float": "FLOAT", "double": "DOUBLE", "date": "DATE",
	"time": "TIME", "timestamp": "TIMESTAMP", "timestamptz": "TIMESTAMP WITH TIME ZONE", "timestamp_ns": "TIMESTAMP_NS",
	"timestamptz_ns": casts.ZonedNanoseconds, "string": "VARCHAR", "uuid": "UUID", "binary": "BLOB",
}

// columnType is the type of a column of a table.
func columnType(column lake.Column) string {
	name, ok := columnTypes[column.Type]
	if parameters, isDecimal := lake.Decimal(column.Type); isDecimal {
		name, ok = "DECIMAL("+parameters+")", true
	}
	switch {
	case column.Refused != "":
		return "VARCHAR" // Nothing is read of it.
	case !ok:
		name = "BLOB" // It is a fixed number of bytes.
	}
	if column.List {
		name += "[]"
	}
	return name
}

// takeTable takes the columns of a table.
func (u *unified) takeTable(table *sourcefiles.Lake) {
	var columns []fileColumn
	for _, column := range table.Columns {
		columns = append(columns, fileColumn{file: "the table", name: column.Name, typeName: columnType(column)})
	}
	u.take(tableLayout, columns)
	for i, column := range u.columns {
		for _, of := range table.Columns {
			if of.Refused != "" && strings.EqualFold(of.Name, column.name) {
				u.columns[i].unreadable = "column " + of.Refused
			}
			if of.Constant && strings.EqualFold(of.Name, column.name) {
				u.columns[i].constant = true
			}
		}
	}
}

// reads are the queries of the files of each layout. Those of a table that may have deleted rows are apart: others are
// read without the anti-join.
func (t Table) reads(places bool) []string {
	var reads []string
	names, positions := t.Layouts()
	for _, name := range names {
		var whole, deleted []int
		for _, position := range positions[name] {
			if t.HasDeletes(position) {
				deleted = append(deleted, position)
			} else {
				whole = append(whole, position)
			}
		}
		for _, part := range [][]int{whole, deleted} {
			if part != nil {
				reads = append(reads, t.readLayout(name, part, places))
			}
		}
	}
	return reads
}

// columnOf is the SQL of a column in the files of one layout, by the SQL of a file's position among them.
func (t Table) columnOf(layout string, column unifiedColumn, positions []int, at string, forQuery bool, place string,
) string {
	if !column.constant || column.unreadable != "" || !t.IsOfLake(positions[0]) {
		return t.schema.sql(layout, column, forQuery, place)
	}
	values := make([]string, len(positions))
	for i, position := range positions {
		values[i] = "NULL"
		if text, _ := t.Constant(position, column.name); text != nil {
			values[i] = quote.Literal(*text)
		}
	}
	return fmt.Sprintf("([%s]::VARCHAR[]::%s[])[%s + 1]", strings.Join(values, ", "), column.typeName, at)
}

// withoutDeleted is what follows the FROM item of files in order to leave deleted rows out; empty if none of them has
// any. index and row are the SQL of a row's file and number.
func (t Table) withoutDeleted(positions []int, index, row string) string {
	if !t.HasDeletes(positions[0]) {
		return ""
	}
	return fmt.Sprintf(" ANTI JOIN %s AS _plumb_deleted ON _plumb_deleted.o = ((%s::BIGINT << %d) | %s)",
		deletedTable(t.Source), index, FileShift, row)
}

// deletedTable has the positions of the deleted rows of a table's files.
func deletedTable(source string) string {
	return session.Schema + "." + quote.Identifier("deleted "+source)
}

// loadDeletes makes the table of deleted rows, if files have any.
func (r *Set) loadDeletes(ctx context.Context, t Table) error {
	table := t.Lake()
	if table == nil {
		return nil
	}
	if err := r.session.Exec(ctx, "CREATE TABLE "+deletedTable(t.Source)+" (o BIGINT)"); err != nil {
		return err
	}
	if len(table.Deletes) > 0 {
		if err := r.session.Exec(ctx, insertDeletes(t.Source, table)); err != nil {
			return err
		}
	}
	for i, file := range table.Files {
		if file.Vector == nil {
			continue
		}
		if err := r.loadVector(ctx, t.Source, i, file, table.VectorPath(i)); err != nil {
			return err
		}
	}
	return nil
}

// insertDeletes is the statement that reads the files of deleted positions. A position counts for the file whose path
// it has, if that has been there when the row was deleted. Of a file with a deletion vector, the vector alone counts.
func insertDeletes(source string, table *sourcefiles.Lake) string {
	var paths, sequences, indexes, rows, deletes []string
	for i, file := range table.Files {
		if file.Vector == nil {
			paths = append(paths, file.Path)
			sequences = append(sequences, strconv.FormatInt(file.DataSequence, 10))
			indexes = append(indexes, strconv.Itoa(i))
			rows = append(rows, strconv.FormatInt(file.Rows, 10))
		}
	}
	for _, file := range table.Deletes {
		deletes = append(deletes, strconv.FormatInt(file.Sequence, 10))
	}
	beyond := quote.Literal(casts.Marker + "a deleted row of the table lies beyond the end of its file: row ")
	return fmt.Sprintf(`INSERT INTO %s
SELECT CASE WHEN pos BETWEEN 0 AND f.rows - 1 THEN (f.at << %d) | pos ELSE error(%s || pos || ' of ' || f.path) END
FROM (SELECT file_path, pos, ([%s]::BIGINT[])[file_index::BIGINT + 1] AS sequence
  FROM read_parquet(%s, hive_partitioning = false)) d
JOIN (SELECT unnest(%s::VARCHAR[]) AS path, unnest([%s]::BIGINT[]) AS sequence, unnest([%s]::BIGINT[]) AS at,
  unnest([%s]::BIGINT[]) AS rows) f
ON f.path = d.file_path AND f.sequence <= d.sequence`, deletedTable(source), FileShift, beyond,
		strings.Join(deletes, ", "), quote.Literals(table.DeletePaths()), quote.Literals(paths),
		strings.Join(sequences, ", "), strings.Join(indexes, ", "), strings.Join(rows, ", "))
}

// vectorRows is how many positions of a vector are handed to DuckDB at a time.
const vectorRows = 1 << 16

// loadVector adds the rows of a deletion vector.
func (r *Set) loadVector(ctx context.Context, source string, at int, file lake.File, place string) error {
	schema := arrow.NewSchema([]arrow.Field{{Name: "o", Type: arrow.PrimitiveTypes.Int64}}, nil)
	builder := array.NewInt64Builder(memory.DefaultAllocator)
	var batches []arrow.RecordBatch
	flush := func() {
		if builder.Len() > 0 {
			column := builder.NewInt64Array()
			batches = append(batches, array.NewRecordBatch(schema, []arrow.Array{column}, int64(column.Len())))
		}
	}
	err := lake.ReadVector(ctx, place, file, func(row int64) error {
		builder.Append(int64(at)<<FileShift | row)
		if builder.Len() == vectorRows {
			flush()
		}
		return nil
	})
	if err != nil {
		return err
	}
	flush()
	reader, err := array.NewRecordReader(schema, batches)
	if err != nil {
		return fmt.Errorf("read the deletion vector of %s: %w", file.Path, err)
	}
	view := fmt.Sprintf("_deleted %d %s", at, source)
	if err := r.session.Register(reader, view); err != nil {
		return err
	}
	return r.session.Exec(ctx, fmt.Sprintf("INSERT INTO %s FROM %s", deletedTable(source), quote.Identifier(view)))
}
