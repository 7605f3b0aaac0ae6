package arrowrows

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/extensions"
	"github.com/apache/arrow-go/v18/arrow/float16"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/plumbstore/plumb/store/duckdb/casts"
)

// readableForm is the type in which DuckDB gets a column of Arrow data, so that it reads every value as it is:
//
//   - half floats as FLOAT32;
//   - durations and month intervals as the whole numbers that they are, of their unit;
//   - zoned nanoseconds floored to microseconds (R1), which DuckDB would cut towards 1970.
//
// What cannot be read is an error that says why.
func readableForm(t arrow.DataType) (arrow.DataType, error) {
	switch t := t.(type) {
	case *arrow.Float16Type:
		return arrow.PrimitiveTypes.Float32, nil
	case *arrow.DurationType:
		return arrow.PrimitiveTypes.Int64, nil
	case *arrow.MonthIntervalType:
		return arrow.PrimitiveTypes.Int32, nil
	case *arrow.TimestampType:
		if isZonedNanos(t) {
			return arrow.FixedWidthTypes.Timestamp_us, nil
		}
		return t, nil
	case arrow.DecimalType:
		if t.BitWidth() > 128 || t.GetScale() < 0 {
			return nil, fmt.Errorf("%s cannot be read; write it as a decimal of 128 bits with a scale of 0 or more, which "+
				"holds "+
				"%d digits, or as text", t, casts.MaxDecimalDigits)
		}
		return t, nil
	case *arrow.DayTimeIntervalType, *arrow.MonthDayNanoIntervalType, arrow.UnionType:
		return nil, fmt.Errorf("%s cannot be kept exactly; write numbers or text in its place", t)
	}
	return readableNested(t)
}

func readableNested(t arrow.DataType) (arrow.DataType, error) {
	switch t := t.(type) {
	case *arrow.ListType:
		field, err := readableField(t.ElemField())
		return arrow.ListOfField(field), err
	case *arrow.LargeListType:
		field, err := readableField(t.ElemField())
		return arrow.LargeListOfField(field), err
	case *arrow.FixedSizeListType:
		field, err := readableField(t.ElemField())
		return arrow.FixedSizeListOfField(t.Len(), field), err
	case *arrow.ListViewType:
		field, err := readableField(t.ElemField())
		return arrow.ListViewOfField(field), err
	case *arrow.LargeListViewType:
		field, err := readableField(t.ElemField())
		return arrow.LargeListViewOfField(field), err
	case *arrow.StructType:
		return readableStruct(t)
	case *arrow.MapType:
		key, err := readableForm(t.KeyType())
		if err != nil {
			return nil, err
		}
		item, err := readableForm(t.ItemType())
		return arrow.MapOf(key, item), err
	case *arrow.DictionaryType:
		value, err := readableForm(t.ValueType)
		return &arrow.DictionaryType{IndexType: t.IndexType, ValueType: value, Ordered: t.Ordered}, err
	case *arrow.RunEndEncodedType:
		value, err := readableForm(t.Encoded())
		return arrow.RunEndEncodedOf(t.RunEnds(), value), err
	case *extensions.UUIDType, *extensions.JSONType, *extensions.Bool8Type:
		return t, nil // DuckDB knows these.
	case arrow.ExtensionType:
		return readableForm(t.StorageType())
	}
	return t, nil
}

func readableStruct(t *arrow.StructType) (arrow.DataType, error) {
	fields, names := make([]arrow.Field, t.NumFields()), make([]string, t.NumFields())
	for i := range fields {
		var err error
		if fields[i], err = readableField(t.Field(i)); err != nil {
			return nil, err
		}
		names[i] = fields[i].Name
	}
	return arrow.StructOf(fields...), CheckFields(names)
}

func readableField(field arrow.Field) (arrow.Field, error) {
	form, err := readableForm(field.Type)
	return arrow.Field{Name: field.Name, Type: form, Nullable: true}, err
}

// reform brings data to the type that readableForm has for its own.
func reform(data arrow.ArrayData, to arrow.DataType) arrow.ArrayData {
	from := data.DataType()
	if extension, ok := from.(arrow.ExtensionType); ok && to.ID() != arrow.EXTENSION {
		from = extension.StorageType()
	}
	if arrow.TypeEqual(data.DataType(), to) {
		return data
	}
	buffers := reformValues(data, from)
	children := make([]arrow.ArrayData, len(data.Children()))
	for i, child := range data.Children() {
		children[i] = reform(child, to.(arrow.NestedType).Fields()[i].Type)
	}
	if dictionary, ok := to.(*arrow.DictionaryType); ok {
		values := reform(data.Dictionary(), dictionary.ValueType).(*array.Data)
		return array.NewDataWithDictionary(to, data.Len(), buffers, data.NullN(), data.Offset(), values)
	}
	return array.NewData(to, data.Len(), buffers, children, data.NullN(), data.Offset())
}

// reformValues rebuilds the buffer of the values if they have a different form. It does so from the buffer's beginning,
// so that the data's offset and the bits of its nulls, which are not copied, stay right. Durations and month intervals
// have the form of whole numbers already, and only their type is exchanged.
func reformValues(data arrow.ArrayData, from arrow.DataType) []*memory.Buffer {
	buffers, end := data.Buffers(), data.Offset()+data.Len()
	if len(buffers) < 2 || buffers[1] == nil {
		return buffers
	}
	var values []byte
	switch {
	case from.ID() == arrow.FLOAT16:
		for _, half := range arrow.GetData[float16.Num](buffers[1].Bytes())[:end] {
			values = binary.NativeEndian.AppendUint32(values, math.Float32bits(half.Float32()))
		}
	case isZonedNanos(from):
		for _, nanos := range arrow.GetData[int64](buffers[1].Bytes())[:end] {
			micros := nanos / 1000
			if nanos%1000 < 0 {
				micros--
			}
			values = binary.NativeEndian.AppendUint64(values, uint64(micros))
		}
	default:
		return buffers
	}
	return []*memory.Buffer{buffers[0], memory.NewBufferBytes(values)}
}

func isZonedNanos(t arrow.DataType) bool {
	timestamp, ok := t.(*arrow.TimestampType)
	return ok && timestamp.Unit == arrow.Nanosecond && timestamp.TimeZone != ""
}

// CheckFields refuses fields of a struct that DuckDB's structs cannot have.
func CheckFields(names []string) error {
	seen := map[string]string{}
	for _, name := range names {
		folded := strings.ToLower(name)
		if other, ok := seen[folded]; ok {
			return fmt.Errorf("its fields %q and %q differ in case at most; rename one", other, name)
		}
		if name == "" || strings.Contains(name, "\x00") {
			return fmt.Errorf("a field in it has the name %q; give it another", name)
		}
		seen[folded] = name
	}
	if len(names) == 0 {
		return errors.New("it is a struct without fields; leave it out")
	}
	return nil
}
