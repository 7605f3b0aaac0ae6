package materialize_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/materialize"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/push"
	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/registry/plan"
	"github.com/plumbstore/plumb/registry/sqldb"
	"github.com/plumbstore/plumb/store/offline"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/sqlite"
	"github.com/plumbstore/plumb/store/storetest"
)

// worlds makes worlds that share a registry and a store, each with a project of its own in them.
type worlds struct {
	registry *sqldb.DB
	online   *sqlite.Store
	path     string
	count    int
	// current is the world that the store's clock is of.
	current *world
}

func newWorlds(t *testing.T) *worlds {
	t.Helper()
	folder := t.TempDir()
	if memory, err := os.MkdirTemp("/dev/shm", "plumb"); err == nil { // Thousands of worlds sync their files.
		t.Cleanup(func() { os.RemoveAll(memory) })
		folder = memory
	}
	s := &worlds{path: folder}
	s.registry = must(sqldb.Open(t.Context(), "sqlite:"+filepath.Join(folder, "registry.db")))(t)
	t.Cleanup(func() { s.registry.Close() })
	clock := func() time.Time { return s.current.now() }
	s.online = must(sqlite.Open(t.Context(), filepath.Join(folder, "online.db"), sqlite.WithClock(clock)))(t)
	t.Cleanup(func() { s.online.Close() })
	return s
}

// world is a project with one view of prices by shop and a push log. Its registry, its ledger, its store, its log, what
// pushes and what materializes are the product's own; the offline engine is the reference, which reads the source and
// the files of the log.
type world struct {
	t        *testing.T
	registry *sqldb.DB
	online   *sqlite.Store
	file     string
	project  string
	folder   string
	clock    feature.Instant
	// source are the rows of the source: euros and cents, whole numbers.
	source []storetest.SourceRow
	// down says that the store cannot be reached.
	down bool
	// mayLose says that the store may lose rows, so that each look at its marks is a step.
	mayLose bool
	// restarts counts those of the store, each of which ends all connections.
	restarts int
	// pushers are those of processes that have not ended.
	pushers []*push.Pusher
	// wrong is an error that a step found, and told is what steps reported.
	wrong error
	told  []string
}

func (s *worlds) next(t *testing.T) *world {
	t.Helper()
	s.count++
	w := &world{t: t, registry: s.registry, project: fmt.Sprint("world", s.count), clock: at(12),
		file: filepath.Join(s.path, "online.db"), folder: filepath.Join(s.path, "logs", fmt.Sprint(s.count))}
	w.online, s.current = s.online, w
	w.apply(1)
	return w
}

func (w *world) now() time.Time { return w.clock.Time() }

// The definitions of a world: the second adds a feature, the third changes a type, which begins a new generation.
func (w *world) definitions(number int) *plumbv1.Definitions {
	features := []*plumbv1.Feature{{Name: "euros", Type: plumbv1.Type_INT32}}
	switch number {
	case 2:
		features = append(features, &plumbv1.Feature{Name: "cents", Type: plumbv1.Type_INT32})
	case 3:
		features[0].Type = plumbv1.Type_INT64
	}
	changed := definitions()
	changed.FeatureViews = changed.FeatureViews[:1]
	changed.FeatureViews[0].Features, changed.FeatureViews[0].Ttl = features, nil
	changed.FeatureViews[0].PushLog = &plumbv1.PushLog{Path: "log"}
	return changed
}

func (w *world) apply(number int) {
	current := must(w.registry.Current(context.Background(), w.project))(w.t)
	must(w.registry.Apply(context.Background(), plan.New(current, w.definitions(number)).Commit("test", w.now())))(w.t)
}

func (w *world) view() *feature.View {
	return must(must(w.registry.Current(context.Background(), w.project))(w.t).View("price"))(w.t)
}

// gated is the store, the ledger and the offline engine as one process sees them: each call is a step.
type gated struct {
	*world
	*process
}

// step is a gate if the process's steps matter.
func (g gated) step(next string) {
	if g.process != nil && !g.coarse {
		g.gate(next)
	}
}

