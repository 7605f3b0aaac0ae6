package store_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store"
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

func (c rowCase) pack(t rapid.TB) store.Row {
	t.Helper()
	row := storetest.SourceRow{Event: &c.event, Created: c.created, Features: c.values}
	return storetest.Pack(t, nil, c.view().Schema(), row)[0]
}

func selectAll(views ...*feature.View) *feature.Selection {
	selection := &feature.Selection{}
	for i, view := range views {
		reference := feature.Reference{View: view, Alias: view.Name}
		for _, key := range view.Keys {
			reference.LabelColumns = append(reference.LabelColumns, key.Name)
		}
		selection.References = append(selection.References, reference)
		for j, f := range view.Features {
			output := feature.Output{Reference: i, Feature: j, Name: f.Name}
			selection.Outputs = append(selection.Outputs, output)
		}
	}
	return selection
}

func newLookup(t rapid.TB, views ...*feature.View) *store.Lookup {
	t.Helper()
	lookup, err := store.NewLookup(selectAll(views...))
	if err != nil {
		t.Fatalf("NewLookup: %v", err)
	}
	return lookup
}

// unpack looks up all fields of a value stored under the key of an entity-less view.
func unpack(t rapid.TB, view *feature.View, value []byte, at feature.Instant) ([]*plumbv1.FeatureColumn, error) {
	t.Helper()
	online := newMemory()
	online.tables[store.NewTable(view, 0)] = map[string][]byte{"\x01": value}
	request := store.LookupRequest{At: at, EventTimestamps: true}
	reply, err := newLookup(t, view).Reply(context.Background(), online, request)
	if err != nil {
		return nil, err
	}
	defer reply.Release()
	message, err := reply.Message()
	if err != nil {
		t.Fatalf("a reply is no message: %v", err)
	}
	if again, err := proto.Marshal(message); err != nil || !bytes.Equal(again, reply.Wire()) {
		t.Fatalf("the reply is\n%x where protobuf writes, with error %v,\n%x", reply.Wire(), err, again)
	}
	return message.GetColumns(), nil
}

