package audit

import (
	"encoding/hex"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/document"
)

// shownValue is a value as documents have it.
func shownValue(column arrow.Array, row int) any {
	if column.IsNull(row) {
		return nil
	}
	switch column := column.(type) {
	case *array.Boolean:
		return column.Value(row)
	case *array.Int32:
		return column.Value(row)
	case *array.Int64:
		return column.Value(row)
	case *array.Float32:
		return document.Float(column.Value(row))
	case *array.Float64:
		return document.Float(column.Value(row))
	case *array.String:
		return column.Value(row)
	case *array.Binary:
		return append([]byte{}, column.Value(row)...)
	case *array.Timestamp:
		return document.Instant(feature.Instant(column.Value(row)))
	case *array.List:
		elements := []any{}
		from, to := column.ValueOffsets(row)
		for i := from; i < to; i++ {
			elements = append(elements, shownValue(column.ListValues(), int(i)))
		}
		return elements
	}
	return column.ValueStr(row)
}

// shownHash is how the hash of a sensitive value is shown.
func shownHash(column arrow.Array, row int) any {
	hashes, ok := column.(*array.Binary)
	if !ok || hashes.IsNull(row) {
		return nil
	}
	return "hash " + hex.EncodeToString(hashes.Value(row)[:min(8, hashes.ValueLen(row))])
}

// appendKey copies a join key.
func appendKey(to array.Builder, from arrow.Array, row int) error {
	if from.IsNull(row) {
		to.AppendNull()
		return nil
	}
	switch to := to.(type) {
	case *array.StringBuilder:
		if from, ok := from.(*array.String); ok {
			to.Append(from.Value(row))
			return nil
		}
	case *array.BinaryBuilder:
		if from, ok := from.(*array.Binary); ok {
			to.Append(from.Value(row))
			return nil
		}
	case *array.BooleanBuilder:
		if from, ok := from.(*array.Boolean); ok {
			to.Append(from.Value(row))
			return nil
		}
	case *array.Int32Builder:
		if from, ok := from.(*array.Int32); ok {
			to.Append(from.Value(row))
			return nil
		}
	case *array.Int64Builder:
		if from, ok := from.(*array.Int64); ok {
			to.Append(from.Value(row))
			return nil
		}
	}
	return fmt.Errorf("%s is no join key of type %s", from.DataType(), to.Type())
}
