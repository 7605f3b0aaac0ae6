package auditlog

import (
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// holds reports whether there are that many values of a declared type.
func holds(values *plumbv1.Values, declared plumbv1.Type, rows int) bool {
	kind, count := value.Kind(values)
	if count != rows || kind != declared && !value.Fits(values, declared) {
		return false
	}
	_, isArray := value.ElementType(declared)
	return !isArray || value.CheckElements(values) == nil
}

// textSize is how many bytes the texts and elements take that a builder has.
func textSize(builder array.Builder) int {
	const width = 8
	switch builder := builder.(type) {
	case *array.StringBuilder:
		return builder.DataLen()
	case *array.BinaryBuilder:
		return builder.DataLen()
	case *array.ListBuilder:
		return width*builder.ValueBuilder().Len() + textSize(builder.ValueBuilder())
	}
	return 0
}
