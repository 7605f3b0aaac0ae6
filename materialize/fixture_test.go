package materialize_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/redistest"
	"github.com/plumbstore/plumb/materialize"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/registry/sqldb"
	"github.com/plumbstore/plumb/store/duckdb"
	"github.com/plumbstore/plumb/store/lookup"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/redis"
	"github.com/plumbstore/plumb/store/sqlite"
	"github.com/plumbstore/plumb/store/storetest"
)

// noon is what the materializers' clock says.
var noon = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// at is an instant, hours after the midnight before noon.
func at(hours float64) feature.Instant {
	return feature.InstantOf(noon.Add(-12 * time.Hour).Add(time.Duration(hours * float64(time.Hour))))
}

// price is a row of the source: what a shop asks at an instant, and when that became known. Any of them may be nil.
type price struct{ shop, at, known, euros any }

// project is a folder with one view of prices by shop, in a real registry, over a real Parquet file.
type project struct {
	t        testing.TB
	folder   string
	registry *sqldb.DB
	offline  *duckdb.Engine
}

func newProject(t testing.TB, prices ...price) *project {
	t.Helper()
	p := openProject(t, t.TempDir())
	p.write(prices...)
	p.apply(definitions())
	return p
}

// openProject opens what is in a folder, as another process would.
func openProject(t testing.TB, folder string) *project {
	t.Helper()
	p := &project{t: t, folder: folder}
	if err := os.MkdirAll(filepath.Join(folder, "data"), 0o755); err != nil { // Roots are those that are there.
		t.Fatal(err)
	}
	p.registry = must(sqldb.Open(t.Context(), "sqlite:"+filepath.Join(folder, "registry.db")))(t)
	t.Cleanup(func() { p.registry.Close() })
	p.offline = must(duckdb.Open(t.Context(), duckdb.Config{ProjectDir: folder, Roots: []string{"data"}, Threads: 1}))(t)
	t.Cleanup(func() { p.offline.Close() })
	return p
}

func definitions() *plumbv1.Definitions {
	return &plumbv1.Definitions{
		Entities: []*plumbv1.Entity{
			{Name: "shop", JoinKeys: []*plumbv1.JoinKey{{Name: "shop", Type: plumbv1.Type_STRING}}},
		},
		Sources: []*plumbv1.Source{{
			Name:           "prices",
			Kind:           &plumbv1.Source_Parquet{Parquet: &plumbv1.ParquetSource{Path: "data/prices.parquet"}},
			EventTimestamp: "at", CreatedTimestamp: "known",
		}},
		FeatureViews: []*plumbv1.FeatureView{
			{
				Name: "price", Entities: []string{"shop"}, Source: "prices", Ttl: durationpb.New(6 * time.Hour),
				Features: []*plumbv1.Feature{{Name: "euros", Type: plumbv1.Type_FLOAT64}},
			},
			{
				Name: "archive", Entities: []string{"shop"}, Source: "prices", Online: new(false),
				Features: []*plumbv1.Feature{{Name: "euros", Type: plumbv1.Type_FLOAT64}},
			},
		},
	}
}

// write replaces the source's file.
func (p *project) write(prices ...price) {
	p.t.Helper()
	columns := []storetest.Column{
		{Name: "shop", Form: arrow.BinaryTypes.String},
		{Name: "at", Form: arrow.FixedWidthTypes.Timestamp_us},
		{Name: "known", Form: arrow.FixedWidthTypes.Timestamp_us},
		{Name: "euros", Form: arrow.PrimitiveTypes.Float64},
	}
	for _, row := range prices {
		for i, value := range []any{row.shop, row.at, row.known, row.euros} {
			columns[i].Values = append(columns[i].Values, value)
		}
	}
	file := storetest.File{Path: filepath.Join(p.folder, "data", "prices.parquet"), Columns: columns}
	if err := file.Write(); err != nil {
		p.t.Fatal(err)
	}
}

func (p *project) apply(definitions *plumbv1.Definitions) {
	p.t.Helper()
	p.applyState(storetest.StateOf(definitions))
}

func (p *project) applyState(state *plumbv1.State) {
	p.t.Helper()
	base := must(p.registry.Current(p.t.Context(), "shops"))(p.t).Revision
	must(p.registry.Apply(p.t.Context(), registry.Commit{
		Project: "shops", Base: base, State: state, By: "test", At: noon,
	}))(p.t)
}

