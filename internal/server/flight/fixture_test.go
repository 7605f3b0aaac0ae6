package flight_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/server"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/registry/spec"
	"github.com/plumbstore/plumb/registry/sqldb"
	"github.com/plumbstore/plumb/store/duckdb"
	"github.com/plumbstore/plumb/store/offline"
	"github.com/plumbstore/plumb/store/sqlite"
	"github.com/plumbstore/plumb/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds what a test waits for.
const patience = time.Minute

// running is a server of the project that plumb init makes, started.
type running struct {
	t        testing.TB
	folder   string
	temp     string
	engine   *hooked
	registry registry.Registry
	server   *server.Server
	client   flight.Client
	request  map[string]any
	stop     context.CancelFunc
	ended    chan struct{}
	err      error
}

// start runs a server, with the given changes to its configuration.
func start(t testing.TB, changes ...func(*server.Config)) *running {
	t.Helper()
	return startWith(t, "", duckdb.Config{}, changes...)
}

// startWith is start for a project with more definitions, and an engine with other bounds.
func startWith(t testing.TB, definitions string, bounds duckdb.Config, changes ...func(*server.Config)) *running {
	t.Helper()
	r := &running{t: t, folder: t.TempDir(), temp: t.TempDir(), ended: make(chan struct{})}
	r.request = map[string]any{"features": map[string]any{"references": []string{"weather:*"}}}
	ok(t, os.CopyFS(r.folder, os.DirFS("../../cli/template")))
	if definitions != "" {
		ok(t, os.WriteFile(filepath.Join(r.folder, "features", "more.yaml"), []byte(definitions), 0o600))
	}
	bounds.ProjectDir, bounds.Roots, bounds.TempDir = r.folder, []string{"data"}, r.temp
	engine := must(duckdb.Open(bounds))(t)
	r.engine = &hooked{Engine: engine}
	r.registry = r.registered(engine)
	config := server.Config{
		Project:  "nycflights",
		Registry: r.registry,
		Online:   must(sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "online.db")))(t),
		Offline:  r.engine,
		Address:  "127.0.0.1:0",
		Timeout:  patience,
		Now:      func() time.Time { return time.Date(2013, time.July, 4, 0, 0, 0, 0, time.UTC) },
		Refresh:  make(chan time.Time),
		Logger:   slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	for _, change := range changes {
		change(&config)
	}
	t.Cleanup(func() { config.Online.Close() })
	r.server = must(server.Listen(t.Context(), config))(t)
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	go func() { defer close(r.ended); r.err = r.server.Serve(ctx) }()
	t.Cleanup(r.end)
	r.client = r.dial(r.server.Address())
	r.waitUntilReady()
	return r
}

// registered is a registry with the project's definitions as its first revision.
func (r *running) registered(inspector spec.Inspector) registry.Registry {
	r.t.Helper()
	definitions := must(spec.Read(r.t.Context(), r.folder, []string{"features"}, inspector))(r.t)
	opened := must(sqldb.Open(r.t.Context(), "sqlite:"+filepath.Join(r.t.TempDir(), "registry.db")))(r.t)
	r.t.Cleanup(func() { opened.Close() })
	must(opened.Apply(r.t.Context(), registry.Commit{
		Project: "nycflights", State: storetest.StateOf(definitions), By: "test", At: time.Unix(0, 0),
	}))(r.t)
	return opened
}

// end stops the server, and expects that it ends well and leaves nothing behind.
func (r *running) end() {
	r.stop()
	<-r.ended
	if r.err != nil {
		r.t.Errorf("Serve: %v", r.err)
	}
	for _, left := range must(os.ReadDir(r.temp))(r.t) {
		r.t.Errorf("%s is left in the temporary folder", left.Name())
	}
}

func (r *running) dial(address string) flight.Client {
	r.t.Helper()
	client := must(flight.NewClientWithMiddleware(address, nil, nil,
		grpc.WithTransportCredentials(insecure.NewCredentials())))(r.t)
	r.t.Cleanup(func() { client.Close() })
	return client
}

