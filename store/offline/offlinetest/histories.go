package offlinetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"pgregory.net/rapid"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/offline"
	"github.com/plumbstore/plumb/store/plainread"
	"github.com/plumbstore/plumb/store/storetest"
)

// Histories checks that a witness which reads with the engine has every row of a random world that any label could see,
// once: those of SQL sources, which the engine reads, in any order, and those of files, which the engine lists, with
// places in source order (R3, R8), and their features at these places.
func (s Suite) Histories(t *testing.T) { s.histories(t, storetest.DrawWorld) }

// TableHistories is Histories of tables of a lake.
func (s Suite) TableHistories(t *testing.T) { s.histories(t, storetest.DrawTables) }

func (s Suite) histories(t *testing.T, draw drawing) {
	s.inDrawn(t, draw, func(_ *rapid.T, engine offline.Engine, world *storetest.World, _ string) error {
		snapshot, err := world.Snapshot()
		if err != nil {
			return err
		}
		witness := plainread.New(engine, world.Folder, nil)
		for _, view := range snapshot.Views() {
			if err := checkHistory(context.Background(), witness, view, world.Histories[view.Name]); err != nil {
				return fmt.Errorf("view %s: %w", view.Name, err)
			}
		}
		return nil
	})
}

func checkHistory(ctx context.Context, witness offline.Witness, view *feature.View, history *storetest.History) error {
	got := &storetest.Table{}
	if err := witness.History(ctx, view, got.Add); err != nil {
		return err
	}
	want := visible(history)
	if len(got.Rows) != len(want) {
		return fmt.Errorf("%d plain rows, want %d", len(got.Rows), len(want))
	}
	if len(want) == 0 {
		return nil
	}
	if err := checkTypes(got.Types, historyTypes(view)); err != nil {
		return err
	}
	if view.Source.IsQuery() {
		return sameRows(got.Rows, want)
	}
	slices.SortFunc(got.Rows, func(a, b []any) int { return cmp.Compare(a[len(a)-1].(int64), b[len(b)-1].(int64)) })
	places := make([]int64, len(want))
	for i, row := range got.Rows {
		last := len(row) - 1
		places[i] = row[last].(int64)
		if i > 0 && places[i] == places[i-1] {
			return fmt.Errorf("two rows have the place %d", places[i])
		}
		if wanted := plainRow(want[i]); !storetest.SameValue(row[:last], wanted) {
			return fmt.Errorf("plain row %d is %s, want %s", i, storetest.Show(row[:last]), storetest.Show(wanted))
		}
	}
	return checkValues(ctx, witness, view, places, want)
}

// visible are the rows of a history that any label could see, in source order.
func visible(history *storetest.History) []storetest.SourceRow {
	rows := slices.DeleteFunc(slices.Clone(history.Rows), func(row storetest.SourceRow) bool {
		return row.Event == nil || slices.Contains(row.Keys, nil)
	})
	slices.SortStableFunc(rows, func(a, b storetest.SourceRow) int {
		return cmp.Or(cmp.Compare(a.Sequence, b.Sequence), strings.Compare(a.File, b.File), cmp.Compare(a.Number, b.Number))
	})
	return rows
}

// plainRow is a row as History has it, without its place.
func plainRow(row storetest.SourceRow) []any {
	plain := append(slices.Clone(row.Keys), int64(*row.Event), nil)
	if row.Created != nil {
		plain[len(plain)-1] = int64(*row.Created)
	}
	return plain
}

// sameRows compares rows in any order.
func sameRows(got [][]any, want []storetest.SourceRow) error {
	left := slices.Clone(got)
	for _, row := range want {
		wanted := plainRow(row)
		at := slices.IndexFunc(left, func(row []any) bool { return storetest.SameValue(row, wanted) })
		if at < 0 {
			return fmt.Errorf("no plain row %s is left", storetest.Show(wanted))
		}
		left = slices.Delete(left, at, at+1)
	}
	return nil
}

