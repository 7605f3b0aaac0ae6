// Package onlinetest is the suite that each online store passes: the contract of online.Store, and the rules R7, R9,
// R13, R14 and R16. A store's test is one call:
//
//	onlinetest.Run(t, func(t *testing.T) online.Store { return open(t, url) })
//
// Memory is a store in maps, for tests that put any bytes into one.
package onlinetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/lookup"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/packed"
	"github.com/plumbstore/plumb/store/storetest"
)

// Open returns one more handle on an engine's data, as another process would have, and closes it at the end of
// t. All handles of one run of the suite share the data.
type Open func(t *testing.T) online.Store

// Run checks an engine against the contract of online.Store and the rules that it is responsible for: R7, R9,
// R13, R14 and R16. The data must be empty at first.
func Run(t *testing.T, open func(t *testing.T) online.Store) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, Open)
	}{
		{"R7_ValuesOfAllTypesComeBackBitForBit", onlineR7Values},
		{"R9_KeysAreBinaryAndExact", onlineR9Keys},
		{"R13_StatusesTellWhatAValueIs", onlineR13Statuses},
		{"R13_TheLookBackEndsToTheMicrosecond", onlineR13LookBack},
		{"R14_NewestWins", onlineR14Examples},
		{"R14_NewestWinsInAnyOrder", onlineR14Order},
		{"R14_VersionsCompareByByteValue", onlineR14Bytes},
		{"R14_OfEqualVersionsTheNewerSchemaWins", onlineR14Schemas},
		{"R15_ARowThatLiesAheadTakesNothingAway", onlineR15Ahead},
		{"R15_MoreRowsAheadThanAreKept", onlineR15Many},
		{"R14_ConcurrentWritersKeepTheNewest", onlineR14Concurrent},
		{"R16_TablesNeverMeet", onlineR16Tables},
		{"R16_GenerationsNeverMeet", onlineR16Generations},
		{"NothingIsThereBeforeAnythingIsWritten", onlineBeforeWriting},
		{"NoRowsAndNoGetsAreFine", onlineEmpty},
		{"TenThousandRowsInOneCall", onlineMany},
		{"ValuesOverAMegabyte", onlineLarge},
		{"BuffersBelongToTheCaller", onlineBuffers},
		{"RowsOutliveTheirHandle", onlineReopen},
		{"ACancelledCallSaysSo", onlineCancelled},
		{"ASurveyCountsTheRowsOfEachGeneration", onlineSurvey},
		{"R16_RemovingAViewTouchesNoOther", onlineR16Remove},
		{"ARemovedViewBeginsAnew", onlineRemoveMany},
		{"CancelledUpkeepSaysSo", onlineUpkeepCancelled},
		{"MarksAreRowsThatNobodyCounts", onlineMarks},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, open) })
	}
}

var onlineTables atomic.Int64

// newOnlineTable returns a table that nothing was written to.
func newOnlineTable() online.Table {
	return online.Table{Project: fmt.Sprintf("project%d", onlineTables.Add(1)), View: "view", Generation: 1}
}

// newOnlineView returns a view in a project of its own.
func newOnlineView(keys []feature.Field, features ...feature.Field) *feature.View {
	table := newOnlineTable()
	view := &feature.View{Project: table.Project, Name: table.View, Generation: table.Generation, Keys: keys,
		Online: true, Schemas: []feature.Schema{{ID: 1, Fields: features}}}
	for _, f := range features {
		view.Features = append(view.Features, feature.Feature{Field: f, Column: f.Name})
	}
	return view
}

// writeOnline returns the report of a write that must go well.
func writeOnline(t rapid.TB, store online.Store, table online.Table, rows ...online.Row) online.WriteReport {
	t.Helper()
	report, err := store.Write(context.Background(), table, rows)
	if err != nil {
		t.Fatalf("Write: %v", err)
	}
	if total := report.Written + report.Older; total != int64(len(rows)) {
		t.Fatalf("%+v counts %d rows, %d were given", report, total, len(rows))
	}
	return report
}

// readOnline returns the values of some keys of a table.
func readOnline(t rapid.TB, store online.Store, table online.Table, keys ...string) [][]byte {
	t.Helper()
	gets := make([]online.Get, len(keys))
	for i, key := range keys {
		gets[i] = online.Get{Table: table, Key: []byte(key)}
	}
	values, err := store.Read(context.Background(), gets)
	if err != nil {
		t.Fatalf("Read: %v", err)
	}
	if len(values) != len(gets) {
		t.Fatalf("%d values for %d gets", len(values), len(gets))
	}
	return values
}

// lookUpOnline looks all features of a view up, and returns their cells: feature, then row.
func lookUpOnline(
	t rapid.TB, store online.Store, view *feature.View, at feature.Instant, tuples ...[]any,
) [][]storetest.Cell {
	t.Helper()
	reference := feature.Reference{View: view, Alias: view.Name}
	for _, key := range view.Keys {
		reference.LabelColumns = append(reference.LabelColumns, key.Name)
	}
	selection := &feature.Selection{References: []feature.Reference{reference}}
	for i, f := range view.Features {
		selection.Outputs = append(selection.Outputs, feature.Output{From: feature.StoredColumn{Feature: i}, Name: f.Name})
	}
	prepared, err := lookup.New(selection)
	if err != nil {
		t.Fatalf("NewLookup: %v", err)
	}
	request := lookup.Request{Keys: storetest.KeyColumns(t, prepared.Keys(), tuples...), At: at, EventTimestamps: true}
	columns, err := prepared.Get(context.Background(), store, request)
	if err != nil {
		t.Fatalf("Get: %v", err)
	}
	cells := make([][]storetest.Cell, len(columns))
	for i, column := range columns {
		cells[i] = storetest.Cells(column)
	}
	return cells
}