func (p *project) view(name string) *feature.View {
	p.t.Helper()
	return must(must(p.registry.Current(p.t.Context(), "shops"))(p.t).View(name))(p.t)
}

// materializer writes into the store.
func (p *project) materializer(store online.Store, changes ...func(*materialize.Config)) *materialize.Materializer {
	config := materialize.Config{
		Offline: p.offline, Online: store, Ledger: p.registry, Registry: p.registry,
		LogFolder: p.logFolder, Now: func() time.Time { return noon },
	}
	for _, change := range changes {
		change(&config)
	}
	return materialize.New(config)
}

// run materializes the prices, which has to succeed.
func (p *project) run(store online.Store, request materialize.Request) materialize.Report {
	p.t.Helper()
	return must(p.materializer(store).Run(p.t.Context(), p.view("price"), request))(p.t)
}

// end is up to when the prices are recorded as materialized without a gap, and whether anything is recorded.
func (p *project) end() (feature.Instant, bool) {
	p.t.Helper()
	progress, ok := must(p.registry.Progress(p.t.Context(), "shops"))(p.t)["price"]
	if !ok {
		return 0, false
	}
	return feature.Instant(progress.First().End), true
}

// look reads the euros of shops at an instant.
func (p *project) look(store online.Store, now feature.Instant, shops ...string) []storetest.Cell {
	p.t.Helper()
	snapshot := must(p.registry.Current(p.t.Context(), "shops"))(p.t)
	selection := must(snapshot.SelectFeatures([]string{"price:euros"}, false))(p.t)
	prepared := must(lookup.New(selection))(p.t)
	keys := make([][]any, len(shops))
	for i, shop := range shops {
		keys[i] = []any{shop}
	}
	columns := must(prepared.Get(p.t.Context(), store, lookup.Request{
		Keys: storetest.KeyColumns(p.t, prepared.Keys(), keys...), At: now, EventTimestamps: true,
	}))(p.t)
	return storetest.Cells(columns[0])
}

// stored reads the packed rows of shops.
func (p *project) stored(store online.Store, shops []string) [][]byte {
	p.t.Helper()
	view := p.view("price")
	gets := make([]online.Get, len(shops))
	for i, shop := range shops {
		event := at(0)
		row := storetest.SourceRow{Keys: []any{shop}, Event: &event, Features: []any{nil}}
		key := storetest.Pack(p.t, view.Keys, view.Schema(), row)[0].Key
		gets[i] = online.Get{Table: online.NewTable(view, 0), Key: key}
	}
	return must(store.Read(p.t.Context(), gets))(p.t)
}

func present(euros float64, event feature.Instant) storetest.Cell {
	return storetest.Cell{Value: euros, Status: plumbv1.Status_PRESENT, Event: event}
}

// onStores runs a test over every online store.
func onStores(t *testing.T, test func(t *testing.T, store online.Store)) {
	t.Run("sqlite", func(t *testing.T) { test(t, openSQLite(t, filepath.Join(t.TempDir(), "online.db"))) })
	t.Run("redis", func(t *testing.T) { test(t, openRedis(t, redistest.Start(t).URL)) })
}

func openSQLite(t testing.TB, path string) online.Store {
	t.Helper()
	store := must(sqlite.Open(t.Context(), path))(t)
	t.Cleanup(func() { store.Close() })
	return store
}

func openRedis(t testing.TB, url string) online.Store {
	t.Helper()
	store := must(redis.Open(t.Context(), url))(t)
	t.Cleanup(func() { store.Close() })
	return store
}

// must returns the value of a call that has to succeed: must(call())(t).
func must[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// sameRows reports whether packed rows are the same except for their origin.
func sameRows(a, b [][]byte) bool {
	return slices.EqualFunc(a, b, func(a, b []byte) bool {
		return bytes.Equal(storetest.WithoutOrigin(a), storetest.WithoutOrigin(b)) && (a == nil) == (b == nil)
	})
}

func sameBytes(a, b [][]byte) bool {
	for i := range a {
		if !bytes.Equal(a[i], b[i]) || (a[i] == nil) != (b[i] == nil) {
			return false
		}
	}
	return len(a) == len(b)
}
