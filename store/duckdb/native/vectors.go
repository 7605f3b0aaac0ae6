package native

import (
	"unsafe"

	"github.com/duckdb/duckdb-go/v2/mapping"
)

// Span says where the elements of a list lie among those of all lists of a column.
type Span struct{ Offset, Length uint64 }

// longestInline is how many bytes of a text DuckDB keeps in the column itself.
const longestInline = 12

// Text is a VARCHAR or BLOB in a row that is not null, in DuckDB's memory.
func (c *Columns) Text(arg, row int) string {
	const size, inline, pointer = 16, 4, 8
	value := unsafe.Add(c.Data[arg], size*row)
	length := int(*(*uint32)(value))
	if length <= longestInline {
		return unsafe.String((*byte)(unsafe.Add(value, inline)), length)
	}
	return unsafe.String(*(**byte)(unsafe.Add(value, pointer)), length)
}

// Lists is an argument of lists: where the elements of each row lie, and the elements as columns with one argument. In
// the row of a null a span is anything.
func (c *Columns) Lists(arg int) ([]Span, Columns) {
	vector := mapping.DataChunkGetVector(c.chunk, mapping.IdxT(arg))
	child := mapping.ListVectorGetChild(vector)
	elements := Columns{Rows: int(mapping.ListVectorGetSize(vector)), Data: []unsafe.Pointer{mapping.VectorGetData(child)},
		Masks: [][]uint64{nil}}
	if mapping.VectorGetValidity(child) != nil {
		elements.Masks[0] = validity(child, elements.Rows)
	}
	return unsafe.Slice((*Span)(c.Data[arg]), c.Rows), elements
}

// SetText is the answer of a row that is a VARCHAR or BLOB. The text is copied. A VARCHAR has to be UTF-8.
func (a Answer) SetText(row int, text string) {
	mapping.VectorAssignStringElementLen(a.vector, mapping.IdxT(row), unsafe.Slice(unsafe.StringData(text), len(text)))
}

// Lists is the answer as lists with so many elements in all: a span for each row, and the elements.
func (a Answer) Lists(elements int) ([]Span, Answer) {
	mapping.ListVectorReserve(a.vector, mapping.IdxT(elements))
	mapping.ListVectorSetSize(a.vector, mapping.IdxT(elements))
	return unsafe.Slice((*Span)(mapping.VectorGetData(a.vector)), a.rows),
		Answer{vector: mapping.ListVectorGetChild(a.vector), rows: elements}
}
