package duckdb

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/plumbstore/plumb/store/duckdb/quote"
)

// places are the names of the columns that say where a row of a scan is.
type places struct{ file, row, index string }

// DuckDB has columns for that, which a file's own columns of the same names hide.
var (
	duckdbPlaces = places{file: "filename", row: "file_row_number", index: "file_index"}
	ownPlaces    = places{file: "_plumb_file", row: "_plumb_row", index: "_plumb_index"}
)

// places are those of the scan of the files.
func (f sourceFiles) places() places {
	if f.hidesPlaces() {
		return ownPlaces
	}
	return duckdbPlaces
}

// hidesPlaces says whether a column of the files has the name of one of DuckDB's.
func (f sourceFiles) hidesPlaces() bool {
	return slices.ContainsFunc(f.unified.columns, func(c unifiedColumn) bool {
		return slices.Contains([]string{duckdbPlaces.file, duckdbPlaces.row, duckdbPlaces.index}, strings.ToLower(c.name))
	})
}

// filePlace is the SQL of the text that says where a row of a file is.
const filePlace = "'row ' || (file_row_number + 1) || ' of ' || filename"

// scan is the FROM item that reads the files: the columns of the source, each converted to the one type that all files'
// values fit, and besides them the places: file, row and, if there are no partitions, index, the file's place in source
// order (R3). A condition on partitions rules files out before DuckDB counts them.
//
// Partition values stay the text that they are in the folders' names; conversions parse them exactly.
func scan(files sourceFiles) string {
	if files.isText() {
		return files.scanTexts()
	}
	names, positions := files.layouts()
	if len(names) == 1 && files.indexes == nil && files.isPlain() && !files.hidesPlaces() {
		return files.readParquet(nil)
	}
	reads := make([]string, len(names))
	for i, name := range names {
		reads[i] = files.readLayout(name, positions[name], true)
	}
	return "(" + strings.Join(reads, "\nUNION ALL ") + ")"
}

// scanForQueries returns the query with which a SQL source reads the files: their columns alone. Zoned nanoseconds that
// DuckDB truncated towards 1970 are refused here, since a query cannot know of them.
func scanForQueries(files sourceFiles) string {
	names, positions := files.layouts()
	reads := make([]string, len(names))
	for i, name := range names {
		reads[i] = files.readLayout(name, positions[name], false)
	}
	return files.renameUnreadable(strings.Join(reads, "\nUNION ALL "))
}

// isPlain says that the only layout has the columns as they are to be.
func (f sourceFiles) isPlain() bool { return len(f.partitions) == 0 || len(f.foreign) == 0 }

// readParquet is the table function over the files at these positions; nil for all.
func (f sourceFiles) readParquet(positions []int) string {
	paths := f.paths
	if positions != nil {
		paths = make([]string, len(positions))
		for i, position := range positions {
			paths[i] = f.paths[position]
		}
	}
	partitions := "hive_partitioning = false"
	if len(f.partitions) > 0 {
		partitions = "hive_partitioning = true, hive_types_autocast = false"
	}
	return fmt.Sprintf("read_parquet(%s, %s)", quote.Literals(paths), partitions)
}

// readLayout selects the columns of the source from the files of one layout, with the rows' places or without.
func (f sourceFiles) readLayout(layout string, positions []int, places bool) string {
	if f.hidesPlaces() {
		return f.readOneByOne(layout, positions, places)
	}
	var columns []string
	for _, column := range f.unified.columns {
		columns = append(columns,
			f.unified.sql(layout, column, !places, filePlace)+" AS "+quote.Identifier(column.alias(!places)))
	}
	columns = append(columns, quote.Identifiers(f.partitions)...)
	if places {
		columns = append(columns, "filename", "file_row_number")
		if len(f.partitions) == 0 {
			columns = append(columns, f.placesOf(positions)+" AS file_index")
		}
	}
	return fmt.Sprintf("SELECT %s FROM %s", strings.Join(columns, ", "), f.readParquet(positions))
}

// readOneByOne is readLayout for files whose columns hide those with which DuckDB says where a row is. Rows are
// numbered as they come, which is in their order, on one thread for each file.
func (f sourceFiles) readOneByOne(layout string, positions []int, places bool) string {
	reads := make([]string, len(positions))
	for i, position := range positions {
		path := quote.Literal(f.paths[position])
		place := fmt.Sprintf("'row ' || (%s + 1) || ' of ' || %s", ownPlaces.row, path)
		var columns []string
		for _, column := range f.unified.columns {
			columns = append(columns,
				f.unified.sql(layout, column, !places, place)+" AS "+quote.Identifier(column.alias(!places)))
		}
		columns = append(columns, quote.Identifiers(f.partitions)...)
		if places {
			columns = append(columns, path+" AS "+ownPlaces.file, ownPlaces.row,
				fmt.Sprintf("%d AS %s", f.index(position), ownPlaces.index))
		}
		reads[i] = fmt.Sprintf("SELECT %s FROM (SELECT *, row_number() OVER () - 1 AS %s FROM %s)",
			strings.Join(columns, ", "), ownPlaces.row, f.readParquet([]int{position}))
	}
	return strings.Join(reads, "\nUNION ALL ")
}

// placesOf is the SQL of the place in source order of the files that DuckDB counts from 0.
func (f sourceFiles) placesOf(positions []int) string {
	indexes := make([]string, len(positions))
	for i, position := range positions {
		indexes[i] = strconv.FormatInt(f.index(position), 10)
	}
	return fmt.Sprintf("[%s][file_index::BIGINT + 1]", strings.Join(indexes, ", "))
}

// sql is the expression of a column in files of a layout. A file that has no such column has nulls there. The place is
// the SQL of the text that says where a row is.
func (u *unified) sql(layout string, column unifiedColumn, forQuery bool, place string) string {
	own, ok := u.byLayout[layout][strings.ToLower(column.name)]
	to := column.typeName
	if strings.Contains(to, nanosecondsUTC) && (forQuery || !ok || own.untyped) {
		to = strings.Replace(to, nanosecondsUTC, "TIMESTAMP WITH TIME ZONE", 1)
	}
	if column.unreadable != "" {
		return fmt.Sprintf("CAST(error(%s) AS %s)", quote.Literal(castMarker+column.unreadable), to)
	}
	if !ok || own.untyped {
		return "CAST(NULL AS " + to + ")"
	}
	name := quote.Identifier(own.name)
	c, err := widening(own.typeName, to)
	if err != nil || c.isIdentity() {
		return name // widened found to, so there is a way.
	}
	return c.sql(name, quote.Literal(fmt.Sprintf("column %q", column.name)), place)
}
