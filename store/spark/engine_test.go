package spark_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry/spec"
	"github.com/plumbstore/plumb/store/offline"
	"github.com/plumbstore/plumb/store/spark"
	"github.com/plumbstore/plumb/store/storetest"
)

// project has the view v of the source s, whose key is k (INT64) and whose feature is x (INT64).
type project struct {
	folder string
	source *plumbv1.Source
	more   []*plumbv1.Source
	view   *plumbv1.FeatureView
}

var microseconds = &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}

// newProject writes the file data/a.parquet with rows of the key 1, at the microseconds 1, 2 and so on.
func newProject(t *testing.T, values ...any) *project {
	t.Helper()
	p := &project{folder: t.TempDir(), source: &plumbv1.Source{Name: "s", EventTimestamp: "at",
		Kind: &plumbv1.Source_Parquet{Parquet: &plumbv1.ParquetSource{Path: "data/a.parquet"}}}}
	p.view = &plumbv1.FeatureView{Name: "v", Entities: []string{"e"}, Source: "s",
		Features: []*plumbv1.Feature{{Name: "x", Type: plumbv1.Type_INT64}}}
	keys, times := make([]any, len(values)), make([]any, len(values))
	for i := range values {
		keys[i], times[i] = int64(1), feature.Instant(i+1)
	}
	p.write(t, "data/a.parquet", storetest.Column{Name: "k", Form: arrow.PrimitiveTypes.Int64, Values: keys},
		storetest.Column{Name: "x", Form: arrow.PrimitiveTypes.Float64, Values: values},
		storetest.Column{Name: "at", Form: microseconds, Values: times})
	p.write(t, "labels.parquet", storetest.Column{Name: "k", Form: arrow.PrimitiveTypes.Int64, Values: []any{int64(1)}},
		storetest.Column{Name: "t", Form: microseconds, Values: []any{feature.Instant(2)}})
	return p
}

func (p *project) write(t *testing.T, name string, columns ...storetest.Column) {
	t.Helper()
	if err := (storetest.File{Path: filepath.Join(p.folder, name), Columns: columns}).Write(); err != nil {
		t.Fatal(err)
	}
}

func (p *project) request(t *testing.T) offline.JoinRequest {
	t.Helper()
	world := &storetest.World{Definitions: &plumbv1.Definitions{
		Entities:     []*plumbv1.Entity{{Name: "e", JoinKeys: []*plumbv1.JoinKey{{Name: "k", Type: plumbv1.Type_INT64}}}},
		Sources:      append(p.more, p.source),
		FeatureViews: []*plumbv1.FeatureView{p.view},
	}}
	snapshot, err := world.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	selection, err := snapshot.SelectFeatures([]string{"v:x"}, false)
	if err != nil {
		t.Fatal(err)
	}
	return offline.JoinRequest{Selection: selection, Labels: filepath.Join(p.folder, "labels.parquet"),
		TimestampColumn: "t"}
}

// joined is the result in CSV.
func joined(t *testing.T, engine offline.Store, request offline.JoinRequest) (string, error) {
	t.Helper()
	join, err := engine.PlanJoin(t.Context(), request)
	if err != nil {
		return "", err
	}
	defer join.Close()
	path := filepath.Join(t.TempDir(), "out.csv")
	if _, err := join.WriteFile(t.Context(), path); err != nil {
		return "", err
	}
	text, err := os.ReadFile(path)
	return string(text), err
}

func TestExplainPrintsWhatSparkWouldRun(t *testing.T) {
	p := newProject(t, 1.0)
	join, err := openEngine(t, p.folder, 1).PlanJoin(t.Context(), p.request(t))
	if err != nil {
		t.Fatal(err)
	}
	defer join.Close()
	text, err := join.Explain(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"-- view v: ", "INSERT OVERWRITE DIRECTORY 'file:///", "PARTITION BY _plumb_k0 ",
		"a.parquet`"} {
		if !strings.Contains(text, want) {
			t.Errorf("it does not have %q:\n%s", want, text)
		}
	}
}

