package lookup_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/lookup"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/online/onlinetest"
	"github.com/plumbstore/plumb/store/storetest"
)

var originEntity = &plumbv1.Entity{Name: "airport", JoinKeys: []*plumbv1.JoinKey{{Name: "origin",
	Type: plumbv1.Type_STRING}}}

// stored is a view with a feature of each type; a feature is called as its type is.
func stored(types ...plumbv1.Type) *plumbv1.FeatureView {
	view := &plumbv1.FeatureView{Name: "stored", Entities: []string{"airport"}, Source: "rows"}
	for _, t := range types {
		view.Features = append(view.Features, &plumbv1.Feature{Name: strings.ToLower(t.String()), Type: t})
	}
	return view
}

func allTypes() []plumbv1.Type {
	var types []plumbv1.Type
	for number := range plumbv1.Type_name {
		if number != 0 {
			types = append(types, plumbv1.Type(number))
		}
	}
	slices.Sort(types)
	return types
}

func someOf(t plumbv1.Type) any {
	if element, ok := value.ElementType(t); ok {
		return []any{someOf(element), nil, someOf(element)}
	}
	return map[plumbv1.Type]any{
		plumbv1.Type_BOOL: true, plumbv1.Type_INT32: int32(math.MinInt32), plumbv1.Type_INT64: int64(math.MinInt64),
		plumbv1.Type_FLOAT32: float32(0.1), plumbv1.Type_FLOAT64: math.Copysign(0, -1), plumbv1.Type_STRING: "Zürich",
		plumbv1.Type_BYTES: []byte{0, 255}, plumbv1.Type_TIMESTAMP: feature.Instant(-1),
	}[t]
}

func input(name string, t plumbv1.Type, values ...any) *plumbv1.InputColumn {
	column := &plumbv1.InputColumn{Name: name}
	column.Values, column.Nulls = value.ToWire(t, values)
	return column
}

// newOnline returns a store with a row of the first reference's view for each origin, in the order of its features.
func newOnline(t *testing.T, selection *feature.Selection, rows map[string][]any) online.Store {
	t.Helper()
	store := onlinetest.NewMemory()
	for origin, features := range rows {
		write(t, store, selection.References[0].View, storetest.SourceRow{Keys: []any{origin}, Event: new(feature.Instant(1)),
			Features: features})
	}
	return store
}

func ask(t *testing.T, selection *feature.Selection, store online.Store, request lookup.Request) [][]storetest.Cell {
	t.Helper()
	prepared, err := lookup.New(selection)
	if err != nil {
		t.Fatal(err)
	}
	request.At, request.EventTimestamps = 5, true
	columns, err := prepared.Get(t.Context(), store, request)
	if err != nil {
		t.Fatal(err)
	}
	cells := make([][]storetest.Cell, len(columns))
	for i, column := range columns {
		cells[i] = storetest.Cells(column)
	}
	return cells
}

// What an expression only passes on comes out as it was, for every type, out of rows and out of requests.
func TestR25_ValuesOfEveryTypeGoThroughAnExpression(t *testing.T) {
	types := allTypes()
	view := &plumbv1.OnDemandView{Name: "passed", Views: []*plumbv1.ViewInput{{View: "stored"}}}
	var inputs []*plumbv1.InputColumn
	var features []any
	for _, each := range types {
		name := strings.ToLower(each.String())
		view.Request = append(view.Request, &plumbv1.RequestInput{Name: "given_" + name, Type: each})
		view.Features = append(view.Features,
			&plumbv1.ComputedFeature{Name: "of_row_" + name, Type: each, Expression: "stored." + name},
			&plumbv1.ComputedFeature{Name: "of_request_" + name, Type: each, Expression: "given_" + name})
		inputs = append(inputs, input("given_"+name, each, someOf(each), nil))
		features = append(features, someOf(each))
	}
	selection := storetest.SelectOnDemand(t, []*plumbv1.Entity{originEntity},
		[]*plumbv1.FeatureView{stored(types...)}, view)
	store := newOnline(t, selection, map[string][]any{"EWR": features})
	cells := ask(t, selection, store, lookup.Request{Keys: []*plumbv1.KeyColumn{texts("origin", "EWR", "JFK")},
		Inputs: inputs})
	for i, output := range selection.Outputs {
		want := storetest.Cell{Value: someOf(selection.Describe(output).Type), Status: plumbv1.Status_PRESENT, Event: 5}
		if got := cells[i][0]; !got.Same(want) {
			t.Errorf("%s is %s, want %s", output.Name, got, want)
		}
		if got, want := cells[i][1], (storetest.Cell{Status: plumbv1.Status_NULL, Event: 5}); !got.Same(want) {
			t.Errorf("%s of nothing is %s, want %s", output.Name, got, want)
		}
	}
}