// checkUnpacks checks what a look-up reads from the bytes against the case.
func (c rowCase) checkUnpacks(t *testing.T, value []byte, origin store.Origin) {
	t.Helper()
	row, err := store.ParseRow(value)
	if err != nil {
		t.Fatalf("ParseRow: %v", err)
	}
	if row.Event != c.event || !reflect.DeepEqual(row.Created, c.created) || row.SchemaID != schemaID ||
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

func TestR14_TheFirstBytesOfRowsCompareLikeTheirTimes(t *testing.T) {
	times := rapid.OneOf(rapid.Int64Range(math.MinInt64+1, math.MaxInt64), rapid.Int64Range(-2, 2))
	createds := rapid.Ptr(times, true)
	draw := func(t *rapid.T, label string) ([]byte, int64, *int64) {
		event, created := times.Draw(t, label), createds.Draw(t, label+" created")
		row := rowCase{event: feature.Instant(event)}
		if created != nil {
			row.created = new(feature.Instant(*created))
		}
		return row.pack(t).Value[:store.VersionSize], event, created
	}
	rapid.Check(t, func(t *rapid.T) {
		a, aEvent, aCreated := draw(t, "a")
		b, bEvent, bCreated := draw(t, "b")
		want := cmp.Compare(aEvent, bEvent)
		if want == 0 {
			want = compareCreated(aCreated, bCreated)
		}
		if got := bytes.Compare(a, b); got != want {
			t.Fatalf("bytes compare as %d, times as %d", got, want)
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

// Who forgets the statuses does not read a zero.
func TestR13_AFloatWithoutAValueIsNaNOnTheWire(t *testing.T) {
	view := newView("prices", []feature.Field{origin}, feature.Field{Name: "single", Type: plumbv1.Type_FLOAT32},
		feature.Field{Name: "double", Type: plumbv1.Type_FLOAT64},
		feature.Field{Name: "list", Type: plumbv1.Type_FLOAT64_ARRAY},
		feature.Field{Name: "count", Type: plumbv1.Type_INT64}, feature.Field{Name: "seen", Type: plumbv1.Type_TIMESTAMP})
	view.TTL = time.Microsecond
	online := newMemory()
	write(t, online, view,
		storetest.SourceRow{Keys: []any{"NULL"}, Event: new(feature.Instant(9)),
			Features: []any{nil, nil, []any{nil, 1.5}, nil, nil}},
		storetest.SourceRow{Keys: []any{"EXPIRED"}, Event: new(feature.Instant(1)),
			Features: []any{float32(1), 1.0, []any{1.0}, int64(1), feature.Instant(1)}})
	request := store.LookupRequest{At: 9,
		Keys: []*plumbv1.KeyColumn{texts("origin", "NULL", "EXPIRED", "NOT_FOUND")}}
	columns, err := newLookup(t, view).Get(context.Background(), online, request)
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

func TestRowsThatCannotBeStoredAreInputErrors(t *testing.T) {
	text := []feature.Field{{Name: "name", Type: plumbv1.Type_STRING}}
	list := []feature.Field{{Name: "names", Type: plumbv1.Type_STRING_ARRAY}}
	blob := []feature.Field{{Name: "blob", Type: plumbv1.Type_BYTES}}
	huge := make([]byte, store.MaxRowSize)
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
			encoder := store.NewRowEncoder(feature.Schema{ID: 1, Fields: c.fields}, 1)
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

func bindRow(t *testing.T, encoder *store.RowEncoder, row storetest.SourceRow, fields []feature.Field) {
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
		encoder := store.NewRowEncoder(feature.Schema{ID: schemaID, Fields: fields}, 1)
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
	encoder := store.NewRowEncoder(feature.Schema{Fields: fields}, 1)
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

func TestDamagedRowsAreErrors(t *testing.T) {
	c := rowCases()[slices.IndexFunc(rowCases(), func(c rowCase) bool { return c.name == "every type" })]
	whole := c.pack(t).Value
	for length := range whole {
		if _, err := unpack(t, c.view(), whole[:length], math.MaxInt64); err == nil {
			t.Fatalf("the first %d of %d bytes pass for a row", length, len(whole))
		}
	}
	if _, err := unpack(t, c.view(), append(slices.Clone(whole), 0), math.MaxInt64); err == nil {
		t.Error("a row with a byte too many passes for one")
	}
	older := slices.Clone(whole)
	older[store.VersionSize] = 0
	if _, err := store.ParseRow(older); err == nil {
		t.Error("a row of format 0 passes for one")
	}
	newer := slices.Clone(whole)
	newer[store.VersionSize] = 4
	if _, err := unpack(t, c.view(), newer, math.MaxInt64); !errors.Is(err, fault.ErrNewer) {
		t.Errorf("a row of format 4 gives %v, want ErrNewer", err)
	}
}

// Each bit of each row is turned, and each byte of the row with every type is given every other value. What is read
// then is an error, or a row whose bytes are these: nothing was read from elsewhere, no two values overlap, and nothing
// was left unread.
func TestARowWithADamagedByteIsAnErrorOrAnotherRow(t *testing.T) {
	for _, c := range rowCases() {
		whole := c.pack(t).Value
		for length := range whole {
			if _, err := unpack(t, c.view(), whole[:length], math.MaxInt64); err == nil {
				t.Fatalf("%s: the first %d of %d bytes pass for a row", c.name, length, len(whole))
			}
		}
		for at := range whole {
			for change := 1; change < 256; change++ {
				if bits.OnesCount(uint(change)) > 1 && c.name != "every type" {
					continue
				}
				damaged := slices.Clone(whole)
				damaged[at] ^= byte(change)
				c.checkReadsWhole(t, damaged)
			}
		}
	}
}

// checkReadsWhole reads all fields of a row; if that works, a row of these values has these bytes.
func (c rowCase) checkReadsWhole(t *testing.T, value []byte) {
	t.Helper()
	const header = store.VersionSize + 1 + 4 + 8
	columns, err := unpack(t, c.view(), value, math.MaxInt64)
	if err != nil {
		return
	}
	read := rowCase{fields: c.fields}
	for _, column := range columns {
		read.values = append(read.values, storetest.Cells(column)[0].Value)
	}
	if again := read.pack(t).Value; !bytes.Equal(again[header:], value[header:]) {
		t.Fatalf("%s: %x is read as %v, which is %x", c.name, value, read.values, again)
	}
}

func TestDamagedValuesAreErrorsThatSayWhere(t *testing.T) {
	// Rows of one field have it after one byte of null bits.
	const fieldAt = store.VersionSize + 1 + 4 + 8 + 1
	for _, c := range []struct {
		name     string
		declared plumbv1.Type
		value    any
		at       int
		damage   string
		want     string
	}{
		{"a BOOL of 2", plumbv1.Type_BOOL, true, fieldAt, "\x02", `output "f": the stored row is corrupt: a BOOL is 2`},
		{"an end beyond the row", plumbv1.Type_STRING, "abc", fieldAt, "\xff\xff\xff\xff", "are wanted"},
		{"text that is not UTF-8", plumbv1.Type_STRING, "abc", fieldAt + 4, "\xff", "a STRING is not UTF-8"},
		{"an array without a count", plumbv1.Type_INT64_ARRAY, nil, fieldAt - 1, "\x00", "an array has 0 bytes"},
		{"an array of four billion", plumbv1.Type_INT64_ARRAY, []any{int64(1)}, fieldAt + 4, "\xff\xff\xff\xff",
			"an array of 4294967295 elements has 13 bytes"},
		{"an array with bytes left over", plumbv1.Type_INT32_ARRAY, []any{int32(1), int32(2)}, fieldAt + 4,
			"\x00\x00\x00\x01",
			"an array of 1 elements has 13 bytes"},
		{"an element beyond its array", plumbv1.Type_STRING_ARRAY, []any{"a"}, fieldAt + 9, "\x00\x00\x00\x02",
			"the elements of an array end at 2 of 1 bytes"},
		{"elements that go back", plumbv1.Type_BYTES_ARRAY, []any{[]byte("a"), []byte("b")}, fieldAt + 9,
			"\x00\x00\x00\x02\x00\x00\x00\x01",
			"the elements of an array end at 1 of 2 bytes"},
		{"an element that ends before it begins", plumbv1.Type_BYTES_ARRAY, []any{[]byte("a"), []byte(""), []byte("b")},
			fieldAt + 13, "\x00\x00\x00\x00", "a value lies at 1 to 0 of 2 bytes"},
		{"a null with a value", plumbv1.Type_INT32, int32(1), fieldAt - 1, "\x01", "a null has a value"},
		{"a null text with a value", plumbv1.Type_STRING, "a", fieldAt - 1, "\x01", "a null has a value"},
		{"a null element with a value", plumbv1.Type_STRING_ARRAY, []any{"a"}, fieldAt + 8, "\x01", "a null has a value"},
		{"a null beyond the fields", plumbv1.Type_INT32, int32(1), fieldAt - 1, "\x02", "more fields than it has"},
	} {
		t.Run(c.name, func(t *testing.T) {
			row := rowCase{fields: []feature.Field{{Name: "f", Type: c.declared}}, values: []any{c.value}}
			value := row.pack(t).Value
			copy(value[c.at:], c.damage)
			_, err := unpack(t, row.view(), value, 1)
			if !errors.Is(err, store.ErrCorruptRow) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want ErrCorruptRow with %q", err, c.want)
			}
		})
	}
}

// FuzzRow looks up every field of any bytes: an answer or an error, and no look outside of the row.
func FuzzRow(f *testing.F) {
	cases := rowCases()
	for i, c := range cases {
		f.Add(i, c.pack(f).Value)
	}
	f.Fuzz(func(t *testing.T, number int, value []byte) {
		c := cases[uint(number)%uint(len(cases))]
		columns, err := unpack(t, c.view(), slices.Clip(value), math.MaxInt64)
		if err != nil {
			return
		}
		if value[store.VersionSize] == 2 { // Rows are written in this format alone.
			c.checkReadsWhole(t, value)
		}
		for i, column := range columns {
			if cells := storetest.Cells(column); len(cells) != 1 {
				t.Errorf("field %d has %d values", i, len(cells))
			}
			if _, err := proto.Marshal(column); err != nil {
				t.Errorf("field %d cannot be sent: %v", i, err)
			}
		}
	})
}
