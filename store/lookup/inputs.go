package lookup

import (
	"errors"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// given are the checked columns of a request.
type given struct {
	keys keyColumns
	// inputs are in the order of Lookup.inputs.
	inputs []*plumbv1.InputColumn
}

// check brings the columns of a request into the order of the plan, or reports every mistake.
func (l *Lookup) check(request Request) (given, error) {
	keys, first, mistakes := l.checkKeys(request.Keys)
	g := given{keys: keys, inputs: make([]*plumbv1.InputColumn, len(l.inputs))}
	for _, column := range request.Inputs {
		at := positionOf(l.inputs, column.GetName())
		switch {
		case at == absent && positionOf(l.keys, column.GetName()) != absent:
			mistakes = append(mistakes, fault.Inputf(column.GetName(), "is a key of these features; give it among the keys"))
		case at == absent:
			mistakes = append(mistakes, surplus(column.GetName(), "request input", l.inputs))
		case g.inputs[at] != nil:
			mistakes = append(mistakes, fault.Inputf(column.GetName(), "is given twice"))
		default:
			g.inputs[at] = column
		}
	}
	for i, field := range l.inputs {
		rows, err := checkInput(field, g.inputs[i])
		switch {
		case err != nil:
			mistakes = append(mistakes, err)
		case first == "":
			first, g.keys.rows = field.Name, rows
		case rows != g.keys.rows:
			mistakes = append(mistakes, fault.Inputf(field.Name, "has %d rows where %q has %d", rows, first, g.keys.rows))
		}
	}
	return g, errors.Join(mistakes...)
}

// checkInput returns the number of rows of a column that is as declared.
func checkInput(field feature.Field, column *plumbv1.InputColumn) (int, error) {
	if column == nil {
		return 0, fault.Inputf(field.Name, "is missing; give a column of %s values as a request input", field.Type)
	}
	kind, rows := value.Kind(column.GetValues())
	switch {
	case !value.Fits(column.GetValues(), field.Type):
		return 0, fault.Inputf(field.Name, "holds %s values; the request input is %s", kind, field.Type)
	case rows == 0:
		return 0, fault.Inputf(field.Name, "has no rows; give at least one")
	}
	if err := value.CheckFlags(column.GetNulls(), rows); err != nil {
		return 0, fault.Inputf(field.Name, "%v", err)
	}
	arrays := column.GetValues().GetArrays()
	if arrays == nil {
		return rows, nil
	}
	if err := value.CheckElements(column.GetValues()); err != nil {
		return 0, fault.Inputf(field.Name, "%v", err)
	}
	for row, flag := range column.GetNulls() {
		if flag != 0 && arrays.GetLengths()[row] > 0 {
			return 0, fault.Inputf(field.Name, "has elements at row %d, which is null; leave them out", row+1)
		}
	}
	return rows, nil
}

// positionOf is the position of the field of a name, or absent.
func positionOf(fields []feature.Field, name string) int {
	for i := range fields {
		if fields[i].Name == name {
			return i
		}
	}
	return absent
}
