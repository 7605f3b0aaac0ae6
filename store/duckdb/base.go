package duckdb

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/duckdb/quote"
)

// viewRows is the SQL that reads the rows of one view, under the names k0… (keys), e and c (event and created time),
// f0… (features), o (source order, R3) and the text that says where a row is.
type viewRows struct {
	view *feature.View
	// staging, for a SQL source, makes the table that from reads: its rows need an order to break ties by.
	staging []string
	from    string
	// place is the SQL of the text that says where a row is.
	place    string
	keys     []*conversion
	features []*conversion
	event    *conversion
	created  *conversion
	// files are those of a Parquet source.
	files sourceFiles
}

// readView prepares the reading of a view. The table names a SQL source's staging table.
func readView(ctx context.Context, r *relations, view *feature.View, table string) (*viewRows, error) {
	columns, err := r.columns(ctx, view.Source)
	if err != nil {
		return nil, err
	}
	rows := &viewRows{view: view}
	if err := rows.convert(columns); err != nil {
		return nil, err
	}
	if !view.Source.IsQuery() {
		rows.place = filePlace
		rows.read(r.files[view.Source.Name])
		return rows, nil
	}
	rows.stage(internalSchema+"."+table, columns)
	rows.place = quote.Literal("a row of source " + view.Source.Name)
	return rows, nil
}

// fileShift is the bit of a row's position at which the file's index begins, above the row's number in the file.
const fileShift = 40

// read makes the files what rows are read from.
func (v *viewRows) read(files sourceFiles) {
	index, from := fileIndex(files)
	v.files = files
	file, row := duckdbPlaces.file, duckdbPlaces.row
	if places := files.places(); places != duckdbPlaces {
		file, row = places.file+" AS "+file, places.row+" AS "+row
	}
	v.from = fmt.Sprintf("(SELECT %s, ((%s::BIGINT << %d) | %s) AS o, %s, %s FROM %s)",
		v.renamed(), index, fileShift, files.places().row, file, row, from)
}

// pruned reads no more files than may hold rows of the range, or rows that are counted as never to be seen (R3, R8).
func (v *viewRows) pruned(r *relations, times timeRange) *viewRows {
	if v.view.Source.IsQuery() {
		return v
	}
	counted := []string{v.view.Source.EventTimestamp}
	for _, key := range v.view.Keys {
		counted = append(counted, key.Name)
	}
	less := *v
	less.read(r.prune(v.view.Source, times.from, times.to, counted...))
	return &less
}

// described lists the files that the rows are read from; for a SQL source those of all that it reads.
func (v *viewRows) described(r *relations) []feature.Input {
	if v.view.Source.IsQuery() {
		return r.described()
	}
	return r.engine.described(v.view.Source.Name, v.files)
}

// count returns the number of rows of the files by their footers, or a negative number if the footers do not say, as
// for a SQL source.
func (v *viewRows) count() int64 {
	if v.view.Source.IsQuery() {
		return -1
	}
	var rows int64
	for _, footer := range v.files.footers {
		if !footer.read {
			return -1
		}
		rows += footer.rows
	}
	return rows
}

// fileIndex is the SQL of a file's position in source order (R3), and what to read it from. DuckDB's own counts the
// files that are left once a condition on partitions has ruled others out, so it differs from query to query.
func fileIndex(files sourceFiles) (index, from string) {
	if places := files.places(); len(files.partitions) == 0 || places != duckdbPlaces {
		return places.index, scan(files)
	}
	indexes := make([]string, len(files.paths))
	for i := range files.paths {
		indexes[i] = strconv.FormatInt(files.index(i), 10)
	}
	return "_plumb_index", fmt.Sprintf("%s JOIN (SELECT unnest(%s) AS _plumb_path, unnest([%s]) AS _plumb_index) "+
		"ON _plumb_path = filename", scan(files), quote.Literals(files.paths), strings.Join(indexes, ", "))
}

// stage reads a SQL source into a table and numbers its rows in source order. The numbers are joined on by row id
// instead of being selected with the columns: DuckDB returns the columns that it sorts by from its sort keys, in which
// -0.0 has become 0.0.
func (v *viewRows) stage(table string, columns []feature.Column) {
	v.staging = []string{
		fmt.Sprintf("CREATE TABLE %s_read AS\nSELECT %s FROM %s", table, v.renamed(), quote.Identifier(v.view.Source.Name)),
		fmt.Sprintf("CREATE TABLE %[1]s AS\nSELECT r.*, s.o FROM %[1]s_read r\nJOIN (SELECT rowid AS id, row_number() OVER "+
			"(%[2]s) AS o FROM %[1]s_read) s ON s.id = r.rowid", table, v.order(columns)),
		fmt.Sprintf("DROP TABLE %s_read", table),
	}
	v.from = table
}

