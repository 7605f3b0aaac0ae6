package auditlog_test

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/plumbstore/plumb/audit/auditlog"
	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/lookup"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/sqlite"
	"github.com/plumbstore/plumb/store/storetest"
)

const (
	everything = "everything"
	schemaID   = 7
	// at is 2026-03-01T12:00:00Z.
	at = feature.Instant(1772366400000000)
)

// typeValues has values of every type, each with its edges.
var typeValues = map[plumbv1.Type][]any{
	plumbv1.Type_BOOL:      {true, false},
	plumbv1.Type_INT32:     {int32(math.MinInt32), int32(math.MaxInt32)},
	plumbv1.Type_INT64:     {int64(math.MinInt64), int64(math.MaxInt64)},
	plumbv1.Type_FLOAT32:   {math.Float32frombits(0x7fc00001), float32(math.Copysign(0, -1))},
	plumbv1.Type_FLOAT64:   {math.Float64frombits(0x7ff0000000000001), math.Copysign(0, -1)},
	plumbv1.Type_STRING:    {"é🛫", "a\x00"},
	plumbv1.Type_BYTES:     {[]byte{0xff, 0}, []byte{}},
	plumbv1.Type_TIMESTAMP: {feature.Instant(1357020000000000), feature.Instant(-1)},
}

func init() {
	for element := plumbv1.Type_BOOL; element <= plumbv1.Type_TIMESTAMP; element++ {
		array := element + plumbv1.Type_BOOL_ARRAY - plumbv1.Type_BOOL
		typeValues[array] = []any{append([]any{nil}, typeValues[element]...), []any{}}
	}
}

var (
	shop = feature.Field{Name: "shop", Type: plumbv1.Type_STRING}
	till = feature.Field{Name: "till", Type: plumbv1.Type_INT64}
)

// newView has a feature of every type, named after it.
func newView() *feature.View {
	view := &feature.View{Project: "test", Name: everything, Generation: 1, Online: true,
		Keys: []feature.Field{shop, till}, TTL: time.Hour, Schemas: []feature.Schema{{ID: schemaID}}}
	for declared := plumbv1.Type_BOOL; declared <= plumbv1.Type_TIMESTAMP_ARRAY; declared++ {
		field := feature.Field{Name: strings.ToLower(declared.String()), Type: declared}
		view.Features = append(view.Features, feature.Feature{Field: field, Column: field.Name})
		view.Schemas[0].Fields = append(view.Schemas[0].Fields, field)
	}
	return view
}

func selectAll(view *feature.View) *feature.Selection {
	selection := &feature.Selection{References: []feature.Reference{{View: view, Alias: view.Name}}}
	for _, key := range view.Keys {
		selection.References[0].LabelColumns = append(selection.References[0].LabelColumns, key.Name)
	}
	for i, f := range view.Features {
		selection.Outputs = append(selection.Outputs, feature.Output{From: feature.StoredColumn{Feature: i}, Name: f.Name})
	}
	return selection
}

// world is an online store with rows of a view, and a look-up of them.
type world struct {
	view   *feature.View
	lookup *lookup.Lookup
	online online.Store
}

// newWorld has rows of shop a: till 1 and 2 with the values of typeValues, 3 with nulls, 4 that is too old.
func newWorld(t *testing.T, view *feature.View) *world {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "online.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	prepared, err := lookup.New(selectAll(view))
	if err != nil {
		t.Fatal(err)
	}
	var rows []storetest.SourceRow
	for i := range 4 {
		row := storetest.SourceRow{Keys: []any{"a", int64(i + 1)}, Event: new(at - feature.Instant(i))}
		for _, f := range view.Features {
			var value any
			if i < 2 {
				value = typeValues[f.Type][i]
			}
			row.Features = append(row.Features, value)
		}
		rows = append(rows, row)
	}
	rows[1].Created = new(at + 7)
	rows[3].Event = new(at - feature.Instant(2*time.Hour/time.Microsecond))
	packed := storetest.Pack(t, view.Keys, view.Schema(), rows...)
	if _, err := store.Write(t.Context(), online.NewTable(view, time.Hour), packed); err != nil {
		t.Fatal(err)
	}
	return &world{view: view, lookup: prepared, online: store}
}

