package offline

import (
	"context"
	"io"

	"github.com/plumbstore/plumb/feature"
)

// Engine is all that an offline engine owes the product: it reads and joins sources (Store), reads all rows of
// a source, and label rows, for proof (PlainReader), says what may not be meant in definitions (Advisor), reads rows to
// push (RowReader), and knows its files (Files).
//
// The caller that opened it closes it. Each operation takes memory of its own, so an engine that several operations
// share is opened with a part of the memory for each.
type Engine interface {
	Store
	PlainReader
	Advisor
	RowReader
	Files
}

// Advisor finds sources that can be read and may not be what was meant. What it finds is shown and refuses nothing.
type Advisor interface {
	// LeftOut lists the files in the folder of a source that are not read because their names have another ending. The
	// paths are relative to the project. There are none if the source names no folder.
	LeftOut(ctx context.Context, source *feature.Source) ([]string, error)
	// AtMidnights says whether all event times of a source of files are midnights of several days (R1), as far as the
	// footers and its first rows show: then they name days, and not when the rows were known.
	AtMidnights(ctx context.Context, source *feature.Source) (bool, error)
	// Ties lists what in the query of a source may choose among rows that tie, such as row_number() and LIMIT. It is
	// empty for other sources.
	Ties(ctx context.Context, source *feature.Source) ([]string, error)
}

// RowReader reads files of rows to push.
type RowReader interface {
	// ReadRows streams the rows of a .parquet or .csv file in the types of a view, in the file's order. Columns are found
	// as FindColumns says, and values are converted as those of a source. A value that does not fit is reported and does
	// not end the reading. A *fault.InputError says what is wrong with the file as a whole. The rows are valid until
	// yield returns.
	ReadRows(ctx context.Context, view *feature.View, path string, yield func(FileRows) error) error
}

// Files are those that an engine may read and makes.
type Files interface {
	// Locate returns the absolute path of a file that lies below the roots, wherever symbolic links lead. The path is
	// relative to the project. A *fault.InputError says the same of a file that is not there and of one outside.
	Locate(path string) (string, error)
	// Scratch makes a private folder where the engine keeps its own temporary files, and returns how to remove it. A
	// folder that a killed process leaves is removed by the next one.
	Scratch() (folder string, remove func() error, err error)
}

// ServingEngine is what a server needs of an offline engine.
type ServingEngine interface {
	Inspector
	Files
	// PlanJoin is that of Offline.
	PlanJoin(ctx context.Context, request JoinRequest) (Join, error)
	io.Closer
}
