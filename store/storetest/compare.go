package storetest

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/feature"
)

// differences lists how a joined result differs from the label rows followed by the answer: in the number of rows,
// their order, the columns and their types, or a value's bits (R6, R10). Label columns keep their values; outputs also
// have their declared type.
func differences(got, labels, answer *Table) []string {
	names := slices.Concat(labels.Names, answer.Names)
	if !slices.Equal(got.Names, names) {
		return []string{fmt.Sprintf("columns are %q, want %q", got.Names, names)}
	}
	var found []string
	for i, want := range answer.Types {
		at := len(labels.Names) + i
		if !arrow.TypeEqual(got.Types[at], want) {
			found = append(found, fmt.Sprintf("column %q has type %s, want %s", names[at], got.Types[at], want))
		}
	}
	if len(got.Rows) != len(answer.Rows) {
		return append(found, fmt.Sprintf("%d rows, want %d", len(got.Rows), len(answer.Rows)))
	}
	for row := range got.Rows {
		want := slices.Concat(labels.Rows[row], answer.Rows[row])
		for i, value := range got.Rows[row] {
			if !SameValue(value, want[i]) && (i >= len(labels.Names) || !sameText(value, want[i])) {
				found = append(found, fmt.Sprintf("row %d column %q is %s, want %s", row, names[i], Show(value), Show(want[i])))
			}
		}
	}
	return found
}

// Show prints a value so that values with different bits look different.
func Show(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return fmt.Sprintf("%q", v)
	case []byte:
		return fmt.Sprintf("x%q", fmt.Sprintf("%x", v))
	case float32:
		if math.IsNaN(float64(v)) {
			return fmt.Sprintf("NaN(%#x)", math.Float32bits(v))
		}
	case float64:
		if math.IsNaN(v) {
			return fmt.Sprintf("NaN(%#x)", math.Float64bits(v))
		}
	case *feature.Instant:
		if v == nil {
			return "null"
		}
		return v.String()
	case []any:
		return "[" + strings.Join(showAll(v), ", ") + "]"
	}
	return fmt.Sprint(v)
}

func showAll(values []any) []string {
	shown := make([]string, len(values))
	for i, v := range values {
		shown[i] = Show(v)
	}
	return shown
}