// What does not fit is said of the row of the source, and not of the copy that Spark makes of it.
func TestR9_AValueThatDoesNotFitIsNamedByItsFileAndRow(t *testing.T) {
	p := newProject(t, 1.0, 1.5, 3.5)
	_, err := joined(t, openEngine(t, p.folder, 1), p.request(t))
	input, ok := errors.AsType[*fault.InputError](err)
	want := `column "x", row 2 of ` + filepath.Join(p.folder, "data/a.parquet") + ": 1.5 does not fit INT64 exactly"
	if !ok || !strings.Contains(input.Message, want) {
		t.Errorf("the error is %v, want it to have %s", err, want)
	}
}

func TestACancelledJoinLeavesNothing(t *testing.T) {
	p := newProject(t, 1.0)
	request := p.request(t)
	ctx, cancel := context.WithCancel(t.Context())
	request.Progress = func(offline.Progress) { cancel() }
	join, err := openEngine(t, p.folder, 1).PlanJoin(ctx, request)
	if err != nil {
		t.Fatal(err)
	}
	defer join.Close()
	out := filepath.Join(p.folder, "out.parquet")
	if _, err := join.WriteFile(ctx, out); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v, want that of the context", err)
	}
	if _, err := os.Stat(out); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the result is there: %v", err)
	}
}

func TestSparkReadsItsOwnTextOfAQuery(t *testing.T) {
	p := newProject(t, 1.0, 2.0)
	p.more = []*plumbv1.Source{p.source}
	query := &plumbv1.SqlSource{Query: "SELECT * FROM s WHERE list_contains([1, 2], k)",
		Spark: "SELECT * FROM s WHERE array_contains(array(1L, 2L), k)"}
	p.source = &plumbv1.Source{Name: "q", EventTimestamp: "at", Kind: &plumbv1.Source_Sql{Sql: query}}
	p.view.Source = "q"
	engine := openEngine(t, p.folder, 1)
	got, err := joined(t, engine, p.request(t))
	if want := "k,t,x\n1,1970-01-01 00:00:00.000002+00,2\n"; err != nil || got != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
	query.Spark = ""
	if _, err := joined(t, engine, p.request(t)); err == nil ||
		!strings.Contains(err.Error(), "the query of source q fails in Spark: ") {
		t.Errorf("the error is %v", err)
	}
}

// Of unsigned and signed numbers of 64 bits the files together have a type that neither has.
func TestFilesMayHaveAColumnUnsignedAndSigned(t *testing.T) {
	p := newProject(t, 1.0)
	p.write(t, "data/b.parquet",
		storetest.Column{Name: "k", Form: arrow.PrimitiveTypes.Uint64, Values: []any{int64(1)}},
		storetest.Column{Name: "x", Form: arrow.PrimitiveTypes.Float64, Values: []any{7.0}},
		storetest.Column{Name: "at", Form: microseconds, Values: []any{feature.Instant(2)}})
	p.source.GetParquet().Path = "data/*.parquet"
	got, err := joined(t, openEngine(t, p.folder, 1), p.request(t))
	if want := "k,t,x\n1,1970-01-01 00:00:00.000002+00,7\n"; err != nil || got != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}

