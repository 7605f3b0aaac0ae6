package storetest

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/offline"
)

// Inspection checks that an engine reports a source's columns in their order, and what they may become.
func (s Offline) Inspection(t *testing.T) {
	folder := t.TempDir()
	engine := s.Start(t, folder, 2)
	file := File{Path: filepath.Join(folder, "data/all.parquet")}
	var declared []plumbv1.Type
	for number := plumbv1.Type_BOOL; number <= plumbv1.Type_TIMESTAMP_ARRAY; number++ {
		for i, form := range forms(number) {
			file.Columns = append(file.Columns, Column{
				Name: fmt.Sprintf("%s %d", number, i), Form: form, Values: []any{sample(number, form)},
			})
			declared = append(declared, number)
		}
	}
	if err := file.Write(); err != nil {
		t.Fatal(err)
	}
	columns, err := engine.Columns(t.Context(), parquetSource(t, "data/all.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	if len(columns) != len(file.Columns) {
		t.Fatalf("%d columns, want %d", len(columns), len(file.Columns))
	}
	for i, column := range columns {
		if column.Name != file.Columns[i].Name {
			t.Errorf("column %d is %q, want %q", i, column.Name, file.Columns[i].Name)
		}
		checkConversions(t, engine, column, file.Columns[i].Form, declared[i])
	}
	columnsOfEach(t, engine)
}

// columnsOfEach compares what is said of sources together, of which some cannot be read, with what is said of each.
func columnsOfEach(t *testing.T, engine offline.Inspector) {
	t.Helper()
	world := World{Definitions: &plumbv1.Definitions{}}
	for name, kind := range map[string]any{
		"good": "data/all.parquet", "again": "data/all.parquet", "missing": "data/missing.parquet", "outside": "../x.parquet",
		"query": &plumbv1.SqlSource{Query: "SELECT * FROM good"}, "wrong": &plumbv1.SqlSource{Query: "SELECT x FROM missing"},
	} {
		source := &plumbv1.Source{Name: name}
		switch kind := kind.(type) {
		case string:
			source.Kind = &plumbv1.Source_Parquet{Parquet: &plumbv1.ParquetSource{Path: kind}}
		case *plumbv1.SqlSource:
			source.Kind = &plumbv1.Source_Sql{Sql: kind}
		}
		world.Definitions.Sources = append(world.Definitions.Sources, source)
	}
	snapshot, err := world.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	var asked, told []*feature.Source
	for _, defined := range world.Definitions.GetSources() {
		source, err := snapshot.Source(defined.GetName())
		if err != nil {
			t.Fatal(err)
		}
		asked = append(asked, source)
	}
	readable := 0
	err = engine.ColumnsOfEach(t.Context(), asked, func(source *feature.Source, got []feature.Column, failed error) error {
		told = append(told, source)
		want, err := engine.Columns(t.Context(), source)
		if fmt.Sprint(got, failed) != fmt.Sprint(want, err) {
			t.Errorf("source %s has %v and %v, want %v and %v", source.Name, got, failed, want, err)
		}
		if err == nil {
			readable++
		}
		return nil
	})
	if err != nil || !slices.Equal(told, asked) || readable != 3 {
		t.Errorf("asked for %d sources, told of %d, %d of them readable, and then %v", len(asked), len(told), readable, err)
	}
	asked = slices.DeleteFunc(asked, func(source *feature.Source) bool {
		return source.Name == "missing" || source.Name == "outside" || source.Name == "wrong"
	})
	err = engine.ColumnsOfEach(t.Context(), asked, func(source *feature.Source, got []feature.Column, failed error) error {
		want, err := engine.Columns(t.Context(), source)
		if failed != nil || err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("all readable: source %s has %v and %v, want %v and %v", source.Name, got, failed, want, err)
		}
		readable--
		return nil
	})
	if err != nil || readable != 0 {
		t.Errorf("all readable: %d were not told of, and then %v", readable, err)
	}
	enough, calls := errors.New("enough"), 0
	err = engine.ColumnsOfEach(t.Context(), asked, func(*feature.Source, []feature.Column, error) error {
		calls++
		return enough
	})
	if !errors.Is(err, enough) || calls != 1 {
		t.Errorf("found was called %d times, and then came %v", calls, err)
	}
}

func parquetSource(t *testing.T, path string) *feature.Source {
	t.Helper()
	world := World{Definitions: &plumbv1.Definitions{Sources: []*plumbv1.Source{
		{Name: "all", Kind: &plumbv1.Source_Parquet{Parquet: &plumbv1.ParquetSource{Path: path}}},
	}}}
	snapshot, err := world.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	source, err := snapshot.Source("all")
	if err != nil {
		t.Fatal(err)
	}
	return source
}

// checkConversions asks for what a column can become for certain, and for what it never can.
func checkConversions(t *testing.T, engine offline.Inspector, column feature.Column, form arrow.DataType,
	declared plumbv1.Type,
) {
	t.Helper()
	key := slices.Contains(KeyTypes, declared)
	if err := engine.CanBecome(column, declared, key); err != nil {
		t.Errorf("a column of %s can become %s: %v", form, declared, err)
	}
	_, isArray := value.ElementType(declared)
	never := []plumbv1.Type{plumbv1.Type_STRING_ARRAY, plumbv1.Type_BOOL, plumbv1.Type_BYTES, plumbv1.Type_TIMESTAMP}
	for _, other := range never {
		_, otherArray := value.ElementType(other)
		if other == declared || isArray == otherArray && isArray {
			continue
		}
		if engine.CanBecome(column, other, false) == nil {
			t.Errorf("a column of %s can never become %s", form, other)
		}
	}
	isTime := declared == plumbv1.Type_TIMESTAMP
	if err := engine.CanBeTime(column); (err == nil) != isTime {
		t.Errorf("a column of %s may be a time: %v", form, err)
	}
}
