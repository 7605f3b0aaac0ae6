package duckdb

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store/duckdb/labelfile"
	"github.com/plumbstore/plumb/store/duckdb/native"
	"github.com/plumbstore/plumb/store/duckdb/quote"
	"github.com/plumbstore/plumb/store/duckdb/session"
	"github.com/plumbstore/plumb/store/offline"
)

// History does what offline.PlainReader says, without places. It is for SQL sources. It shares with joins and
// materializations how columns are read and brought to their types, and nothing of how winners are found. The rows
// leave through the function _plumb_take as DuckDB comes to them, so that no result of all rows is ever held; the query
// itself returns their number alone.
func (e *Engine) History(ctx context.Context, view *feature.View, yield func(arrow.RecordBatch) error) (err error) {
	if err := view.RequireNewestRow(); err != nil {
		return err
	}
	s, err := e.newSession(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	relations, err := e.open(ctx, s, []*feature.Source{view.Source}, nil)
	if err != nil {
		return err
	}
	rows, err := readView(ctx, relations, view, "rows0")
	if err != nil {
		return err
	}
	if view.Source.IsQuery() {
		rows = rows.unordered()
	}
	if err := rows.checkStoredTimes(ctx, relations); err != nil {
		return err
	}
	for _, statement := range rows.infinite() {
		if err := s.Exec(ctx, statement); err != nil {
			return relations.Blame(ctx, err)
		}
	}
	names := make([]string, 0, len(view.Keys)+2)
	for _, key := range view.Keys {
		names = append(names, key.Name)
	}
	stream, err := native.NewRowStream(s.Native())
	if err != nil {
		return err
	}
	defer stream.Close()
	columns := append(rows.typedKeys(), rows.eventTime(), rows.createdTime())
	for i := range columns {
		columns[i] += fmt.Sprintf(" AS v%d", i)
	}
	query := fmt.Sprintf("SELECT count(*) FILTER (WHERE _plumb_take(%s))\nFROM (SELECT %s FROM %s WHERE %s)",
		strings.Join(quote.Numbered("v", len(columns)), ", "), strings.Join(columns, ", "), rows.from, rows.usable())
	var refusal error
	err = stream.Run(ctx, append(names, "event_ts", "created_ts"),
		func(ctx context.Context) error { return s.Exec(ctx, query) },
		func(batch arrow.RecordBatch) error {
			refusal = yield(batch)
			return refusal
		})
	if refusal != nil {
		return refusal
	}
	return relations.Blame(ctx, err)
}

// Labels does what offline.PlainReader says. It finds and checks the columns as a join does, so that labels which a
// join would refuse are refused here with the same words, and brings keys to their declared types as a join does (R9).
func (e *Engine) Labels(ctx context.Context, request offline.JoinRequest, yield func(arrow.RecordBatch) error,
) (err error) {
	s, err := e.newSession(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	j := &join{engine: e, request: request}
	if j.labels, err = labelfile.Describe(ctx, s, request.Labels, request.LabelsName); err != nil {
		return err
	}
	if err := j.checkLabels(); err != nil {
		return err
	}
	columns, err := j.keyColumns()
	if err != nil {
		return err
	}
	if err := s.Confine(ctx, []string{j.labels.Path}); err != nil {
		return err
	}
	if err := j.labels.Load(ctx, s, j.timeColumn); err != nil {
		return err
	}
	statement := fmt.Sprintf("CREATE TABLE %[1]s.typed AS\nSELECT %[2]s\nFROM %[1]s.labels l\nORDER BY n", session.Schema,
		strings.Join(columns, ", "))
	if err := s.Exec(ctx, statement); err != nil {
		return j.labels.Explain(err)
	}
	return s.Stream(ctx, "typed", yield)
}

// keyColumns selects from the labels n, the instant, and the label columns that keys and request inputs are read from,
// in their declared types.
func (j *join) keyColumns() ([]string, error) {
	keys, err := j.request.Selection.Keys()
	if err != nil {
		return nil, err
	}
	columns := []string{"n", "t"}
	for i, key := range keys {
		at, err := j.labels.Find(key.Name, "a join key")
		if err != nil {
			return nil, err
		}
		c, err := j.labels.ToKey(at, key.Type)
		if err != nil {
			return nil, fault.Inputf("", "label column %q: %v", key.Name, err)
		}
		typed := c.SQL(fmt.Sprintf("c%d", at), quote.Literal(fmt.Sprintf("label column %q", key.Name)), j.labels.Place(""))
		columns = append(columns, fmt.Sprintf("%s AS v%d", typed, i))
	}
	inputs, err := j.request.Selection.Inputs()
	if err != nil {
		return nil, err
	}
	for i, input := range inputs {
		typed, err := j.typedInput(input.Name, input.Type, "a request input")
		if err != nil {
			return nil, err
		}
		columns = append(columns, fmt.Sprintf("%s AS v%d", typed, len(keys)+i))
	}
	return columns, nil
}
