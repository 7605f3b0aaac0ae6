package relation

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/duckdb/duckdb-go/v2"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store/duckdb/quote"
	"github.com/plumbstore/plumb/store/duckdb/sqlcheck"
)

// createView makes a view of a query. The statement so far says how. The query has lines of its own, so that errors
// tell its lines, and a comment at its end swallows nothing. A semicolon may end a statement and may not end a
// subquery.
func (r *Set) createView(ctx context.Context, create, query string) error {
	query = strings.TrimRight(query, "; \t\r\n")
	err := r.session.ExecUnexplained(ctx, create+" AS FROM (\n"+query+"\n)")
	return r.explainIn(ctx, query, err)
}

// createQuery makes the view of a SQL source: first of the query as it was written, for its mistakes and the names of
// its columns, and then of the query with an order for its aggregates.
func (r *Set) createQuery(ctx context.Context, source *feature.Source, query *sqlcheck.Query) error {
	asWritten, _ := source.Query()
	err := r.createView(ctx, "CREATE VIEW "+quote.Identifier(source.Name), asWritten)
	if err != nil || len(query.Ordered) == 0 {
		return err
	}
	written, err := r.describe(ctx, source.Name)
	if err != nil {
		return err
	}
	var names []string
	for _, column := range written {
		names = append(names, quote.Identifier(column.Name))
	}
	replaced := fmt.Sprintf("CREATE OR REPLACE VIEW %s(%s)", quote.Identifier(source.Name), strings.Join(names, ", "))
	err = r.createView(ctx, replaced, query.Text)
	if _, ok := errors.AsType[*fault.InputError](err); ok {
		return sqlcheck.Unordered(query.Ordered)
	}
	if err != nil {
		return err
	}
	run, err := r.describe(ctx, source.Name)
	if err == nil && !reflect.DeepEqual(written, run) {
		return sqlcheck.Unordered(query.Ordered)
	}
	return err
}

// describe lists the columns of a view. DuckDB binds the query for that and reads no rows.
func (r *Set) describe(ctx context.Context, view string) ([]feature.Column, error) {
	var columns []feature.Column
	err := r.session.QueryRows(ctx, "SELECT column_name, column_type FROM (DESCRIBE FROM "+quote.Identifier(view)+")",
		func(rows *sql.Rows) error {
			var column feature.Column
			err := rows.Scan(&column.Name, &column.Type)
			columns = append(columns, column)
			return err
		})
	return columns, err
}

// explainIn is Session.Explain for a mistake in a query that a statement has from its second line on. It names the
// place.
func (r *Set) explainIn(ctx context.Context, query string, err error) error {
	explained := r.session.Explain(ctx, err)
	input, isInput := errors.AsType[*fault.InputError](explained)
	failure, isFault := errors.AsType[*duckdb.Error](err)
	if !isInput || !isFault {
		return explained
	}
	switch at := sqlcheck.PlaceOfMark(query, failure.Msg); {
	case at.Line == 0:
		return input
	case at.Column == 0:
		return &fault.InputError{Message: fmt.Sprintf("line %d: %s", at.Line, input.Message), Excerpt: at.Excerpt()}
	default:
		return &fault.InputError{Excerpt: at.Excerpt(),
			Message: fmt.Sprintf("line %d, column %d: %s", at.Line, at.Column, input.Message)}
	}
}
