package lookup_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/lookup"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/online/onlinetest"
	"github.com/plumbstore/plumb/store/storetest"
)

func TestTheSuiteHoldsForMaps(t *testing.T) {
	store := onlinetest.NewMemory()
	onlinetest.Run(t, func(*testing.T) online.Store { return store })
}

var (
	origin = feature.Field{Name: "origin", Type: plumbv1.Type_STRING}
	number = feature.Field{Name: "number", Type: plumbv1.Type_INT64}
	delay  = feature.Field{Name: "delay", Type: plumbv1.Type_FLOAT64}
)

func texts(name string, values ...string) *plumbv1.KeyColumn {
	return &plumbv1.KeyColumn{Name: name, Values: &plumbv1.Values{
		Kind: &plumbv1.Values_Strings{Strings: &plumbv1.StringValues{Values: values}}}}
}

func numbers(name string, values ...int64) *plumbv1.KeyColumn {
	return &plumbv1.KeyColumn{Name: name, Values: &plumbv1.Values{
		Kind: &plumbv1.Values_Int64S{Int64S: &plumbv1.Int64Values{Values: values}}}}
}

func withNulls(column *plumbv1.KeyColumn, nulls ...byte) *plumbv1.KeyColumn {
	column.Nulls = nulls
	return column
}

func TestKeysThatAreNotAsWantedAreNamed(t *testing.T) {
	prepared := storetest.NewLookup(t, storetest.NewView("flight", []feature.Field{origin, number}, delay))
	dates := &plumbv1.KeyColumn{Name: "origin", Values: &plumbv1.Values{
		Kind: &plumbv1.Values_Timestamps{Timestamps: &plumbv1.TimestampValues{Micros: []int64{1}}}}}
	lists := &plumbv1.KeyColumn{Name: "origin", Values: &plumbv1.Values{
		Kind: &plumbv1.Values_Arrays{Arrays: &plumbv1.ArrayValues{Lengths: []uint32{0}}}}}
	for _, c := range []struct {
		name string
		keys []*plumbv1.KeyColumn
		want []string
	}{
		{"none", nil, []string{"origin: is missing; give a column of STRING keys", "number: is missing"}},
		{"one missing", []*plumbv1.KeyColumn{texts("origin", "EWR")}, []string{"number: is missing"}},
		{"one surplus", []*plumbv1.KeyColumn{texts("origin", "EWR"), numbers("number", 1), texts("orign", "JFK")},
			[]string{`orign: is not a key of these features; their keys are origin, number; did you mean "origin"?`}},
		{"one twice", []*plumbv1.KeyColumn{texts("origin", "EWR"), numbers("number", 1), numbers("number", 2)},
			[]string{"number: is given twice"}},
		{"other types", []*plumbv1.KeyColumn{dates, texts("number", "1")},
			[]string{"origin: holds TIMESTAMP values; its keys are STRING", "number: holds STRING values; its keys are INT64"}},
		{"arrays", []*plumbv1.KeyColumn{lists, numbers("number", 1)}, []string{"origin: holds no scalar values"}},
		{"no values", []*plumbv1.KeyColumn{{Name: "origin"}, numbers("number", 1)},
			[]string{"origin: holds no scalar values"}},
		{"no column at all", []*plumbv1.KeyColumn{nil, texts("origin", "EWR"), numbers("number", 1)},
			[]string{"is not a key of these features"}},
		{"uneven", []*plumbv1.KeyColumn{texts("origin", "EWR", "JFK"), numbers("number", 1)},
			[]string{`number: has 1 rows where "origin" has 2`}},
		{"no rows", []*plumbv1.KeyColumn{texts("origin"), numbers("number")},
			[]string{"origin: has no rows; give at least one", "number: has no rows"}},
		{"uneven nulls", []*plumbv1.KeyColumn{withNulls(texts("origin", "EWR"), 0, 1), numbers("number", 1)},
			[]string{"origin: has 2 null flags for 1 rows"}},
		{"odd nulls", []*plumbv1.KeyColumn{texts("origin", "EWR", "JFK"), withNulls(numbers("number", 1, 2), 0, 0xff)},
			[]string{"number: has 255 for a null flag at row 2"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := prepared.Get(t.Context(), onlinetest.NewMemory(), lookup.Request{Keys: c.keys})
			lines := strings.Split(fmt.Sprint(err), "\n")
			if len(lines) != len(c.want) {
				t.Fatalf("mistakes are %q, want %q", lines, c.want)
			}
			for i, want := range c.want {
				if !strings.Contains(lines[i], want) {
					t.Errorf("mistake %d is %q, want one with %q", i, lines[i], want)
				}
			}
			if _, ok := errors.AsType[*fault.InputError](err); !ok {
				t.Errorf("%v is no InputError", err)
			}
		})
	}
}

