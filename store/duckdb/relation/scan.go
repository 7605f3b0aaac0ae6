package relation

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/plumbstore/plumb/store/duckdb/casts"
	"github.com/plumbstore/plumb/store/duckdb/parquetfooter"
	"github.com/plumbstore/plumb/store/duckdb/quote"
	"github.com/plumbstore/plumb/store/duckdb/sourcefiles"
)

// places are the names of the columns that say where a row of a scan is.
type places struct{ file, row, index string }

// DuckDB has columns for that, which a file's own columns of the same names hide.
var (
	duckdbPlaces = places{file: "filename", row: "file_row_number", index: "file_index"}
	ownPlaces    = places{file: "_plumb_file", row: "_plumb_row", index: "_plumb_index"}
)

// places are those of the scan of the files.
func (t Table) places() places {
	if t.hidesPlaces() {
		return ownPlaces
	}
	return duckdbPlaces
}

// hidesPlaces says whether a column of the files has the name of one of DuckDB's.
func (t Table) hidesPlaces() bool {
	isPlace := func(name string) bool {
		return slices.Contains([]string{duckdbPlaces.file, duckdbPlaces.row, duckdbPlaces.index}, strings.ToLower(name))
	}
	for i, footer := range t.Footers {
		// Files of a lake table may have columns that it does not have any more.
		hides := func(c parquetfooter.Column) bool { return isPlace(c.Stored) }
		if t.IsOfLake(i) && slices.ContainsFunc(footer.Columns, hides) {
			return true
		}
	}
	return slices.ContainsFunc(t.schema.columns, func(c unifiedColumn) bool { return isPlace(c.name) })
}

// FilePlace is the SQL of the text that says where a row of a file is.
const FilePlace = "'row ' || (file_row_number + 1) || ' of ' || filename"

// Table is the files of a source that are read as one, in the schema that they have in common.
type Table struct {
	sourcefiles.Files
	schema *unified
}

// Scan is the FROM item that reads the files: the columns of the source, each converted to the one type that all files'
// values fit, and besides them the places: file, row and, if there are no partitions, index, the file's place in source
// order (R3). A condition on partitions rules files out before DuckDB counts them.
//
// Partition values stay the text that they are in the folders' names; conversions parse them exactly.
func (t Table) Scan() string {
	if t.IsText() {
		return t.scanTexts()
	}
	names, _ := t.Layouts()
	if len(names) == 1 && t.AreAll() && t.IsPlain() && !t.hidesPlaces() && t.Lake() == nil {
		return t.readParquet(nil)
	}
	return "(" + strings.Join(t.reads(true), "\nUNION ALL ") + ")"
}

// FileShift is the bit of a row's position at which the file's index begins, above the row's number in the file.
const FileShift = 40

// Positioned is the FROM item of some columns of the files' rows, with o, a row's position in source order (R3): its
// file's index and its number in the file in one number. The columns filename and file_row_number say where a row is.
func (t Table) Positioned(columns string) string {
	index, from := t.fileIndex()
	file, row := duckdbPlaces.file, duckdbPlaces.row
	if places := t.places(); places != duckdbPlaces {
		file, row = places.file+" AS "+file, places.row+" AS "+row
	}
	return fmt.Sprintf("(SELECT %s, ((%s::BIGINT << %d) | %s) AS o, %s, %s FROM %s)",
		columns, index, FileShift, t.places().row, file, row, from)
}

// fileIndex is the SQL of a file's position in source order (R3), and what to read it from. DuckDB's own counts the
// files that are left once a condition on partitions has ruled others out, so it differs from query to query.
func (t Table) fileIndex() (index, from string) {
	if places := t.places(); len(t.Partitions) == 0 || places != duckdbPlaces {
		return places.index, t.Scan()
	}
	indexes := make([]string, len(t.Paths))
	for i := range t.Paths {
		indexes[i] = strconv.FormatInt(t.Index(i), 10)
	}
	return "_plumb_index", fmt.Sprintf("%s JOIN (SELECT unnest(%s) AS _plumb_path, unnest([%s]) AS _plumb_index) "+
		"ON _plumb_path = filename", t.Scan(), quote.Literals(t.Paths), strings.Join(indexes, ", "))
}

// PrunedTo is the table of the files that may hold rows of a range of event times; see sourcefiles.Files.Prune.
func (t Table) PrunedTo(event string, from, to *int64, counted []string) Table {
	t.Files = t.Prune(event, from, to, counted...)
	return t
}

