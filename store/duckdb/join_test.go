package duckdb

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/duckdb/quote"
	"github.com/plumbstore/plumb/store/duckdb/session/sessiontest"
	"github.com/plumbstore/plumb/store/offline"
)

// project is a folder of source files made by SQL, with one view "v" over them: key k (INT64) unless another is given,
// features as given.
type project struct {
	folder string
	view   *plumbv1.FeatureView
	source *plumbv1.Source
	key    *plumbv1.JoinKey
	// more are sources besides.
	more []*plumbv1.Source
}

func newProject(t testing.TB, files map[string]string, path string, features ...*plumbv1.Feature) *project {
	t.Helper()
	p := &project{folder: t.TempDir(), key: &plumbv1.JoinKey{Name: "k", Type: plumbv1.Type_INT64}}
	for name, query := range files {
		p.write(t, filepath.Join("data", name), query)
	}
	p.source = &plumbv1.Source{Name: "s", EventTimestamp: "at",
		Kind: &plumbv1.Source_Parquet{Parquet: &plumbv1.ParquetSource{Path: path}}}
	p.view = &plumbv1.FeatureView{Name: "v", Entities: []string{"e"}, Source: "s", Features: features}
	return p
}

func (p *project) write(t testing.TB, name, query string) {
	t.Helper()
	p.writeWith(t, name, query, "")
}

// writeWith writes a file with options of COPY, if it is Parquet.
func (p *project) writeWith(t testing.TB, name, query, options string) {
	t.Helper()
	if !strings.HasSuffix(name, ".parquet") {
		options = ""
	}
	path := filepath.Join(p.folder, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := sessiontest.Shared(t).Exec(t.Context(), "COPY ("+query+") TO "+quote.Literal(path)+" "+options); err != nil {
		t.Fatal(err)
	}
}

// plan joins all features of v to the labels, a file name and a query for its rows or, for .csv, its text.
func (p *project) plan(t *testing.T, labels, content string) (offline.Join, error) {
	t.Helper()
	if strings.HasSuffix(labels, ".csv") {
		if err := os.WriteFile(filepath.Join(p.folder, labels), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	} else {
		p.write(t, labels, content)
	}
	selection, err := p.snapshot(t).SelectFeatures([]string{"v:*"}, false)
	if err != nil {
		t.Fatal(err)
	}
	return p.open(t).PlanJoin(t.Context(), offline.JoinRequest{Selection: selection,
		Labels: filepath.Join(p.folder, labels), TimestampColumn: "t"})
}

func (p *project) snapshot(t testing.TB) *feature.Snapshot {
	t.Helper()
	snapshot, err := feature.NewSnapshot("p", 1, p.state())
	if err != nil {
		t.Fatal(err)
	}
	return snapshot
}

func (p *project) state() *plumbv1.State {
	return &plumbv1.State{
		Definitions: &plumbv1.Definitions{
			Entities: []*plumbv1.Entity{{Name: "e", JoinKeys: []*plumbv1.JoinKey{p.key}}},
			Sources:  append(p.more, p.source), FeatureViews: []*plumbv1.FeatureView{p.view},
		},
		Views: []*plumbv1.RegisteredView{{Name: "v", Generation: 1, Schemas: []*plumbv1.ViewSchema{{Id: 1}}}},
	}
}

func (p *project) open(t testing.TB) *Engine {
	t.Helper()
	engine, err := Open(Config{ProjectDir: p.folder, Roots: []string{"data"}, TempDir: p.folder})
	if err != nil {
		t.Fatal(err)
	}
	return engine
}

// join returns the result as CSV text.
func (p *project) join(t *testing.T, labels, content string) (string, error) {
	t.Helper()
	planned, err := p.plan(t, labels, content)
	if err != nil {
		return "", err
	}
	out := filepath.Join(p.folder, "out.csv")
	if _, err = planned.WriteFile(t.Context(), out); err != nil {
		return "", err
	}
	text, err := os.ReadFile(out)
	return string(text), err
}

func newFeature(name string, kind plumbv1.Type) *plumbv1.Feature {
	return &plumbv1.Feature{Name: name, Type: kind}
}

func TestHivePartitionsAreColumnsOfExactText(t *testing.T) {
	p := newProject(t, map[string]string{
		"area=01/day=2013-01-01/a.parquet": "SELECT 1 AS k, 10 AS x",
		"area=02/day=2013-01-02/a.parquet": "SELECT 1 AS k, 20 AS x",
	}, "data", newFeature("area", plumbv1.Type_STRING), newFeature("x", plumbv1.Type_INT32))
	p.source.EventTimestamp = "day"
	got, err := p.join(t, "l.csv", "k,t\n1,2013-01-01T23:59:59Z\n1,2013-01-02\n1,2012-12-31\n")
	if err != nil {
		t.Fatal(err)
	}
	want := "k,t,area,x\n1,2013-01-01T23:59:59Z,01,10\n1,2013-01-02,02,20\n1,2012-12-31,,\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestFilesThatDisagreeAboutAColumnAreNamed(t *testing.T) {
	p := newProject(t, map[string]string{
		"a.parquet": "SELECT 1 AS k, 10 AS x, TIMESTAMP '2013-01-01' AS at",
		"b.parquet": "SELECT 1 AS k, '10' AS x, TIMESTAMP '2013-01-02' AS at",
	}, "data/*.parquet", newFeature("x", plumbv1.Type_FLOAT64))
	_, err := p.join(t, "l.csv", "k,t\n1,2013-01-03\n")
	want := "disagree about column x: INTEGER in " + p.folder + "/data/a.parquet, VARCHAR in "
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got error %v, want one that names column, files and types", err)
	}
}

func TestR6_LabelColumnsOfACSVFileStayLetterForLetter(t *testing.T) {
	p := newProject(t, map[string]string{"a.parquet": "SELECT 1 AS k, 10 AS x, TIMESTAMP '2013-01-01' AS at"},
		"data/a.parquet", newFeature("x", plumbv1.Type_INT32))
	labels := "zip,k,t,note,price\n007,1,2013-01-03T00:00:00+02:00,\"a,\"\"b\"\"\",1.50\n" +
		",1,2013-01-01,\"\",2\n1e5,,2013-01-01,NULL,\n"
	got, err := p.join(t, "l.csv", labels)
	if err != nil {
		t.Fatal(err)
	}
	want := "zip,k,t,note,price,x\n007,1,2013-01-03T00:00:00+02:00,\"a,\"\"b\"\"\",1.50,10\n,1,2013-01-01,\"\",2,10\n" +
		"1e5,,2013-01-01,NULL,,\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestR10_LabelColumnsOfOneNameAreRefused(t *testing.T) {
	p := newProject(t, map[string]string{"a.parquet": "SELECT 1 AS k, 10 AS x, TIMESTAMP '2013-01-01' AS at"},
		"data/a.parquet", newFeature("x", plumbv1.Type_INT32))
	for content, want := range map[string]string{
		"k,t,k\n1,2013-01-03,2\n": `two columns named "k"; rename one`,
		"k,t,,\n1,2013-01-03,,\n": `several columns without a name; name them`,
		"k,t,X\n1,2013-01-03,2\n": `"x" is wanted by label column "X"`,
	} {
		if _, err := p.join(t, "l.csv", content); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got error %v, want one with %q", content, err, want)
		}
	}
}

