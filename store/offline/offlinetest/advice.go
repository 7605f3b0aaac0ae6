package offlinetest

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/offline"
)

// LeftOut checks that files with other endings in the folder of a source are listed, at any depth, and that there are
// none for a source that names no folder which may be read.
func (s Suite) LeftOut(t *testing.T) {
	folder, outside := t.TempDir(), t.TempDir()
	engine := s.Start(t, folder, 1)
	for _, name := range []string{"data/s/a.parquet", "data/s/deep/b.PARQUET"} {
		path := writeFile(t, folder, strings.ToLower(name), integers("k", int64(1)), times("at", 1), integers("x", int64(1)))
		if err := os.Rename(path, filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"data/s/c.csv", "data/s/deep/note.txt", "data/s/none", "data/s/.hidden.txt",
		"data/s/_SUCCESS", "data/s/_temporary/d.txt", "data/other.txt", "secret/e.txt"} {
		writeText(t, folder, name, "")
	}
	writeText(t, outside, "e.txt", "")
	leftOut := func(path string) []string {
		t.Helper()
		return advised(t, engine.LeftOut, sourceOf(t, parquetSource(path)))
	}
	want := []string{"data/s/c.csv", "data/s/deep/note.txt", "data/s/none"}
	for _, path := range []string{"data/s", "data/s/", filepath.Join(folder, "data/s")} {
		if got := slices.Sorted(slices.Values(leftOut(path))); !slices.Equal(got, want) {
			t.Errorf("%s leaves out %q, want %q", path, got, want)
		}
	}
	for _, path := range []string{"data/s/a.parquet", "data/s/*.parquet", "data/s/**", "data/nowhere", "secret", outside} {
		if got := leftOut(path); len(got) > 0 {
			t.Errorf("%s leaves out %q, want nothing", path, got)
		}
	}
	if got := advised(t, engine.LeftOut, queryOf(t, "data/s", "SELECT * FROM s")); len(got) > 0 {
		t.Errorf("a query leaves out %q", got)
	}
}

// Midnights checks that event times which are the midnights of several days are found, and no others (R1).
func (s Suite) Midnights(t *testing.T) {
	folder := t.TempDir()
	engine := s.Start(t, folder, 1)
	const day = 24 * 3_600_000_000
	write := func(name string, instants ...any) {
		keys, numbers := integers("k"), integers("x")
		for range instants {
			keys.Values, numbers.Values = append(keys.Values, int64(1)), append(numbers.Values, int64(1))
		}
		writeFile(t, folder, "data/"+name, keys, times("at", instants...), times("known", instants...), numbers)
	}
	write("midnights/a.parquet", 0, day, nil, 5*day)
	write("midnights/b.parquet", -3*day, day)
	write("files/a.parquet", day)
	write("files/b.parquet", 2*day, 2*day)
	write("noon/a.parquet", 0, day, day+day/2, 5*day)
	write("microsecond/a.parquet", 0, day, 5*day+1)
	write("mixed/a.parquet", 0, day)
	write("mixed/b.parquet", day/2)
	write("one/a.parquet", day, day, nil)
	write("empty/a.parquet")
	for name, want := range map[string]bool{"midnights": true, "files": true, "noon": false, "microsecond": false,
		"mixed": false, "one": false, "empty": false} {
		got, err := engine.AtMidnights(t.Context(), sourceOf(t, parquetSource("data/"+name)))
		if err != nil || got != want {
			t.Errorf("%s: got %t, %v; want %t", name, got, err, want)
		}
	}
	created := parquetSource("data/midnights")
	created.CreatedTimestamp = "known"
	for name, source := range map[string]*feature.Source{
		"a source that says when rows were known": sourceOf(t, created),
		"a query": queryOf(t, "data/midnights", "SELECT * FROM s"),
	} {
		if got, err := engine.AtMidnights(t.Context(), source); err != nil || got {
			t.Errorf("%s: got %t, %v; want false", name, got, err)
		}
	}
	if _, err := engine.AtMidnights(t.Context(), sourceOf(t, parquetSource("data/nowhere"))); len(mistakes(err)) == 0 {
		t.Errorf("a source that is not there gives %v, want an input error", err)
	}
}

// Ties checks that what may choose among rows that tie is found in queries, and nothing in other queries and sources.
func (s Suite) Ties(t *testing.T) {
	folder := t.TempDir()
	engine := s.Start(t, folder, 1)
	writeFile(t, folder, "data/a.parquet", integers("k", int64(1)), times("at", 1), integers("x", int64(1)))
	for query, want := range map[string][]string{
		`SELECT k, x, "at" FROM s`:                                                     nil,
		`SELECT k, max(x) AS x, "at" FROM s GROUP BY k, "at"`:                          nil,
		`SELECT k, x, "at" FROM s ORDER BY "at" LIMIT 3`:                               {"LIMIT"},
		`SELECT k, row_number() OVER (PARTITION BY k ORDER BY "at") AS x, "at" FROM s`: {"row_number"},
		`SELECT * FROM (SELECT k, x, "at", row_number() OVER (ORDER BY "at") AS n FROM s ORDER BY "at" LIMIT 9)`: {
			"LIMIT", "row_number"},
	} {
		got := slices.Sorted(slices.Values(advised(t, tiesIn(engine), queryOf(t, "data/a.parquet", query))))
		if !slices.EqualFunc(got, want, strings.HasPrefix) {
			t.Errorf("%s: got %q, want %q", query, got, want)
		}
	}
	for _, path := range []string{"data/a.parquet", "data", "data/*.parquet"} {
		if got := advised(t, tiesIn(engine), sourceOf(t, parquetSource(path))); len(got) > 0 {
			t.Errorf("files at %s: got %q, want nothing", path, got)
		}
	}
	mixed := []*feature.Source{
		sourceOf(t, parquetSource("data/a.parquet")),
		queryOf(t, "data/a.parquet", `SELECT k, x, "at" FROM s ORDER BY "at" LIMIT 3`),
		queryOf(t, "data/a.parquet", `SELECT k, x, "at" FROM s`),
	}
	if got, err := engine.Ties(t.Context(), mixed); err != nil || len(got) != 3 || len(got[1]) != 1 ||
		len(got[0])+len(got[2]) > 0 {
		t.Errorf("three sources: got %q, %v; want one in the second alone", got, err)
	}
	mixed[2] = queryOf(t, "data/a.parquet", "SELECT k FROM")
	if _, err := engine.Ties(t.Context(), mixed); len(mistakes(err)) == 0 {
		t.Errorf("a query that does not parse gives %v, want an input error", err)
	}
}

// tiesIn is Ties for one source.
func tiesIn(engine offline.Advisor) func(context.Context, *feature.Source) ([]string, error) {
	return func(ctx context.Context, source *feature.Source) ([]string, error) {
		ties, err := engine.Ties(ctx, []*feature.Source{source})
		if err != nil {
			return nil, err
		}
		return ties[0], nil
	}
}

// advised returns what an engine finds in a source.
func advised(t *testing.T, find func(context.Context, *feature.Source) ([]string, error), source *feature.Source,
) []string {
	t.Helper()
	found, err := find(t.Context(), source)
	if err != nil {
		t.Errorf("source %s: %v", source.Name, err)
	}
	return found
}

func sourceOf(t *testing.T, sources ...*plumbv1.Source) *feature.Source {
	t.Helper()
	return viewOf(t, sources, oneNumber).Source
}

// queryOf is a SQL source over the source "s" of a path.
func queryOf(t *testing.T, path, query string) *feature.Source {
	t.Helper()
	return sourceOf(t, querySource(query), parquetSource(path))
}
