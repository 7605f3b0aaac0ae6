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
	// LeftOut lists the files at any depth in the folder of a source that are not read because their names have another
	// ending, in any order. The paths are relative to the project. Hidden files, whose name or folder begins with a dot or
	// an underscore, are not among them. There are none if the source names no folder, or one that may not be read or is
	// not there: that is for Columns to refuse.
	LeftOut(ctx context.Context, source *feature.Source) ([]string, error)
	// AtMidnights says whether all event times of a source of files are midnights of several days (R1), as far as the
	// footers and its first rows show: then they name days, and not when the rows were known. It is false for a query, and
	// for a source with created times, which say when the rows were known.
	AtMidnights(ctx context.Context, source *feature.Source) (bool, error)
	// Ties lists for each of the sources what in its query may choose among rows that tie, such as row_number() and LIMIT,
	// each once and as messages name it. A source of another kind has none. A *fault.InputError says what keeps a query
	// from being parsed.
	Ties(ctx context.Context, sources []*feature.Source) ([][]string, error)
}

// MaxFileRows is how many rows ReadRows yields at a time at the most.
const MaxFileRows = 1 << 16

// RowReader reads files of rows to push.
type RowReader interface {
	// ReadRows streams the rows of a .parquet or .csv file in the types of a view, in the file's order. Columns are found
	// as FindColumns says, and values are converted as those of a source. A value that does not fit is reported and does
	// not end the reading.
	//
	// The path is absolute or relative to the process's folder, and need not lie below the roots. A path that came over
	// the network goes through Locate first.
	//
	// A *fault.InputError says what is wrong with the file as a whole. All that is wrong with its columns is found before
	// a row is yielded, as joined *fault.InputError with the column's name in Field: what FindColumns reports, or else
	// each column of a type that never fits.
	//
	// yield is called by one goroutine at a time, with 1 to MaxFileRows rows, and not at all for a file without rows. The
	// rows are the engine's, and valid until yield returns. An error from yield ends the reading and is returned; so does
	// the end of the context, with an error that wraps the context's.
	ReadRows(ctx context.Context, view *feature.View, path string, yield func(FileRows) error) error
}

// Files are those that an engine may read and makes.
type Files interface {
	// Locate returns the absolute path, with symbolic links resolved, of a file that lies below the roots wherever these
	// lead. The path is relative to the project, or absolute. A *fault.InputError says the same, but for the path as it
	// was given, of a file that is not there and of one outside: so nobody learns what lies there.
	Locate(path string) (string, error)
	// LocateObject says by a *fault.InputError that an object, s3://BUCKET/KEY, does not lie below the roots. Whether
	// it is there is not looked at.
	LocateObject(name string) error
	// Scratch makes a folder for the caller's temporary files, which no other user may enter, and returns its absolute
	// path and how to remove it with all that is in it. Each call makes another. The engine may keep a file in it, named
	// lock. A folder that a killed process leaves is removed when the next engine that keeps its temporary files in the
	// same place opens. That of a living process is not.
	Scratch() (folder string, remove func() error, err error)
}

// ServingEngine is what a server needs of an offline engine.
type ServingEngine interface {
	Inspector
	Files
	// PlanJoin is that of Store.
	PlanJoin(ctx context.Context, request JoinRequest) (Join, error)
	io.Closer
}