// ratios is a view of one stored number and one of the request.
func ratios(t *testing.T) *feature.Selection {
	t.Helper()
	return storetest.SelectOnDemand(t, []*plumbv1.Entity{originEntity},
		[]*plumbv1.FeatureView{stored(plumbv1.Type_INT64, plumbv1.Type_FLOAT64)},
		&plumbv1.OnDemandView{Name: "ratios", Views: []*plumbv1.ViewInput{{View: "stored", As: "row"}},
			Request: []*plumbv1.RequestInput{{Name: "count", Type: plumbv1.Type_INT64},
				{Name: "unused", Type: plumbv1.Type_BOOL}},
			Features: []*plumbv1.ComputedFeature{
				{Name: "quotient", Type: plumbv1.Type_INT64, Expression: "row.int64 / count"},
				{Name: "safe", Type: plumbv1.Type_INT64, Expression: "count == 0 ? -1 : quotient"},
				{Name: "now", Type: plumbv1.Type_TIMESTAMP, Expression: "request_time"},
			}})
}

func TestR26_AValueThatDoesNotExistIsInvalidAndCounted(t *testing.T) {
	selection := ratios(t)
	store := newOnline(t, selection, map[string][]any{"EWR": {int64(7), 1.5}})
	prepared, err := lookup.New(selection)
	if err != nil {
		t.Fatal(err)
	}
	reply, err := prepared.Reply(t.Context(), store, lookup.Request{At: 5, Provenance: true,
		Keys:   []*plumbv1.KeyColumn{texts("origin", "EWR", "EWR", "JFK")},
		Inputs: []*plumbv1.InputColumn{input("count", plumbv1.Type_INT64, int64(2), int64(0), int64(1))}})
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Release()
	var rows []string
	for row := range reply.Rows() {
		text, err := reply.AppendJSON(nil, row)
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, string(text))
	}
	const now = `"now":{"value":"1970-01-01T00:00:00.000005Z","status":"PRESENT"}}`
	want := []string{
		`{"quotient":{"value":3,"status":"PRESENT"},"safe":{"value":3,"status":"PRESENT"},` + now,
		`{"quotient":{"value":null,"status":"INVALID"},"safe":{"value":-1,"status":"PRESENT"},` + now,
		`{"quotient":{"value":null,"status":"NULL"},"safe":{"value":null,"status":"NULL"},` + now,
	}
	if !slices.Equal(rows, want) {
		t.Errorf("the rows are %s, want %s", rows, want)
	}
	counted := lookup.Seen{Newest: math.MinInt64}
	counted.Values[plumbv1.Status_PRESENT], counted.Values[plumbv1.Status_NULL] = 6, 2
	counted.Values[plumbv1.Status_INVALID] = 1
	// Of the stored view nothing was asked for.
	if seen := reply.Seen(); len(seen) != 2 || seen[0] != (lookup.Seen{Newest: 1}) || seen[1] != counted {
		t.Errorf("seen is %v, want %v", seen, counted)
	}
	if got := prepared.Uses(); !slices.Equal(got, []string{"stored", "ratios"}) {
		t.Errorf("the uses are %q", got)
	}
	if traced := reply.Provenance(); len(traced) != 1 || traced[0].GetAlias() != "ratios__row" {
		t.Errorf("the provenance is %v", traced)
	}
	traced := []*plumbv1.ComputedProvenance{{Alias: "ratios", View: "ratios", Inputs: []string{"count"},
		DefinitionHash: selection.Computations[0].View.Hash[:], Views: []string{"ratios__row"}, RequestTime: true}}
	if diff := cmp.Diff(traced, reply.Computed(), protocmp.Transform()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestInputsThatAreNotAsWantedAreNamed(t *testing.T) {
	selection := ratios(t)
	prepared, err := lookup.New(selection)
	if err != nil {
		t.Fatal(err)
	}
	if got := prepared.Inputs(); !slices.Equal(got, []feature.Field{{Name: "count", Type: plumbv1.Type_INT64}}) {
		t.Fatalf("the inputs are %v: one that nothing reads is not needed", got)
	}
	keys, count := []*plumbv1.KeyColumn{texts("origin", "EWR")}, input("count", plumbv1.Type_INT64, int64(1))
	oddNulls := input("count", plumbv1.Type_INT64, int64(1))
	oddNulls.Nulls = []byte{2}
	for name, c := range map[string]struct {
		keys   []*plumbv1.KeyColumn
		inputs []*plumbv1.InputColumn
		want   string
	}{
		"missing": {keys, nil, "count: is missing; give a column of INT64 values as a request input"},
		"unknown": {keys, []*plumbv1.InputColumn{count, input("cuont", plumbv1.Type_INT64, int64(1))},
			`did you mean "count"?`},
		"twice": {keys, []*plumbv1.InputColumn{count, count}, "count: is given twice"},
		"a key": {keys, []*plumbv1.InputColumn{count, input("origin", plumbv1.Type_STRING, "x")},
			"origin: is a key of these"},
		"among keys": {append(keys, numbers("count", 1)), nil, "count: is a request input of these features and not a key"},
		"other type": {keys, []*plumbv1.InputColumn{input("count", plumbv1.Type_INT32, int32(1))},
			"count: holds INT32 values"},
		"more rows": {keys, []*plumbv1.InputColumn{input("count", plumbv1.Type_INT64, int64(1), int64(2))},
			`has 2 rows where "origin" has 1`},
		"no rows":     {keys, []*plumbv1.InputColumn{input("count", plumbv1.Type_INT64)}, "count: has no rows"},
		"strange nul": {keys, []*plumbv1.InputColumn{oddNulls}, "count: has 2 for a null flag"},
	} {
		_, err := prepared.Get(t.Context(), onlinetest.NewMemory(), lookup.Request{Keys: c.keys, Inputs: c.inputs})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: the error is %v, want one with %q", name, err, c.want)
		}
	}
}

