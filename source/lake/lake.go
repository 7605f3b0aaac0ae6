// Package lake has what tables of a lake have in common, whatever format their metadata have: a pinned list of files,
// with the rows that were deleted from them, and the columns of the table.
//
// The packages of the formats make a Table of the metadata of one. They open no data file: engines and the plain reader
// do, each in its own way. The caller opens files, and checks that they lie where files may be read from: paths in
// metadata are as untrusted as the rest of it.
package lake

import (
	"context"
	"fmt"
	"strings"

	"github.com/plumbstore/plumb/internal/fault"
)

// MaxFiles is how many files a table may have.
const MaxFiles = 1_000_000

// Table is what a table holds at one version. It does not change.
type Table struct {
	// ID identifies the table, wherever it lies.
	ID string
	// Version is the id of the snapshot.
	Version int64
	// Schema is the id of the schema that gives Columns.
	Schema  int
	Columns []Column
	// Files are the data files in source order (R3).
	Files []File
	// Deletes are the files of deleted positions that apply to files of the table.
	Deletes []Deletes
	// Kept are the versions that the table has, of which each can be read.
	Kept []int64
}

// Column is a top-level column of a table.
type Column struct {
	// Stored is the name that the table's files have for the column, whatever its name is now. If it is empty, they have
	// it by ID.
	Stored string
	ID     int
	Name   string
	// Type is the name that Iceberg has for the type, such as "long" or "decimal(9, 2)"; that of the elements of a List.
	Type string
	List bool
	// Constant says that files do not have the column: each has one value for all of its rows, in File.Constants.
	Constant bool
	// Refused says why values of the column cannot be read; empty if they can.
	Refused string
}

// IsIn says whether a column of a file is this one, by its name and id there.
func (c Column) IsIn(stored string, id int) bool {
	switch {
	case c.Constant:
		return false
	case c.Stored != "":
		return strings.EqualFold(c.Stored, stored)
	}
	return c.ID == id
}

// File is a data file.
type File struct {
	// Path is as the metadata spells it, and Place where it is read.
	Path, Place string
	// Sequence is the number of the snapshot that added the file, and DataSequence that of its rows: deletes that came
	// later apply to them.
	Sequence, DataSequence int64
	// Rows is the number of rows, deleted ones too; AnyRows if the metadata do not say.
	Rows, Size int64
	// Vector has the deleted rows; nil if none has. A file with a vector has no other deletes.
	Vector *Vector
	// Constants are the values of constant columns, by their names, as text that spells each exactly; nil for null.
	Constants map[string]*string
	// Partitioned are the ids of the columns by whose values the file was put into a partition.
	Partitioned []int
}

// AnyRows is the number of rows of a file of which it is not known.
const AnyRows = -1

// Deletes is a Parquet file of positions of deleted rows, each with the path of its data file.
type Deletes struct {
	Place      string
	Sequence   int64
	Rows, Size int64
}

// Reader reads a file whole, of at most limit bytes. It refuses places that files may not be read from.
type Reader func(ctx context.Context, place string, limit int64) ([]byte, error)

// Lister returns the names of the files in a folder, in any order, without those in folders within it. It refuses
// places that files may not be read from. A folder that is not there has none.
type Lister func(ctx context.Context, folder string) ([]string, error)

// MarkSameNames refuses columns whose names differ in case alone, since the names of columns do not depend on it.
func MarkSameNames(columns []Column) {
	names := map[string]int{}
	for i, column := range columns {
		folded := strings.ToLower(column.Name)
		if first, ok := names[folded]; ok {
			columns[first].Refused = fmt.Sprintf("%q has the name of column %q, but for case; rename one",
				columns[first].Name, column.Name)
			columns[i].Refused = columns[first].Refused
		} else {
			names[folded] = i
		}
	}
}

// Milliseconds is the last whole millisecond that is not after an instant in microseconds.
func Milliseconds(instant int64) int64 {
	const perMillisecond = 1000
	quotient := instant / perMillisecond
	if instant%perMillisecond < 0 {
		quotient--
	}
	return quotient
}

// Decimal is the digits and the scale of a type that is a decimal, as "9,2".
func Decimal(name string) (parameters string, ok bool) {
	inner, ok := strings.CutPrefix(name, "decimal(")
	if !ok || !strings.HasSuffix(inner, ")") {
		return "", false
	}
	var digits, scale int
	text := strings.ReplaceAll(strings.TrimSuffix(inner, ")"), " ", "")
	if n, err := fmt.Sscanf(text, "%d,%d", &digits, &scale); n != 2 || err != nil {
		return "", false
	}
	if digits < 1 || digits > 38 || scale < 0 || scale > digits {
		return "", false
	}
	return fmt.Sprintf("%d,%d", digits, scale), true
}

// Shown is a name from metadata in a message: it may be anything.
func Shown(name string) string {
	const most = 60
	if len(name) > most {
		name = name[:most] + "…"
	}
	return fmt.Sprintf("%q", name)
}

// Listed are names in words, the last of them.
func Listed(names []string) string {
	const mostListed = 8
	switch {
	case len(names) == 0:
		return "none"
	case len(names) > mostListed:
		rest := len(names) - mostListed
		return fmt.Sprintf("%s and %d others", strings.Join(names[rest:], ", "), rest)
	}
	return strings.Join(names, ", ")
}

// Damaged is the error of a file that is not what it should be.
func Damaged(name string, err error) error {
	return fault.Inputf("", "cannot read %s: it is damaged: %v", name, err)
}