func TestR10_LabelColumnsKeepNamesThatSQLCannotHave(t *testing.T) {
	p := newProject(t, map[string]string{"a.parquet": "SELECT 1 AS k, 10 AS x, TIMESTAMP '2013-01-01' AS at"},
		"data/a.parquet", newFeature("x", plumbv1.Type_INT32))
	got, err := p.join(t, "l.csv", ",k,t,K,T\n0,1,2013-01-03,2,\n1,1,2013-01-03,,\"\"\n")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("\"\",k,t,K,T,x\n0,1,2013-01-03,2,,10\n1,1,2013-01-03,,\"\",10\n", got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAFailedJoinLeavesNothingBehind(t *testing.T) {
	p := newProject(t, map[string]string{"a.parquet": "SELECT 1 AS k, 3000000000 AS x, TIMESTAMP '2013-01-01' AS at"},
		"data/a.parquet", newFeature("x", plumbv1.Type_INT32))
	planned, err := p.plan(t, "l.csv", "k,t\n1,2013-01-03\n")
	if err != nil {
		t.Fatal(err)
	}
	for _, out := range []string{"out.parquet", "out.csv", "out.arrow"} {
		out = filepath.Join(p.folder, out)
		if err := os.WriteFile(out, []byte("what was there"), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err = planned.WriteFile(t.Context(), out)
		want := `column "x", row 1 of ` + filepath.Join(p.folder, "data", "a.parquet") +
			": 3000000000 does not fit INT32 exactly"
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want one with %q", err, want)
		}
		if kept, _ := os.ReadFile(out); string(kept) != "what was there" {
			t.Errorf("%s was replaced by %q", out, kept)
		}
	}
	left, err := filepath.Glob(filepath.Join(p.folder, "*"))
	if err != nil || len(left) != 5 {
		t.Errorf("left behind: %v (%v), want data, l.csv and three results alone", left, err)
	}
	hidden, _ := filepath.Glob(filepath.Join(p.folder, ".*"))
	if len(hidden) != 0 {
		t.Errorf("left behind: %v", hidden)
	}
}

func TestColumnsMayHaveAnyName(t *testing.T) {
	p := newProject(t, map[string]string{
		"a.parquet": `SELECT 1 AS k, 10 AS "it's ""x"", select", 11 AS n, TIMESTAMP '2013-01-01' AS at, 5 AS rowid`,
	}, "data/a.parquet", newFeature("x", plumbv1.Type_INT32), newFeature("n", plumbv1.Type_INT32),
		newFeature("c0", plumbv1.Type_INT32))
	p.view.Features[0].Column = `it's "x", select`
	p.view.Features[2].Column = "rowid"
	got, err := p.join(t, "l.csv", "k,t,_n,\"from \"\"a\"\"; DROP TABLE b --\"\n1,2013-01-03,7,8\n")
	if err != nil {
		t.Fatal(err)
	}
	want := "k,t,_n,\"from \"\"a\"\"; DROP TABLE b --\",x,n,c0\n1,2013-01-03,7,8,10,11,5\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestExplainShowsTheSQLThatRuns(t *testing.T) {
	p := newProject(t, map[string]string{"a.parquet": "SELECT 1 AS k, 10 AS x, TIMESTAMP '2013-01-01' AS at"},
		"data/a.parquet", newFeature("x", plumbv1.Type_INT32))
	planned, err := p.plan(t, "l.csv", "k,t\n1,2013-01-03\n")
	if err != nil {
		t.Fatal(err)
	}
	got, err := planned.Explain(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"-- view v as v", "-- strategy: 1 label rows", "1 feature rows offered",
		"data/a.parquet", "-- result"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in:\n%s", want, got)
		}
	}
}

func TestR14_AValueThatACorrectionReplacedNeedNotFit(t *testing.T) {
	p := newProject(t, map[string]string{"a.parquet": "SELECT * FROM (VALUES (1, 3000000000, TIMESTAMP '2013-01-01', " +
		"TIMESTAMP '2013-01-01'), (1, 7, TIMESTAMP '2013-01-01', TIMESTAMP '2013-01-02')) v(k, x, \"at\", known)"},
		"data/a.parquet", newFeature("x", plumbv1.Type_INT32))
	p.source.CreatedTimestamp = "known"
	got, err := p.join(t, "l.csv", "k,t\n1,2013-01-03\n")
	if err != nil || got != "k,t,x\n1,2013-01-03,7\n" {
		t.Errorf("got %q and error %v, want the correction", got, err)
	}
}

func TestProvenanceNamesTheFileOfARowWhicheverFilesAreRead(t *testing.T) {
	row := func(key, x int, at string) string {
		return fmt.Sprintf("SELECT %d AS k, %d AS x, TIMESTAMP '%s' AS at", key, x, at)
	}
	p := newProject(t, map[string]string{
		"day=1/a.parquet": row(1, 10, "2026-03-01 00:00"),
		"day=2/a.parquet": row(1, 20, "2026-03-02 12:00"),
		"day=2/b.parquet": row(2, 21, "2026-03-02 12:00") + " UNION ALL " + row(4, 22, "2026-03-02 12:00"),
		"day=3/a.parquet": row(1, 30, "2026-03-03 12:00") + " UNION ALL " + row(4, 31, "2026-03-02 13:00"),
		"day=4/a.parquet": row(1, 40, "2026-03-04 12:00"),
	}, "data", newFeature("x", plumbv1.Type_INT64))
	p.view.Ttl = durationpb.New(24 * time.Hour)
	request := p.request(t)
	request.Provenance = true
	p.write(t, "labels.parquet",
		"SELECT unnest([1, 2, 3, 4]) AS k, unnest([12, 13, 14, 15]) * INTERVAL 1 HOUR + TIMESTAMP '2026-03-02' AS t")
	path, err := p.run(t, request, "out.csv")
	if err != nil {
		t.Fatal(err)
	}
	var text string
	query := "SELECT string_agg(concat_ws(' ', k, x, v__source_file), ', ') FROM " + quote.Literal(path)
	if err := sessiontest.Shared(t).QueryRow(t.Context(), query, &text); err != nil {
		t.Fatal(err)
	}
	want := "1 20 data/day=2/a.parquet, 2 21 data/day=2/b.parquet, 3, 4 31 data/day=3/a.parquet"
	if text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
}
