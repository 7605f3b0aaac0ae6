package duckdb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/store"
)

// Newest implements store.Offline.
func (e *Engine) Newest(ctx context.Context, request store.NewestRequest, yield func(arrow.RecordBatch) error) (
	report store.NewestReport, err error,
) {
	view, window := request.View, request.Window
	s, err := e.newSession(ctx)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	relations, err := e.open(ctx, s, []*registry.Source{view.Source}, nil)
	if err != nil {
		return report, err
	}
	rows, err := readView(ctx, relations, view, "rows0")
	if err != nil {
		return report, err
	}
	for _, statement := range newestStatements(rows, window) {
		if err := s.exec(ctx, statement); err != nil {
			return report, relations.blame(ctx, err)
		}
	}
	if report, err = countWindow(ctx, s, rows, window); err != nil {
		return report, err
	}
	if err := relations.blame(ctx, nil); err != nil {
		return report, err
	}
	return report, s.stream(ctx, "newest", func(batch arrow.RecordBatch) error {
		return yield(renamed(batch, newestNames(view)))
	})
}

func newestNames(view *registry.View) []string {
	var names []string
	for _, key := range view.Keys {
		names = append(names, key.Name)
	}
	names = append(names, "event_ts", "created_ts")
	for _, feature := range view.Features {
		names = append(names, feature.Name)
	}
	return names
}

// newestStatements build the table newest: the greatest row (R3) of each key in the window (R5), numbered by n.
func newestStatements(rows *viewRows, window store.Window) []string {
	keys := numbered("k", len(rows.keys))
	group := "HAVING count(*) > 0"
	if len(keys) > 0 {
		group = "GROUP BY " + strings.Join(keys, ", ")
	}
	best := fmt.Sprintf("CREATE TABLE %s.best AS\nSELECT max({'e': e, 'c': c, 'o': o}) AS best\nFROM (%s)\nWHERE %s\n%s",
		internalSchema, rows.complete(), inWindow("e", window), group)
	columns := []string{"row_number() OVER () - 1 AS n"}
	for i, key := range rows.typedKeys() {
		columns = append(columns, fmt.Sprintf("%s AS k%d", key, i))
	}
	columns = append(columns, "b.best.e AS e", "nullif(b.best.c, "+noCreated+") AS c")
	for i := range rows.view.Features {
		columns = append(columns, fmt.Sprintf("%s AS f%d", rows.value("r", fmt.Sprintf("r.f%d", i), i), i))
	}
	newest := fmt.Sprintf("CREATE TABLE %s.newest AS\nSELECT %s\nFROM %s.best b JOIN %s r ON r.o = b.best.o",
		internalSchema,
		strings.Join(columns, ",\n  "), internalSchema, rows.from)
	return append(append(slices.Clone(rows.staging), rows.infinite()...), best, newest)
}

// inWindow is the condition that the microseconds lie in the half-open window (R5).
func inWindow(micros string, window store.Window) string {
	condition := fmt.Sprintf("%s <= %d", micros, window.End)
	if window.Start != nil {
		condition += fmt.Sprintf(" AND %s > %d", micros, *window.Start)
	}
	return condition
}

func countWindow(ctx context.Context, s *session, rows *viewRows, window store.Window) (store.NewestReport, error) {
	var report store.NewestReport
	within := inWindow(rows.eventTime(), window)
	query := fmt.Sprintf("SELECT count(*) FILTER (WHERE %[1]s AND %[2]s), count(*) FILTER (WHERE %[2]s AND NOT (%[1]s)), "+
		"count(*) FILTER (WHERE e IS NULL) FROM %[3]s", rows.usable(), within, rows.from)
	return report, s.queryRow(ctx, query, &report.Read, &report.NullKeys, &report.NullTimes)
}