// reach returns an error if the store cannot be reached, or has been restarted since the process connected.
func (g gated) reach() error {
	if g.process != nil && g.connected == nil {
		g.connected = new(g.restarts)
	}
	if g.down || g.process != nil && *g.connected != g.restarts {
		return fault.ErrUnavailable
	}
	return nil
}

type gatedStore struct{ gated }

func (s gatedStore) Write(ctx context.Context, table online.Table, rows []online.Row) (online.WriteReport, error) {
	if !online.IsMark(rows[0].Key) {
		s.step("write online")
	} else if s.mayLose {
		s.step("mark")
	}
	if err := s.reach(); err != nil {
		return online.WriteReport{}, err
	}
	return s.online.Write(ctx, table, rows)
}

func (s gatedStore) Read(ctx context.Context, gets []online.Get) ([][]byte, error) {
	if online.IsMark(gets[0].Key) {
		return s.readMarks(ctx, gets)
	}
	s.step("read online")
	if err := s.reach(); err != nil {
		return nil, err
	}
	values, err := s.online.Read(ctx, gets)
	s.step("have read online")
	return values, err
}

func (s gatedStore) readMarks(ctx context.Context, gets []online.Get) ([][]byte, error) {
	if s.mayLose {
		s.step("read the marks")
	}
	if err := s.reach(); err != nil {
		return nil, err
	}
	return s.online.Read(ctx, gets)
}

func (s gatedStore) Close() error { return nil }

type gatedLedger struct {
	registry.Ledger
	gated
}

func (l gatedLedger) Finish(ctx context.Context, run registry.Run, progress *registry.Progress) error {
	l.gate("record")
	return l.Ledger.Finish(ctx, run, progress)
}

// Events is for views of windows, of which the worlds have none.
func (g gated) Events(context.Context, offline.EventsRequest, func(arrow.RecordBatch) error) (
	offline.NewestReport, error,
) {
	return offline.NewestReport{}, errors.New("this world has no events")
}

// Newest implements materialize.Reader by the reference.
func (g gated) Newest(_ context.Context, request offline.NewestRequest, yield func(arrow.RecordBatch) error) (
	offline.NewestReport, error,
) {
	g.step("read the source")
	history := g.history(request.View)
	rows, report := history.Newest(request.Window)
	if len(rows) == 0 {
		return report, nil
	}
	columns := make([][]any, 3)
	for _, row := range rows {
		columns[0], columns[2] = append(columns[0], row.Keys[0]), append(columns[2], nil)
		columns[1] = append(columns[1], int64(*row.Event))
	}
	batch := []arrow.Array{storetest.ArrowColumn(g.t, plumbv1.Type_STRING, columns[0]...),
		storetest.ArrowColumn(g.t, plumbv1.Type_INT64, columns[1]...),
		storetest.ArrowColumn(g.t, plumbv1.Type_INT64, columns[2]...)}
	fields := []arrow.Field{{Name: "shop"}, {Name: "event"}, {Name: "created"}}
	for i, f := range request.View.Features {
		var values []any
		for _, row := range rows {
			values = append(values, row.Features[i])
		}
		batch = append(batch, storetest.ArrowColumn(g.t, f.Type, values...))
		fields = append(fields, arrow.Field{Name: f.Name})
	}
	for i := range fields {
		fields[i].Type, fields[i].Nullable = batch[i].DataType(), true
	}
	return report, yield(array.NewRecordBatch(arrow.NewSchema(fields, nil), batch, int64(len(rows))))
}

// history is all that training sees of a view: the source, and then the files of the log.
func (w *world) history(view *feature.View) *storetest.History {
	history := &storetest.History{}
	for number, row := range w.source {
		history.Rows = append(history.Rows, w.brought(view, row, "data", number))
	}
	for _, path := range w.files(view) {
		for number, row := range w.read(path) {
			history.Rows = append(history.Rows, w.brought(view, row, "log/"+filepath.Base(path), number))
		}
	}
	return history
}