func (r *running) waitUntilReady() {
	r.t.Helper()
	conn := must(grpc.NewClient(r.server.Address(), grpc.WithTransportCredentials(insecure.NewCredentials())))(r.t)
	defer conn.Close()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	watch := must(healthpb.NewHealthClient(conn).Watch(ctx, &healthpb.HealthCheckRequest{}))(r.t)
	for must(watch.Recv())(r.t).GetStatus() != healthpb.HealthCheckResponse_SERVING {
		continue
	}
}

// with is the request for the weather with more fields.
func (r *running) with(fields ...any) map[string]any {
	request := maps.Clone(r.request)
	for i := 0; i < len(fields); i += 2 {
		request[fields[i].(string)] = fields[i+1]
	}
	return request
}

func encoded(request any) []byte {
	if text, ok := request.(string); ok {
		return []byte(text)
	}
	text, err := json.Marshal(request)
	if err != nil {
		return []byte(err.Error())
	}
	return text
}

// call is a DoExchange under way.
type call struct {
	stream flight.FlightService_DoExchangeClient
	cancel context.CancelFunc
}

// exchange begins a call, and sends the command alone.
func (r *running) exchange(request any) call {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	r.t.Cleanup(cancel)
	stream := must(r.client.DoExchange(ctx))(r.t)
	descriptor := &flight.FlightDescriptor{Type: flight.DescriptorCMD, Cmd: encoded(request)}
	_ = stream.Send(&flight.FlightData{FlightDescriptor: descriptor}) // If it fails, the answer says why.
	return call{stream, cancel}
}

// send sends label rows, and that there are no more.
func (c call) send(batches ...arrow.RecordBatch) {
	writer := flight.NewRecordWriter(c.stream, ipc.WithSchema(batches[0].Schema()))
	for _, batch := range batches {
		_ = writer.Write(batch) // If it fails, the answer says why.
	}
	_ = c.stream.CloseSend()
}

// receiver is what a client reads an answer from.
type receiver interface {
	Recv() (*flight.FlightData, error)
}

// read reads an answer to its end: the rows as one table, and the report of the last message.
func read(from receiver) (arrow.Table, *plumbv1.HistoricalReport, error) {
	reader, err := flight.NewRecordReader(from)
	if err != nil {
		return nil, nil, err
	}
	defer reader.Release()
	var batches []arrow.RecordBatch
	update := &plumbv1.HistoricalUpdate{}
	for reader.Next() {
		batch := reader.RecordBatch()
		batch.Retain()
		batches = append(batches, batch)
		if metadata := reader.LatestAppMetadata(); metadata != nil {
			err = errors.Join(err, protojson.Unmarshal(metadata, update))
		}
	}
	return array.NewTableFromRecords(reader.Schema(), batches), update.GetReport(), errors.Join(err, reader.Err())
}

// join sends a request with label rows, and returns the answer.
func (r *running) join(request any, labels ...arrow.RecordBatch) (arrow.Table, *plumbv1.HistoricalReport, error) {
	r.t.Helper()
	c := r.exchange(request)
	c.send(labels...)
	return read(c.stream)
}

// get is DoGet.
func (r *running) get(request any) (arrow.Table, *plumbv1.HistoricalReport, error) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	return read(must(r.client.DoGet(ctx, &flight.Ticket{Ticket: encoded(request)}))(r.t))
}

