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
	"github.com/apache/arrow-go/v18/arrow/array"
	"pgregory.net/rapid"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/offline"
	"github.com/plumbstore/plumb/store/storetest"
)

// readFile is what ReadRows yielded: the rows with keys, event time, created time and features, the misfits with rows
// that count from the file's beginning, and the number of rows of each piece.
type readFile struct {
	storetest.Table
	misfits []offline.Misfit
	pieces  []int
}

func (r *readFile) take(rows offline.FileRows) error {
	columns := slices.Concat(rows.Keys, []arrow.Array{rows.Event, rows.Created}, rows.Features)
	fields := make([]arrow.Field, len(columns))
	for i, column := range columns {
		if column.Len() != rows.Event.Len() {
			return fmt.Errorf("column %d has %d rows, and the event times %d", i, column.Len(), rows.Event.Len())
		}
		fields[i] = arrow.Field{Name: fmt.Sprint(i), Type: column.DataType(), Nullable: true}
	}
	for _, misfit := range rows.Misfits {
		misfit.Row += len(r.Rows)
		r.misfits = append(r.misfits, misfit)
	}
	r.pieces = append(r.pieces, rows.Event.Len())
	batch := array.NewRecordBatch(arrow.NewSchema(fields, nil), columns, int64(rows.Event.Len()))
	defer batch.Release()
	return r.Add(batch)
}

// FileRows checks that the rows of files of random worlds come in the file's order, in the types of the view, and that
// a file which lacks columns of the view is refused with the names of them all.
func (s Suite) FileRows(t *testing.T) {
	s.inWorlds(t, func(_ *rapid.T, engine offline.Engine, world *storetest.World, _ string) error {
		snapshot, err := world.Snapshot()
		if err != nil {
			return err
		}
		for _, view := range snapshot.Views() {
			for _, file := range world.Files {
				ending := filepath.Ext(file.Path)
				if named, ok := view.Source.Files(); !ok || ending == ".jsonl" || !isBelow(file.Path, named.Path) {
					continue
				}
				if err := checkFile(context.Background(), engine, world, view, file); err != nil {
					return fmt.Errorf("view %s, file %s: %w", view.Name, file.Path, err)
				}
			}
		}
		return nil
	})
}

// isBelow says whether a file is in the folder of the view's source, its pattern or itself.
func isBelow(file, source string) bool {
	if filepath.Ext(source) != "" {
		return filepath.Dir(file) == filepath.Dir(source)
	}
	return strings.HasPrefix(file, source+"/")
}

func checkFile(ctx context.Context, engine offline.Engine, world *storetest.World, view *feature.View,
	file storetest.File,
) error {
	read := &readFile{}
	err := engine.ReadRows(ctx, view, filepath.Join(world.Folder, file.Path), read.take)
	if missing := lacking(view, file); len(missing) > 0 {
		return checkFields(err, missing)
	}
	if err != nil {
		return err
	}
	rows := slices.DeleteFunc(slices.Clone(world.Histories[view.Name].Rows), func(row storetest.SourceRow) bool {
		return row.File != file.Path
	})
	if len(read.Rows) != len(rows) || len(read.misfits) > 0 {
		return fmt.Errorf("%d rows and the misfits %v, want %d rows", len(read.Rows), read.misfits, len(rows))
	}
	if len(rows) > 0 {
		if err := checkTypes(read.Types, rowTypes(view)); err != nil {
			return err
		}
	}
	for i, row := range rows {
		want := slices.Clone(row.Keys)
		for _, instant := range []*feature.Instant{row.Event, row.Created} {
			if instant == nil {
				want = append(want, nil)
			} else {
				want = append(want, int64(*instant))
			}
		}
		if want = append(want, row.Features...); !storetest.SameValue(read.Rows[i], want) {
			return fmt.Errorf("row %d is %s, want %s", i, storetest.Show(read.Rows[i]), storetest.Show(want))
		}
	}
	return nil
}

// lacking are the names of the keys and features that the file has no column for.
func lacking(view *feature.View, file storetest.File) []string {
	var names []string
	add := func(name, column string) {
		if !slices.ContainsFunc(file.Columns, func(c storetest.Column) bool { return c.Name == column }) {
			names = append(names, name)
		}
	}
	for i, key := range view.Keys {
		add(key.Name, view.KeyColumn(i))
	}
	for _, f := range view.Features {
		add(f.Name, f.Column)
	}
	return names
}