// convert finds how to bring every column to its declared type. The columns may have changed since apply.
func (v *viewRows) convert(columns []feature.Column) error {
	find := func(name string) (feature.Column, error) {
		at := slices.IndexFunc(columns, func(c feature.Column) bool { return c.Name == name })
		if at < 0 {
			return feature.Column{}, fault.Inputf("", "source %s of view %s has no column %q any more; run plumb validate",
				v.view.Source.Name, v.view.Name, name)
		}
		return columns[at], nil
	}
	typed := func(name string, to plumbv1.Type,
		bring func(string, plumbv1.Type) (*conversion, error),
	) (*conversion, error) {
		column, err := find(name)
		if err != nil {
			return nil, err
		}
		c, err := bringColumn(column, to, bring)
		if slices.ContainsFunc(v.view.Keys, func(key feature.Field) bool { return key.Name == name }) && err == nil {
			err = keyInEveryFile(column)
		}
		if err != nil {
			return nil, fault.Inputf("", "column %q of source %s: %v", name, v.view.Source.Name, err)
		}
		return c, nil
	}
	timed := func(name string) (*conversion, error) {
		column, err := find(name)
		if err != nil {
			return nil, err
		}
		c, err := timeColumn(column)
		if err != nil {
			return nil, fault.Inputf("", "column %q of source %s: %v", name, v.view.Source.Name, err)
		}
		return c, nil
	}
	for _, key := range v.view.Keys {
		c, err := typed(key.Name, key.Type, convertKey)
		if err != nil {
			return err
		}
		v.keys = append(v.keys, c)
	}
	for _, f := range v.view.Features {
		c, err := typed(f.Column, f.Type, convert)
		if err != nil {
			return err
		}
		v.features = append(v.features, c)
	}
	var err error
	if v.event, err = timed(v.view.Source.EventTimestamp); err == nil && v.view.Source.CreatedTimestamp != "" {
		v.created, err = timed(v.view.Source.CreatedTimestamp)
	}
	return err
}

// renamed selects the source's columns under our names.
func (v *viewRows) renamed() string {
	var parts []string
	add := func(column, as string) { parts = append(parts, quote.Identifier(column)+" AS "+as) }
	for i, key := range v.view.Keys {
		add(key.Name, fmt.Sprintf("k%d", i))
	}
	for i, f := range v.view.Features {
		add(f.Column, fmt.Sprintf("f%d", i))
	}
	add(v.view.Source.EventTimestamp, "e")
	if v.created != nil {
		add(v.view.Source.CreatedTimestamp, "c")
	}
	return strings.Join(parts, ", ")
}

// order is the source order of a SQL source's rows: by their feature values in declared order, null lowest (R3). Floats
// that DuckDB takes for equal are ordered by their text, which puts -0.0 before 0.0, and then, for NaN, by their bits.
// Elements of arrays are compared as sort keys, since DuckDB takes a null element for the greatest.
func (v *viewRows) order(columns []feature.Column) string {
	var terms []string
	for i, f := range v.view.Features {
		column := fmt.Sprintf("f%d", i)
		at := slices.IndexFunc(columns, func(c feature.Column) bool { return c.Name == f.Column })
		kind, isArray := strings.CutSuffix(columns[at].Type, "]")
		if isArray {
			kind = kind[:strings.LastIndex(kind, "[")]
			column = fmt.Sprintf("list_transform(%s, lambda element: create_sort_key(%s))", column,
				strings.Join(floatKeys("element", kind, ", 'ASC NULLS FIRST'"), ", "))
			kind = ""
		}
		terms = append(terms, floatKeys(column, kind, " ASC NULLS FIRST")...)
	}
	return "ORDER BY " + strings.Join(terms, ", ")
}

// floatKeys are the terms that order values of a type: three for floats, one for all others.
func floatKeys(value, kind, suffix string) []string {
	if kind != "FLOAT" && kind != "DOUBLE" {
		return []string{value + suffix}
	}
	return []string{value + suffix, "CAST(" + value + " AS VARCHAR)" + suffix, "CAST(" + value + " AS BIT)" + suffix}
}

// noCreated represents a null created time in comparisons: null is lowest (R3).
const noCreated = "-9223372036854775808"

// eventTime is a row's event time in microseconds.
func (v *viewRows) eventTime() string { return v.time(v.event, "e", v.view.Source.EventTimestamp) }

