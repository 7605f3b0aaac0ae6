package push

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/dustin/go-humanize"

	"github.com/plumbstore/plumb/internal/fault"
)

// The most bytes of one STRING or BYTES that comes from a caller: in a join key, and in a feature's value or in one
// element of it. All callers share the store's memory. Look-ups refuse keys that are longer than MaxKeyText, too.
const (
	MaxKeyText     = 64 << 10
	MaxFeatureText = 1 << 20
)

// checkLengths refuses texts that are longer than callers may push.
func (w *packing) checkLengths(row int) *fault.InputError {
	for i, column := range w.rows.Keys {
		if length := longestText(column, row); length > MaxKeyText {
			return tooLong(w.view.Keys[i].Name, length, MaxKeyText)
		}
	}
	for i, column := range w.rows.Features {
		if length := longestText(column, row); length > MaxFeatureText {
			return tooLong(w.view.Features[i].Name, length, MaxFeatureText)
		}
	}
	return nil
}

func tooLong(field string, length, most int) *fault.InputError {
	return fault.Inputf(field, "has a text of %s bytes; the most is %s", humanize.Comma(int64(length)),
		humanize.Comma(int64(most)))
}

// longestText is the length of a value, or of the longest element of an array; 0 for what is not text.
func longestText(column arrow.Array, row int) int {
	if column.IsNull(row) {
		return 0
	}
	switch column := column.(type) {
	case *array.String:
		return column.ValueLen(row)
	case *array.Binary:
		return column.ValueLen(row)
	case *array.List:
		longest := 0
		start, end := column.ValueOffsets(row)
		for element := start; element < end; element++ {
			longest = max(longest, longestText(column.ListValues(), int(element)))
		}
		return longest
	}
	return 0
}