// checkFields says how the fields of an error's mistakes differ from those wanted, in any order.
func checkFields(err error, want []string) error {
	var got []string
	for _, mistake := range mistakes(err) {
		got = append(got, mistake.Field)
	}
	slices.Sort(got)
	want = slices.Sorted(slices.Values(want))
	if !slices.Equal(got, want) {
		return fmt.Errorf("the mistakes are in %q, want %q: %w", got, want, err)
	}
	return nil
}

// rowTypes are the types of a row's columns.
func rowTypes(view *feature.View) []arrow.DataType {
	var types []arrow.DataType
	for _, key := range view.Keys {
		types = append(types, value.ArrowType(key.Type))
	}
	types = append(types, arrow.PrimitiveTypes.Int64, arrow.PrimitiveTypes.Int64)
	for _, f := range view.Features {
		types = append(types, value.ArrowType(f.Type))
	}
	return types
}

// FileMisfits checks that values which do not fit are null and reported, the first of each row, and that the rows with
// them and after them are read (R9). A column without a type, as writers leave it that saw only nulls, fits any type.
func (s Suite) FileMisfits(t *testing.T) {
	folder := t.TempDir()
	engine := s.Start(t, folder, 2)
	view := viewOf(t, []*plumbv1.Source{parquetSource("data/a.parquet")},
		&plumbv1.Feature{Name: "x", Type: plumbv1.Type_FLOAT64}, &plumbv1.Feature{Name: "n", Type: plumbv1.Type_INT32})
	const six = int64(6 * 3_600_000_000)
	for path, want := range map[string]struct {
		rows    []any
		misfits []offline.Misfit
	}{
		writeText(t, folder, "rows.csv", "n,k,at,x\n7,1,1970-01-01T06:00:00Z,1.5\n8,2,yesterday,about 2\n"+
			"7.5,three,1970-01-01T06:00:00Z,1\n,,,\n9,4,1970-01-01T06:00:00Z,-0.5\n"): {
			[]any{
				[]any{int64(1), six, nil, 1.5, int32(7)}, []any{int64(2), nil, nil, nil, int32(8)},
				[]any{nil, six, nil, 1.0, nil}, []any{nil, nil, nil, nil, nil}, []any{int64(4), six, nil, -0.5, int32(9)},
			},
			[]offline.Misfit{{Row: 1, Column: "at", Reason: "yesterday"}, {Row: 2, Column: "k", Reason: "three"}},
		},
		writeFile(t, folder, "rows.parquet", floats("k", 1.0, 1.5, 3.0, nil), times("at", int(six), int(six), int(six), nil),
			integers("x", int64(1), int64(2), int64(1<<53+1), nil), floats("n", 7.0, 7.5, -0.25, nil)): {
			[]any{
				[]any{int64(1), six, nil, 1.0, int32(7)}, []any{nil, six, nil, 2.0, nil},
				[]any{int64(3), six, nil, nil, nil}, []any{nil, nil, nil, nil, nil},
			},
			[]offline.Misfit{{Row: 1, Column: "k", Reason: "1.5"}, {Row: 2, Column: "x", Reason: "9007199254740993"}},
		},
		writeFile(t, folder, "untyped.parquet", integers("k", int64(1), int64(2)), untyped("at", 2), untyped("x", 2),
			untyped("n", 2)): {
			rows: []any{[]any{int64(1), nil, nil, nil, nil}, []any{int64(2), nil, nil, nil, nil}},
		},
	} {
		read := &readFile{}
		if err := engine.ReadRows(t.Context(), view, path, read.take); err != nil {
			t.Fatal(err)
		}
		if rows := asList(read.Rows); !storetest.SameValue(rows, want.rows) {
			t.Errorf("%s: the rows are %s, want %s", path, storetest.Show(rows), storetest.Show(want.rows))
		}
		if !slices.EqualFunc(read.misfits, want.misfits, func(got, want offline.Misfit) bool {
			return got.Row == want.Row && got.Column == want.Column && strings.Contains(got.Reason, want.Reason)
		}) {
			t.Errorf("%s: the misfits are %+v, want %+v", path, read.misfits, want.misfits)
		}
	}
}

