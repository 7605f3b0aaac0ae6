package packed_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/lookup"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/online/onlinetest"
	"github.com/plumbstore/plumb/store/packed"
	"github.com/plumbstore/plumb/store/storetest"
)

// rowCase is one packed row.
type rowCase struct {
	name    string
	event   feature.Instant
	created *feature.Instant
	fields  []feature.Field
	values  []any
}

var (
	quietNaN     = math.Float64frombits(0x7ff8000000000001)
	signalingNaN = math.Float64frombits(0xfff0000000000001)
	thinNaN      = math.Float32frombits(0x7f800001)
	negativeZero = math.Copysign(0, -1)
)

// typeValues has values of every type: plain ones, then the edges.
var typeValues = map[plumbv1.Type][]any{
	plumbv1.Type_BOOL:      {true, false},
	plumbv1.Type_INT32:     {int32(7), int32(math.MinInt32), int32(math.MaxInt32)},
	plumbv1.Type_INT64:     {int64(7), int64(math.MinInt64), int64(math.MaxInt64)},
	plumbv1.Type_FLOAT32:   {float32(1.5), thinNaN, float32(negativeZero), float32(math.Inf(1))},
	plumbv1.Type_FLOAT64:   {1.5, quietNaN, signalingNaN, negativeZero, math.Inf(-1)},
	plumbv1.Type_STRING:    {"é🛫", "", "a\x00"},
	plumbv1.Type_BYTES:     {[]byte{0xff, 0}, []byte{}},
	plumbv1.Type_TIMESTAMP: {feature.Instant(1357020000000000), feature.Instant(-1), feature.Instant(math.MinInt64)},
}

func init() {
	for element := plumbv1.Type_BOOL; element <= plumbv1.Type_TIMESTAMP; element++ {
		array := element + plumbv1.Type_BOOL_ARRAY - plumbv1.Type_BOOL
		values := append([]any{nil}, typeValues[element]...)
		typeValues[array] = []any{append(values, nil), []any{}, []any{nil}, typeValues[element]}
	}
}

// rowCases has a row of each type, with every value of it and a null, and rows that mix types.
func rowCases() []rowCase {
	cases := []rowCase{
		{name: "no fields, no created time", event: 1357020000000000},
		{name: "before the epoch", event: -1, created: new(feature.Instant(-2))},
		{name: "greatest times", event: math.MaxInt64, created: new(feature.Instant(math.MaxInt64))},
		{name: "least times", event: math.MinInt64 + 1, created: new(feature.Instant(math.MinInt64 + 1))},
	}
	mixed := rowCase{name: "every type", event: 1357020000000000, created: new(feature.Instant(1357023600000000))}
	nulls := rowCase{name: "every type null", event: 1357020000000000, created: new(feature.Instant(1357023600000000))}
	for declared := plumbv1.Type_BOOL; declared <= plumbv1.Type_TIMESTAMP_ARRAY; declared++ {
		c := rowCase{name: declared.String(), event: 1357020000000000}
		for i, value := range append([]any{nil}, typeValues[declared]...) {
			c.fields = append(c.fields, feature.Field{Name: fmt.Sprint("f", i), Type: declared})
			c.values = append(c.values, value)
		}
		cases = append(cases, c)
		field := feature.Field{Name: strings.ToLower(declared.String()), Type: declared}
		mixed.fields, mixed.values = append(mixed.fields, field), append(mixed.values, typeValues[declared][0])
		nulls.fields, nulls.values = append(nulls.fields, field), append(nulls.values, nil)
	}
	return append(cases, mixed, nulls)
}

// schemaID is one with four different bytes.
const schemaID = 0x01020304

func (c rowCase) view() *feature.View {
	view := &feature.View{Project: "test", Name: "sample", Generation: 1, Online: true,
		Schemas: []feature.Schema{{ID: schemaID, Fields: c.fields}}}
	for _, field := range c.fields {
		view.Features = append(view.Features, feature.Feature{Field: field, Column: field.Name})
	}
	return view
}

func (c rowCase) pack(t rapid.TB) online.Row {
	t.Helper()
	row := storetest.SourceRow{Event: &c.event, Created: c.created, Features: c.values}
	return storetest.Pack(t, nil, c.view().Schema(), row)[0]
}

