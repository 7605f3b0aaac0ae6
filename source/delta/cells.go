package delta

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// cells are the fields of one row of a group. A field that is null, or that the checkpoint lacks, is the zero value. A
// field of a type that it cannot be of is a panic, which its reader turns into an error.
type cells struct {
	of  *array.Struct
	row int
}

// field is the column of a field; nil if there is no value.
func (c cells) field(name string) arrow.Array {
	at, ok := c.of.DataType().(*arrow.StructType).FieldIdx(name)
	if !ok || c.of.Field(at).IsNull(c.row) {
		return nil
	}
	return c.of.Field(at)
}

func (c cells) group(name string) (cells, bool) {
	field := c.field(name)
	if field == nil {
		return cells{}, false
	}
	return cells{field.(*array.Struct), c.row}, true
}

func (c cells) text(name string) string {
	field := c.field(name)
	if field == nil {
		return ""
	}
	return textOf(field, c.row)
}

func textOf(column arrow.Array, row int) string {
	if column, ok := column.(array.StringLike); ok {
		return column.Value(row)
	}
	return string(column.(*array.Binary).Value(row))
}

func (c cells) number(name string) int64 {
	if number := c.optional(name); number != nil {
		return *number
	}
	return 0
}

func (c cells) optional(name string) *int64 {
	field := c.field(name)
	if field == nil {
		return nil
	}
	if small, ok := field.(*array.Int32); ok {
		number := int64(small.Value(c.row))
		return &number
	}
	number := field.(*array.Int64).Value(c.row)
	return &number
}

// list are the texts of a list.
func (c cells) list(name string) []string {
	field := c.field(name)
	if field == nil {
		return nil
	}
	list := field.(array.ListLike)
	start, end := list.ValueOffsets(c.row)
	texts := make([]string, 0, end-start)
	for i := start; i < end; i++ {
		texts = append(texts, textOf(list.ListValues(), int(i)))
	}
	return texts
}

// texts are those of a map, by its keys; nil for null.
func (c cells) texts(name string) map[string]*string {
	texts := map[string]*string{}
	field := c.field(name)
	if field == nil {
		return texts
	}
	list := field.(*array.Map)
	start, end := list.ValueOffsets(c.row)
	for i := start; i < end; i++ {
		var value *string
		if !list.Items().IsNull(int(i)) {
			text := textOf(list.Items(), int(i))
			value = &text
		}
		texts[textOf(list.Keys(), int(i))] = value
	}
	return texts
}
