package arrowipc

import (
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// WrittenOut returns the number of bytes that the rows of a batch take, approximately, once each row has its own
// values. Some layouts let many rows share one value, such as a dictionary of one text and indices that all point to
// it. A caller that writes such rows out multiplies the bytes that came. The batch has been checked.
//
// A dictionary of one text of a megabyte and a million indices, for example, comes as 5 MB and is a terabyte once it is
// written out. Where adding up is simple, as for texts, the number is close; elsewhere the largest value counts for
// each row, which is a bound from above. Sums that int64 cannot hold stop at its greatest value.
func WrittenOut(batch arrow.RecordBatch) int64 {
	total := int64(0)
	for i := range int(batch.NumCols()) {
		total = add(total, writtenOut(batch.Column(i)))
	}
	return total
}

func writtenOut(values arrow.Array) int64 {
	rows := int64(values.Len())
	switch values := values.(type) {
	case *array.Dictionary:
		return add(rows, chosen(values))
	case *array.RunEndEncoded:
		return multiply(rows, largest(values.Values()))
	case array.ExtensionArray:
		return writtenOut(values.Storage())
	case *array.ListView, *array.LargeListView:
		return add(rows, shared(values.(array.VarLenListLike)))
	case *array.DenseUnion:
		most := int64(1)
		for i := range values.NumFields() {
			most = max(most, largest(values.Field(i)))
		}
		return multiply(rows, most)
	case array.ListLike:
		return add(rows, listed(values))
	case *array.Struct:
		total := rows
		for i := range values.NumField() {
			total = add(total, writtenOut(values.Field(i)))
		}
		return total
	}
	return add(rows, plain(values))
}

// chosen adds up the values that indices lead to.
func chosen(values *array.Dictionary) int64 {
	texts, ok := values.Dictionary().(array.BinaryLike)
	if !ok {
		return multiply(int64(values.Len()), largest(values.Dictionary()))
	}
	total := int64(0)
	for i := range values.Len() {
		if values.IsValid(i) {
			total = add(total, int64(texts.ValueLen(values.GetValueIndex(i))))
		}
	}
	return total
}

// shared is for lists that may share elements.
func shared(values array.VarLenListLike) int64 {
	count := int64(0)
	for i := range values.Len() {
		if values.IsValid(i) {
			start, end := values.ValueOffsets(i)
			count += end - start
		}
	}
	return multiply(count, largest(values.ListValues()))
}

// listed is for lists that lie one behind the other.
func listed(values array.ListLike) int64 {
	if values.Len() == 0 {
		return 0
	}
	start, _ := values.ValueOffsets(0)
	_, end := values.ValueOffsets(values.Len() - 1)
	elements := array.NewSlice(values.ListValues(), start, end)
	defer elements.Release()
	return writtenOut(elements)
}

// plain is for texts, and for values that have all one width.
func plain(values arrow.Array) int64 {
	switch values := values.(type) {
	case array.BinaryLike:
		return int64(len(values.ValueBytes()))
	case array.ViewLike:
		total := int64(0)
		for i := range values.Len() {
			if values.IsValid(i) {
				total += int64(values.ValueHeader(i).Len())
			}
		}
		return total
	}
	if fixed, ok := values.DataType().(arrow.FixedWidthDataType); ok {
		return multiply(int64(values.Len()), int64(fixed.BitWidth()/8))
	}
	return 0
}

// largest bounds the bytes of a single value.
func largest(values arrow.Array) int64 {
	most := int64(1)
	switch values := values.(type) {
	case array.BinaryLike:
		for i := range values.Len() {
			most = max(most, int64(values.ValueLen(i)))
		}
	case array.ViewLike:
		for i := range values.Len() {
			if values.IsValid(i) {
				most = max(most, int64(values.ValueHeader(i).Len()))
			}
		}
	default:
		if fixed, ok := values.DataType().(arrow.FixedWidthDataType); ok {
			return max(most, int64(fixed.BitWidth()/8))
		}
		most = max(most, writtenOut(values))
	}
	return most
}

func add(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

func multiply(a, b int64) int64 {
	if b > 0 && a > math.MaxInt64/b {
		return math.MaxInt64
	}
	return a * b
}

// Held is the bytes of the buffers of a batch, as it came: what rows share counts once.
func Held(batch arrow.RecordBatch) int64 {
	total := int64(0)
	for i := range int(batch.NumCols()) {
		total += held(batch.Column(i).Data())
	}
	return total
}

func held(data arrow.ArrayData) int64 {
	total := int64(0)
	for _, buffer := range data.Buffers() {
		if buffer != nil {
			total += int64(buffer.Len())
		}
	}
	for _, child := range data.Children() {
		total += held(child)
	}
	if data.DataType().ID() == arrow.DICTIONARY && data.Dictionary() != nil {
		total += held(data.Dictionary())
	}
	return total
}
