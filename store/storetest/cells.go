package storetest

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/decimal256"
	"github.com/apache/arrow-go/v18/arrow/float16"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"

	"github.com/plumbstore/plumb/feature"
)

// Column is one column of a file: its values as the declared type has them, and the type that the file holds them in, a
// form of the declared type.
type Column struct {
	Name   string
	Form   arrow.DataType
	Values []any
	// ID is the column's field id in Parquet; 0 for none.
	ID int
	// Encoding is that of the values in Parquet. The zero value leaves it to the writer.
	Encoding parquet.Encoding
}

// record builds an Arrow record of the columns.
func record(columns []Column) (arrow.RecordBatch, error) {
	fields := make([]arrow.Field, len(columns))
	arrays := make([]arrow.Array, len(columns))
	rows := 0
	for i, column := range columns {
		fields[i] = arrow.Field{Name: column.Name, Type: column.Form, Nullable: true}
		if column.ID != 0 {
			fields[i].Metadata = arrow.NewMetadata([]string{"PARQUET:field_id"}, []string{strconv.Itoa(column.ID)})
		}
		builder := array.NewBuilder(memory.DefaultAllocator, column.Form)
		defer builder.Release()
		for row, v := range column.Values {
			if err := put(builder, v, row); err != nil {
				return nil, fmt.Errorf("column %s: %w", column.Name, err)
			}
		}
		arrays[i], rows = builder.NewArray(), len(column.Values)
	}
	return array.NewRecordBatch(arrow.NewSchema(fields, nil), arrays, int64(rows)), nil
}

// put appends a value, in the builder's form. Nanoseconds get a rest below the microsecond that differs from row to
// row, and must have no effect (R1).
func put(builder array.Builder, v any, row int) error {
	switch v := v.(type) {
	case nil:
		builder.AppendNull()
	case bool:
		builder.(*array.BooleanBuilder).Append(v)
	case int32:
		return putInteger(builder, int64(v))
	case int64:
		return putInteger(builder, v)
	case float32:
		if own, ok := builder.(*array.Float32Builder); ok {
			own.Append(v)
			return nil
		}
		return putFloat(builder, float64(v))
	case float64:
		return putFloat(builder, v)
	case string:
		if dictionary, ok := builder.(*array.BinaryDictionaryBuilder); ok {
			return dictionary.AppendString(v)
		}
		builder.(array.StringLikeBuilder).Append(v)
	case []byte:
		return putBytes(builder, v)
	case feature.Instant:
		return putInstant(builder, v, row)
	case decimal256.Num:
		builder.(*array.Decimal256Builder).Append(v)
	case structure:
		fields := builder.(*array.StructBuilder)
		fields.Append(true)
		for i, field := range v {
			if err := put(fields.FieldBuilder(i), field, row); err != nil {
				return err
			}
		}
	case nanoseconds:
		builder.(*array.TimestampBuilder).Append(arrow.Timestamp(v))
	case []any:
		list := builder.(array.ListLikeBuilder)
		list.Append(true)
		for i, element := range v {
			if err := put(list.ValueBuilder(), element, row+i); err != nil {
				return err
			}
		}
	default:
		return fmt.Errorf("%T is not a value", v)
	}
	return nil
}

func putBytes(builder array.Builder, v []byte) error {
	switch b := builder.(type) {
	case *array.FixedSizeBinaryBuilder:
		b.Append(v)
	case *array.BinaryBuilder:
		b.Append(v)
	default:
		return fmt.Errorf("%s holds no bytes", builder.Type())
	}
	return nil
}

func putInteger(builder array.Builder, v int64) error {
	switch b := builder.(type) {
	case *array.Int8Builder:
		b.Append(int8(v))
	case *array.Int16Builder:
		b.Append(int16(v))
	case *array.Int32Builder:
		b.Append(int32(v))
	case *array.Int64Builder:
		b.Append(v)
	case *array.Uint8Builder:
		b.Append(uint8(v))
	case *array.Uint16Builder:
		b.Append(uint16(v))
	case *array.Uint32Builder:
		b.Append(uint32(v))
	case *array.Uint64Builder:
		b.Append(uint64(v))
	case *array.Decimal128Builder:
		scale := builder.Type().(*arrow.Decimal128Type).Scale
		b.Append(decimal128.FromI64(v).IncreaseScaleBy(scale))
	default:
		return fmt.Errorf("%s holds no integers", builder.Type())
	}
	return nil
}

