package offlinetest

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"pgregory.net/rapid"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/offline"
	"github.com/plumbstore/plumb/store/storetest"
)

// Labels checks that the label rows of random questions come in the order of their file, in the types of the keys and
// request inputs, from .parquet, .arrow and .csv (R1, R6, R8, R25).
func (s Suite) Labels(t *testing.T) {
	s.inWorlds(t, func(t *rapid.T, engine offline.Engine, world *storetest.World, prefix string) error {
		question := storetest.DrawQuestion(t, world, prefix)
		selection, err := world.Select(question)
		if err != nil {
			return err
		}
		for _, ending := range []string{".parquet", ".arrow", ".csv"} {
			file := question.Labels
			file.Path = filepath.Join(world.Folder, prefix, "labels"+ending)
			if err := file.Write(); err != nil {
				return err
			}
			request := offline.JoinRequest{Selection: selection, Labels: file.Path, TimestampColumn: question.TimeColumn}
			if err := checkLabels(context.Background(), engine, request, question.Labels.Columns); err != nil {
				return fmt.Errorf("%w\n%s", err, world.Describe(&question))
			}
		}
		return nil
	})
}

func checkLabels(ctx context.Context, engine offline.Engine, request offline.JoinRequest, columns []storetest.Column,
) error {
	got, batches := &storetest.Table{}, 0
	err := engine.Labels(ctx, request, func(batch arrow.RecordBatch) error {
		batches++
		return got.Add(batch)
	})
	if err != nil {
		return err
	}
	if batches == 0 {
		return fmt.Errorf("%s: no batch came", request.Labels)
	}
	keys, err := request.Selection.Keys()
	if err != nil {
		return err
	}
	inputs, err := request.Selection.Inputs()
	if err != nil {
		return err
	}
	fields := slices.Clone(keys)
	for _, input := range inputs {
		fields = append(fields, input.Field)
	}
	types, wanted := []arrow.DataType{arrow.PrimitiveTypes.Int64}, [][]any{valuesOf(columns, request.TimestampColumn)}
	for _, field := range fields {
		types, wanted = append(types, value.ArrowType(field.Type)), append(wanted, valuesOf(columns, field.Name))
	}
	if err := checkTypes(got.Types, types); err != nil {
		return fmt.Errorf("%s: %w", request.Labels, err)
	}
	if len(got.Rows) != len(wanted[0]) {
		return fmt.Errorf("%s: %d label rows, want %d", request.Labels, len(got.Rows), len(wanted[0]))
	}
	for i, row := range got.Rows {
		want := []any{int64(wanted[0][i].(feature.Instant))}
		for _, values := range wanted[1:] {
			want = append(want, values[i])
		}
		if strings.HasSuffix(request.Labels, ".csv") { // Text has one NaN.
			want = storetest.Canonical(want).([]any)
		}
		if !storetest.SameValue(row, want) {
			return fmt.Errorf("%s: label row %d is %s, want %s", request.Labels, i, storetest.Show(row), storetest.Show(want))
		}
	}
	return nil
}

func valuesOf(columns []storetest.Column, name string) []any {
	at := slices.IndexFunc(columns, func(c storetest.Column) bool { return c.Name == name })
	return columns[at].Values
}

// LabelRefusals checks that label rows which a join would refuse are refused, and that an error of yield comes back.
func (s Suite) LabelRefusals(t *testing.T) {
	folder := t.TempDir()
	engine := s.Start(t, folder, 2)
	writeFile(t, folder, "data/a.parquet", integers("k", int64(1)), integers("x", int64(1)), times("at", 1))
	view := viewOf(t, []*plumbv1.Source{parquetSource("data/a.parquet")}, oneNumber)
	request := offline.JoinRequest{Selection: storetest.SelectAll(view), TimestampColumn: "t"}
	for name, c := range map[string]struct {
		columns []storetest.Column
		says    string
	}{
		"no instants":           {[]storetest.Column{integers("k", int64(1))}, `"t"`},
		"no key":                {[]storetest.Column{times("t", 1)}, `"k"`},
		"a key with a fraction": {[]storetest.Column{floats("k", 1.5), times("t", 1)}, "1.5"},
		"a key that is a word":  {[]storetest.Column{texts("k", "a"), times("t", 1)}, `"k"`},
		"a null instant":        {[]storetest.Column{integers("k", int64(1)), times("t", nil)}, `"t"`},
		"an instant of text":    {[]storetest.Column{integers("k", int64(1)), texts("t", "tomorrow")}, `"t"`},
	} {
		request.Labels = writeFile(t, folder, "labels.parquet", c.columns...)
		err := engine.Labels(t.Context(), request, func(arrow.RecordBatch) error { return nil })
		if len(mistakes(err)) == 0 || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: the error is %v, want an input error with %s", name, err, c.says)
		}
	}
	request.Labels = writeText(t, folder, "labels.csv", "k,t\n1,2013-01-01T06:00:00Z\n")
	enough := errors.New("enough")
	err := engine.Labels(t.Context(), request, func(arrow.RecordBatch) error { return enough })
	if !errors.Is(err, enough) {
		t.Errorf("Labels returned %v", err)
	}
}