func TestAKeyOfNoUseIsRefusedWhereThereAreNone(t *testing.T) {
	prepared := storetest.NewLookup(t, storetest.NewView("world", nil, delay))
	request := lookup.Request{Keys: []*plumbv1.KeyColumn{texts("origin", "EWR")}}
	_, err := prepared.Get(t.Context(), onlinetest.NewMemory(), request)
	if err == nil || err.Error() != "origin: is not a key of these features; they have none" {
		t.Errorf("error is %v", err)
	}
}

func TestViewsThatAreNotOnlineAreNamedOnce(t *testing.T) {
	offline := storetest.NewView("flight", []feature.Field{origin}, delay)
	offline.Online = false
	_, err := lookup.New(storetest.SelectAll(offline, storetest.NewView("world", nil, delay), offline))
	var precondition *fault.PreconditionError
	if !errors.As(err, &precondition) || !strings.Contains(err.Error(), "feature view flight;") {
		t.Errorf("error is %v, want a PreconditionError that names the view", err)
	}
}

func TestAnOutputThatIsNoStoredColumnIsRefused(t *testing.T) {
	selection := storetest.SelectAll(storetest.NewView("flight", []feature.Field{origin}, delay))
	selection.Outputs = append(selection.Outputs, feature.Output{Name: "ratio"})
	_, err := lookup.New(selection)
	var input *fault.InputError
	if !errors.As(err, &input) || !strings.Contains(err.Error(), "ratio: where the values come from is not known") {
		t.Errorf("error is %v, want an InputError about the output", err)
	}
}

func TestALabelColumnOfTwoTypesIsRefused(t *testing.T) {
	other := storetest.NewView("other", []feature.Field{{Name: "origin", Type: plumbv1.Type_INT64}}, delay)
	_, err := lookup.New(storetest.SelectAll(storetest.NewView("flight", []feature.Field{origin}, delay), other))
	var input *fault.InputError
	if !errors.As(err, &input) || input.Field != "origin" {
		t.Errorf("error is %v, want an InputError about origin", err)
	}
}

// get looks up all features of the views and takes the answer apart: column, then row.
func get(t *testing.T, store online.Store, at feature.Instant, keys []*plumbv1.KeyColumn,
	views ...*feature.View,
) [][]storetest.Cell {
	t.Helper()
	request := lookup.Request{Keys: keys, At: at, EventTimestamps: true}
	columns, err := storetest.NewLookup(t, views...).Get(t.Context(), store, request)
	if err != nil {
		t.Fatalf("Get: %v", err)
	}
	cells := make([][]storetest.Cell, len(columns))
	for i, column := range columns {
		cells[i] = storetest.Cells(column)
	}
	return cells
}

func write(t testing.TB, store online.Store, view *feature.View, rows ...storetest.SourceRow) {
	t.Helper()
	packed := storetest.Pack(t, view.Keys, view.Schema(), rows...)
	if _, err := store.Write(t.Context(), online.NewTable(view, 0), packed); err != nil {
		t.Fatalf("Write: %v", err)
	}
}