func putFloat(builder array.Builder, v float64) error {
	switch b := builder.(type) {
	case *array.Float16Builder:
		b.Append(float16.New(float32(v)))
	case *array.Float32Builder:
		b.Append(float32(v))
	case *array.Float64Builder:
		b.Append(v)
	default:
		return putInteger(builder, int64(v))
	}
	return nil
}

func putInstant(builder array.Builder, v feature.Instant, row int) error {
	switch b := builder.(type) {
	case *array.Date32Builder:
		b.Append(arrow.Date32(v / (24 * 60 * 60 * 1_000_000)))
	case *array.TimestampBuilder:
		switch builder.Type().(*arrow.TimestampType).Unit {
		case arrow.Second:
			b.Append(arrow.Timestamp(v / 1_000_000))
		case arrow.Millisecond:
			b.Append(arrow.Timestamp(v / 1_000))
		case arrow.Microsecond:
			b.Append(arrow.Timestamp(v))
		default:
			b.Append(arrow.Timestamp(int64(v)*1_000 + int64(row*617+1)%1_000))
		}
	default:
		return fmt.Errorf("%s holds no instants", builder.Type())
	}
	return nil
}

// cell reads a value back. Integers of every width become int64, unless the column is an int32; decimals become text.
func cell(column arrow.Array, row int) (any, error) {
	if column.IsNull(row) {
		return nil, nil
	}
	switch a := column.(type) {
	case *array.Null: // IsNull does not say so of it.
		return nil, nil
	case *array.Boolean:
		return a.Value(row), nil
	case *array.Int32:
		return a.Value(row), nil
	case *array.Float16: // Engines give it back as a FLOAT32.
		return a.Value(row).Float32(), nil
	case *array.Float32:
		return a.Value(row), nil
	case *array.Float64:
		return a.Value(row), nil
	case *array.Binary:
		return append([]byte{}, a.Value(row)...), nil
	case *array.FixedSizeBinary:
		return append([]byte{}, a.Value(row)...), nil
	case *array.Timestamp:
		return instantIn(a.DataType().(*arrow.TimestampType).Unit, int64(a.Value(row))), nil
	case *array.Date32:
		return feature.InstantOf(a.Value(row).ToTime()), nil
	case array.StringLike:
		return strings.Clone(a.Value(row)), nil
	case array.ListLike:
		start, end := a.ValueOffsets(row)
		elements := make([]any, 0, end-start)
		for i := start; i < end; i++ {
			element, err := cell(a.ListValues(), int(i))
			if err != nil {
				return nil, err
			}
			elements = append(elements, element)
		}
		return elements, nil
	}
	return integerCell(column, row)
}

func integerCell(column arrow.Array, row int) (any, error) {
	switch a := column.(type) {
	case *array.Int8:
		return int64(a.Value(row)), nil
	case *array.Int16:
		return int64(a.Value(row)), nil
	case *array.Int64:
		return a.Value(row), nil
	case *array.Uint8:
		return int64(a.Value(row)), nil
	case *array.Uint16:
		return int64(a.Value(row)), nil
	case *array.Uint32:
		return int64(a.Value(row)), nil
	case *array.Uint64:
		if a.Value(row) <= math.MaxInt64 {
			return int64(a.Value(row)), nil
		}
	case *array.Decimal128, *array.Dictionary:
		return column.ValueStr(row), nil
	}
	return nil, fmt.Errorf("a column of type %s cannot be read back", column.DataType())
}

// instantIn floors to the microsecond (R1).
func instantIn(unit arrow.TimeUnit, v int64) feature.Instant {
	switch unit {
	case arrow.Second:
		return feature.Instant(v * 1_000_000)
	case arrow.Millisecond:
		return feature.Instant(v * 1_000)
	case arrow.Microsecond:
		return feature.Instant(v)
	}
	rest := v % 1_000
	if rest < 0 {
		rest += 1_000
	}
	return feature.Instant((v - rest) / 1_000)
}
