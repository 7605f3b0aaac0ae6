package storetest

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"pgregory.net/rapid"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/packed"
)

// Cell is one value of an online answer. Value is nil unless the cell is PRESENT. Event means nothing if it is
// NOT_FOUND.
type Cell struct {
	Value  any
	Status plumbv1.Status
	Event  feature.Instant
}

// Same says whether two cells are the same bit for bit.
func (c Cell) Same(other Cell) bool {
	return c.Status == other.Status && c.Event == other.Event && SameValue(c.Value, other.Value)
}

func (c Cell) String() string { return fmt.Sprintf("%s %s at %s", c.Status, Show(c.Value), c.Event) }

// SampleOrigin is the origin of rows that are packed for tests: one with eight different bytes.
const SampleOrigin = packed.Origin(0x1112131415161718)

// Pack encodes rows by a layout, in the way of a materialization. The layout's fields are the rows' features, in order.
func Pack(t rapid.TB, keys []feature.Field, schema feature.Schema, rows ...SourceRow) []online.Row {
	t.Helper()
	keyEncoder, rowEncoder := packed.NewKeyEncoder(keys), packed.NewRowEncoder(schema, SampleOrigin)
	keyColumns := arrowColumns(t, keys, rows, func(row SourceRow) []any { return row.Keys })
	if err := keyEncoder.Bind(keyColumns); err != nil {
		t.Fatalf("binding keys: %v", err)
	}
	event, created := timeColumns(rows)
	features := arrowColumns(t, schema.Fields, rows, func(row SourceRow) []any { return row.Features })
	if err := rowEncoder.Bind(event, created, features); err != nil {
		t.Fatalf("binding features: %v", err)
	}
	packed := make([]online.Row, len(rows))
	for i := range rows {
		value, err := rowEncoder.AppendRow(nil, i)
		if err != nil {
			t.Fatalf("packing row %d: %v", i, err)
		}
		packed[i] = online.Row{Key: keyEncoder.AppendKey(nil, i), Value: value}
	}
	return packed
}

// WithOrigin returns a packed row with another origin. A value that is not a row is returned unchanged.
func WithOrigin(value []byte, origin packed.Origin) []byte {
	row, err := packed.Parse(value)
	if err != nil {
		return value
	}
	body := value[len(row.Append(nil)):]
	row.Origin = origin
	return append(row.Append(nil), body...)
}

// WithoutOrigin is WithOrigin for an unknown origin.
func WithoutOrigin(value []byte) []byte { return WithOrigin(value, 0) }

func arrowColumns(t rapid.TB, fields []feature.Field, rows []SourceRow, pick func(SourceRow) []any) []arrow.Array {
	t.Helper()
	columns := make([]arrow.Array, len(fields))
	for i, field := range fields {
		values := make([]any, len(rows))
		for row := range rows {
			values[row] = pick(rows[row])[i]
		}
		columns[i] = ArrowColumn(t, field.Type, values...)
	}
	return columns
}

// ArrowColumn holds the values in the Arrow type of their declared type.
func ArrowColumn(t rapid.TB, declared plumbv1.Type, values ...any) arrow.Array {
	t.Helper()
	builder := array.NewBuilder(memory.DefaultAllocator, value.ArrowType(declared))
	defer builder.Release()
	for row, given := range values {
		if err := put(builder, given, row); err != nil {
			t.Fatalf("%s: %v", declared, err)
		}
	}
	return builder.NewArray()
}

func timeColumns(rows []SourceRow) (event, created arrow.Array) {
	events, createds := array.NewInt64Builder(memory.DefaultAllocator), array.NewInt64Builder(memory.DefaultAllocator)
	for _, row := range rows {
		appendTime(events, row.Event)
		appendTime(createds, row.Created)
	}
	return events.NewArray(), createds.NewArray()
}

func appendTime(builder *array.Int64Builder, instant *feature.Instant) {
	if instant == nil {
		builder.AppendNull()
		return
	}
	builder.Append(int64(*instant))
}