// scanForQueries returns the query with which a SQL source reads the files: their columns alone. Zoned nanoseconds that
// DuckDB truncated towards 1970 are refused here, since a query cannot know of them.
func (t Table) scanForQueries() string {
	return t.renameUnreadable(strings.Join(t.reads(false), "\nUNION ALL "))
}

// readParquet is the table function over the files at these positions; nil for all.
func (t Table) readParquet(positions []int) string {
	paths := t.Paths
	if positions != nil {
		paths = make([]string, len(positions))
		for i, position := range positions {
			paths[i] = t.Paths[position]
		}
	}
	partitions := "hive_partitioning = false"
	if len(t.Partitions) > 0 {
		partitions = "hive_partitioning = true, hive_types_autocast = false"
	}
	return fmt.Sprintf("read_parquet(%s, %s)", quote.Literals(paths), partitions)
}

// readLayout selects the columns of the source from the files of one layout, with the rows' places or without.
func (t Table) readLayout(layout string, positions []int, places bool) string {
	if t.hidesPlaces() {
		return t.readOneByOne(layout, positions, places)
	}
	var columns []string
	for _, column := range t.schema.columns {
		value := t.columnOf(layout, column, positions, "file_index::BIGINT", !places, FilePlace)
		columns = append(columns, value+" AS "+quote.Identifier(column.alias(!places)))
	}
	columns = append(columns, quote.Identifiers(t.Partitions)...)
	if places {
		columns = append(columns, "filename", "file_row_number")
		if len(t.Partitions) == 0 {
			columns = append(columns, t.placesOf(positions)+" AS file_index")
		}
	}
	return fmt.Sprintf("SELECT %s FROM %s%s", strings.Join(columns, ", "), t.readParquet(positions),
		t.withoutDeleted(positions, t.placesOf(positions), duckdbPlaces.row))
}

// readOneByOne is readLayout for files whose columns hide those with which DuckDB says where a row is. Rows are
// numbered as they come, which is in their order, on one thread for each file.
func (t Table) readOneByOne(layout string, positions []int, places bool) string {
	reads := make([]string, len(positions))
	for i, position := range positions {
		path := quote.Literal(t.Paths[position])
		place := fmt.Sprintf("'row ' || (%s + 1) || ' of ' || %s", ownPlaces.row, path)
		var columns []string
		for _, column := range t.schema.columns {
			columns = append(columns,
				t.columnOf(layout, column, []int{position}, "0", !places, place)+" AS "+quote.Identifier(column.alias(!places)))
		}
		columns = append(columns, quote.Identifiers(t.Partitions)...)
		if places {
			columns = append(columns, path+" AS "+ownPlaces.file, ownPlaces.row,
				fmt.Sprintf("%d AS %s", t.Index(position), ownPlaces.index))
		}
		reads[i] = fmt.Sprintf("SELECT %s FROM (SELECT *, row_number() OVER () - 1 AS %s FROM %s)%s",
			strings.Join(columns, ", "), ownPlaces.row, t.readParquet([]int{position}),
			t.withoutDeleted(positions, strconv.FormatInt(t.Index(position), 10), ownPlaces.row))
	}
	return strings.Join(reads, "\nUNION ALL ")
}

// placesOf is the SQL of the place in source order of the files that DuckDB counts from 0.
func (t Table) placesOf(positions []int) string {
	indexes := make([]string, len(positions))
	for i, position := range positions {
		indexes[i] = strconv.FormatInt(t.Index(position), 10)
	}
	return fmt.Sprintf("[%s][file_index::BIGINT + 1]", strings.Join(indexes, ", "))
}

// sql is the expression of a column in files of a layout. A file that has no such column has nulls there. The place is
// the SQL of the text that says where a row is.
func (u *unified) sql(layout string, column unifiedColumn, forQuery bool, place string) string {
	own, ok := u.byLayout[layout][strings.ToLower(column.name)]
	to := column.typeName
	if strings.Contains(to, casts.ZonedNanoseconds) && (forQuery || !ok || own.untyped) {
		to = strings.Replace(to, casts.ZonedNanoseconds, "TIMESTAMP WITH TIME ZONE", 1)
	}
	if column.unreadable != "" {
		return fmt.Sprintf("CAST(error(%s) AS %s)", quote.Literal(casts.Marker+column.unreadable), to)
	}
	if !ok || own.untyped {
		return "CAST(NULL AS " + to + ")"
	}
	name := quote.Identifier(own.stored)
	c, err := casts.Widening(own.typeName, to)
	if err != nil || c.IsIdentity() {
		return name // Widened found to, so there is a way.
	}
	return c.SQL(name, quote.Literal(fmt.Sprintf("column %q", column.name)), place)
}
