package storetest

import (
	"context"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/value"
	"github.com/plumbstore/plumb/store/offline"
)

// plan plans the question's join.
func (w *World) plan(ctx context.Context, engine offline.Store, question Question) (
	offline.Join, *feature.Selection, error,
) {
	request, err := w.request(question)
	if err != nil {
		return nil, nil, err
	}
	join, err := engine.PlanJoin(ctx, request)
	return join, request.Selection, err
}

// request is what an engine is asked.
func (w *World) request(question Question) (offline.JoinRequest, error) {
	selection, err := w.Select(question)
	return offline.JoinRequest{
		Selection:       selection,
		Labels:          filepath.Join(w.Folder, question.Labels.Path),
		TimestampColumn: question.TimeColumn,
		Statuses:        question.Statuses,
		EventTimestamps: question.EventTimestamps,
		Provenance:      question.Provenance,
		AsKnown:         question.AsKnown,
	}, err
}

// ask streams the engine's answer to a question. If out is a file name, the engine writes that file, and ask reads it.
func (w *World) ask(ctx context.Context, engine offline.Store, question Question, out string) (
	*Table, offline.JoinReport, error,
) {
	join, _, err := w.plan(ctx, engine, question)
	if err != nil {
		return nil, offline.JoinReport{}, err
	}
	defer join.Close()
	if out == "" {
		table := &Table{}
		report, err := join.Stream(ctx, table.Add)
		return table, report, err
	}
	path := filepath.Join(w.Folder, out)
	report, err := join.WriteFile(ctx, path)
	if err != nil {
		return nil, report, err
	}
	table, err := readTable(path)
	return table, report, err
}

// check asks the engine and the reference, and returns how they differ.
func (w *World) check(ctx context.Context, engine offline.Store, question Question, out string) error {
	got, report, err := w.ask(ctx, engine, question, out)
	if err != nil {
		return err
	}
	selection, err := w.Select(question)
	if err != nil {
		return err
	}
	answer, wanted, err := w.Answer(selection, question)
	if err != nil {
		return err
	}
	labels, err := w.labelTable(question, filepath.Join(w.Folder, question.Labels.Path))
	if err != nil {
		return err
	}
	if filepath.Ext(out) == ".csv" {
		return differ(csvDifferences(got, labels, answer))
	}
	return differ(append(differences(got, labels, answer), reportDifferences(report, wanted, labels)...))
}

func differ(differences []string) error {
	if len(differences) == 0 {
		return nil
	}
	return fmt.Errorf("the engine differs from the reference:\n%s", strings.Join(differences, "\n"))
}

// reportDifferences compares counts, and the names of the label columns. The reference reads no files; which those are,
// engines test themselves.
func reportDifferences(got, want offline.JoinReport, labels *Table) []string {
	var names []string
	for _, column := range got.Labels {
		names = append(names, column.Name)
	}
	if !slices.Equal(names, labels.Names) {
		return []string{fmt.Sprintf("the report's label columns are %q, want %q", names, labels.Names)}
	}
	got.Inputs, got.Labels, got.NaiveTimes = nil, nil, false
	if show := fmt.Sprintf("%+v", want); fmt.Sprintf("%+v", got) != show {
		return []string{fmt.Sprintf("report is %+v, want %s", got, show)}
	}
	return nil
}

// newest reads a window from the engine, with keys, event time, created time and features in one row each.
func newest(ctx context.Context, engine offline.Windowed, view *feature.View, window offline.Window) (
	*Table, offline.NewestReport, error,
) {
	table := &Table{}
	report, err := engine.Newest(ctx, offline.NewestRequest{View: view, Window: window, CountBefore: true}, table.Add)
	return table, report, err
}

// checkNewest compares an engine's window with the reference's: the rows in any order, and the counts (R5).
func (w *World) checkNewest(
	ctx context.Context, engine offline.Windowed, view *feature.View, window offline.Window,
) error {
	got, report, err := newest(ctx, engine, view, window)
	if err != nil {
		return err
	}
	rows, wanted := w.Histories[view.Name].Newest(window)
	found := newestDifferences(got, view, rows)
	if report.Inputs = nil; !reflect.DeepEqual(report, wanted) {
		found = append(found, fmt.Sprintf("report is %+v, want %+v", report, wanted))
	}
	return differ(found)
}

func newestDifferences(got *Table, view *feature.View, want []SourceRow) []string {
	var found []string
	if len(got.Rows) != len(want) {
		found = append(found, fmt.Sprintf("%d keys, want %d", len(got.Rows), len(want)))
	}
	if len(got.Rows) > 0 {
		found = append(found, newestSchema(got, view)...)
	}
	for _, row := range want {
		wanted := append(append([]any{}, row.Keys...), int64(*row.Event), nil)
		if row.Created != nil {
			wanted[len(wanted)-1] = int64(*row.Created)
		}
		wanted = append(wanted, row.Features...)
		if !got.has(wanted) {
			found = append(found, fmt.Sprintf("missing the row %s among %s", Show(wanted), got.showRows()))
		}
	}
	return found
}

func newestSchema(got *Table, view *feature.View) []string {
	fields := append([]feature.Field{}, view.Keys...)
	fields = append(fields, feature.Field{Name: "event_ts"}, feature.Field{Name: "created_ts"})
	for _, f := range view.Features {
		fields = append(fields, f.Field)
	}
	var found []string
	for i, field := range fields {
		want := value.ArrowType(field.Type)
		if want == arrow.Null {
			want = arrow.PrimitiveTypes.Int64
		}
		if i >= len(got.Names) || !arrow.TypeEqual(got.Types[i], want) {
			found = append(found, fmt.Sprintf("columns are %q %s, want column %d to be %s %s", got.Names, got.Types, i,
				field.Name, want))
		}
	}
	return found
}

func (t *Table) has(row []any) bool {
	for _, candidate := range t.Rows {
		if SameValue(candidate, row) {
			return true
		}
	}
	return false
}

func (t *Table) showRows() string {
	rows := make([]string, len(t.Rows))
	for i, row := range t.Rows {
		rows[i] = Show(row)
	}
	return strings.Join(rows, " ")
}
