package lookup

import (
	"fmt"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/packed"
)

// keyColumns are the checked key columns of a request, in the order of Lookup.keys.
type keyColumns struct {
	columns []*plumbv1.KeyColumn
	rows    int
}

func (k keyColumns) anyNull(positions []int, row int) bool {
	for _, position := range positions {
		if nulls := k.columns[position].GetNulls(); len(nulls) > 0 && nulls[row] != 0 {
			return true
		}
	}
	return false
}

func (k keyColumns) appendKey(dst []byte, positions []int, row int) []byte {
	return packed.AppendWireKey(dst, k.columns, positions, row)
}

// checkKeys brings the key columns of a request into the order of the plan. It returns the name of the first that is
// right, which has as many rows as all have to have, and every mistake.
func (l *Lookup) checkKeys(given []*plumbv1.KeyColumn) (keys keyColumns, first string, mistakes []error) {
	keys = keyColumns{columns: make([]*plumbv1.KeyColumn, len(l.keys)), rows: 1}
	for _, column := range given {
		at := positionOf(l.keys, column.GetName())
		switch {
		case at == absent && positionOf(l.inputs, column.GetName()) != absent:
			mistakes = append(mistakes, fault.Inputf(column.GetName(), "is a request input of these features and not a key; "+
				"give it among the inputs"))
		case at == absent:
			mistakes = append(mistakes, surplus(column.GetName(), "key", l.keys))
		case keys.columns[at] != nil:
			mistakes = append(mistakes, fault.Inputf(column.GetName(), "is given twice"))
		default:
			keys.columns[at] = column
		}
	}
	for i, field := range l.keys {
		rows, err := checkKey(field, keys.columns[i])
		switch {
		case err != nil:
			mistakes = append(mistakes, err)
		case first == "":
			first, keys.rows = field.Name, rows
		case rows != keys.rows:
			mistakes = append(mistakes, fault.Inputf(field.Name, "has %d rows where %q has %d", rows, first, keys.rows))
		}
	}
	return keys, first, mistakes
}

// surplus is the mistake of a column that is none of those of its kind, which is "key" or "request input".
func surplus(name, kind string, known []feature.Field) error {
	names := make([]string, len(known))
	for i, field := range known {
		names[i] = field.Name
	}
	if len(names) == 0 {
		return fault.Inputf(name, "is not a %s of these features; they have none", kind)
	}
	text := fmt.Sprintf("is not a %[1]s of these features; their %[1]ss are %[2]s", kind, strings.Join(names, ", "))
	if suggestion := fault.Closest(name, names); suggestion != "" {
		text += fmt.Sprintf("; did you mean %q?", suggestion)
	}
	return fault.Inputf(name, "%s", text)
}

// checkKey returns the number of rows of a column that is as declared.
func checkKey(field feature.Field, column *plumbv1.KeyColumn) (int, error) {
	if column == nil {
		return 0, fault.Inputf(field.Name, "is missing; give a column of %s keys", field.Type)
	}
	kind, rows := value.Kind(column.GetValues())
	_, isArray := value.ElementType(kind)
	nulls := column.GetNulls()
	switch {
	case kind == plumbv1.Type_TYPE_UNSPECIFIED, isArray:
		return 0, fault.Inputf(field.Name, "holds no scalar values; give one column of %s keys", field.Type)
	case kind != field.Type:
		return 0, fault.Inputf(field.Name, "holds %s values; its keys are %s", kind, field.Type)
	case rows == 0:
		return 0, fault.Inputf(field.Name, "has no rows; give at least one")
	case len(nulls) > 0 && len(nulls) != rows:
		return 0, fault.Inputf(field.Name, "has %d null flags for %d rows; give one for each, or none", len(nulls), rows)
	}
	if at := slices.IndexFunc(nulls, func(flag byte) bool { return flag > 1 }); at >= 0 {
		return 0, fault.Inputf(field.Name, "has %d for a null flag at row %d; 0 and 1 are allowed", nulls[at], at+1)
	}
	return rows, nil
}
