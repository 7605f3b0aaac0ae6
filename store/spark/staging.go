package spark

import (
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store/spark/connect"
)

// operation is a session at the server with a staging folder of its own, which no other operation has had. The files of
// a statement that was stopped would otherwise be taken for those of the next one.
type operation struct {
	engine *Engine
	// session is nil once all that Spark does is done.
	session *connect.Session
	// folder has the labels, which Spark reads, and a folder of rows for each view, which Spark writes.
	folder string
}

// begin makes the folder and the session. The caller ends the operation.
func (e *Engine) begin(ctx context.Context) (*operation, error) {
	o := &operation{engine: e, folder: filepath.Join(e.config.Staging, "plumb-"+uuid.NewString())}
	// Spark may run as another user of the folder's group.
	err := os.Mkdir(o.folder, 0o770)
	if err == nil {
		err = os.Chmod(o.folder, 0o2770)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fault.Inputf("offline.spark.staging", "folder %s does not exist; make it, or name another",
			e.config.Staging)
	case err != nil:
		return nil, fmt.Errorf("offline.spark.staging: %w", err)
	}
	if o.session, err = connect.Dial(ctx, e.config.Server); err != nil {
		return nil, errors.Join(err, os.RemoveAll(o.folder))
	}
	return o, nil
}

// release ends the session, which stops what still runs in it.
func (o *operation) release(ctx context.Context) error {
	session := o.session
	if o.session = nil; session == nil {
		return nil
	}
	return session.Close(ctx)
}

// end releases the session, and removes the folder.
func (o *operation) end(ctx context.Context) error {
	return errors.Join(o.release(ctx), os.RemoveAll(o.folder))
}

// staged are rows of a view that Spark writes, in a folder below that of the operation.
type staged struct {
	folder string
	// byFile says that the rows of each source file lie in a file of their own, since its name counts.
	byFile bool
	files  []*sourceFile
	// names are those of the source's files by the names that the embedded engine has for the files of their rows.
	names map[string]string
}

// write runs a query and has its rows written.
func (o *operation) write(ctx context.Context, s *staged, query string) error {
	folder := filepath.Join(o.folder, s.folder)
	written, statements := folder, []string{intoFolder(folder, query)}
	if s.byFile {
		written = folder + ".spark"
		table := "plumb_" + strings.ReplaceAll(uuid.NewString(), "-", "")
		statements = []string{intoFolders(table, written, query), "DROP TABLE " + identifier(table)}
	}
	for _, statement := range statements {
		if err := o.session.Run(ctx, statement); err != nil {
			return explain(err)
		}
	}
	if _, err := os.Stat(filepath.Join(written, "_SUCCESS")); err != nil {
		return fmt.Errorf("spark has answered that a statement is complete, but its rows are not in %s: see that Plumb and "+
			"Spark have offline.spark.staging under one path: %w", written, err)
	}
	if s.byFile {
		if err := s.place(written, folder); err != nil {
			return err
		}
	}
	return o.neverEmpty(ctx, s, query)
}

// intoFolder is the statement that writes the rows of a query.
func intoFolder(folder, query string) string {
	return "INSERT OVERWRITE DIRECTORY " + literal("file://"+folder) + " USING parquet\n" + query
}

// fileColumn is a hash of the path of the file that a row is in.
const fileColumn = "_plumb_file"

// intoFolders is the statement that writes the rows of each source file to a file of their own.
func intoFolders(table, folder, query string) string {
	return fmt.Sprintf("CREATE TABLE %s USING parquet PARTITIONED BY (%s) LOCATION %s AS\n"+
		"SELECT /*+ REPARTITION(%[2]s) */ *, md5(CAST(%[4]s AS BINARY)) AS %[2]s FROM (\n%[5]s\n)",
		identifier(table), fileColumn, literal("file://"+folder), pathColumn, query)
}

// place moves the rows of each file to the folders that its columns are in the names of.
func (s *staged) place(written, folder string) error {
	s.names = map[string]string{}
	for i, f := range s.files {
		from := filepath.Join(written, fmt.Sprintf("%s=%x", fileColumn, md5.Sum([]byte(f.path))))
		parts, err := filepath.Glob(filepath.Join(from, "*.parquet"))
		if err != nil || len(parts) == 0 {
			continue
		}
		if len(parts) > 1 {
			return fmt.Errorf("spark wrote the rows of %s into %d files", f.path, len(parts))
		}
		to := s.placeOf(i)
		if err := disk.Real().MkdirAll(filepath.Dir(filepath.Join(folder, to)), 0o770); err != nil {
			return err
		}
		if err := os.Link(parts[0], filepath.Join(folder, to)); err != nil {
			return fmt.Errorf("place the rows that Spark wrote: %w", err)
		}
		s.names[filepath.Join(s.folder, to)] = f.name
	}
	return os.RemoveAll(written)
}

// placeOf is where the rows of a file are. The names have the order of the source.
func (s *staged) placeOf(file int) string {
	return filepath.Join(append(slices.Clone(s.files[file].written), fmt.Sprintf("%08d.parquet", file))...)
}

// neverEmpty sees to it that there is a file, which has the columns. Spark writes none if there are no rows.
func (o *operation) neverEmpty(ctx context.Context, s *staged, query string) error {
	folder, place := filepath.Join(o.folder, s.folder), "none.parquet"
	if s.byFile {
		if len(s.names) > 0 {
			return nil
		}
		place = s.placeOf(0)
	} else if parts, err := filepath.Glob(filepath.Join(folder, "*.parquet")); err != nil || len(parts) > 0 {
		return err
	}
	columns, err := o.session.Schema(ctx, query)
	if err != nil {
		return err
	}
	path := filepath.Join(folder, place)
	if err := disk.Real().MkdirAll(filepath.Dir(path), 0o770); err != nil {
		return err
	}
	return writeEmpty(path, columns)
}

// explain takes what a statement of ours raised for what it is: a value that does not fit (R9).
func explain(err error) error {
	var failure *connect.Error
	if !errors.As(err, &failure) {
		return err
	}
	if _, said, ok := strings.Cut(failure.Message, marker); ok {
		said, _, _ = strings.Cut(said, " SQLSTATE:")
		return fault.Inputf("", "%s", said)
	}
	return err
}
