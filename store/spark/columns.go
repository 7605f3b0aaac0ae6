package spark

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store/spark/connect"
)

// Columns implements offline.Inspector. Of a SQL source the embedded engine and Spark have to give the same columns.
func (e *Engine) Columns(ctx context.Context, source *feature.Source) ([]feature.Column, error) {
	columns, err := e.Engine.Columns(ctx, source)
	if err == nil && source.IsQuery() {
		err = e.compareColumns(ctx, source, columns)
	}
	return columns, err
}

// ColumnsOfEach implements offline.Inspector.
func (e *Engine) ColumnsOfEach(ctx context.Context, sources []*feature.Source,
	found func(*feature.Source, []feature.Column, error) error,
) error {
	return e.Engine.ColumnsOfEach(ctx, sources, func(source *feature.Source, columns []feature.Column, err error) error {
		if err == nil && source.IsQuery() {
			err = e.compareColumns(ctx, source, columns)
		}
		return found(source, columns, err)
	})
}

// compareColumns asks Spark for the columns of a SQL source, and compares names and families of types. Within a family
// the two may differ: DuckDB sums whole numbers to HUGEINT, Spark to BIGINT. Whether each value fits is for a reading
// to find (R9).
func (e *Engine) compareColumns(ctx context.Context, source *feature.Source, columns []feature.Column) (err error) {
	inputs, err := e.Inputs(ctx, []*feature.Source{source})
	if err != nil {
		return err
	}
	q := &queryReading{engine: e, inputs: inputs}
	if err := q.define(ctx, source); err != nil {
		return err
	}
	session, err := connect.Dial(ctx, e.config.Server)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, session.Close(ctx)) }()
	described, err := q.describe(ctx, session, source)
	if err != nil {
		return err
	}
	var differing []error
	for _, column := range columns {
		at := slices.IndexFunc(described, func(c connect.Column) bool { return strings.EqualFold(c.Name, column.Name) })
		switch {
		case at < 0:
			differing = append(differing, fault.Inputf("", "column %q of source %s is there by DuckDB and not by Spark",
				column.Name, source.Name))
		case family(column.Type) != family(described[at].Type):
			differing = append(differing, fault.Inputf("", "column %q of source %s is %s by DuckDB and %s by Spark",
				column.Name, source.Name, column.Type, described[at].Type))
		}
	}
	return errors.Join(differing...)
}

// family is what types of both engines have in common whose values may be the same.
func family(t string) string {
	if element, ok := strings.CutSuffix(t, "[]"); ok {
		return "array of " + family(element)
	}
	if element, ok := elementOf(t); ok {
		return "array of " + family(element)
	}
	name, _, _ := strings.Cut(t, "(")
	switch strings.TrimSpace(name) {
	case "TINYINT", "SMALLINT", "INT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
		"UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL":
		return "number"
	case "TIMESTAMP", "TIMESTAMP_NTZ", "TIMESTAMP WITH TIME ZONE", "TIMESTAMP_NS", "TIMESTAMP_MS", "TIMESTAMP_S", "DATE":
		return "time"
	case "VARCHAR", "STRING", "ENUM", "UUID", "JSON":
		return "text"
	case "BLOB", "BINARY":
		return "bytes"
	}
	return t
}