// files are those of the log, as the offline engine lists them.
func (w *world) files(view *feature.View) []string {
	files := must(filepath.Glob(filepath.Join(w.folder, "*.parquet")))(w.t)
	for _, path := range view.Source.Log.Unfinished {
		if !slices.Contains(files, filepath.Join(w.folder, filepath.Base(path))) {
			files = append(files, path)
		}
	}
	slices.SortFunc(files, func(a, b string) int { return cmpText(filepath.Base(a), filepath.Base(b)) })
	return files
}

// brought is a row with the view's features in their types, from a row that has euros and cents.
func (w *world) brought(view *feature.View, row storetest.SourceRow, file string, number int) storetest.SourceRow {
	brought := storetest.SourceRow{Keys: row.Keys, Event: row.Event, File: file, Number: number}
	for _, f := range view.Features {
		value := row.Features[slices.Index([]string{"euros", "cents"}, f.Column)]
		if number, ok := value.(int64); ok && f.Type == plumbv1.Type_INT32 {
			value = int32(number)
		}
		brought.Features = append(brought.Features, value)
	}
	return brought
}

// read has the rows of a file of the log.
func (w *world) read(path string) []storetest.SourceRow {
	opened := must(file.OpenParquetFile(path, false))(w.t)
	defer opened.Close()
	reader := must(pqarrow.NewFileReader(opened, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator))(w.t)
	table := must(reader.ReadTable(context.Background()))(w.t)
	rows := make([]storetest.SourceRow, table.NumRows())
	for i := range rows {
		rows[i].Features = []any{nil, nil}
	}
	for c := range int(table.NumCols()) {
		row := 0
		for _, chunk := range table.Column(c).Data().Chunks() {
			for i := range chunk.Len() {
				put(&rows[row], table.Column(c).Name(), chunk, i)
				row++
			}
		}
	}
	return rows
}

func put(row *storetest.SourceRow, name string, values arrow.Array, i int) {
	if values.IsNull(i) {
		return
	}
	switch values := values.(type) {
	case *array.String:
		row.Keys = []any{values.Value(i)}
	case *array.Timestamp:
		if name == "at" {
			row.Event = new(feature.Instant(values.Value(i)))
		}
	case *array.Int32:
		row.Features[slices.Index([]string{"euros", "cents"}, name)] = int64(values.Value(i))
	case *array.Int64:
		row.Features[slices.Index([]string{"euros", "cents"}, name)] = values.Value(i)
	}
}

// seen is what the source holds of shop a at an instant.
func seen(event feature.Instant, euros, cents int64) storetest.SourceRow {
	return storetest.SourceRow{Keys: []any{"a"}, Event: &event, Features: []any{euros, cents}}
}

// judge completes everything that was left unfinished, as restarted processes do, materializes through now, and checks
// what is served against the reference.
func (w *world) judge() error {
	if w.wrong != nil {
		return w.wrong
	}
	if err := w.settle(); err != nil {
		return err
	}
	view := w.view()
	history := w.history(view)
	served, at, err := w.lookUp(view, gatedStore{gated{w, nil}})
	if err != nil {
		return err
	}
	sighting := history.At([]any{"a"}, at, false)
	for i, f := range view.Features {
		if want := sighting.Cell(i); !served[i].Same(want) {
			return fmt.Errorf("online has %v of %s, offline %v", served[i], f.Name, want)
		}
	}
	return nil
}

func (w *world) settle() error {
	for _, pusher := range w.pushers {
		if err := pusher.Close(); err != nil {
			return err
		}
	}
	pusher := w.pusher(nil)
	if err := pusher.Recover(context.Background(), []*feature.View{w.view()}); err != nil {
		return err
	}
	if err := pusher.Close(); err != nil {
		return err
	}
	_, err := w.materializer(nil).Run(context.Background(), w.view(), materialize.Request{To: w.clock})
	var told *fault.PreconditionError
	if errors.As(err, &told) && strings.Contains(told.Message, "--full") { // The way back that it names.
		request := materialize.Request{To: w.clock, Full: true}
		_, err = w.materializer(nil).Run(context.Background(), w.view(), request)
	}
	return err
}
