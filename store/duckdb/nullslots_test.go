package duckdb

import (
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// TestWhatArrowLeavesWithoutAMeaning_IsZero: values under nulls and bits behind the last are whatever memory held.
func TestWhatArrowLeavesWithoutAMeaning_IsZero(t *testing.T) {
	valid := func() *memory.Buffer { return memory.NewBufferBytes([]byte{0b1111_0101}) } // Three values, the second null.
	column := func(kind arrow.DataType, values ...byte) arrow.ArrayData {
		return array.NewData(kind, 3, []*memory.Buffer{valid(), memory.NewBufferBytes(values)}, nil, 1, 0)
	}
	list := array.NewData(arrow.ListOf(arrow.PrimitiveTypes.Int8), 1,
		[]*memory.Buffer{nil, memory.NewBufferBytes([]byte{0, 0, 0, 0, 3, 0, 0, 0})},
		[]arrow.ArrayData{column(arrow.PrimitiveTypes.Int8, 1, 99, 3)}, 0, 0)
	for name, each := range map[string]struct {
		data arrow.ArrayData
		want string
	}{
		"integers": {column(arrow.PrimitiveTypes.Int16, 1, 0, 99, 99, 3, 0), "\x01\x00\x00\x00\x03\x00"},
		"booleans": {column(arrow.FixedWidthTypes.Boolean, 0b1111_1111), "\x05"},
		"lists":    {list, "\x01\x00\x03"},
	} {
		cleared := clearedData(each.data)
		before, after := array.MakeFromData(each.data), array.MakeFromData(cleared)
		if !array.Equal(before, after) {
			t.Errorf("%s: %v became %v", name, before, after)
		}
		if name == "lists" {
			cleared = cleared.Children()[0]
		}
		if got := string(cleared.Buffers()[1].Bytes()); got != each.want {
			t.Errorf("%s: the values' bytes are %q, and should be %q", name, got, each.want)
		}
		if got := cleared.Buffers()[0].Bytes()[0]; got != 0b101 {
			t.Errorf("%s: the bits of nulls are %b", name, got)
		}
	}
}