// labelSchema is that of label rows for the weather.
var labelSchema = arrow.NewSchema([]arrow.Field{
	{Name: "n", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
	{Name: "airport", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "event_timestamp", Type: arrow.FixedWidthTypes.Timestamp_us, Nullable: true},
}, nil)

// labels are label rows from number from to before number to: three airports in turn, a minute apart. The third of each
// ten has no airport (R8).
func labels(from, to int) arrow.RecordBatch {
	builder := array.NewRecordBuilder(memory.DefaultAllocator, labelSchema)
	defer builder.Release()
	begin := time.Date(2013, time.July, 1, 12, 0, 0, 0, time.UTC).UnixMicro()
	for n := from; n < to; n++ {
		builder.Field(0).(*array.Int64Builder).Append(int64(n))
		if airports := builder.Field(1).(*array.StringBuilder); n%10 == 2 {
			airports.AppendNull()
		} else {
			airports.Append([]string{"EWR", "JFK", "LGA"}[n%3])
		}
		at := begin + int64(n%2000)*time.Minute.Microseconds()
		builder.Field(2).(*array.TimestampBuilder).Append(arrow.Timestamp(at))
	}
	return builder.NewRecordBatch()
}

// renamed are label rows under other names.
func renamed(batch arrow.RecordBatch, names ...string) arrow.RecordBatch {
	fields := batch.Schema().Fields()
	for i, name := range names {
		fields[i].Name = name
	}
	return array.NewRecordBatch(arrow.NewSchema(fields, nil), batch.Columns(), batch.NumRows())
}

// replaced are label rows with another column in the place of one.
func replaced(batch arrow.RecordBatch, at int, column arrow.Array) arrow.RecordBatch {
	fields, columns := batch.Schema().Fields(), batch.Columns()
	fields[at].Type = column.DataType()
	replacing := append([]arrow.Array{}, columns...)
	replacing[at] = column
	return array.NewRecordBatch(arrow.NewSchema(fields, nil), replacing, batch.NumRows())
}

// write writes label rows to a file of the project, and returns its path.
func (r *running) write(name string, batches ...arrow.RecordBatch) string {
	r.t.Helper()
	path := filepath.Join(r.folder, name)
	file := must(os.Create(path))(r.t)
	writer := ipc.NewWriter(file, ipc.WithSchema(batches[0].Schema()))
	for _, batch := range batches {
		ok(r.t, writer.Write(batch))
	}
	ok(r.t, errors.Join(writer.Close(), file.Close()))
	return path
}

// selection selects what r.request does.
func (r *running) selection() *feature.Selection {
	r.t.Helper()
	definitions := must(spec.Read(r.t.Context(), r.folder, []string{"features"}, r.engine.Engine))(r.t)
	snapshot := must(feature.NewSnapshot("nycflights", 1, storetest.StateOf(definitions)))(r.t)
	references, _ := r.request["features"].(map[string]any)["references"].([]string)
	return must(snapshot.SelectFeatures(references, false))(r.t)
}

// planned plans what r.request does with a label file, as the command line does, and with options.
func (r *running) planned(path, name string, options ...func(*offline.JoinRequest)) (offline.Join, error) {
	request := offline.JoinRequest{
		Selection: r.selection(), Labels: path, LabelsName: name, TimestampColumn: "event_timestamp",
	}
	for _, option := range options {
		option(&request)
	}
	return r.engine.Engine.PlanJoin(r.t.Context(), request)
}

// fileJoin is the join with a label file, as a table, as the command line writes it.
func (r *running) fileJoin(path string, options ...func(*offline.JoinRequest)) arrow.Table {
	r.t.Helper()
	planned := must(r.planned(path, "", options...))(r.t)
	out := filepath.Join(r.t.TempDir(), "out.arrow")
	must(planned.WriteFile(r.t.Context(), out))(r.t)
	file := must(os.Open(out))(r.t)
	defer file.Close()
	reader := must(ipc.NewFileReader(file))(r.t)
	var batches []arrow.RecordBatch
	for i := range reader.NumRecords() {
		batch := must(reader.RecordBatch(i))(r.t)
		batch.Retain()
		batches = append(batches, batch)
	}
	return array.NewTableFromRecords(reader.Schema(), batches)
}

// equal compares tables, however they are cut into batches.
func equal(t *testing.T, want, got arrow.Table) {
	t.Helper()
	if !want.Schema().Equal(got.Schema()) || want.NumRows() != got.NumRows() {
		t.Fatalf("want %d rows of\n%s\ngot %d rows of\n%s", want.NumRows(), want.Schema(), got.NumRows(), got.Schema())
	}
	for i := range int(want.NumCols()) {
		if !array.ChunkedEqual(want.Column(i).Data(), got.Column(i).Data()) {
			t.Errorf("column %s differs", want.Column(i).Name())
		}
	}
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
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