// visible is the instant in microseconds at which a row becomes visible: its event time; asKnown, not before it was
// known (R4).
func (v *viewRows) visible(asKnown bool) string {
	if !asKnown {
		return v.eventTime()
	}
	return "greatest(" + v.eventTime() + ", " + v.createdTime() + ")"
}

// timeRange bounds event times in microseconds, inclusively. A bound is nil if there is none.
type timeRange struct{ from, to *int64 }

// within returns the condition that a row's event time is in the range, in the form that DuckDB compares with the
// statistics of row groups. It is omitted if the source has its times in another form.
func (v *viewRows) within(times timeRange) string {
	if v.event.instant == "" {
		return ""
	}
	where := ""
	if times.from != nil {
		where += fmt.Sprintf(" AND e >= %s(%d)", v.event.instant, *times.from)
	}
	if times.to != nil {
		where += fmt.Sprintf(" AND e <= %s(%d)", v.event.instant, *times.to)
	}
	return where
}

// infinite returns the queries that raise an error if a time is infinite. If the files have statistics, the queries
// read nothing.
func (v *viewRows) infinite() []string {
	var queries []string
	add := func(c *conversion, name, column string) {
		if c != nil && c.instant != "" {
			queries = append(queries, fmt.Sprintf("SELECT count(%s) FROM %s WHERE %s IN ('infinity', '-infinity')",
				c.sql(name, quote.Literal(fmt.Sprintf("column %q", column)), v.place), v.from, name))
		}
	}
	add(v.event, "e", v.view.Source.EventTimestamp)
	add(v.created, "c", v.view.Source.CreatedTimestamp)
	return queries
}

// createdTime is a row's created time in microseconds, or null. asKnown leaves out rows that have none, since when they
// became known is not known (R4).
func (v *viewRows) createdTime() string {
	if v.created == nil {
		return "NULL::BIGINT"
	}
	return v.time(v.created, "c", v.view.Source.CreatedTimestamp)
}

// places are the columns that say where a row is, of the alias.
func (v *viewRows) places(alias string) []string {
	if v.view.Source.IsQuery() {
		return nil
	}
	if alias != "" {
		alias += "."
	}
	return []string{alias + "filename", alias + "file_row_number"}
}

// typedKeys are the keys, brought to their declared types (R9).
func (v *viewRows) typedKeys() []string {
	columns := make([]string, len(v.keys))
	for i, key := range v.keys {
		name := fmt.Sprintf("k%d", i)
		columns[i] = key.sql(name, quote.Literal(fmt.Sprintf("column %q", v.view.Keys[i].Name)), v.place)
	}
	return columns
}

// time is a time column in microseconds. Infinite times, which infinite refuses, may come out as null.
func (v *viewRows) time(c *conversion, name, column string) string {
	if c.instant != "" {
		return strings.ReplaceAll(c.value, "$", name)
	}
	return c.sql(name, quote.Literal(fmt.Sprintf("column %q", column)), v.place)
}

// usable is the condition that a row has a time and all keys.
func (v *viewRows) usable() string {
	return "e IS NOT NULL" + quote.Each(quote.Numbered("k", len(v.keys)), " AND $ IS NOT NULL", "")
}

// countUnusable counts the rows that can never be seen: null times, and null keys. Where the files' footers say that
// there are none, no row is read.
func (v *viewRows) countUnusable(ctx context.Context, s *session, r *relations) (nullTimes, nullKeys int64, err error) {
	if v.noneUnusable(r) {
		return 0, 0, nil
	}
	query := fmt.Sprintf("SELECT count(*) FILTER (WHERE e IS NULL), "+
		"count(*) FILTER (WHERE e IS NOT NULL AND NOT (%s)) FROM %s", v.usable(), v.from)
	return nullTimes, nullKeys, s.QueryRow(ctx, query, &nullTimes, &nullKeys)
}

// noneUnusable says whether the footers promise that no key and no event time is null.
func (v *viewRows) noneUnusable(r *relations) bool {
	files, ok := r.files[v.view.Source.Name]
	if !ok {
		return false
	}
	columns := []string{v.view.Source.EventTimestamp}
	for _, key := range v.view.Keys {
		columns = append(columns, key.Name)
	}
	for i := range files.paths {
		if files.mayHoldNulls(i, columns) {
			return false
		}
	}
	return true
}

// value returns the typed feature at a position of the view, from the column that has it. The alias refers to the row.
func (v *viewRows) value(alias, column string, f int) string {
	qualify := strings.NewReplacer("file_row_number", alias+".file_row_number", "filename", alias+".filename")
	place := qualify.Replace(v.place)
	return v.features[f].sql(column, quote.Literal(fmt.Sprintf("column %q", v.view.Features[f].Column)), place)
}
