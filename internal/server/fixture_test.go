package server_test

import (
	"bytes"
	"context"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/protobuf/types/known/durationpb"
	"pgregory.net/rapid"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/server"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/registry/sqldb"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/sqlite"
	"github.com/plumbstore/plumb/store/storetest"
)

// noon is what the servers' clock says.
var noon = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// ago is an instant before noon.
func ago(d time.Duration) feature.Instant { return feature.InstantOf(noon.Add(-d)) }

// shops is the project that is served.
func shops() *plumbv1.Definitions {
	field := func(name string, declared plumbv1.Type) *plumbv1.Feature {
		return &plumbv1.Feature{Name: name, Type: declared}
	}
	source := &plumbv1.Source{
		Name:           "rows",
		Kind:           &plumbv1.Source_Parquet{Parquet: &plumbv1.ParquetSource{Path: "rows.parquet"}},
		EventTimestamp: "at",
	}
	return &plumbv1.Definitions{
		Entities: []*plumbv1.Entity{
			{Name: "shop", JoinKeys: []*plumbv1.JoinKey{{Name: "shop", Type: plumbv1.Type_STRING}}},
			{Name: "route", JoinKeys: []*plumbv1.JoinKey{
				{Name: "origin", Type: plumbv1.Type_INT64}, {Name: "dest", Type: plumbv1.Type_INT64},
			}},
		},
		Sources: []*plumbv1.Source{source},
		FeatureViews: []*plumbv1.FeatureView{
			{
				Name: "price", Entities: []string{"shop"}, Source: "rows", Ttl: durationpb.New(time.Hour),
				Features: []*plumbv1.Feature{field("euros", plumbv1.Type_FLOAT64), field("note", plumbv1.Type_STRING)},
			},
			{
				Name: "road", Entities: []string{"route"}, Source: "rows",
				Features: []*plumbv1.Feature{field("metres", plumbv1.Type_INT64), field("tolls", plumbv1.Type_STRING_ARRAY)},
			},
			{Name: "world", Source: "rows", Features: []*plumbv1.Feature{field("rate", plumbv1.Type_FLOAT32)}},
			{
				Name: "archive", Entities: []string{"shop"}, Source: "rows", Online: new(false),
				Features: []*plumbv1.Feature{field("founded", plumbv1.Type_TIMESTAMP)},
			},
		},
		FeatureServices: []*plumbv1.FeatureService{
			{Name: "basket", Features: []*plumbv1.ViewReference{{View: "price"}, {View: "road", Features: []string{"metres"}}}},
			{Name: "rivals", FullNames: true, Features: []*plumbv1.ViewReference{
				{View: "price", As: "ours", JoinKeys: map[string]string{"shop": "our_shop"}, Features: []string{"euros"}},
				{View: "price", As: "theirs", JoinKeys: map[string]string{"shop": "their_shop"}, Features: []string{"euros"}},
			}},
			{Name: "history", Features: []*plumbv1.ViewReference{{View: "archive"}}},
		},
	}
}

// running is a server, started, with what it serves from.
type running struct {
	t        testing.TB
	server   *server.Server
	registry *sqldb.DB
	online   online.Store
	address  string
	// admin is the address at which operators are answered, if they are.
	admin  string
	conn   *grpc.ClientConn
	client plumbv1.ServingServiceClient
	health healthpb.HealthClient
	ticks  chan time.Time
	log    *logText
	// stop makes the server drain; it does not wait.
	stop context.CancelFunc
	// ended is closed once Serve has returned, with err.
	ended chan struct{}
	err   error
}

// start runs a server of the shops over a SQLite store, with the given changes to its configuration. It has applied
// nothing.
func start(t testing.TB, changes ...func(*server.Config)) *running {
	t.Helper()
	r := &running{t: t, ticks: make(chan time.Time), log: &logText{}, ended: make(chan struct{})}
	folder := t.TempDir()
	r.registry = must(sqldb.Open(t.Context(), "sqlite:"+filepath.Join(folder, "registry.db")))(t)
	t.Cleanup(func() { r.registry.Close() })
	config := server.Config{
		Project:  "shops",
		Registry: r.registry,
		Address:  "127.0.0.1:0",
		Timeout:  time.Minute, // A busy machine is no fault.
		Now:      func() time.Time { return noon },
		Refresh:  r.ticks,
		Logger:   slog.New(slog.NewTextHandler(r.log, nil)),
	}
	for _, change := range changes {
		change(&config)
	}
	if config.Online == nil {
		config.Online = openSQLite(t)
	}
	r.online = config.Online
	s := must(server.Listen(t.Context(), config))(t)
	r.server, r.address, r.admin = s, s.Address(), s.AdminAddress()
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	go func() { defer close(r.ended); r.err = s.Serve(ctx) }()
	t.Cleanup(r.end)
	r.conn = must(grpc.NewClient(r.address, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(64<<20))))(t)
	t.Cleanup(func() { r.conn.Close() })
	r.client, r.health = plumbv1.NewServingServiceClient(r.conn), healthpb.NewHealthClient(r.conn)
	return r
}

func openSQLite(t testing.TB) online.Store {
	store := must(sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "online.db")))(t)
	t.Cleanup(func() { store.Close() })
	return store
}