func wantCells(t *testing.T, got []storetest.Cell, want ...storetest.Cell) {
	t.Helper()
	if !slices.EqualFunc(got, want, storetest.Cell.Same) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func present(value any, event feature.Instant) storetest.Cell {
	return storetest.Cell{Value: value, Status: plumbv1.Status_PRESENT, Event: event}
}

var notFound = storetest.Cell{Status: plumbv1.Status_NOT_FOUND}

func TestR2_TheLookBackIsExactAtTheEndsOfTime(t *testing.T) {
	for _, c := range []struct {
		ttl       time.Duration
		event, at feature.Instant
		want      plumbv1.Status
	}{
		{0, math.MinInt64 + 1, math.MaxInt64, plumbv1.Status_PRESENT},
		{time.Microsecond, 0, 1, plumbv1.Status_PRESENT},
		{time.Microsecond, 0, 2, plumbv1.Status_EXPIRED},
		{time.Microsecond, 0, math.MaxInt64, plumbv1.Status_EXPIRED},
		{time.Microsecond, math.MinInt64 + 1, math.MaxInt64, plumbv1.Status_EXPIRED},
		{time.Hour, math.MinInt64 + 1, math.MinInt64 + 2, plumbv1.Status_PRESENT},
		{time.Hour, math.MinInt64 + 1, math.MinInt64, plumbv1.Status_NOT_FOUND},
		{math.MaxInt64 / 1000 * 1000, 0, math.MaxInt64 / 1000, plumbv1.Status_PRESENT},
		{math.MaxInt64 / 1000 * 1000, 0, math.MaxInt64/1000 + 1, plumbv1.Status_EXPIRED},
		{0, 1, 0, plumbv1.Status_NOT_FOUND},
	} {
		view := storetest.NewView("world", nil, delay)
		view.TTL = c.ttl
		online := onlinetest.NewMemory()
		write(t, online, view, storetest.SourceRow{Event: &c.event, Features: []any{1.5}})
		if got := get(t, online, c.at, nil, view)[0][0].Status; got != c.want {
			t.Errorf("ttl %s, event %d, at %d: %s, want %s", c.ttl, c.event, c.at, got, c.want)
		}
	}
}

func TestR11_OneViewIsLookedUpUnderTwoNames(t *testing.T) {
	view := storetest.NewView("weather", []feature.Field{origin}, delay)
	online := onlinetest.NewMemory()
	write(t, online, view,
		storetest.SourceRow{Keys: []any{"EWR"}, Event: new(feature.Instant(1)), Features: []any{1.5}},
		storetest.SourceRow{Keys: []any{"JFK"}, Event: new(feature.Instant(2)), Features: []any{2.5}})
	selection := &feature.Selection{
		References: []feature.Reference{
			{View: view, Alias: "a", LabelColumns: []string{"from"}},
			{View: view, Alias: "b", LabelColumns: []string{"to"}},
		},
		Outputs: []feature.Output{{From: feature.StoredColumn{Reference: 1}, Name: "b__delay"},
			{From: feature.StoredColumn{Reference: 0}, Name: "a__delay"}},
	}
	prepared, err := lookup.New(selection)
	if err != nil {
		t.Fatal(err)
	}
	keys := []*plumbv1.KeyColumn{texts("to", "JFK", "EWR"), texts("from", "EWR", "EWR")}
	columns, err := prepared.Get(t.Context(), online, lookup.Request{Keys: keys, At: 5, EventTimestamps: true})
	if err != nil {
		t.Fatal(err)
	}
	wantCells(t, storetest.Cells(columns[0]), present(2.5, 2), present(1.5, 1))
	wantCells(t, storetest.Cells(columns[1]), present(1.5, 1), present(1.5, 1))
	if columns[0].GetName() != "b__delay" || columns[1].GetName() != "a__delay" {
		t.Errorf("columns are %s and %s", columns[0].GetName(), columns[1].GetName())
	}
}

func TestR12_AnEntitylessViewAnswersOnceOrForEveryRow(t *testing.T) {
	world, flight := storetest.NewView("world", nil, delay), storetest.NewView("flight", []feature.Field{origin}, number)
	online := onlinetest.NewMemory()
	write(t, online, world, storetest.SourceRow{Event: new(feature.Instant(3)), Features: []any{1.5}})
	write(t, online, flight, storetest.SourceRow{Keys: []any{"EWR"}, Event: new(feature.Instant(4)),
		Features: []any{int64(7)}})
	wantCells(t, get(t, online, 5, nil, world)[0], present(1.5, 3))
	cells := get(t, online, 5, []*plumbv1.KeyColumn{texts("origin", "EWR", "JFK")}, flight, world)
	wantCells(t, cells[0], present(int64(7), 4), notFound)
	wantCells(t, cells[1], present(1.5, 3), present(1.5, 3))
}

func TestRowsOfOlderSchemasAreReadByNameAndType(t *testing.T) {
	view := storetest.NewView("flight", []feature.Field{origin}, delay, number)
	online := onlinetest.NewMemory()
	write(t, online, view,
		storetest.SourceRow{Keys: []any{"EWR"}, Event: new(feature.Instant(1)), Features: []any{1.5, int64(7)}})
	gate := feature.Field{Name: "gate", Type: plumbv1.Type_STRING}
	wide := feature.Field{Name: "delay", Type: plumbv1.Type_FLOAT32}
	later := storetest.NewView("flight", []feature.Field{origin}, number, gate, wide)
	later.Schemas = []feature.Schema{view.Schema(), {ID: 2, Fields: []feature.Field{number, gate, wide}}}
	write(t, online, later,
		storetest.SourceRow{Keys: []any{"JFK"}, Event: new(feature.Instant(2)),
			Features: []any{int64(8), "A1", float32(2.5)}})
	cells := get(t, online, 5, []*plumbv1.KeyColumn{texts("origin", "EWR", "JFK")}, later)
	wantCells(t, cells[0], present(int64(7), 1), present(int64(8), 2))
	wantCells(t, cells[1], notFound, present("A1", 2))
	wantCells(t, cells[2], notFound, present(float32(2.5), 2))
}

func TestARowOfASchemaThatIsNotKnownSaysSo(t *testing.T) {
	view := storetest.NewView("flight", []feature.Field{origin}, delay)
	online := onlinetest.NewMemory()
	write(t, online, view, storetest.SourceRow{Keys: []any{"EWR"}, Event: new(feature.Instant(1)), Features: []any{1.5}})
	stale := storetest.NewView("flight", []feature.Field{origin}, delay)
	stale.Schemas[0].ID = 7
	keys := []*plumbv1.KeyColumn{texts("origin", "JFK", "EWR")}
	_, err := storetest.NewLookup(t, stale).Get(t.Context(), online, lookup.Request{Keys: keys, At: 5})
	where := `feature view "flight", row 2 of the keys`
	if !errors.Is(err, lookup.ErrUnknownSchema) || !strings.Contains(err.Error(), where) {
		t.Errorf("error is %v, want ErrUnknownSchema with the view and row", err)
	}
}

func TestANewTableKeepsRowsForTheTTLAndTheRetention(t *testing.T) {
	for _, c := range []struct{ ttl, retention, want time.Duration }{
		{0, time.Hour, 0},
		{time.Hour, time.Minute, time.Hour + time.Minute},
		{time.Hour, -time.Minute, time.Hour},
		{math.MaxInt64, time.Minute, math.MaxInt64},
	} {
		view := storetest.NewView("flight", nil)
		view.TTL = c.ttl
		want := online.Table{Project: "test", View: "flight", Generation: 1, Retention: c.want}
		if got := online.NewTable(view, c.retention); got != want {
			t.Errorf("ttl %s and retention %s give %+v, want %+v", c.ttl, c.retention, got, want)
		}
	}
}

func TestWhatIsMeasuredOfAReplyIsWhatItSays(t *testing.T) {
	view := storetest.NewView("flight", []feature.Field{origin}, delay, number)
	view.TTL = time.Microsecond
	online := onlinetest.NewMemory()
	write(t, online, view,
		storetest.SourceRow{Keys: []any{"EWR"}, Event: new(feature.Instant(3)), Features: []any{1.5, nil}},
		storetest.SourceRow{Keys: []any{"JFK"}, Event: new(feature.Instant(1)), Features: []any{2.5, int64(1)}},
		storetest.SourceRow{Keys: []any{"LGA"}, Event: new(feature.Instant(9)), Features: []any{3.5, int64(1)}})
	keys := []*plumbv1.KeyColumn{texts("origin", "EWR", "JFK", "LGA", "EWR")}
	reply, err := storetest.NewLookup(t, view).Reply(t.Context(), online, lookup.Request{Keys: keys, At: 4, Revision: 300})
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Release()
	want := lookup.Seen{Newest: 3}
	want.Values[plumbv1.Status_PRESENT], want.Values[plumbv1.Status_NULL] = 2, 2
	want.Values[plumbv1.Status_EXPIRED], want.Values[plumbv1.Status_NOT_FOUND] = 2, 2
	if got := reply.Seen(); len(got) != 1 || got[0] != want {
		t.Errorf("seen is %v, want %v", got, want)
	}
	message, err := reply.Message()
	if err != nil || message.GetRevision() != 300 {
		t.Errorf("the message is %v, with error %v; want revision 300", message, err)
	}
}

// A client that ignores the statuses does not read a zero.
func TestR13_AFloatWithoutAValueIsNaNOnTheWire(t *testing.T) {
	view := storetest.NewView("prices", []feature.Field{origin}, feature.Field{Name: "single", Type: plumbv1.Type_FLOAT32},
		feature.Field{Name: "double", Type: plumbv1.Type_FLOAT64},
		feature.Field{Name: "list", Type: plumbv1.Type_FLOAT64_ARRAY},
		feature.Field{Name: "count", Type: plumbv1.Type_INT64}, feature.Field{Name: "seen", Type: plumbv1.Type_TIMESTAMP})
	view.TTL = time.Microsecond
	online := onlinetest.NewMemory()
	write(t, online, view,
		storetest.SourceRow{Keys: []any{"NULL"}, Event: new(feature.Instant(9)),
			Features: []any{nil, nil, []any{nil, 1.5}, nil, nil}},
		storetest.SourceRow{Keys: []any{"EXPIRED"}, Event: new(feature.Instant(1)),
			Features: []any{float32(1), 1.0, []any{1.0}, int64(1), feature.Instant(1)}})
	request := lookup.Request{At: 9,
		Keys: []*plumbv1.KeyColumn{texts("origin", "NULL", "EXPIRED", "NOT_FOUND")}}
	columns, err := storetest.NewLookup(t, view).Get(context.Background(), online, request)
	if err != nil {
		t.Fatal(err)
	}
	singles, doubles := columns[0].GetValues().GetFloat32S().GetValues(), columns[1].GetValues().GetFloat64S().GetValues()
	counts, times := columns[3].GetValues().GetInt64S().GetValues(), columns[4].GetValues().GetTimestamps().GetMicros()
	for row := range 3 {
		if bits := math.Float32bits(singles[row]); bits != 0x7fc00000 {
			t.Errorf("row %d: the FLOAT32 is %x", row+1, bits)
		}
		if bits := math.Float64bits(doubles[row]); bits != 0x7ff8000000000000 {
			t.Errorf("row %d: the FLOAT64 is %x", row+1, bits)
		}
		if counts[row] != 0 || times[row] != 0 {
			t.Errorf("row %d: the others are %d, %d", row+1, counts[row], times[row])
		}
	}
	lists := columns[2].GetValues().GetArrays()
	elements := lists.GetElements().GetFloat64S().GetValues()
	if !slices.Equal(lists.GetLengths(), []uint32{2, 0, 0}) || !math.IsNaN(elements[0]) {
		t.Errorf("the lists are %v", lists)
	}
}