// historyTypes are those of the columns of a view's history.
func historyTypes(view *feature.View) []arrow.DataType {
	var types []arrow.DataType
	for _, key := range view.Keys {
		types = append(types, value.ArrowType(key.Type))
	}
	types = append(types, arrow.PrimitiveTypes.Int64, arrow.PrimitiveTypes.Int64)
	if !view.Source.IsQuery() {
		types = append(types, arrow.PrimitiveTypes.Int64)
	}
	return types
}

func checkTypes(got, want []arrow.DataType) error {
	if !slices.EqualFunc(got, want, func(a, b arrow.DataType) bool { return arrow.TypeEqual(a, b) }) {
		return fmt.Errorf("the columns have the types %s, want %s", got, want)
	}
	return nil
}

// checkValues compares the features of the rows at the places.
func checkValues(ctx context.Context, witness offline.Witness, view *feature.View, places []int64,
	want []storetest.SourceRow,
) error {
	read := 0
	err := witness.Values(ctx, view, places, func(place int64, values []any) error {
		at, ok := slices.BinarySearch(places, place)
		if !ok {
			return fmt.Errorf("values came for place %d, which was not asked for", place)
		}
		if read++; !storetest.SameValue(values, want[at].Features) {
			return fmt.Errorf("the features of row %d are %s, want %s", at, storetest.Show(values),
				storetest.Show(want[at].Features))
		}
		return nil
	})
	if err == nil && read != len(places) {
		err = fmt.Errorf("the values of %d rows came, want %d", read, len(places))
	}
	return err
}

// QueriedHistories checks what else the contract says of the history of a SQL source: duplicates stay, created times
// come with their rows, an error of yield comes back and ends the stream, and so does what is wrong with the source.
func (s Suite) QueriedHistories(t *testing.T) {
	folder := t.TempDir()
	engine := s.Start(t, folder, 2)
	writeFile(t, folder, "data/a.parquet", integers("k", int64(1), int64(1), int64(2), nil, int64(3), int64(1)),
		integers("x", int64(1), int64(1), int64(3), int64(4), int64(5), int64(6)), times("at", 10, 10, 5, 7, nil, 30),
		times("known", 11, 11, nil, 8, 9, 31), texts("name", "1", "1", "2", "3", "4", "five"))
	files := parquetSource("data/a.parquet")
	query := querySource(`SELECT k, x, "at", known FROM s`)
	query.CreatedTimestamp = "known"
	view := viewOf(t, []*plumbv1.Source{query, files}, oneNumber)
	got := &storetest.Table{}
	if err := engine.History(t.Context(), view, got.Add); err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(got.Rows, func(a, b []any) int { return strings.Compare(storetest.Show(a), storetest.Show(b)) })
	want := []any{[]any{int64(1), int64(10), int64(11)}, []any{int64(1), int64(10), int64(11)},
		[]any{int64(1), int64(30), int64(31)}, []any{int64(2), int64(5), nil}}
	if rows := asList(got.Rows); !storetest.SameValue(rows, want) {
		t.Errorf("the history is %s, want %s", storetest.Show(rows), storetest.Show(want))
	}
	enough, calls := errors.New("enough"), 0
	err := engine.History(t.Context(), view, func(arrow.RecordBatch) error { calls++; return enough })
	if !errors.Is(err, enough) || calls != 1 {
		t.Errorf("yield was called %d times, and History returned %v", calls, err)
	}
	for text, says := range map[string]string{
		`SELECT name AS k, x, "at" FROM s`: "five",
		`SELECT k, x, "at" FROM nowhere`:   "nowhere",
		`SELECT x, "at" FROM s`:            `"k"`,
	} {
		wrong := viewOf(t, []*plumbv1.Source{querySource(text), files}, oneNumber)
		err := engine.History(t.Context(), wrong, func(arrow.RecordBatch) error { return nil })
		if len(mistakes(err)) == 0 || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: got %v, want an input error with %s", text, err, says)
		}
	}
}

// asList makes a value of rows.
func asList(rows [][]any) []any {
	list := make([]any, len(rows))
	for i, row := range rows {
		list[i] = row
	}
	return list
}
