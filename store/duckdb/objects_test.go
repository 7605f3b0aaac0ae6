package duckdb

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/source/objects"
	"github.com/plumbstore/plumb/source/objects/objectstest"
	"github.com/plumbstore/plumb/store/offline"
)

// lake is a server of objects with a proxy before it.
type lake struct {
	server *objectstest.Server
	proxy  *objectstest.Proxy
}

func newLake(t testing.TB) *lake {
	t.Helper()
	server := objectstest.Start(t)
	return &lake{server, objectstest.Before(t, server)}
}

// put uploads the files of a project, under the keys data/….
func (l *lake) put(t testing.TB, p *project) {
	t.Helper()
	l.server.PutFolder(t, "data", filepath.Join(p.folder, "data"))
}

// store reads the objects through the proxy.
func (l *lake) store(t testing.TB, cache string) *objects.Store {
	t.Helper()
	config := l.server.Config(l.proxy.Endpoint)
	config.CacheDir, config.CacheLimit = cache, 1<<30
	store, err := objects.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// engine reads the objects below data.
func (l *lake) engine(t testing.TB, p *project, cache string) *Engine {
	t.Helper()
	engine, err := Open(Config{ProjectDir: p.folder, Roots: []string{"s3://lake/data", "data"},
		TempDir: p.folder, Objects: l.store(t, cache)})
	if err != nil {
		t.Fatal(err)
	}
	return engine
}

// answers are what an engine says of the project's view: the join of the labels, and the newest rows.
func (p *project) answers(t *testing.T, engine *Engine, labels string) (text string, newest []string, err error) {
	t.Helper()
	snapshot := p.snapshot(t)
	selection, err := snapshot.SelectFeatures([]string{"v:*"}, false)
	if err != nil {
		t.Fatal(err)
	}
	join, err := engine.PlanJoin(t.Context(), offline.JoinRequest{Selection: selection, Labels: labels,
		TimestampColumn: "t"})
	if err != nil {
		return "", nil, err
	}
	defer func() {
		if err := join.Close(); err != nil {
			t.Error(err)
		}
	}()
	out := filepath.Join(t.TempDir(), "out.csv")
	if _, err := join.WriteFile(t.Context(), out); err != nil {
		return "", nil, err
	}
	made, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	view, err := snapshot.View("v")
	if err != nil {
		t.Fatal(err)
	}
	from := feature.Instant(1_357_005_600_000_000)
	_, err = engine.Newest(t.Context(), offline.NewestRequest{View: view, CountBefore: true,
		Window: offline.Window{Start: &from, End: from + 86_100_000_000}},
		func(batch arrow.RecordBatch) error {
			for row := range int(batch.NumRows()) {
				var cells []string
				for _, column := range batch.Columns() {
					cells = append(cells, column.ValueStr(row))
				}
				newest = append(newest, strings.Join(cells, " "))
			}
			return nil
		})
	slices.Sort(newest)
	return string(made), newest, err
}

// rows are a row a second from the first on, with a wide column that nobody asks for.
func rows(first, count int, more string) string {
	return fmt.Sprintf("SELECT (i * 7919) %% 1000 AS k, i %% 97 AS x, (i * 31 %% 1009) / 8 AS y, "+
		"md5(i::VARCHAR) || md5((i + 1)::VARCHAR) AS wide, "+
		"TIMESTAMP '2013-01-01' + to_seconds(i * 4) AS at%s FROM range(%d, %d) r(i)", more, first, first+count)
}

// writeLabels writes label rows of some keys at instants that a day apart.
func (p *project) writeLabels(t *testing.T) string {
	t.Helper()
	p.write(t, "labels.parquet", "SELECT i AS k, TIMESTAMPTZ '2013-01-03 00:00:00+00' + to_seconds(i * 200) AS t "+
		"FROM range(300) r(i)")
	return filepath.Join(p.folder, "labels.parquet")
}

func TestAnswersFromObjectsAreThoseFromFiles(t *testing.T) {
	l := newLake(t)
	const groups = "(FORMAT parquet, ROW_GROUP_SIZE 8192)"
	for name, test := range map[string]struct {
		files   map[string]string
		path    string
		options string
		query   string
		event   string
		more    []*plumbv1.Feature
	}{
		"one file": {files: map[string]string{"a/one.parquet": rows(0, 60_000, "")}, path: "data/a/one.parquet"},
		"row positions": {files: map[string]string{"b/1.parquet": rows(0, 50_000, ""),
			"b/2.parquet": rows(25_000, 50_000, "")}, path: "data/b"},
		"several layouts": {files: map[string]string{"c/1.parquet": rows(0, 50_000, ""),
			"c/2.parquet": strings.Replace(rows(40_000, 50_000, ", 1 AS z"), "i % 97 AS x", "(i % 97)::INTEGER AS x", 1)},
			path: "data/c/*.parquet"},
		"partitions": {files: map[string]string{"d/day=1/p.parquet": rows(0, 60_000, ""),
			"d/day=2/p.parquet": rows(30_000, 30_000, ""), "d/day=03/p.parquet": rows(60_000, 30_000, "")}, path: "data/d",
			more: []*plumbv1.Feature{newFeature("day", plumbv1.Type_STRING)}},
		"names that hide places": {files: map[string]string{"e/1.parquet": rows(0, 40_000, ", 'f' AS filename")},
			path: "data/e"},
		"a SQL source": {files: map[string]string{"f/1.parquet": rows(0, 50_000, "")}, path: "data/f",
			query: `SELECT k, x * 2 AS x, y, "at" FROM raw WHERE x <> 5 AND "at" < TIMESTAMP '2013-01-03 01:00:00'`},
		"CSV": {files: map[string]string{"g/1.csv": rows(0, 10_000, "")}, path: "data/g"},
		"a created time": {files: map[string]string{"h/1.parquet": rows(0, 50_000,
			", TIMESTAMP '2013-01-01' + to_seconds(i * 4 + 3600) AS created")}, path: "data/h"},
		"a folder's name": {files: map[string]string{"i/x.parquet/1.parquet": rows(0, 60_000, "")}, path: "data/i/*.parquet"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProject(t, nil, test.path, slices.Concat([]*plumbv1.Feature{newFeature("x", plumbv1.Type_INT64),
				newFeature("y", plumbv1.Type_FLOAT64)}, test.more)...)
			for file, query := range test.files {
				p.writeWith(t, filepath.Join("data", file), query, groups)
			}
			l.put(t, p)
			file := p.source
			if strings.HasSuffix(slices.Collect(keysOf(test.files))[0], ".csv") {
				file.Kind = &plumbv1.Source_Csv{Csv: &plumbv1.CsvSource{Path: test.path}}
			}
			if strings.Contains(name, "created") {
				file.CreatedTimestamp = "created"
			}
			if test.query != "" {
				raw := &plumbv1.Source{Name: "raw", EventTimestamp: "at", Kind: p.source.Kind}
				p.more, file = []*plumbv1.Source{raw}, raw
				p.source.Kind = &plumbv1.Source_Sql{Sql: &plumbv1.SqlSource{Query: test.query}}
			}
			labels := p.writeLabels(t)
			want, wantNewest, err := p.answers(t, p.open(t), labels)
			if err != nil {
				t.Fatal(err)
			}
			if csv := file.GetCsv(); csv != nil {
				csv.Path = "s3://lake/" + test.path
			} else {
				file.GetParquet().Path = "s3://lake/" + test.path
			}
			for _, engine := range []*Engine{l.engine(t, p, ""), fetchingEngine(l.engine(t, p, ""))} {
				got, gotNewest, err := p.answers(t, engine, labels)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, got); diff != "" || !strings.Contains(got, ".") {
					t.Errorf("(-files +objects):\n%s", diff)
				}
				if diff := cmp.Diff(wantNewest, gotNewest); diff != "" || len(gotNewest) == 0 {
					t.Errorf("%d newest rows (-files +objects):\n%s", len(gotNewest), diff)
				}
			}
			left, err := filepath.Glob(filepath.Join(p.folder, "plumb-spill-*"))
			if err != nil || len(left) > 0 {
				t.Errorf("%v are left, %v", left, err)
			}
		})
	}
}

