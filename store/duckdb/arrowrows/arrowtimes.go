package arrowrows

import (
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/plumbstore/plumb/internal/fault"
)

// checkTimes refuses a zoned time of Arrow data that microseconds do not hold. DuckDB refuses it too, but names neither
// the column nor the row. before is the number of rows before the batch.
func checkTimes(batch arrow.RecordBatch, columns []int, before int64) error {
	for _, at := range columns {
		if row := unfitRow(batch.Column(at)); row >= 0 {
			return fault.Inputf("", "column %q, row %d holds a time that does not fit TIMESTAMP exactly: microseconds "+
				"cannot count to it", batch.ColumnName(at), before+int64(row)+1)
		}
	}
	return nil
}

// coarseColumns are the columns with zoned times of a unit coarser than microseconds. DuckDB has one zoned type, of
// microseconds, so it multiplies, which may overflow. Times without a zone keep their unit in DuckDB, and are checked
// when they are brought to microseconds (casts.ToMicroseconds).
func coarseColumns(schema *arrow.Schema) []int {
	var found []int
	for i, field := range schema.Fields() {
		if isCoarse(field.Type) {
			found = append(found, i)
		}
	}
	return found
}

func isCoarse(t arrow.DataType) bool {
	switch t := t.(type) {
	case *arrow.TimestampType:
		return t.TimeZone != "" && (t.Unit == arrow.Second || t.Unit == arrow.Millisecond)
	case *arrow.DictionaryType:
		return isCoarse(t.ValueType)
	case arrow.NestedType:
		return slices.ContainsFunc(t.Fields(), func(field arrow.Field) bool { return isCoarse(field.Type) })
	case arrow.ExtensionType:
		return isCoarse(t.StorageType())
	}
	return false
}

// unfitRow is the first row with a time that microseconds do not hold, or -1.
func unfitRow(column arrow.Array) int {
	if !isCoarse(column.DataType()) {
		return -1
	}
	switch column := column.(type) {
	case *array.Timestamp:
		return rowWhere(column, func(row int) bool {
			return !fitsMicroseconds(int64(column.Value(row)), column.DataType().(*arrow.TimestampType).Unit)
		})
	case *array.Dictionary:
		return rowWhere(column, func(row int) bool { return isUnfit(column.Dictionary(), column.GetValueIndex(row), 1) })
	case *array.RunEndEncoded:
		return rowWhere(column, func(row int) bool { return isUnfit(column.Values(), column.GetPhysicalIndex(row), 1) })
	case array.ListLike:
		return rowWhere(column, func(row int) bool {
			from, to := column.ValueOffsets(row)
			return isUnfit(column.ListValues(), int(from), int(to-from))
		})
	case *array.Struct:
		return rowWhere(column, func(row int) bool {
			for i := range column.NumField() {
				if isUnfit(column.Field(i), row, 1) {
					return true
				}
			}
			return false
		})
	case array.ExtensionArray:
		return unfitRow(column.Storage())
	}
	return -1
}

// isUnfit says whether one of some values is a time that microseconds do not hold.
func isUnfit(values arrow.Array, from, count int) bool {
	some := array.NewSlice(values, int64(from), int64(from+count))
	defer some.Release()
	return unfitRow(some) >= 0
}

func rowWhere(column arrow.Array, unfit func(row int) bool) int {
	for row := range column.Len() {
		if column.IsValid(row) && unfit(row) {
			return row
		}
	}
	return -1
}

// fitsMicroseconds multiplies and divides again: a product that has overflowed does not come back.
func fitsMicroseconds(value int64, unit arrow.TimeUnit) bool {
	factor := int64(1_000)
	if unit == arrow.Second {
		factor = 1_000_000
	}
	return value*factor/factor == value
}
