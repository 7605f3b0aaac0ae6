package labelfile

import (
	"fmt"

	"github.com/plumbstore/plumb/store/offline"
)

// Place is the SQL that says where in the labels a value is. Columns of the labels have the prefix.
func (l *File) Place(prefix string) string { return place(prefix + l.position()) }

func place(position string) string { return "'row ' || (" + position + " + 1) || ' of the labels'" }

// position is the column with the row's position in the file.
func (l *File) position() string {
	if l.Within == nil {
		return "n"
	}
	return "in_file"
}

// prunes is the condition on a time column by which DuckDB skips row groups whose rows all count as not there; empty if
// it has another unit than instants.
func (l *File) prunes(column, typeName string) string {
	switch typeName {
	case "TIMESTAMP":
		return "\nWHERE " + between(column, "make_timestamp(%d)", l.Within)
	case "TIMESTAMP WITH TIME ZONE":
		return "\nWHERE " + between(column, "make_timestamptz(%d)", l.Within)
	}
	return ""
}

// between is the condition that a time lies in a window (R5), with instants in this form.
func between(column, form string, window *offline.Window) string {
	condition := fmt.Sprintf("%s <= "+form, column, window.End)
	if window.Start != nil {
		condition += fmt.Sprintf(" AND %s > "+form, column, *window.Start)
	}
	return condition
}