// Random joins found that the text was taken for Parquet, since the query's statement names it too.
func TestTextObjectsBesideParquetAreReadAsText(t *testing.T) {
	l := newLake(t)
	p := newProject(t, nil, "", newFeature("x", plumbv1.Type_INT64), newFeature("y", plumbv1.Type_FLOAT64))
	p.write(t, "data/rows.parquet", rows(0, 10_000, ""))
	p.write(t, "data/few.csv", "SELECT i * 3 AS k, TIMESTAMP '2013-01-01' AS at FROM range(50) r(i)")
	l.put(t, p)
	parquet, text := &plumbv1.ParquetSource{Path: "data/rows.parquet"}, &plumbv1.CsvSource{Path: "data/few.csv"}
	p.more = []*plumbv1.Source{
		{Name: "raw", EventTimestamp: "at", Kind: &plumbv1.Source_Parquet{Parquet: parquet}},
		{Name: "few", EventTimestamp: "at", Kind: &plumbv1.Source_Csv{Csv: text}},
	}
	p.source.Kind = &plumbv1.Source_Sql{Sql: &plumbv1.SqlSource{
		Query: `SELECT raw.k, x, y, raw."at" FROM raw JOIN few ON CAST(few.k AS BIGINT) = raw.k`}}
	labels := p.writeLabels(t)
	want, wantNewest, err := p.answers(t, p.open(t), labels)
	if err != nil {
		t.Fatal(err)
	}
	parquet.Path, text.Path = "s3://lake/"+parquet.Path, "s3://lake/"+text.Path
	got, gotNewest, err := p.answers(t, l.engine(t, p, ""), labels)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got) + cmp.Diff(wantNewest, gotNewest); diff != "" || len(gotNewest) == 0 {
		t.Errorf("%d newest rows (-files +objects):\n%s", len(gotNewest), diff)
	}
}