// FileMistakes checks that everything that is wrong with the columns of a file is named at once, before any row, and
// that a file which cannot be read is a mistake that names it.
func (s Suite) FileMistakes(t *testing.T) {
	folder := t.TempDir()
	engine := s.Start(t, folder, 2)
	view := viewOf(t, []*plumbv1.Source{parquetSource("data/a.parquet")}, oneNumber,
		&plumbv1.Feature{Name: "y", Column: "the y", Type: plumbv1.Type_FLOAT64})
	none := func(offline.FileRows) error { return errors.New("a row was read") }
	for path, want := range map[string][]string{
		writeText(t, folder, "wrong.csv", "key,time,x,z\n1,1970-01-01T06:00:00Z,1,2\n"): {"k", "at", "y", "key", "time", "z"},
		writeFile(t, folder, "wrong.parquet", integers("key", int64(1)), times("at", 1), integers("y", int64(1)),
			integers("the y", int64(1))): {"k", "x", "key", "the y"},
		writeFile(t, folder, "types.parquet", integers("k", int64(1)), integers("at", int64(1)), times("x", 1),
			floats("y", 1.0)): {"at", "x"},
	} {
		if err := checkFields(engine.ReadRows(t.Context(), view, path, none), want); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	for _, path := range []string{
		filepath.Join(folder, "nowhere.parquet"), filepath.Join(folder, "nowhere.csv"),
		writeText(t, folder, "rows.xlsx", "k,at,x,y\n"), writeText(t, folder, "text.parquet", "k,at,x,y\n"),
		writeText(t, folder, "empty.csv", ""),
	} {
		err := engine.ReadRows(t.Context(), view, path, none)
		if len(mistakes(err)) == 0 || !strings.Contains(err.Error(), filepath.Base(path)) {
			t.Errorf("%s: got %v, want an input error that names the file", path, err)
		}
	}
}

// FileBatches checks that many rows come in pieces of the size that the contract allows, in order, and that yield and
// the context end the reading.
func (s Suite) FileBatches(t *testing.T) {
	folder := t.TempDir()
	engine := s.Start(t, folder, 2)
	view := viewOf(t, []*plumbv1.Source{parquetSource("data/a.parquet")}, oneNumber)
	const rows = offline.MaxFileRows + 7
	keys, instants, numbers := integers("k"), times("at"), integers("x")
	for i := range int64(rows) {
		keys.Values, numbers.Values = append(keys.Values, i%7), append(numbers.Values, i)
		instants.Values = append(instants.Values, feature.Instant(i))
	}
	for _, name := range []string{"many.parquet", "many.csv"} {
		path := writeFile(t, folder, name, keys, instants, numbers)
		read := &readFile{}
		if err := engine.ReadRows(t.Context(), view, path, read.take); err != nil {
			t.Fatal(err)
		}
		if least, most := slices.Min(read.pieces), slices.Max(read.pieces); least < 1 || most > offline.MaxFileRows {
			t.Errorf("%s: the pieces have %d to %d rows", name, least, most)
		}
		for i, row := range read.Rows {
			if want := []any{int64(i % 7), int64(i), nil, int64(i)}; !storetest.SameValue(row, want) {
				t.Fatalf("%s: row %d is %s, want %s", name, i, storetest.Show(row), storetest.Show(want))
			}
		}
		if len(read.Rows) != rows {
			t.Errorf("%s: %d rows, want %d", name, len(read.Rows), rows)
		}
		checkEnds(t, engine, view, path)
	}
	empty := writeText(t, folder, "none.csv", "k,at,x\n")
	if err := engine.ReadRows(t.Context(), view, empty, func(offline.FileRows) error {
		return errors.New("a piece without rows came")
	}); err != nil {
		t.Error(err)
	}
}

// checkEnds checks that an error of yield comes back at once, and that the reading does not outlive its context.
func checkEnds(t *testing.T, engine offline.Engine, view *feature.View, path string) {
	t.Helper()
	enough, calls := errors.New("enough"), 0
	err := engine.ReadRows(t.Context(), view, path, func(offline.FileRows) error { calls++; return enough })
	if !errors.Is(err, enough) || calls != 1 {
		t.Errorf("%s: yield was called %d times, and ReadRows returned %v", path, calls, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	read := &readFile{}
	err = engine.ReadRows(ctx, view, path, func(rows offline.FileRows) error { cancel(); return read.take(rows) })
	if !errors.Is(err, context.Canceled) || len(read.Rows) == 0 {
		t.Errorf("%s: cancelled after the first piece, ReadRows yielded %d rows and returned %v", path, len(read.Rows), err)
	}
	err = engine.ReadRows(ctx, view, path, func(offline.FileRows) error { return errors.New("a row was read") })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%s: with a context that has ended, ReadRows returned %v", path, err)
	}
}