// look is a look-up of keys, all of whose rows are to be logged.
func (w *world) look(t *testing.T, layout *auditlog.Layout, tuples ...[]any) *auditlog.Entry {
	t.Helper()
	entry := &auditlog.Entry{Layout: layout, ServedAt: at + 5, At: at, Count: len(tuples),
		Keys: storetest.KeyColumns(t, w.view.Keys, tuples...)}
	reply, err := w.lookup.Reply(t.Context(), w.online, lookup.Request{Keys: entry.Keys, At: at})
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Release()
	message, err := reply.Message()
	if err != nil {
		t.Fatal(err)
	}
	entry.Columns, entry.Stored = message.GetColumns(), reply.Stored()
	for i := range tuples {
		entry.Rows = append(entry.Rows, int32(i))
	}
	return entry
}

var selected = auditlog.Selected{Project: "test", Revision: 3, References: []string{"everything:*"}}

func newLayout(t *testing.T, view *feature.View, hasher *auditlog.Hasher) *auditlog.Layout {
	t.Helper()
	layout, err := auditlog.NewLayout("v1.2.3", selected, selectAll(view), hasher)
	if err != nil {
		t.Fatal(err)
	}
	return layout
}

// counted is what a writer reports.
type counted struct{ files, rows, bytes, lost int64 }

func newWriter(t *testing.T, folder string, edit func(*auditlog.Config)) (*auditlog.Writer, *counted) {
	t.Helper()
	var c counted
	config := auditlog.Config{
		Folder: folder, Project: "test", Now: at.Time, MaxAge: time.Minute,
		Finished: func(rows, bytes int64) { c.files++; c.rows += rows; c.bytes += bytes },
		Lost:     func(rows int64) { c.lost += rows },
	}
	if edit != nil {
		edit(&config)
	}
	writer, err := auditlog.NewWriter(config)
	if err != nil {
		t.Fatal(err)
	}
	return writer, &c
}

// rows are those of files, column by column.
type rows struct {
	headers []auditlog.Header
	columns map[string]arrow.Array
	count   int64
}

// readAll reads every finished file of a folder.
func readAll(t *testing.T, folder string) rows {
	t.Helper()
	paths, err := auditlog.Find(folder, "test", math.MinInt64/2, math.MaxInt64/2)
	if err != nil {
		t.Fatal(err)
	}
	read := rows{columns: map[string]arrow.Array{}}
	parts := map[string][]arrow.Array{}
	for _, path := range paths {
		file, err := auditlog.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		read.headers = append(read.headers, file.Header)
		read.count += file.Rows
		err = file.Read(t.Context(), func(batch arrow.RecordBatch) error {
			for i, field := range batch.Schema().Fields() {
				batch.Column(i).Retain()
				parts[field.Name] = append(parts[field.Name], batch.Column(i))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		file.Close()
	}
	for name, arrays := range parts {
		if read.columns[name], err = array.Concatenate(arrays, memory.DefaultAllocator); err != nil {
			t.Fatal(err)
		}
	}
	return read
}

// bits are the values of a column to the bit; null is empty.
func bits(t *testing.T, declared plumbv1.Type, column arrow.Array) []string {
	t.Helper()
	hashed, err := auditlog.NewHasher("bits").Hash(declared, column)
	if err != nil {
		t.Fatal(err)
	}
	return texts(hashed)
}

// texts are a column's values as text; null is empty.
func texts(column arrow.Array) []string {
	found := make([]string, column.Len())
	for i := range found {
		if column.IsValid(i) {
			found[i] = column.ValueStr(i)
		}
	}
	return found
}

// filesIn are the names of all files below a folder.
func filesIn(t *testing.T, folder string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			names = append(names, strings.TrimPrefix(path, folder))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
