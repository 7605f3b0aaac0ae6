package duckdb

import (
	"fmt"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/duckdb/casts"
	"github.com/plumbstore/plumb/store/duckdb/quote"
)

// viewColumns is the SQL of the columns of a view's rows, over the names that viewRows gives them.
type viewColumns struct {
	view     *feature.View
	keys     []*casts.Cast
	features []*casts.Cast
	event    *casts.Cast
	created  *casts.Cast
	// place is the SQL of the text that says where a row is.
	place string
}

// convert finds how to bring every column to its declared type. The columns may have changed since apply.
func (v *viewColumns) convert(columns []feature.Column) error {
	find := func(name string) (feature.Column, error) {
		at := slices.IndexFunc(columns, func(c feature.Column) bool { return c.Name == name })
		if at < 0 {
			return feature.Column{}, fault.Inputf("", "source %s of view %s has no column %q any more; run plumb validate",
				v.view.Source.Name, v.view.Name, name)
		}
		return columns[at], nil
	}
	typed := func(name string, to plumbv1.Type,
		bring func(feature.Column, plumbv1.Type) (*casts.Cast, error),
	) (*casts.Cast, error) {
		column, err := find(name)
		if err != nil {
			return nil, err
		}
		c, err := bring(column, to)
		if err != nil {
			return nil, fault.Inputf("", "column %q of source %s: %v", name, v.view.Source.Name, err)
		}
		return c, nil
	}
	timed := func(name string) (*casts.Cast, error) {
		column, err := find(name)
		if err != nil {
			return nil, err
		}
		c, err := casts.OfTime(column)
		if err != nil {
			return nil, fault.Inputf("", "column %q of source %s: %v", name, v.view.Source.Name, err)
		}
		return c, nil
	}
	for i, key := range v.view.Keys {
		c, err := typed(v.view.KeyColumn(i), key.Type, casts.OfKey)
		if err != nil {
			return err
		}
		v.keys = append(v.keys, c)
	}
	for _, f := range v.view.Features {
		c, err := typed(f.Column, f.Type, casts.OfColumn)
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
func (v *viewColumns) renamed() string {
	var parts []string
	add := func(column, as string) { parts = append(parts, quote.Identifier(column)+" AS "+as) }
	for i := range v.view.Keys {
		add(v.view.KeyColumn(i), fmt.Sprintf("k%d", i))
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

// sourceOrder is that of a SQL source's rows: by their feature values in declared order, null lowest (R3). Floats
// that DuckDB takes for equal are ordered by their text, which puts -0.0 before 0.0, and then, for NaN, by their bits.
// Elements of arrays are compared as sort keys, since DuckDB takes a null element for the greatest.
func (v *viewColumns) sourceOrder(columns []feature.Column) string {
	var terms []string
	for i, f := range v.view.Features {
		column := fmt.Sprintf("f%d", i)
		at := slices.IndexFunc(columns, func(c feature.Column) bool { return c.Name == f.Column })
		kind, isArray := strings.CutSuffix(columns[at].Type, "]")
		if isArray {
			kind = kind[:strings.LastIndex(kind, "[")]
			column = fmt.Sprintf("list_transform(%s, lambda element: create_sort_key(%s))", v.ordered(i, column, kind),
				strings.Join(floatKeys("element", kind, ", 'ASC NULLS FIRST'"), ", "))
			kind = ""
		} else if as := v.ordered(i, column, kind); as != column {
			// A value that does not fit is greatest, so that the row with it is refused rather than another one chosen.
			terms = append(terms, fmt.Sprintf("(%s IS NOT NULL AND %s IS NULL) ASC", column, as))
			column = as
		}
		terms = append(terms, floatKeys(column, kind, " ASC NULLS FIRST")...)
	}
	if terms == nil {
		return "" // Rows without features are all alike.
	}
	return "ORDER BY " + strings.Join(terms, ", ")
}

// ordered is the value of a column that a feature's values are ordered by. Columns of most types have the order of the
// feature; but times that are equal in microseconds may differ in nanoseconds, and DuckDB orders an enum by its list.
func (v *viewColumns) ordered(feature int, column, kind string) string {
	if kind == "TIMESTAMP_NS" || strings.HasPrefix(kind, "ENUM(") {
		return v.features[feature].OrNull(column, "item")
	}
	return column
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
func (v *viewColumns) eventTime() string { return v.time(v.event, "e", v.view.Source.EventTimestamp) }

// visible is the instant in microseconds at which a row becomes visible: its event time; asKnown, not before it was
// known (R4).
func (v *viewColumns) visible(asKnown bool) string {
	if !asKnown {
		return v.eventTime()
	}
	return "greatest(" + v.eventTime() + ", " + v.createdTime() + ")"
}

// createdTime is a row's created time in microseconds, or null. asKnown leaves out rows that have none, since when they
// became known is not known (R4).
func (v *viewColumns) createdTime() string {
	if v.created == nil {
		return "NULL::BIGINT"
	}
	return v.time(v.created, "c", v.view.Source.CreatedTimestamp)
}

// time is a time column in microseconds. Infinite times, which infinite refuses, may come out as null.
func (v *viewColumns) time(c *casts.Cast, name, column string) string {
	if c.Instant != "" {
		return c.Unchecked(name)
	}
	return c.SQL(name, quote.Literal(fmt.Sprintf("column %q", column)), v.place)
}

// typedKeys are the keys, brought to their declared types (R9).
func (v *viewColumns) typedKeys() []string {
	columns := make([]string, len(v.keys))
	for i, key := range v.keys {
		name := fmt.Sprintf("k%d", i)
		columns[i] = key.SQL(name, quote.Literal(fmt.Sprintf("column %q", v.view.KeyColumn(i))), v.place)
	}
	return columns
}

// value returns the typed feature at a position of the view, from the column that has it. The alias refers to the row.
func (v *viewColumns) value(alias, column string, f int) string {
	qualify := strings.NewReplacer("file_row_number", alias+".file_row_number", "filename", alias+".filename")
	place := qualify.Replace(v.place)
	return v.features[f].SQL(column, quote.Literal(fmt.Sprintf("column %q", v.view.Features[f].Column)), place)
}

// usable is the condition that a row has a time and all keys.
func (v *viewColumns) usable() string {
	return "e IS NOT NULL" + quote.Each(quote.Numbered("k", len(v.keys)), " AND $ IS NOT NULL", "")
}

// within returns the condition that a row's event time is in the range, in the form that DuckDB compares with the
// statistics of row groups. It is omitted if the source has its times in another form.
func (v *viewColumns) within(times timeRange) string {
	if v.event.Instant == "" {
		return ""
	}
	where := ""
	if times.from != nil {
		where += fmt.Sprintf(" AND e >= %s(%d)", v.event.Instant, *times.from)
	}
	if times.to != nil {
		where += fmt.Sprintf(" AND e <= %s(%d)", v.event.Instant, *times.to)
	}
	return where
}

// timeRange bounds event times in microseconds, inclusively. A bound is nil if there is none.
type timeRange struct{ from, to *int64 }

// required are the columns of the source without which a row can never be seen.
func (v *viewColumns) required() []string {
	columns := []string{v.view.Source.EventTimestamp}
	for i := range v.view.Keys {
		columns = append(columns, v.view.KeyColumn(i))
	}
	return columns
}

// readColumns are the columns that the view reads.
func (v *viewColumns) readColumns() []string {
	names := []string{v.view.Source.EventTimestamp, v.view.Source.CreatedTimestamp}
	for _, column := range v.view.Columns() {
		names = append(names, column.Name)
	}
	return names
}

// typedColumn is a column of a view's rows that is brought to a declared type.
type typedColumn struct {
	conversion *casts.Cast
	// sql is our name of it, and name the user's.
	sql, name string
}

func (v *viewColumns) keyColumns() []typedColumn {
	var columns []typedColumn
	for i, key := range v.keys {
		columns = append(columns, typedColumn{key, fmt.Sprintf("k%d", i), v.view.KeyColumn(i)})
	}
	return columns
}

func (v *viewColumns) featureColumns() []typedColumn {
	var columns []typedColumn
	for i, feature := range v.features {
		columns = append(columns, typedColumn{feature, fmt.Sprintf("f%d", i), v.view.Features[i].Column})
	}
	return columns
}