func TestElementsOfANullArrayAreRefused(t *testing.T) {
	selection := storetest.SelectOnDemand(t, nil, nil, &plumbv1.OnDemandView{Name: "sums",
		Request: []*plumbv1.RequestInput{{Name: "list", Type: plumbv1.Type_INT64_ARRAY}},
		Features: []*plumbv1.ComputedFeature{{Name: "total", Type: plumbv1.Type_INT64, Expression: "sum(list)"},
			{Name: "length", Type: plumbv1.Type_INT64, Expression: "size(list)"}}})
	cells := ask(t, selection, onlinetest.NewMemory(), lookup.Request{Inputs: []*plumbv1.InputColumn{
		input("list", plumbv1.Type_INT64_ARRAY, []any{int64(1), int64(2)}, nil, []any{}, []any{int64(1), nil})}})
	for i, want := range [][]storetest.Cell{
		{{Value: int64(3), Status: plumbv1.Status_PRESENT, Event: 5}, {Status: plumbv1.Status_NULL, Event: 5},
			{Value: int64(0), Status: plumbv1.Status_PRESENT, Event: 5}, {Status: plumbv1.Status_NULL, Event: 5}},
		{{Value: int64(2), Status: plumbv1.Status_PRESENT, Event: 5}, {Status: plumbv1.Status_NULL, Event: 5},
			{Value: int64(0), Status: plumbv1.Status_PRESENT, Event: 5},
			{Value: int64(2), Status: plumbv1.Status_PRESENT, Event: 5}},
	} {
		for row := range want {
			if !cells[i][row].Same(want[row]) {
				t.Errorf("%s, row %d: %s, want %s", selection.Outputs[i].Name, row+1, cells[i][row], want[row])
			}
		}
	}
	odd := input("list", plumbv1.Type_INT64_ARRAY, []any{int64(1)})
	odd.Nulls = []byte{1}
	prepared, err := lookup.New(selection)
	if err != nil {
		t.Fatal(err)
	}
	_, err = prepared.Get(t.Context(), onlinetest.NewMemory(), lookup.Request{Inputs: []*plumbv1.InputColumn{odd}})
	if fmt.Sprint(err) != "list: has elements at row 1, which is null; leave them out" {
		t.Errorf("the error is %v", err)
	}
}

// A reply that is used again has nothing of the one before.
func TestComputedRepliesDoNotMix(t *testing.T) {
	selection := storetest.SelectOnDemand(t, nil, nil, &plumbv1.OnDemandView{Name: "texts",
		Request:  []*plumbv1.RequestInput{{Name: "text", Type: plumbv1.Type_STRING}},
		Features: []*plumbv1.ComputedFeature{{Name: "louder", Type: plumbv1.Type_STRING, Expression: "upper(text) + '!'"}}})
	prepared, err := lookup.New(selection)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		text := strings.Repeat("a", i)
		columns, err := prepared.Get(context.Background(), onlinetest.NewMemory(), lookup.Request{At: 5,
			Inputs: []*plumbv1.InputColumn{input("text", plumbv1.Type_STRING, text, nil)}})
		if err != nil {
			t.Fatal(err)
		}
		if got := columns[0].GetValues().GetStrings().GetValues(); got[0] != strings.ToUpper(text)+"!" || got[1] != "" {
			t.Errorf("the texts are %q", got)
		}
	}
}