// unpack looks up all fields of a value stored under the key of an entity-less view.
func unpack(t rapid.TB, view *feature.View, value []byte, at feature.Instant) ([]*plumbv1.FeatureColumn, error) {
	t.Helper()
	memory := onlinetest.NewMemory()
	memory.Put(online.NewTable(view, 0), []byte{1}, value)
	request := lookup.Request{At: at, EventTimestamps: true}
	reply, err := storetest.NewLookup(t, view).Reply(context.Background(), memory, request)
	if err != nil {
		return nil, err
	}
	defer reply.Release()
	message, err := reply.Message()
	if err != nil {
		t.Fatalf("a reply is no message: %v", err)
	}
	wire, err := reply.Wire()
	if err != nil {
		t.Fatalf("the reply has no bytes: %v", err)
	}
	if again, err := proto.Marshal(message); err != nil || !bytes.Equal(again, wire) {
		t.Fatalf("the reply is\n%x where protobuf writes, with error %v,\n%x", wire, err, again)
	}
	return message.GetColumns(), nil
}

// checkUnpacks checks what a look-up reads from the bytes against the case.
func (c rowCase) checkUnpacks(t *testing.T, value []byte, origin packed.Origin) {
	t.Helper()
	row, err := packed.Parse(value)
	if err != nil {
		t.Fatalf("ParseRow: %v", err)
	}
	created, ok := row.Created()
	if row.Event != c.event || ok != (c.created != nil) || ok && created != *c.created || row.SchemaID != schemaID ||
		row.Origin != origin {
		t.Errorf("header is %v, want that of %+v, of origin %d", row, c, origin)
	}
	columns, err := unpack(t, c.view(), value, math.MaxInt64)
	if err != nil {
		t.Fatalf("Get: %v", err)
	}
	for i, column := range columns {
		want := storetest.Cell{Value: c.values[i], Status: plumbv1.Status_PRESENT, Event: c.event}
		if want.Value == nil {
			want.Status = plumbv1.Status_NULL
		}
		if got := storetest.Cells(column)[0]; !got.Same(want) {
			t.Errorf("field %d (%s) is %v, want %v", i, c.fields[i].Type, got, want)
		}
	}
}

func TestR7_PackedRowsReadBackBitForBit(t *testing.T) {
	for _, c := range rowCases() {
		t.Run(c.name, func(t *testing.T) { c.checkUnpacks(t, c.pack(t).Value, storetest.SampleOrigin) })
	}
}

func TestR14_RowsCompareLikeTheirTimesAndSchemas(t *testing.T) {
	times := rapid.OneOf(rapid.Int64Range(math.MinInt64+1, math.MaxInt64), rapid.Int64Range(-2, 2),
		rapid.Int64Range(-1<<17, 1<<17))
	createds := rapid.Ptr(times, true)
	schemas := rapid.OneOf(rapid.Uint32(), rapid.Uint32Range(246, 250), rapid.Uint32Range(65534, 65537))
	type drawn struct {
		value   []byte
		event   int64
		created *int64
		schema  uint32
	}
	draw := func(t *rapid.T, label string, events *rapid.Generator[int64]) drawn {
		d := drawn{event: events.Draw(t, label), created: createds.Draw(t, label+" created"),
			schema: schemas.Draw(t, label+" schema")}
		row := storetest.SourceRow{Event: new(feature.Instant(d.event)), Features: []any{int32(7)}}
		if d.created != nil {
			row.Created = new(feature.Instant(*d.created))
		}
		fields := []feature.Field{{Name: "f", Type: plumbv1.Type_INT32}}
		d.value = storetest.Pack(t, nil, feature.Schema{ID: d.schema, Fields: fields}, row)[0].Value
		return d
	}
	rapid.Check(t, func(t *rapid.T) {
		a := draw(t, "a", times)
		b := draw(t, "b", rapid.OneOf(rapid.Just(a.event), times))
		order := cmp.Compare(a.event, b.event)
		if order == 0 {
			order = compareCreated(a.created, b.created)
		}
		if got := packed.IsNewer(a.value, b.value); got != (order > 0) {
			t.Fatalf("that a is newer is %t, and times compare as %d", got, order)
		}
		order = cmp.Or(order, cmp.Compare(a.schema, b.schema))
		if got := packed.Replaces(a.value, b.value); got != (order >= 0) {
			t.Fatalf("that a replaces b is %t, and times and schemas compare as %d", got, order)
		}
	})
}

// compareCreated puts null lowest.
func compareCreated(a, b *int64) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	}
	return cmp.Compare(*a, *b)
}