func keysOf(files map[string]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for name := range files {
			if !yield(name) {
				return
			}
		}
	}
}

func fetchingEngine(e *Engine) *Engine {
	e.NeverKeeps()
	return e
}

func TestNoMoreIsFetchedThanTheFooterAndTheChunksOfWantedColumns(t *testing.T) {
	l := newLake(t)
	p := newProject(t, nil, "data/one.parquet", newFeature("x", plumbv1.Type_INT64))
	p.writeWith(t, "data/one.parquet", rows(0, 400_000, ""), "(FORMAT parquet, ROW_GROUP_SIZE 20000)")
	l.put(t, p)
	p.source.GetParquet().Path = "s3://lake/data/one.parquet"
	p.view.Ttl = durationpb.New(time.Hour)
	info, err := os.Stat(filepath.Join(p.folder, "data/one.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	selection, err := p.snapshot(t).SelectFeatures([]string{"v:*"}, false)
	if err != nil {
		t.Fatal(err)
	}
	join, err := l.engine(t, p, "").PlanJoin(t.Context(), offline.JoinRequest{Selection: selection,
		Labels: p.writeLabels(t), TimestampColumn: "t"})
	if err != nil {
		t.Fatal(err)
	}
	defer join.Close()
	if _, _, bytes := l.proxy.Counted(); bytes > 70_000 {
		t.Errorf("%d bytes were fetched to plan", bytes)
	}
	if _, err := join.WriteFile(t.Context(), filepath.Join(p.folder, "out.parquet")); err != nil {
		t.Fatal(err)
	}
	// The wanted columns are a fifth of the file, and the wanted row groups four of its twenty.
	if _, ranges, bytes := l.proxy.Counted(); bytes > info.Size()/15 || ranges > 20 {
		t.Errorf("%d of %d bytes were fetched by %d requests", bytes, info.Size(), ranges)
	}
}

func TestAnObjectThatIsReplacedInMidJoinIsAnErrorWithItsName(t *testing.T) {
	l := newLake(t)
	p := newProject(t, nil, "data/one.parquet", newFeature("x", plumbv1.Type_INT64))
	p.writeWith(t, "data/one.parquet", rows(0, 400_000, ""), "(FORMAT parquet, ROW_GROUP_SIZE 20000)")
	p.writeWith(t, "other.parquet", rows(7, 400_000, ""), "(FORMAT parquet, ROW_GROUP_SIZE 20000)")
	l.put(t, p)
	p.source.GetParquet().Path = "s3://lake/data/one.parquet"
	var ranges atomic.Int64
	l.proxy.Do(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.Header.Get("Range") != "" && ranges.Add(1) == 2 {
			l.server.PutFile(t, "data/one.parquet", filepath.Join(p.folder, "other.parquet"))
		}
		next.ServeHTTP(w, r)
	})
	_, _, err := p.answers(t, l.engine(t, p, ""), p.writeLabels(t))
	if _, ok := errors.AsType[*fault.InputError](err); !ok ||
		!strings.Contains(err.Error(), "s3://lake/data/one.parquet was changed while it was in use") {
		t.Errorf("the error is %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(p.folder, "plumb-spill-*")); err != nil || len(left) > 0 {
		t.Errorf("%v are left, %v", left, err)
	}
}

func TestMessagesCallObjectsByTheirNames(t *testing.T) {
	l := newLake(t)
	p := newProject(t, map[string]string{"one.parquet": misfits, "a/1.parquet": "SELECT 1 AS k, 1 AS x, now() AS at",
		"a/2.parquet": "SELECT 1 AS k, 'a' AS x, now() AS at", "b/b.parquet": "SELECT 1 AS k"}, "",
		newFeature("x", plumbv1.Type_INT32))
	l.put(t, p)
	l.server.Put(t, "data/c/broken.parquet", []byte("no Parquet at all"))
	l.server.Put(t, "data/d/part.txt", []byte("text"))
	l.server.Put(t, "data/t/_delta_log/0.json", []byte("{}"))
	l.server.PutFile(t, "data/t/p/1.parquet", filepath.Join(p.folder, "data/one.parquet"))
	l.server.PutFile(t, "data2/1.parquet", filepath.Join(p.folder, "data/one.parquet"))
	labels := p.writeLabels(t)
	for path, want := range map[string]string{
		"data/one.parquet": "of s3://lake/data/one.parquet",
		"data/a": "files disagree about column x: INTEGER in s3://lake/data/a/1.parquet, VARCHAR in " +
			"s3://lake/data/a/2.parquet",
		"data/c":          "cannot read s3://lake/data/c/broken.parquet: it is not a whole Parquet file",
		"data/d":          "folder s3://lake/data/d holds no .parquet, .parq or .pq file, but for example part.txt",
		"data/t/p":        "reads the files of a Delta table: s3://lake/data/t holds _delta_log",
		"data/t":          "reads the files of a Delta table: s3://lake/data/t holds _delta_log",
		"data/none":       "there is no file s3://lake/data/none below the folders",
		"data/none/*":     "no file matches s3://lake/data/none/*",
		"data2/1.parquet": "there is no file s3://lake/data2/1.parquet below the folders",
		"data2/*.parquet": "there is no file s3://lake/data2/*.parquet below the folders",
		"dat*/1.parquet":  "there is no file s3://lake/dat*/1.parquet below the folders",
	} {
		p.source.Kind = &plumbv1.Source_Parquet{Parquet: &plumbv1.ParquetSource{Path: "s3://lake/" + path}}
		_, _, err := p.answers(t, l.engine(t, p, ""), labels)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), p.folder) {
			t.Errorf("%s: the error is %v\nand not %s", path, err, want)
		}
	}
}

func TestSQLOfSourcesReachesNoObject(t *testing.T) {
	l := newLake(t)
	p := newProject(t, map[string]string{"one.parquet": "SELECT 1 AS k, 1 AS x, now() AS at"}, "",
		newFeature("x", plumbv1.Type_INT32))
	l.put(t, p)
	for _, from := range []string{"read_parquet('s3://lake/data/one.parquet')", "'s3://lake/data/one.parquet'"} {
		p.source.Kind = &plumbv1.Source_Sql{Sql: &plumbv1.SqlSource{Query: "SELECT k, x, \"at\" FROM " + from}}
		if _, _, err := p.answers(t, l.engine(t, p, ""), p.writeLabels(t)); err == nil {
			t.Errorf("%s was read", from)
		}
		if requests, _, _ := l.proxy.Counted(); requests != 0 {
			t.Errorf("%s: %v", from, l.proxy.Requests())
		}
	}
}