func sameCells(t rapid.TB, got []storetest.Cell, want ...storetest.Cell) {
	t.Helper()
	if !slices.EqualFunc(got, want, storetest.Cell.Same) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

// Value is a packed row of the given times and schema 1, with any text as its body.
func Value(event, created int64, payload string) []byte {
	header := packed.NewHeader(feature.Instant(event), new(feature.Instant(created)), 1, 0)
	return append(header.Append(nil), payload...)
}

func versionedRow(key string, event, created int64, payload string) online.Row {
	return online.Row{Key: []byte(key), Value: Value(event, created, payload)}
}

// payloads are the bodies of values that Value has made; of a value that holds several, that of the newest.
func payloads(values [][]byte) []string {
	texts := make([]string, len(values))
	for i, value := range values {
		if texts[i] = "-"; value != nil {
			texts[i] = payload(value)
		}
	}
	return texts
}

func payload(value []byte) string {
	newest, err := packed.RowAt(value, math.MaxInt64)
	if err != nil {
		return err.Error()
	}
	row, err := packed.Parse(newest)
	if err != nil {
		return err.Error()
	}
	return string(newest[len(row.Append(nil)):])
}

func samePayloads(t rapid.TB, got [][]byte, want ...string) {
	t.Helper()
	if texts := payloads(got); !slices.Equal(texts, want) {
		t.Errorf("got %q, want %q", texts, want)
	}
}

func onlineBeforeWriting(t *testing.T, open Open) {
	samePayloads(t, readOnline(t, open(t), newOnlineTable(), "a", "a", "b"), "-", "-", "-")
}

func onlineEmpty(t *testing.T, open Open) {
	store := open(t)
	if report := writeOnline(t, store, newOnlineTable()); report != (online.WriteReport{}) {
		t.Errorf("writing nothing reports %+v", report)
	}
	readOnline(t, store, newOnlineTable())
}

func onlineMany(t *testing.T, open Open) {
	const many = 10_000
	store, table := open(t), newOnlineTable()
	rows := make([]online.Row, many)
	var keys, want []string
	for i := range rows {
		key := fmt.Sprint("key", i)
		rows[i] = versionedRow(key, 1, 1, key)
		// Others that are not there in between, and some twice.
		keys, want = append(keys, key, key+"x"), append(want, key, "-")
		if i%1000 == 0 {
			keys, want = append(keys, key), append(want, key)
		}
	}
	if report := writeOnline(t, store, table, rows...); report.Written != many {
		t.Errorf("report is %+v", report)
	}
	slices.Reverse(keys)
	slices.Reverse(want)
	if got := payloads(readOnline(t, store, table, keys...)); !slices.Equal(got, want) {
		t.Error("values are not those of their keys, in order")
	}
	replay := slices.Concat(rows, []online.Row{versionedRow("key7", 0, 0, "")})
	if report := writeOnline(t, store, table, replay...); report.Older != 1 {
		t.Errorf("a replay and one older row report %+v", report)
	}
}

func onlineLarge(t *testing.T, open Open) {
	store, table := open(t), newOnlineTable()
	var rows []online.Row
	for i := range 4 {
		rows = append(rows, versionedRow(fmt.Sprint(i), 1, 1, string(bytes.Repeat([]byte{byte(i)}, 3<<20))))
	}
	writeOnline(t, store, table, rows...)
	for i, value := range readOnline(t, store, table, "0", "1", "2", "3") {
		if !bytes.Equal(value, rows[i].Value) {
			t.Errorf("value %d of %d bytes came back as %d others", i, len(rows[i].Value), len(value))
		}
	}
}

func onlineBuffers(t *testing.T, open Open) {
	online, table := open(t), newOnlineTable()
	row := versionedRow("a", 1, 1, "first")
	writeOnline(t, online, table, row)
	row.Key[0], row.Value[len(row.Value)-len("first")] = 'b', 'F'
	values := readOnline(t, online, table, "a", "a")
	samePayloads(t, values, "first", "first")
	values[0][len(values[0])-len("first")] = 'x'
	samePayloads(t, values, "xirst", "first")
	samePayloads(t, readOnline(t, online, table, "a"), "first")
}

func onlineReopen(t *testing.T, open Open) {
	table := newOnlineTable()
	t.Run("the first handle", func(t *testing.T) { writeOnline(t, open(t), table, versionedRow("a", 1, 1, "kept")) })
	samePayloads(t, readOnline(t, open(t), table, "a"), "kept")
}

func onlineCancelled(t *testing.T, open Open) {
	store, table := open(t), newOnlineTable()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := store.Write(ctx, table, []online.Row{versionedRow("a", 1, 1, "a")}); !errors.Is(err, context.Canceled) {
		t.Errorf("Write: error is %v, want context.Canceled", err)
	}
	if _, err := store.Read(ctx, []online.Get{{Table: table, Key: []byte("a")}}); !errors.Is(err, context.Canceled) {
		t.Errorf("Read: error is %v, want context.Canceled", err)
	}
	writeOnline(t, store, table, versionedRow("a", 2, 1, "again"))
	samePayloads(t, readOnline(t, store, table, "a"), "again")
}

// notFoundCell is the answer for an entity that is not there.
var notFoundCell = storetest.Cell{Status: plumbv1.Status_NOT_FOUND}