func TestRowsThatCannotBeStoredAreInputErrors(t *testing.T) {
	text := []feature.Field{{Name: "name", Type: plumbv1.Type_STRING}}
	list := []feature.Field{{Name: "names", Type: plumbv1.Type_STRING_ARRAY}}
	blob := []feature.Field{{Name: "blob", Type: plumbv1.Type_BYTES}}
	huge := make([]byte, packed.MaxRowSize)
	for _, c := range []struct {
		name   string
		row    storetest.SourceRow
		fields []feature.Field
		want   string
	}{
		{"R3 no event time", storetest.SourceRow{}, nil, "event timestamp: is null"},
		{"least event time", storetest.SourceRow{Event: new(feature.Instant(math.MinInt64))}, nil,
			"event timestamp: -9223372036854775808"},
		{"least created time", storetest.SourceRow{Event: new(feature.Instant(0)),
			Created: new(feature.Instant(math.MinInt64))}, nil, "created timestamp: -9223372036854775808"},
		{"no UTF-8", storetest.SourceRow{Event: new(feature.Instant(0)), Features: []any{"\xff"}}, text,
			`name: "\xff" is not valid UTF-8`},
		{"no UTF-8 in an array", storetest.SourceRow{Event: new(feature.Instant(0)),
			Features: []any{[]any{"a", "\xff"}}}, list, `names: "\xff" is not valid UTF-8`},
		{"too large", storetest.SourceRow{Event: new(feature.Instant(0)), Features: []any{huge}}, blob,
			"blob: takes the row beyond"},
	} {
		t.Run(c.name, func(t *testing.T) {
			encoder := packed.NewRowEncoder(feature.Schema{ID: 1, Fields: c.fields}, 1)
			bindRow(t, encoder, c.row, c.fields)
			got, err := encoder.AppendRow([]byte("before"), 0)
			var input *fault.InputError
			if !errors.As(err, &input) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want an InputError with %q", err, c.want)
			}
			if string(got) != "before" {
				t.Errorf("%d bytes were appended", len(got)-len("before"))
			}
		})
	}
}

func bindRow(t *testing.T, encoder *packed.RowEncoder, row storetest.SourceRow, fields []feature.Field) {
	t.Helper()
	times := make([]arrow.Array, 2)
	for i, instant := range []*feature.Instant{row.Event, row.Created} {
		var value any
		if instant != nil {
			value = int64(*instant)
		}
		times[i] = storetest.ArrowColumn(t, plumbv1.Type_INT64, value)
	}
	var features []arrow.Array
	for i, field := range fields {
		features = append(features, storetest.ArrowColumn(t, field.Type, row.Features[i]))
	}
	if err := encoder.Bind(times[0], times[1], features); err != nil {
		t.Fatalf("Bind: %v", err)
	}
}

func TestRowsOfASliceOfColumnsAreTheSame(t *testing.T) {
	for declared, values := range typeValues {
		fields := []feature.Field{{Name: "f", Type: declared}}
		times := storetest.ArrowColumn(t, plumbv1.Type_INT64, int64(1), int64(2))
		encoder := packed.NewRowEncoder(feature.Schema{ID: schemaID, Fields: fields}, 1)
		column := array.NewSlice(storetest.ArrowColumn(t, declared, nil, values[1], values[0], nil), 1, 3)
		if err := encoder.Bind(times, times, []arrow.Array{column}); err != nil {
			t.Fatal(err)
		}
		got, err := encoder.AppendRow(nil, 1)
		if err != nil {
			t.Fatal(err)
		}
		rowCase{event: 2, created: new(feature.Instant(2)), fields: fields, values: values[:1]}.checkUnpacks(t, got, 1)
	}
}

func TestColumnsOfOtherTypesAndLengthsAreRefused(t *testing.T) {
	fields := []feature.Field{{Name: "f", Type: plumbv1.Type_TIMESTAMP_ARRAY}}
	one := storetest.ArrowColumn(t, plumbv1.Type_INT64, int64(1))
	two := storetest.ArrowColumn(t, plumbv1.Type_INT64, int64(1), nil)
	lists := storetest.ArrowColumn(t, plumbv1.Type_TIMESTAMP_ARRAY, []any{})
	encoder := packed.NewRowEncoder(feature.Schema{Fields: fields}, 1)
	for _, c := range []struct {
		name           string
		event, created arrow.Array
		features       []arrow.Array
		want           string
	}{
		{"event time", lists, one, []arrow.Array{lists}, "event times are list"},
		{"created time", one, lists, []arrow.Array{lists}, "created times are list"},
		{"feature", one, one, []arrow.Array{storetest.ArrowColumn(t, plumbv1.Type_INT64_ARRAY, []any{})},
			`column "f": is list`},
		{"length", two, two, []arrow.Array{lists}, "differ in length"},
		{"created length", one, two, []arrow.Array{lists}, "differ in length"},
		{"number", one, one, nil, "0 columns were given for 1 fields"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := encoder.Bind(c.event, c.created, c.features); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want one with %q", err, c.want)
			}
		})
	}
}
