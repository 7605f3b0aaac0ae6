package audit_test

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/plumbstore/plumb/audit"
	"github.com/plumbstore/plumb/audit/auditlog"
	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/server"
	"github.com/plumbstore/plumb/materialize"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/push"
	"github.com/plumbstore/plumb/registry/plan"
	"github.com/plumbstore/plumb/registry/sqldb"
	"github.com/plumbstore/plumb/store/duckdb"
	"github.com/plumbstore/plumb/store/offline"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/packed"
	"github.com/plumbstore/plumb/store/sqlite"
	"github.com/plumbstore/plumb/store/storetest"
)

// noon is when most tests begin.
var noon = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// at is the instant that many minutes after noon.
func at(minutes float64) feature.Instant {
	return feature.InstantOf(noon.Add(time.Duration(minutes * float64(time.Minute))))
}

// definitions are a view over a source that has the times at which its rows were created, and one over a source that
// does not.
func definitions() *plumbv1.Definitions {
	parquet := func(name string) *plumbv1.Source {
		return &plumbv1.Source{Name: name, EventTimestamp: "at", Kind: &plumbv1.Source_Parquet{
			Parquet: &plumbv1.ParquetSource{Path: "data/" + name + "/*.parquet"},
		}}
	}
	prices := parquet("prices")
	prices.CreatedTimestamp = "known"
	return &plumbv1.Definitions{
		Entities: []*plumbv1.Entity{
			{Name: "shop", JoinKeys: []*plumbv1.JoinKey{{Name: "shop", Type: plumbv1.Type_STRING}}},
		},
		Sources: []*plumbv1.Source{prices, parquet("stocks")},
		FeatureViews: []*plumbv1.FeatureView{
			{
				Name: "price", Entities: []string{"shop"}, Source: "prices", Ttl: durationpb.New(time.Hour),
				Features: []*plumbv1.Feature{{Name: "euros", Type: plumbv1.Type_FLOAT64}},
			},
			{
				Name: "stock", Entities: []string{"shop"}, Source: "stocks",
				Features: []*plumbv1.Feature{{Name: "pieces", Type: plumbv1.Type_INT64}},
			},
		},
		FeatureServices: []*plumbv1.FeatureService{
			{Name: "basket", Features: []*plumbv1.ViewReference{{View: "price"}, {View: "stock"}}},
		},
	}
}

// price is a row of the source prices, stock one of stocks.
type price struct {
	shop  string
	at    feature.Instant
	known any
	euros any
}

type stock struct {
	shop   string
	at     feature.Instant
	pieces any
}

// shop is a project with a real registry, engines and server, all at a clock that the test sets.
type shop struct {
	t            testing.TB
	folder       string
	registry     *sqldb.DB
	offline      *duckdb.Engine
	online       online.Store
	materializer *materialize.Materializer
	pusher       *push.Pusher
	client       plumbv1.ServingServiceClient
	ticks        chan time.Time
	clock        atomic.Int64
	retention    time.Duration
	hasher       *auditlog.Hasher
	recorder     *auditlog.Recorder
	// progress is called with how far an audit is; may be nil.
	progress func(offline.Progress)
	// finish makes files of all that was logged. It may be called again.
	finish func()
}

type option func(*shop)

func open(t testing.TB, options ...option) *shop {
	t.Helper()
	s := &shop{t: t, folder: t.TempDir(), ticks: make(chan time.Time), retention: 24 * time.Hour}
	for _, option := range options {
		option(s)
	}
	s.set(at(0))
	s.writePrices("first", price{shop: "a", at: at(-30), known: at(-29), euros: 1.5})
	s.writeStocks("first", stock{shop: "a", at: at(-30), pieces: int64(7)})
	s.registry = must(sqldb.Open(t.Context(), "sqlite:"+filepath.Join(s.folder, "registry.db")))(t)
	t.Cleanup(func() { s.registry.Close() })
	s.offline = must(duckdb.Open(s.engine()))(t)
	t.Cleanup(func() { s.offline.Close() })
	if s.online == nil {
		s.online = must(sqlite.Open(t.Context(), filepath.Join(s.folder, "online.db")))(t)
	}
	t.Cleanup(func() { s.online.Close() })
	s.materializer = materialize.New(materialize.Config{
		Offline: s.offline, Online: s.online, Ledger: s.registry, Now: s.now, Retention: s.retention,
	})
	s.pusher = push.New(push.Config{
		Online: s.online, Now: s.now, Retention: s.retention, LogFolder: s.logFolder, LogInterval: time.Hour,
	})
	t.Cleanup(func() { s.pusher.Close() })
	s.change(func(*plumbv1.Definitions) {})
	s.serve()
	return s
}

func (s *shop) engine() duckdb.Config {
	return duckdb.Config{ProjectDir: s.folder, Roots: []string{"data"}, Threads: 1}
}

func (s *shop) logFolder(path string) (string, error) { return duckdb.LogFolder(s.engine(), path) }

