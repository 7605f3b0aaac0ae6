package auditlog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	parquetreader "github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/arrowipc"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/gitlfs"
	"github.com/plumbstore/plumb/internal/parquetfile"
)

// dayForm is what the folders of days are named in, dayPattern what they look like.
const (
	dayForm    = "2006-01-02"
	dayPattern = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]"
)

// Find returns the finished files of a project that may hold look-ups which were served from one instant to another,
// both inclusive, in the order in which they were begun. A folder that is not there is a *fault.InputError.
func Find(folder, project string, from, to feature.Instant) ([]string, error) {
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return nil, fault.Inputf(folder, "is not a folder; name the folder of the audit log")
	}
	found, err := filepath.Glob(filepath.Join(escape(filepath.Join(folder, project)), dayPattern, "*"+extension))
	if err != nil {
		return nil, fmt.Errorf("look for audit logs: %w", err)
	}
	found = slices.DeleteFunc(found, func(path string) bool {
		day, err := time.Parse(dayForm, filepath.Base(filepath.Dir(path)))
		return err != nil || feature.InstantOf(day) > to || feature.InstantOf(day.AddDate(0, 0, 1)) <= from
	})
	slices.Sort(found)
	return found, nil
}

// escape makes a path stand for itself in a pattern.
func escape(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// File is a finished log file that was opened. It is for one goroutine.
type File struct {
	Path   string
	Header Header
	// Rows is how many there are.
	Rows int64

	parquet   *parquetreader.Reader
	allocator memory.Allocator
}

// batchBytes bounds the memory that is held of a file at a time, whatever the file says of itself.
const batchBytes = 1 << 30

// Open reads the header of a file. The caller closes it. A file that is not a log, or is damaged, is a
// *fault.InputError; one of a later format is an error that wraps fault.ErrNewer.
func Open(path string) (*File, error) {
	if _, pointer := gitlfs.Read(path); pointer {
		return nil, fault.Inputf(path, "is a Git LFS pointer and not the file itself; run git lfs pull")
	}
	allocator := arrowipc.NewCapped(batchBytes)
	opened, err := parquetfile.Open(path, parquetreader.WithReadProps(parquet.NewReaderProperties(allocator)))
	if err != nil {
		if _, ok := errors.AsType[*fs.PathError](err); ok {
			return nil, fault.Inputf(path, "cannot be read: %v", err)
		}
		return nil, fault.Inputf(path, "is not a whole Parquet file: %v", err)
	}
	f := &File{Path: path, Rows: opened.NumRows(), parquet: opened, allocator: allocator}
	text := opened.MetaData().KeyValueMetadata().FindValue(metadataKey)
	if text == nil {
		return nil, errors.Join(fault.Inputf(path, "is not an audit log: its metadata has no %q", metadataKey),
			opened.Close())
	}
	f.Header, err = parseHeader(*text)
	switch {
	case errors.Is(err, fault.ErrNewer):
		return nil, errors.Join(fmt.Errorf("the audit log %s: %w", path, err), opened.Close())
	case err != nil:
		return nil, errors.Join(fault.Inputf(path, "is not an audit log that can be read: %v", err), opened.Close())
	}
	return f, nil
}

// Read yields all rows in batches, in the order in which they were served: the columns of the package's description,
// statuses as STRING. A batch is valid until the next. A damaged file is a *fault.InputError. Fewer rows than the
// footer says are damage too.
func (f *File) Read(ctx context.Context, yield func(arrow.RecordBatch) error) (err error) {
	defer func() {
		if damage := recover(); damage != nil { // A damaged file is allowed to break the decoder, and nothing else.
			err = fault.Inputf(f.Path, "is damaged: %v", damage)
		}
	}()
	const batch = 8192
	reader, err := pqarrow.NewFileReader(f.parquet, pqarrow.ArrowReadProperties{BatchSize: batch}, f.allocator)
	if err != nil {
		return fault.Inputf(f.Path, "is damaged: %v", err)
	}
	records, err := reader.GetRecordReader(ctx, nil, nil)
	if err != nil {
		return fault.Inputf(f.Path, "is damaged: %v", err)
	}
	defer records.Release()
	rows := int64(0)
	for records.Next() {
		if err := f.Header.checkColumns(records.RecordBatch().Schema()); err != nil {
			return fault.Inputf(f.Path, "is damaged: %v", err)
		}
		rows += records.RecordBatch().NumRows()
		if err := yield(records.RecordBatch()); err != nil {
			return err
		}
	}
	if err := records.Err(); err != nil && ctx.Err() == nil {
		return fault.Inputf(f.Path, "is damaged: %v", err)
	}
	if ctx.Err() == nil && rows != f.Rows {
		return fault.Inputf(f.Path, "is damaged: %d of %d rows can be read", rows, f.Rows)
	}
	return ctx.Err()
}

// Close closes the file.
func (f *File) Close() error { return f.parquet.Close() }