// startShops is start with the shops applied and ready to be looked up.
func startShops(t testing.TB, changes ...func(*server.Config)) *running {
	t.Helper()
	r := start(t, changes...)
	r.apply(storetest.StateOf(shops()))
	r.waitFor(healthpb.HealthCheckResponse_SERVING)
	return r
}

// end stops the server and expects that it ends well.
func (r *running) end() {
	r.stop()
	<-r.ended
	if r.err != nil {
		r.t.Errorf("Serve: %v", r.err)
	}
}

// apply makes the state the next revision, and has the server see it.
func (r *running) apply(state *plumbv1.State) {
	r.t.Helper()
	snapshot := must(r.registry.Current(r.t.Context(), "shops"))(r.t)
	must(r.registry.Apply(r.t.Context(), registry.Commit{
		Project: "shops", Base: snapshot.Revision, State: state, By: "test", At: noon,
	}))(r.t)
	r.tick()
}

// tick has the server ask the registry once, and returns when it has.
func (r *running) tick() {
	r.ticks <- noon
	r.ticks <- noon // It is taken only after the round that the first one began.
}

// waitFor returns once the server's health is as wanted.
func (r *running) waitFor(wanted healthpb.HealthCheckResponse_ServingStatus) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), 20*time.Second)
	defer cancel()
	watch := must(r.health.Watch(ctx, &healthpb.HealthCheckRequest{Service: "plumb.v1.ServingService"}))(r.t)
	for {
		answer, err := watch.Recv()
		if err != nil {
			r.t.Fatalf("waiting for %s: %v", wanted, err)
		}
		if answer.GetStatus() == wanted {
			return
		}
	}
}

// view is a view as the server knows it.
func (r *running) view(name string) *feature.View {
	r.t.Helper()
	return must(must(r.registry.Current(r.t.Context(), "shops"))(r.t).View(name))(r.t)
}

// write stores rows of a view, as a materialization would.
func (r *running) write(view *feature.View, rows ...storetest.SourceRow) {
	r.t.Helper()
	packed := storetest.Pack(r.t, view.Keys, view.Schema(), rows...)
	must(r.online.Write(r.t.Context(), online.NewTable(view, 0), packed))(r.t)
}

// row is a source row.
func row(event feature.Instant, keys []any, features ...any) storetest.SourceRow {
	return storetest.SourceRow{Keys: keys, Event: &event, Features: features}
}

// get looks up, and returns the answer by output name.
func (r *running) get(request *plumbv1.GetOnlineFeaturesRequest) map[string][]storetest.Cell {
	r.t.Helper()
	response, err := r.client.GetOnlineFeatures(r.t.Context(), request)
	if err != nil {
		r.t.Fatal(err)
	}
	cells := map[string][]storetest.Cell{}
	for _, column := range response.GetColumns() {
		cells[column.GetName()] = storetest.Cells(column)
	}
	return cells
}

// failure looks up and returns the error, which must be there.
func (r *running) failure(request *plumbv1.GetOnlineFeaturesRequest) error {
	r.t.Helper()
	response, err := r.client.GetOnlineFeatures(r.t.Context(), request)
	if err == nil {
		r.t.Fatalf("want an error, got %v", response)
	}
	return err
}

func featuresRequest(keys []*plumbv1.KeyColumn, references ...string) *plumbv1.GetOnlineFeaturesRequest {
	list := &plumbv1.FeatureList{References: references}
	return &plumbv1.GetOnlineFeaturesRequest{
		Selection: &plumbv1.GetOnlineFeaturesRequest_Features{Features: list}, Keys: keys,
	}
}

// prices asks for the whole view price.
func prices(keys ...*plumbv1.KeyColumn) *plumbv1.GetOnlineFeaturesRequest {
	return featuresRequest(keys, "price:*")
}

func serviceRequest(name string, keys ...*plumbv1.KeyColumn) *plumbv1.GetOnlineFeaturesRequest {
	return &plumbv1.GetOnlineFeaturesRequest{
		Selection: &plumbv1.GetOnlineFeaturesRequest_FeatureService{FeatureService: name}, Keys: keys,
	}
}

func texts(name string, values ...string) *plumbv1.KeyColumn {
	return &plumbv1.KeyColumn{Name: name, Values: &plumbv1.Values{
		Kind: &plumbv1.Values_Strings{Strings: &plumbv1.StringValues{Values: values}},
	}}
}

func numbers(name string, values ...int64) *plumbv1.KeyColumn {
	return &plumbv1.KeyColumn{Name: name, Values: &plumbv1.Values{
		Kind: &plumbv1.Values_Int64S{Int64S: &plumbv1.Int64Values{Values: values}},
	}}
}

// clock is a clock that a test sets.
type clock struct{ at atomic.Pointer[time.Time] }

func (c *clock) set(at time.Time) { c.at.Store(&at) }
func (c *clock) now() time.Time   { return *c.at.Load() }

// logText collects what is logged.
type logText struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// must returns the value of a call that has to succeed: must(call())(t).
func must[T any](value T, err error) func(rapid.TB) T {
	return func(t rapid.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}
