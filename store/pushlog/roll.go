package pushlog

import (
	"errors"
	"os"

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
func (s *segment) roll() error {
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