// KeyColumns is a request's form of entity keys: one tuple of values for each row, nil for a null key.
func KeyColumns(t rapid.TB, fields []feature.Field, tuples ...[]any) []*plumbv1.KeyColumn {
	t.Helper()
	columns := make([]*plumbv1.KeyColumn, len(fields))
	for i, field := range fields {
		values := make([]any, len(tuples))
		nulls := make([]byte, len(tuples))
		for row, tuple := range tuples {
			if values[row] = tuple[i]; tuple[i] == nil {
				nulls[row] = 1
			}
		}
		columns[i] = &plumbv1.KeyColumn{Name: field.Name, Values: wireKeys(t, field.Type, values), Nulls: nulls}
	}
	return columns
}

func wireKeys(t rapid.TB, declared plumbv1.Type, values []any) *plumbv1.Values {
	t.Helper()
	switch declared {
	case plumbv1.Type_BOOL:
		return &plumbv1.Values{Kind: &plumbv1.Values_Bools{Bools: &plumbv1.BoolValues{Values: typed[bool](values)}}}
	case plumbv1.Type_INT32:
		return &plumbv1.Values{Kind: &plumbv1.Values_Int32S{Int32S: &plumbv1.Int32Values{Values: typed[int32](values)}}}
	case plumbv1.Type_INT64:
		return &plumbv1.Values{Kind: &plumbv1.Values_Int64S{Int64S: &plumbv1.Int64Values{Values: typed[int64](values)}}}
	case plumbv1.Type_STRING:
		return &plumbv1.Values{Kind: &plumbv1.Values_Strings{Strings: &plumbv1.StringValues{Values: typed[string](values)}}}
	case plumbv1.Type_BYTES:
		return &plumbv1.Values{Kind: &plumbv1.Values_Bytes{Bytes: &plumbv1.BytesValues{Values: typed[[]byte](values)}}}
	}
	t.Fatalf("%s is not a type of a join key", declared)
	return nil
}

// typed turns nil into the type's zero, as the wire has it.
func typed[T any](values []any) []T {
	typed := make([]T, len(values))
	for i, value := range values {
		typed[i], _ = value.(T)
	}
	return typed
}

// Cells takes a column of an online answer apart, row by row.
func Cells(column *plumbv1.FeatureColumn) []Cell {
	values := wireValues(column.GetValues())
	cells := make([]Cell, len(column.GetStatuses()))
	for row, status := range column.GetStatuses() {
		cells[row].Status = plumbv1.Status(status)
		if cells[row].Status == plumbv1.Status_PRESENT {
			cells[row].Value = values[row]
		}
		if events := column.GetEventTimestamps(); len(events) > 0 {
			cells[row].Event = feature.Instant(events[row])
		}
	}
	return cells
}

func wireValues(values *plumbv1.Values) []any {
	switch kind := values.GetKind().(type) {
	case *plumbv1.Values_Bools:
		return untyped(kind.Bools.GetValues())
	case *plumbv1.Values_Int32S:
		return untyped(kind.Int32S.GetValues())
	case *plumbv1.Values_Int64S:
		return untyped(kind.Int64S.GetValues())
	case *plumbv1.Values_Float32S:
		return untyped(kind.Float32S.GetValues())
	case *plumbv1.Values_Float64S:
		return untyped(kind.Float64S.GetValues())
	case *plumbv1.Values_Strings:
		return untyped(kind.Strings.GetValues())
	case *plumbv1.Values_Bytes:
		return untyped(kind.Bytes.GetValues())
	case *plumbv1.Values_Timestamps:
		instants := untyped(kind.Timestamps.GetMicros())
		for i, micros := range instants {
			instants[i] = feature.Instant(micros.(int64))
		}
		return instants
	case *plumbv1.Values_Arrays:
		return wireArrays(kind.Arrays)
	}
	return nil
}

func wireArrays(arrays *plumbv1.ArrayValues) []any {
	elements := wireValues(arrays.GetElements())
	for i, null := range arrays.GetNulls() {
		if null == 1 {
			elements[i] = nil
		}
	}
	rows := make([]any, len(arrays.GetLengths()))
	for i, length := range arrays.GetLengths() {
		rows[i], elements = elements[:length:length], elements[length:]
	}
	return rows
}

func untyped[T any](values []T) []any {
	untyped := make([]any, len(values))
	for i, value := range values {
		untyped[i] = value
	}
	return untyped
}