func TestColumnsOfBothTextsOfAQueryAreCompared(t *testing.T) {
	p := newProject(t, 1.0)
	p.more = []*plumbv1.Source{p.source}
	query := &plumbv1.SqlSource{Query: `SELECT k, x, "at", sum(k) OVER () AS n FROM s`}
	p.source = &plumbv1.Source{Name: "q", EventTimestamp: "at", Kind: &plumbv1.Source_Sql{Sql: query}}
	p.view.Source = "q"
	engine := openEngine(t, p.folder, 1)
	columns := func() ([]feature.Column, error) {
		return engine.Columns(t.Context(), p.request(t).Selection.References[0].View.Source)
	}
	if got, err := columns(); err != nil || len(got) != 4 {
		t.Errorf("got %v, %v", got, err)
	}
	query.Spark = `SELECT k, CAST(x AS STRING) AS x, "at" FROM s`
	_, err := columns()
	for _, want := range []string{`column "x" of source q is DOUBLE by DuckDB and STRING by Spark`,
		`column "n" of source q is there by DuckDB and not by Spark`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want it to have %s", err, want)
		}
	}
}

func TestSourcesThatSparkDoesNotReadAreRefused(t *testing.T) {
	p := newProject(t, 1.0)
	engine := openEngine(t, p.folder, 1)
	if err := os.WriteFile(filepath.Join(p.folder, "data/a.csv"), []byte("k,x,at\n1,1,1970-01-01\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	p.source.Kind = &plumbv1.Source_Csv{Csv: &plumbv1.CsvSource{Path: "data/a.csv"}}
	refused := func(want string) {
		t.Helper()
		_, err := engine.PlanJoin(t.Context(), p.request(t))
		if input, ok := errors.AsType[*fault.InputError](err); !ok || !strings.Contains(input.Message, want) {
			t.Errorf("the error is %v, want it to have %q", err, want)
		}
	}
	refused("source s is text (CSV or JSON lines), which is not read by Spark yet")
	p = newProject(t, 1.0)
	engine = openEngine(t, p.folder, 1)
	p.view.PushLog = &plumbv1.PushLog{Path: "data/pushed"}
	refused("is read with a push log, which is not read by Spark yet")
}

func TestSettingsThatValuesDependOnAreFixed(t *testing.T) {
	for _, c := range []struct {
		config spark.Config
		want   string
	}{
		{spark.Config{Staging: "s3://bucket/staging"}, "object stores are not supported there yet"},
		{spark.Config{}, "is missing"},
		{spark.Config{Staging: "/tmp", Server: spark.Server{
			Settings: map[string]string{"spark.sql.session.timeZone": "Asia/Kolkata"}}}, "spark.sql.session.timeZone is UTC"},
	} {
		_, err := spark.Open(c.config)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("the error is %v, want %q", err, c.want)
		}
	}
}

func TestFlightsEqualThoseOfTheEmbeddedEngine(t *testing.T) {
	const flights = "../../testdata/nycflights"
	set, err := spec.Load(flights, []string{"features"})
	if err != nil {
		t.Fatal(err)
	}
	definitions := set.Definitions
	definitions.OnDemandViews = nil
	definitions.FeatureViews = slices.DeleteFunc(definitions.FeatureViews,
		func(v *plumbv1.FeatureView) bool { return len(v.GetAggregations()) > 0 })
	definitions.FeatureServices = slices.DeleteFunc(definitions.FeatureServices,
		func(s *plumbv1.FeatureService) bool { return s.GetName() != "delay_model" })
	snapshot, err := (&storetest.World{Project: "nycflights", Definitions: definitions}).Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	selection, err := snapshot.SelectService("delay_model", false)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.CopyFS(filepath.Join(folder, "data"), os.DirFS(filepath.Join(flights, "data"))); err != nil {
		t.Fatal(err)
	}
	request := offline.JoinRequest{Selection: selection, Labels: filepath.Join(folder, "data/flights.parquet"),
		TimestampColumn: "sched_dep", Statuses: true, EventTimestamps: true}
	engine := openEngine(t, folder, 2)
	got, err := joined(t, engine, request)
	if err != nil {
		t.Fatal(err)
	}
	want, err := joined(t, engine.Engine, request)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal([]byte(got), []byte(want)) {
		t.Error("the results differ")
	}
	if rows := strings.Count(want, "\n"); rows != 336_777 {
		t.Errorf("%d lines", rows)
	}
}
