package pushlog

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/plumbstore/plumb/internal/disk"
)

// roll makes a Parquet file of a write-ahead file and removes the latter. It may be called again if it failed.
//
// doubtful stands for a Parquet file whose name is there and may not survive a power failure, since renaming or syncing
// the folder has failed. The write-ahead file is not removed on the strength of such a name. The next attempt writes
// and renames the Parquet file anew, as a second sync may succeed without having written anything.
func (s *segment) roll(elsewhere Rolled) error {
	if elsewhere != nil {
		return s.keep(elsewhere)
	}
	if _, err := os.Stat(s.path(parquetExtension)); err == nil && !s.doubtful {
		// A process was killed between the two steps, perhaps before the name was durable.
		if err := s.disk.SyncFolder(s.folder); err != nil {
			s.doubtful = true
			return err
		}
		return s.remove()
	}
	rows, err := s.writeParquet()
	if err != nil {
		return errors.Join(err, s.disk.Discard(s.unfinished()))
	}
	if rows > 0 {
		s.doubtful = true
		if err := s.disk.Rename(s.unfinished(), s.path(parquetExtension)); err != nil {
			return err
		}
		s.doubtful = false
	}
	return s.remove()
}

// keepTime bounds the time in which a Parquet file is kept elsewhere. It is tried again the next time.
const keepTime = 2 * time.Minute

// keep is roll for a log whose Parquet files are kept elsewhere. A process that is killed after the file was kept
// leaves the write-ahead file, of which the next one makes the same file and finds it kept.
func (s *segment) keep(elsewhere Rolled) error {
	rows, err := s.writeParquet()
	if err == nil && rows > 0 {
		ctx, cancel := context.WithTimeout(context.Background(), keepTime)
		defer cancel()
		err = elsewhere.Keep(ctx, s.unfinished(), s.name+parquetExtension)
	}
	if err == nil {
		err = s.mark()
	}
	if err != nil {
		return errors.Join(err, s.disk.Discard(s.unfinished()))
	}
	return s.remove()
}

// rolledExtension is that of the file that stands for those that were kept elsewhere, so that later names are greater.
const rolledExtension = ".rolled"

// mark leaves the name of the file in the folder, in the place of lesser ones.
func (s *segment) mark() error {
	if err := s.disk.Write(s.path(rolledExtension), func(io.Writer) error { return nil }); err != nil {
		return err
	}
	entries, err := os.ReadDir(s.folder)
	if err != nil {
		return err
	}
	var lesser []string
	for _, entry := range entries {
		if strings.HasSuffix(entry.Name(), rolledExtension) && entry.Name() < s.name && entry.Name()[0] != '.' {
			lesser = append(lesser, filepath.Join(s.folder, entry.Name()))
		}
	}
	return s.disk.Remove(lesser...)
}

// unfinished is the name of a Parquet file that is being written, which no reader takes for one.
func (s *segment) unfinished() string { return s.path(".unfinished") }

func (s *segment) remove() error {
	if err := s.disk.Remove(s.unfinished(), s.path(walExtension)); err != nil {
		return err // The file is still held, for the next attempt.
	}
	_ = s.close() // Nothing is in it that is not in the Parquet file.
	return nil
}

// rowGroup is the most rows of a row group.
const rowGroup = 1 << 17

// writeParquet writes the rows to the unfinished file, durably. Without rows it writes none.
func (s *segment) writeParquet() (rows int64, err error) {
	var writer *pqarrow.FileWriter
	var file *disk.File
	defer func() {
		if file != nil {
			err = errors.Join(err, file.Close())
		}
	}()
	err = s.read(func(batch arrow.RecordBatch) error {
		rows += batch.NumRows()
		if writer == nil {
			if err := s.disk.Discard(s.unfinished()); err != nil {
				return err
			}
			if file, err = s.disk.Create(s.unfinished(), 0o644); err != nil {
				return err
			}
			if writer, err = newWriter(file, batch.Schema().Fields()); err != nil {
				return err
			}
		}
		return writer.WriteBuffered(batch)
	})
	if writer == nil || err != nil {
		return rows, err
	}
	if err := writer.Close(); err != nil {
		return rows, err
	}
	return rows, file.Sync()
}

// keptOpen is a file that a writer does not close, since it has to be synced after.
type keptOpen struct{ *disk.File }

func (keptOpen) Close() error { return nil }

// newWriter writes no metadata of the records, which is that of each alone.
func newWriter(file *disk.File, fields []arrow.Field) (*pqarrow.FileWriter, error) {
	properties := parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Snappy),
		parquet.WithMaxRowGroupLength(rowGroup))
	return pqarrow.NewFileWriter(arrow.NewSchema(fields, nil), keptOpen{file}, properties, pqarrow.DefaultWriterProps())
}
