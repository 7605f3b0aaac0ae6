// Package offlinetest is the suite of the whole contract of an offline engine, offline.Engine.
//
// Suite embeds storetest.Offline, which proves the largest part, offline.Store, and adds what proves the other four:
//
//	offline.PlainReader   Histories, QueriedHistories, Labels, LabelRefusals
//	offline.RowReader     FileRows, FileMisfits, FileMistakes, FileBatches
//	offline.Advisor       LeftOut, Midnights, Ties
//	offline.Files         Locate, Scratch
//
// Rows come from the random worlds of storetest wherever a part reads rows, and are compared with the reference there.
// An engine calls each method from a test of its own:
//
//	var whole = offlinetest.Suite{Offline: storetest.Offline{Open: openEngine}}
//
//	func TestEveryPlainRowIsReadOnce(t *testing.T) { whole.Histories(t) }
package offlinetest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"pgregory.net/rapid"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/offline"
	"github.com/plumbstore/plumb/store/storetest"
)

// Suite is the suite of the contract of an offline engine.
type Suite struct {
	storetest.Offline
}

// inWorlds checks random worlds whose files are written.
func (s Suite) inWorlds(t *testing.T, check checking) { s.inDrawn(t, storetest.DrawWorld, check) }

// drawing draws a world, and checking checks an engine against it.
type (
	drawing  = func(t *rapid.T, folder, prefix string) *storetest.World
	checking = func(t *rapid.T, engine offline.Engine, world *storetest.World, prefix string) error
)

func (s Suite) inDrawn(t *testing.T, draw drawing, check checking) {
	folder := t.TempDir()
	engine := s.Start(t, folder, 2)
	number := 0
	rapid.Check(t, func(t *rapid.T) {
		number++
		prefix := fmt.Sprintf("data/%d", number)
		defer os.RemoveAll(filepath.Join(folder, prefix))
		world := draw(t, folder, prefix)
		if err := world.Write(); err != nil {
			t.Fatal(err)
		}
		if err := check(t, engine, world, prefix); err != nil {
			t.Fatalf("%v\n%s", err, world.Describe(nil))
		}
	})
}

// viewOf returns the view "v" of a project whose first source is the view's: its key is k (INT64), and its features are
// those given.
func viewOf(t *testing.T, sources []*plumbv1.Source, features ...*plumbv1.Feature) *feature.View {
	t.Helper()
	world := &storetest.World{Definitions: &plumbv1.Definitions{
		Entities: []*plumbv1.Entity{{Name: "e", JoinKeys: []*plumbv1.JoinKey{{Name: "k", Type: plumbv1.Type_INT64}}}},
		Sources:  sources,
		FeatureViews: []*plumbv1.FeatureView{{
			Name: "v", Entities: []string{"e"}, Source: sources[0].Name, Features: features,
		}},
	}}
	snapshot, err := world.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	view, err := snapshot.View("v")
	if err != nil {
		t.Fatal(err)
	}
	return view
}

var oneNumber = &plumbv1.Feature{Name: "x", Type: plumbv1.Type_INT64}

// parquetSource is the source "s" of a path, with event times in the column at.
func parquetSource(path string) *plumbv1.Source {
	return &plumbv1.Source{Name: "s", EventTimestamp: "at",
		Kind: &plumbv1.Source_Parquet{Parquet: &plumbv1.ParquetSource{Path: path}}}
}

// querySource is the source "q" of a query, with event times in the column at.
func querySource(query string) *plumbv1.Source {
	return &plumbv1.Source{Name: "q", EventTimestamp: "at",
		Kind: &plumbv1.Source_Sql{Sql: &plumbv1.SqlSource{Query: query}}}
}

func integers(name string, values ...any) storetest.Column {
	return storetest.Column{Name: name, Form: arrow.PrimitiveTypes.Int64, Values: values}
}

func floats(name string, values ...any) storetest.Column {
	return storetest.Column{Name: name, Form: arrow.PrimitiveTypes.Float64, Values: values}
}

func texts(name string, values ...any) storetest.Column {
	return storetest.Column{Name: name, Form: arrow.BinaryTypes.String, Values: values}
}

// untyped is a column of nulls that has no type.
func untyped(name string, rows int) storetest.Column {
	return storetest.Column{Name: name, Form: arrow.Null, Values: make([]any, rows)}
}

// times is a column of instants, given in microseconds.
func times(name string, micros ...any) storetest.Column {
	column := storetest.Column{Name: name, Form: &arrow.TimestampType{Unit: arrow.Microsecond}}
	for _, at := range micros {
		if number, ok := at.(int); ok {
			at = feature.Instant(number)
		}
		column.Values = append(column.Values, at)
	}
	return column
}

// writeFile writes a file of columns below the folder, and returns its path.
func writeFile(t *testing.T, folder, name string, columns ...storetest.Column) string {
	t.Helper()
	file := storetest.File{Path: filepath.Join(folder, name), Columns: columns}
	if err := file.Write(); err != nil {
		t.Fatal(err)
	}
	return file.Path
}

// writeText writes a file of text below the folder, and returns its path.
func writeText(t *testing.T, folder, name, content string) string {
	t.Helper()
	path := filepath.Join(folder, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o644)); err != nil {
		t.Fatal(err)
	}
	return path
}

// mistakes returns the input errors that an error joins, or none if it is of another kind.
func mistakes(err error) []*fault.InputError {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []*fault.InputError
		for _, part := range joined.Unwrap() {
			all = append(all, mistakes(part)...)
		}
		return all
	}
	if input, ok := errors.AsType[*fault.InputError](err); ok {
		return []*fault.InputError{input}
	}
	return nil
}
