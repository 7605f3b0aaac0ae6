package duckdb

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// withoutSlack is the batch with zeros wherever Arrow leaves bytes without a meaning: in the places of values that are
// null, and behind the last bit. DuckDB leaves there what its memory held before, which differs from run to run and is
// nobody's to read. The same training set so has the same bytes in an Arrow file whenever it is made.
func withoutSlack(batch arrow.RecordBatch) arrow.RecordBatch {
	columns := make([]arrow.Array, batch.NumCols())
	for i, column := range batch.Columns() {
		columns[i] = array.MakeFromData(clearedData(column.Data()))
	}
	return array.NewRecordBatch(batch.Schema(), columns, batch.NumRows())
}

func clearedData(data arrow.ArrayData) arrow.ArrayData {
	buffers := append([]*memory.Buffer{}, data.Buffers()...)
	children := make([]arrow.ArrayData, len(data.Children()))
	for i, child := range data.Children() {
		children[i] = clearedData(child)
	}
	end := data.Offset() + data.Len()
	width := 0
	if fixed, ok := data.DataType().(arrow.FixedWidthDataType); ok {
		width = fixed.BitWidth()
	}
	var valid []byte
	if len(buffers) > 0 && buffers[0] != nil && buffers[0].Len() > 0 && data.NullN() > 0 {
		valid = copiedBits(buffers[0].Bytes(), end)
		buffers[0] = memory.NewBufferBytes(valid)
	}
	if len(buffers) > 1 && buffers[1] != nil && buffers[1].Len() > 0 {
		switch {
		case width == 1:
			bits := copiedBits(buffers[1].Bytes(), end)
			clearNulls(valid, data, func(at int) { bitutil.ClearBit(bits, at) })
			buffers[1] = memory.NewBufferBytes(bits)
		case width > 0 && valid != nil:
			size := width / 8
			values := append([]byte{}, buffers[1].Bytes()[:end*size]...)
			clearNulls(valid, data, func(at int) { clear(values[at*size : (at+1)*size]) })
			buffers[1] = memory.NewBufferBytes(values)
		}
	}
	if dictionary, ok := data.Dictionary().(*array.Data); ok && dictionary != nil {
		return array.NewDataWithDictionary(data.DataType(), data.Len(), buffers, data.NullN(), data.Offset(), dictionary)
	}
	return array.NewData(data.DataType(), data.Len(), buffers, children, data.NullN(), data.Offset())
}

// copiedBits are the first bits, with none set behind them.
func copiedBits(bits []byte, count int) []byte {
	copied := append([]byte{}, bits[:bitutil.BytesForBits(int64(count))]...)
	for at := count; at < len(copied)*8; at++ {
		bitutil.ClearBit(copied, at)
	}
	return copied
}

// clearNulls calls blank with the place of each value that is null.
func clearNulls(valid []byte, data arrow.ArrayData, blank func(at int)) {
	if valid == nil {
		return
	}
	for at := data.Offset(); at < data.Offset()+data.Len(); at++ {
		if !bitutil.BitIsSet(valid, at) {
			blank(at)
		}
	}
}