func (s *shop) set(now feature.Instant) { s.clock.Store(int64(now)) }
func (s *shop) now() time.Time          { return feature.Instant(s.clock.Load()).Time() }

// serve starts the server.
func (s *shop) serve() {
	s.t.Helper()
	logger := slog.New(slog.NewTextHandler(io.Discard, nil))
	s.record(logger)
	running := must(server.Listen(s.t.Context(), server.Config{
		Project: "shops", Registry: s.registry, Online: s.online, Pusher: s.pusher, Address: "127.0.0.1:0",
		Now: s.now, Refresh: s.ticks, Logger: logger, Audit: s.recorder, Timeout: time.Minute,
	}))(s.t)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- running.Serve(ctx) }()
	s.t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			s.t.Error(err)
		}
	})
	conn := must(grpc.NewClient(running.Address(), grpc.WithTransportCredentials(insecure.NewCredentials())))(s.t)
	s.t.Cleanup(func() { conn.Close() })
	s.client = plumbv1.NewServingServiceClient(conn)
	s.tick()
}

// record begins to log all look-ups.
func (s *shop) record(logger *slog.Logger) {
	s.t.Helper()
	s.recorder = must(auditlog.NewRecorder(auditlog.RecorderConfig{
		Writer:  auditlog.Config{Folder: s.logs(), Project: "shops", Now: s.now, MaxAge: time.Hour},
		Product: "test", Rate: 1, Hasher: s.hasher, Logger: logger,
	}))(s.t)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); s.recorder.Run(ctx, nil) }()
	s.finish = func() { stop(); <-ended }
	s.t.Cleanup(s.finish)
}

func (s *shop) logs() string { return filepath.Join(s.folder, "audit") }

// tick has the server ask the registry once, and returns when it has.
func (s *shop) tick() {
	s.ticks <- s.now()
	s.ticks <- s.now() // It is taken only after the round that the first one began.
}

// change applies the definitions with an edit. The server does not know of it before a tick.
func (s *shop) change(edit func(*plumbv1.Definitions)) {
	s.t.Helper()
	edited := definitions()
	edit(edited)
	current := must(s.registry.Current(s.t.Context(), "shops"))(s.t)
	commit := plan.New(current, edited).Commit("test", s.now())
	commit.Project = "shops"
	must(s.registry.Apply(s.t.Context(), commit))(s.t)
}

func (s *shop) current() *feature.Snapshot {
	s.t.Helper()
	return must(s.registry.Current(s.t.Context(), "shops"))(s.t)
}

// materialize brings all views online up to an instant.
func (s *shop) materialize(to feature.Instant) {
	s.t.Helper()
	for _, view := range s.current().Views() {
		must(s.materializer.Run(s.t.Context(), view, materialize.Request{To: to}))(s.t)
	}
}

// lookUp looks shops up for the service at an instant, or at the server's clock if the instant is nil.
func (s *shop) lookUp(asked *feature.Instant, shops ...string) {
	s.t.Helper()
	request := &plumbv1.GetOnlineFeaturesRequest{
		Selection: &plumbv1.GetOnlineFeaturesRequest_FeatureService{FeatureService: "basket"},
		Keys: []*plumbv1.KeyColumn{{Name: "shop", Values: &plumbv1.Values{
			Kind: &plumbv1.Values_Strings{Strings: &plumbv1.StringValues{Values: shops}},
		}}},
	}
	if asked != nil {
		request.At = timestamppb.New(asked.Time())
	}
	must(s.client.GetOnlineFeatures(s.t.Context(), request))(s.t)
}

// forge replaces the features of a row of the online store, and nothing else of it.
func (s *shop) forge(view, name string, features ...any) {
	s.t.Helper()
	of := must(s.current().View(view))(s.t)
	key, value := s.stored(of, name)
	row := must(packed.Parse(value))(s.t)
	columns := make([]arrow.Array, len(features))
	for i, f := range features {
		columns[i] = storetest.ArrowColumn(s.t, of.Features[i].Type, f)
	}
	var created any
	if instant, ok := row.Created(); ok {
		created = int64(instant)
	}
	encoder := packed.NewRowEncoder(of.Schema(), row.Origin)
	if err := encoder.Bind(storetest.ArrowColumn(s.t, plumbv1.Type_INT64, int64(row.Event)),
		storetest.ArrowColumn(s.t, plumbv1.Type_INT64, created), columns); err != nil {
		s.t.Fatal(err)
	}
	forged := online.Row{Key: key, Value: must(encoder.AppendRow(nil, 0))(s.t)}
	must(s.online.Write(s.t.Context(), online.NewTable(of, s.retention), []online.Row{forged}))(s.t)
}

// stored is what the online store has of a shop: its key there, and the packed row or nil.
func (s *shop) stored(view *feature.View, name string) (key, value []byte) {
	s.t.Helper()
	schema := view.Schema()
	row := storetest.SourceRow{Keys: []any{name}, Event: new(at(0)), Features: make([]any, len(schema.Fields))}
	key = storetest.Pack(s.t, view.Keys, schema, row)[0].Key
	get := online.Get{Table: online.NewTable(view, 0), Key: key}
	return key, must(s.online.Read(s.t.Context(), []online.Get{get}))(s.t)[0]
}

