package spark

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store/spark/connect"
)

// queryReading is the SQL of a SQL source: a chain of named relations, one for each source that the query reads and the
// query itself.
type queryReading struct {
	engine *Engine
	inputs []feature.Input
	// defined are the sources that have relations, and relations their definitions, in an order in which none comes
	// before those that it reads.
	defined   []*feature.Source
	relations []string
}

// readQuery plans the reading of the rows of a view of a SQL source.
func (o *operation) readQuery(ctx context.Context, view *feature.View, inputs []feature.Input) (*rows, error) {
	q := &queryReading{engine: o.engine, inputs: inputs}
	if err := q.define(ctx, view.Source); err != nil {
		return nil, err
	}
	before := strings.Join(q.relations, ",\n") + ",\n"
	described, err := q.describe(ctx, o.session, view.Source)
	if err != nil {
		return nil, err
	}
	types := map[string]string{}
	r := &rows{view: view, byValue: true}
	var names []string
	for _, name := range neededColumns(view, nil) {
		at := slices.IndexFunc(described, func(c connect.Column) bool { return strings.EqualFold(c.Name, name) })
		if at < 0 {
			return nil, fault.Inputf("", "column %q of source %s is not there, or not read by Spark", name, view.Source.Name)
		}
		types[name] = described[at].Type
		names = append(names, identifier(name))
	}
	r.columns = names
	return r, r.define(before, "SELECT "+strings.Join(names, ", ")+" FROM "+identifier(view.Source.Name), types)
}

// describe lists the columns of a source that is defined.
func (q *queryReading) describe(ctx context.Context, session *connect.Session, source *feature.Source) (
	[]connect.Column, error,
) {
	columns, err := session.Schema(ctx,
		"WITH "+strings.Join(q.relations, ",\n")+"\nSELECT * FROM "+identifier(source.Name))
	return columns, inQuery(source, err)
}

// define adds the relation of a source after those of the sources that it reads.
func (q *queryReading) define(ctx context.Context, source *feature.Source) error {
	if slices.Contains(q.defined, source) {
		return nil
	}
	text, err := q.text(ctx, source)
	if err != nil {
		return err
	}
	q.defined = append(q.defined, source)
	q.relations = append(q.relations, fmt.Sprintf("%s AS (\n%s\n)", identifier(source.Name), text))
	return nil
}

// text is the SQL of a source, whose own sources are defined.
func (q *queryReading) text(ctx context.Context, source *feature.Source) (string, error) {
	if query, ok := source.Kind.(feature.Query); ok {
		text := strings.TrimRight(cmp.Or(query.Spark, query.SQL), "; \t\r\n")
		return text, q.defineRead(ctx, source, text)
	}
	t, err := q.engine.tableOf(ctx, source, q.inputs)
	if err != nil {
		return "", err
	}
	return t.rows(t.readable(), false)
}

// defineRead defines the sources that a query names. Those are among the sources whose names are words of the query,
// and that read nothing which the query does not read; what it reads is known from the embedded engine.
func (q *queryReading) defineRead(ctx context.Context, source *feature.Source, text string) error {
	reads := func(name string) bool {
		return slices.ContainsFunc(q.inputs, func(i feature.Input) bool { return i.Source == name })
	}
	for _, name := range feature.QueryWords(text) {
		sibling := source.Sibling(name)
		if sibling == nil || name == source.Name || !sibling.IsQuery() && !reads(name) {
			continue
		}
		if sibling.IsQuery() {
			inputs, err := q.engine.Inputs(ctx, []*feature.Source{sibling})
			others := func(i feature.Input) bool { return !reads(i.Source) }
			if err != nil || slices.ContainsFunc(inputs, others) {
				continue
			}
		}
		if err := q.define(ctx, sibling); err != nil {
			return err
		}
	}
	return nil
}

// inQuery says of which query an error of Spark is. Faults of the server and the context's end are not the query's.
func inQuery(source *feature.Source, err error) error {
	failure, ok := errors.AsType[*connect.Error](err)
	if !ok || failure.Class == "" {
		return err
	}
	return fault.Inputf("", "the query of source %s fails in Spark: %v", source.Name, err)
}
