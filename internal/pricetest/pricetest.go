// Package pricetest is, for tests, a project with one view of prices by shop: a real registry, a real Parquet file that
// the real engine reads, and a real store of each kind. Tests of what writes to the online store share it:
//
//	p := pricetest.New(t, pricetest.Price{Shop: "a", At: pricetest.At(1), Euros: 2.5})
//	p.Run(store, materialize.Request{To: pricetest.At(2)})
//	cells := p.Look(store, pricetest.At(3), "a")
package pricetest

import (
	"bytes"
	"math"
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

// Noon is what the materializers' clock says.
var Noon = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// At is an instant, hours after the midnight before noon.
func At(hours float64) feature.Instant {
	return feature.InstantOf(Noon.Add(-12 * time.Hour).Add(time.Duration(hours * float64(time.Hour))))
}

// Price is a row of the source: what a shop asks at an instant, and when that became known. Any of them may be nil.
type Price struct{ Shop, At, Known, Euros any }

// Project is a folder with one view of prices by shop, in a real registry, over a real Parquet file.
type Project struct {
	T        testing.TB
	Folder   string
	Registry *sqldb.DB
	Offline  *duckdb.Engine
}

// New is a project whose source has some prices.
func New(t testing.TB, prices ...Price) *Project {
	t.Helper()
	p := Open(t, t.TempDir())
	p.Write(prices...)
	p.Apply(Definitions())
	return p
}

// Open opens what is in a folder, as another process would.
func Open(t testing.TB, folder string) *Project {
	t.Helper()
	p := &Project{T: t, Folder: folder}
	if err := os.MkdirAll(filepath.Join(folder, "data"), 0o755); err != nil { // Roots are those that are there.
		t.Fatal(err)
	}
	p.Registry = must(sqldb.Open(t.Context(), "sqlite:"+filepath.Join(folder, "registry.db")))(t)
	t.Cleanup(func() { p.Registry.Close() })
	p.Offline = must(duckdb.Open(duckdb.Config{ProjectDir: folder, Roots: []string{"data"}, Threads: 1}))(t)
	t.Cleanup(func() { p.Offline.Close() })
	return p
}

// Definitions are the prices as a view, and as one that is not online.
func Definitions() *plumbv1.Definitions {
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

// Write replaces the source's file.
func (p *Project) Write(prices ...Price) {
	p.T.Helper()
	columns := []storetest.Column{
		{Name: "shop", Form: arrow.BinaryTypes.String},
		{Name: "at", Form: arrow.FixedWidthTypes.Timestamp_us},
		{Name: "known", Form: arrow.FixedWidthTypes.Timestamp_us},
		{Name: "euros", Form: arrow.PrimitiveTypes.Float64},
	}
	for _, row := range prices {
		for i, value := range []any{row.Shop, row.At, row.Known, row.Euros} {
			columns[i].Values = append(columns[i].Values, value)
		}
	}
	file := storetest.File{Path: filepath.Join(p.Folder, "data", "prices.parquet"), Columns: columns}
	if err := file.Write(); err != nil {
		p.T.Fatal(err)
	}
}

// Apply applies definitions.
func (p *Project) Apply(definitions *plumbv1.Definitions) {
	p.T.Helper()
	p.ApplyState(storetest.StateOf(definitions))
}

// ApplyState makes a state the newest revision.
func (p *Project) ApplyState(state *plumbv1.State) {
	p.T.Helper()
	base := must(p.Registry.Current(p.T.Context(), "shops"))(p.T).Revision
	must(p.Registry.Apply(p.T.Context(), registry.Commit{
		Project: "shops", Base: base, State: state, By: "test", At: Noon,
	}))(p.T)
}

// View is the applied definition of a view.
func (p *Project) View(name string) *feature.View {
	p.T.Helper()
	return must(must(p.Registry.Current(p.T.Context(), "shops"))(p.T).View(name))(p.T)
}

// Materializer writes into the store.
func (p *Project) Materializer(store online.Store, changes ...func(*materialize.Config)) *materialize.Materializer {
	config := materialize.Config{
		Offline: p.Offline, Online: store, Ledger: p.Registry, Registry: p.Registry,
		LogFolder: p.LogFolder, Now: func() time.Time { return Noon },
		Sharding: materialize.Sharding{Ledger: p.Registry, Sources: p.Offline},
	}
	for _, change := range changes {
		change(&config)
	}
	return materialize.New(config)
}

// LogFolder is the folder of a push log.
func (p *Project) LogFolder(path string) (string, error) {
	return duckdb.LogFolder(duckdb.Config{ProjectDir: p.Folder, Roots: []string{"data"}}, path)
}

// Run materializes the prices, which has to succeed.
func (p *Project) Run(store online.Store, request materialize.Request) materialize.Report {
	p.T.Helper()
	return must(p.Materializer(store).Run(p.T.Context(), p.View("price"), request))(p.T)
}

// End is up to when the prices are recorded as materialized without a gap, and whether anything is recorded.
func (p *Project) End() (feature.Instant, bool) {
	p.T.Helper()
	progress, ok := must(p.Registry.Progress(p.T.Context(), "shops"))(p.T)["price"]
	if !ok {
		return 0, false
	}
	return feature.Instant(progress.First().End), true
}

// Look reads the euros of shops at an instant.
func (p *Project) Look(store online.Store, now feature.Instant, shops ...string) []storetest.Cell {
	p.T.Helper()
	snapshot := must(p.Registry.Current(p.T.Context(), "shops"))(p.T)
	selection := must(snapshot.SelectFeatures([]string{"price:euros"}, false))(p.T)
	prepared := must(lookup.New(selection))(p.T)
	keys := make([][]any, len(shops))
	for i, shop := range shops {
		keys[i] = []any{shop}
	}
	columns := must(prepared.Get(p.T.Context(), store, lookup.Request{
		Keys: storetest.KeyColumns(p.T, prepared.Keys(), keys...), At: now, EventTimestamps: true,
	}))(p.T)
	return storetest.Cells(columns[0])
}

// Stored reads the packed rows of shops.
func (p *Project) Stored(store online.Store, shops []string) [][]byte {
	p.T.Helper()
	view := p.View("price")
	gets := make([]online.Get, len(shops))
	for i, shop := range shops {
		event := At(0)
		row := storetest.SourceRow{Keys: []any{shop}, Event: &event, Features: []any{nil}}
		key := storetest.Pack(p.T, view.Keys, view.Schema(), row)[0].Key
		gets[i] = online.Get{Table: online.NewTable(view, 0), Key: key}
	}
	return must(store.Read(p.T.Context(), gets))(p.T)
}

// Present is what a look-up has of a price.
func Present(euros float64, event feature.Instant) storetest.Cell {
	return storetest.Cell{Value: euros, Status: plumbv1.Status_PRESENT, Event: event}
}

// OnStores runs a test over every online store.
func OnStores(t *testing.T, test func(t *testing.T, store online.Store)) {
	t.Run("sqlite", func(t *testing.T) { test(t, OpenSQLite(t, filepath.Join(t.TempDir(), "online.db"))) })
	t.Run("redis", func(t *testing.T) { test(t, OpenRedis(t, redistest.Start(t).URL)) })
}

// OpenSQLite opens a store in a file.
func OpenSQLite(t testing.TB, path string) online.Store {
	t.Helper()
	store := must(sqlite.Open(t.Context(), path))(t)
	t.Cleanup(func() { store.Close() })
	return store
}

// OpenRedis opens the store of a URL.
func OpenRedis(t testing.TB, url string) online.Store {
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

// SameRows reports whether packed rows are the same except for their origin.
func SameRows(a, b [][]byte) bool {
	return slices.EqualFunc(a, b, func(a, b []byte) bool {
		return bytes.Equal(storetest.WithoutOrigin(a), storetest.WithoutOrigin(b)) && (a == nil) == (b == nil)
	})
}

// SameBytes reports whether packed rows are the same, and null in the same places.
func SameBytes(a, b [][]byte) bool {
	for i := range a {
		if !bytes.Equal(a[i], b[i]) || (a[i] == nil) != (b[i] == nil) {
			return false
		}
	}
	return len(a) == len(b)
}

// SameCells compares bit for bit.
func SameCells(a, b []storetest.Cell) bool {
	return slices.EqualFunc(a, b, func(x, y storetest.Cell) bool {
		left, isFloat := x.Value.(float64)
		right, areFloats := y.Value.(float64)
		return isFloat == areFloats && math.Float64bits(left) == math.Float64bits(right) && x.Status == y.Status &&
			x.Event == y.Event
	})
}