// audit audits what was served on all days. What is logged is finished before.
func (s *shop) audit() *audit.Report {
	s.t.Helper()
	s.finish()
	request := audit.Request{Project: "shops", Folder: s.logs(), From: at(-60), To: at(1e6)}
	return must(s.auditor().Run(s.t.Context(), request))(s.t)
}

func (s *shop) auditor() *audit.Auditor {
	return audit.New(audit.Config{
		Registry: s.registry, Ledger: s.registry, Offline: s.offline, Hasher: s.hasher, Retention: s.retention,
		LogFolder: s.logFolder, TempDir: s.t.TempDir(), Now: s.now, Progress: s.progress,
	})
}

// writePrices writes one of the files of the source prices; writeStocks of stocks.
func (s *shop) writePrices(name string, rows ...price) {
	s.t.Helper()
	columns := []storetest.Column{
		{Name: "shop", Form: arrow.BinaryTypes.String},
		{Name: "at", Form: arrow.FixedWidthTypes.Timestamp_us},
		{Name: "known", Form: arrow.FixedWidthTypes.Timestamp_us},
		{Name: "euros", Form: arrow.PrimitiveTypes.Float64},
		{Name: "cents", Form: arrow.PrimitiveTypes.Int64},
	}
	for _, row := range rows {
		for i, value := range []any{row.shop, row.at, row.known, row.euros, int64(99)} {
			columns[i].Values = append(columns[i].Values, value)
		}
	}
	s.write("prices", name, columns)
}

func (s *shop) writeStocks(name string, rows ...stock) {
	s.t.Helper()
	columns := []storetest.Column{
		{Name: "shop", Form: arrow.BinaryTypes.String},
		{Name: "at", Form: arrow.FixedWidthTypes.Timestamp_us},
		{Name: "pieces", Form: arrow.PrimitiveTypes.Int64},
	}
	for _, row := range rows {
		for i, value := range []any{row.shop, row.at, row.pieces} {
			columns[i].Values = append(columns[i].Values, value)
		}
	}
	s.write("stocks", name, columns)
}

// write writes a file as of the clock.
func (s *shop) write(source, name string, columns []storetest.Column) {
	s.t.Helper()
	path := filepath.Join(s.folder, "data", source, name+".parquet")
	if err := (storetest.File{Path: path, Columns: columns}).Write(); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Chtimes(path, s.now(), s.now()); err != nil {
		s.t.Fatal(err)
	}
}

// push pushes a row of the view stock through the server.
func (s *shop) push(name string, event feature.Instant, pieces int64) {
	s.t.Helper()
	must(s.client.Push(s.t.Context(), &plumbv1.PushRequest{
		View: "stock",
		Keys: []*plumbv1.KeyColumn{{Name: "shop", Values: &plumbv1.Values{
			Kind: &plumbv1.Values_Strings{Strings: &plumbv1.StringValues{Values: []string{name}}},
		}}},
		EventTimestamps: &plumbv1.TimeColumn{Micros: []int64{int64(event)}},
		Features: []*plumbv1.PushColumn{{Name: "pieces", Values: &plumbv1.Values{
			Kind: &plumbv1.Values_Int64S{Int64S: &plumbv1.Int64Values{Values: []int64{pieces}}},
		}}},
	}))(s.t)
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

// remove removes a file of a source.
func (s *shop) remove(source, name string) {
	s.t.Helper()
	if err := os.Remove(filepath.Join(s.folder, "data", source, name+".parquet")); err != nil {
		s.t.Fatal(err)
	}
}

// awaitForgotten returns once the store has no row of a shop any more.
func (s *shop) awaitForgotten(view, name string) {
	s.t.Helper()
	of := must(s.current().View(view))(s.t)
	for {
		if _, value := s.stored(of, name); value == nil {
			return
		}
		if err := s.t.Context().Err(); err != nil {
			s.t.Fatal(err)
		}
	}
}

// logFile is the one file of the log.
func (s *shop) logFile() string {
	s.t.Helper()
	found := must(filepath.Glob(filepath.Join(s.logs(), "shops", "*", "*.parquet")))(s.t)
	if len(found) != 1 {
		s.t.Fatalf("the log has %q", found)
	}
	return found[0]
}

// forget removes the rows of a view from the online store.
func (s *shop) forget(view string) {
	s.t.Helper()
	must(s.online.(online.Remover).Remove(s.t.Context(), "shops", view))(s.t)
}

// touchPushed sets the modification time of the push log's files.
func (s *shop) touchPushed(modified feature.Instant) {
	s.t.Helper()
	for _, path := range must(filepath.Glob(filepath.Join(s.folder, "data", "pushed", "*.parquet")))(s.t) {
		if err := os.Chtimes(path, modified.Time(), modified.Time()); err != nil {
			s.t.Fatal(err)
		}
	}
}
