package arrowipc

import (
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// CheckWhole checks every value of a batch. The offsets of a text column and the indices into a dictionary are in the
// body of a message, so Checker has not looked at them. DuckDB and Arrow follow them unchecked, out of the buffers if
// they lead there. Texts that are not UTF-8 are refused here too.
func CheckWhole(batch arrow.RecordBatch) error {
	for i, column := range batch.Columns() {
		data := column.Data()
		if hasNulls(data.DataType()) {
			data = withBuffers(data)
		} else {
			data.Retain()
		}
		checked := array.MakeFromData(data)
		data.Release()
		err := array.ValidateFull(checked)
		checked.Release()
		if err != nil {
			return fmt.Errorf("column %d (%s): %w", i, batch.ColumnName(i), err)
		}
	}
	return nil
}

// hasNulls says whether a type is that of columns that are all null, or has one within.
func hasNulls(t arrow.DataType) bool {
	switch t := t.(type) {
	case *arrow.NullType:
		return true
	case *arrow.DictionaryType:
		return hasNulls(t.ValueType)
	case arrow.ExtensionType:
		return hasNulls(t.StorageType())
	case arrow.NestedType:
		return slices.ContainsFunc(t.Fields(), func(field arrow.Field) bool { return hasNulls(field.Type) })
	}
	return false
}

// withBuffers returns the same data, but gives columns that are all null the one empty buffer that the check by
// arrow-go expects. Arrow-go's own reader gives them none, as the format says.
func withBuffers(data arrow.ArrayData) arrow.ArrayData {
	buffers := data.Buffers()
	if len(buffers) == 0 && data.DataType().Layout().Buffers != nil && len(data.Children()) == 0 {
		buffers = []*memory.Buffer{nil}
	}
	children := make([]arrow.ArrayData, len(data.Children()))
	for i, child := range data.Children() {
		children[i] = withBuffers(child)
		defer children[i].Release()
	}
	if dictionary, ok := data.Dictionary().(*array.Data); ok && dictionary != nil {
		values := withBuffers(dictionary)
		defer values.Release()
		return array.NewDataWithDictionary(data.DataType(), data.Len(), buffers, data.NullN(), data.Offset(),
			values.(*array.Data))
	}
	return array.NewData(data.DataType(), data.Len(), buffers, children, data.NullN(), data.Offset())
}
