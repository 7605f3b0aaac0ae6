package pushlog

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
)

// Snapshot writes Parquet files of the rows that are in write-ahead files, whichever process holds those, into another
// folder. It returns their paths, in the order of their names. Each has the name that its file will have in the log.
// Rows that are appended meanwhile may be missing; all that it has are durable.
//
// Files are opened without their lock, which the process that appends to them has. This is safe to read: a record
// counts only if it is whole, and nothing but what was never acknowledged is ever cut off.
func Snapshot(folder, into string) ([]string, error) {
	var written []string
	err := eachUnfinished(folder, func(s *segment) error {
		s.folder = into
		rows, err := s.writeParquet()
		if err == nil && rows > 0 {
			written = append(written, s.path(parquetExtension))
			err = errors.Join(s.sync(), s.disk.Rename(s.unfinished(), s.path(parquetExtension)))
		}
		return err
	})
	return written, err
}

// Unfinished is what is in write-ahead files.
type Unfinished struct {
	// Rows are in no Parquet file yet, so that training does not have them; Since is when the oldest file was begun.
	Rows  int64
	Since time.Time
}

// Unrolled counts the rows of a log that are in write-ahead files, whichever process holds those. It reads the files
// whole, so it ends with ctx.
func Unrolled(ctx context.Context, folder string) (Unfinished, error) {
	var found Unfinished
	err := eachUnfinished(folder, func(s *segment) error {
		before := found.Rows
		err := s.read(func(batch arrow.RecordBatch) error { found.Rows += batch.NumRows(); return context.Cause(ctx) })
		if begun, ok := begunAt(s.name); ok && before == 0 && found.Rows > 0 {
			found.Since = begun
		}
		return err
	})
	return found, err
}

// eachUnfinished opens the write-ahead files that have no Parquet file, in the order of their names, to read them.
func eachUnfinished(folder string, do func(*segment) error) error {
	paths, err := filepath.Glob(filepath.Join(folder, "*"+walExtension))
	if err != nil {
		return fmt.Errorf("look for write-ahead files: %w", err)
	}
	slices.Sort(paths)
	for _, path := range paths {
		s := &segment{folder: folder, name: strings.TrimSuffix(filepath.Base(path), walExtension)}
		if s.file, err = s.disk.Open(path); errors.Is(err, os.ErrNotExist) {
			continue // It has become a Parquet file meanwhile.
		}
		if err != nil {
			return err
		}
		if _, missing := os.Stat(s.path(parquetExtension)); errors.Is(missing, os.ErrNotExist) {
			if err = s.measure(); err == nil {
				err = do(s)
			}
		}
		if err = errors.Join(err, s.close()); err != nil {
			return fmt.Errorf("read the pushed rows in %s: %w", path, err)
		}
	}
	return nil
}
