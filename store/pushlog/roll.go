package pushlog

import (
	"errors"
	"os"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/plumbstore/plumb/internal/wholefile"
)

// roll makes a Parquet file of a write-ahead file and removes the latter. It may be called again if it failed.
func (s *segment) roll() error {
	if _, err := os.Stat(s.path(parquetExtension)); err == nil {
		return s.remove() // A process was killed between the two steps.
	}
	rows, err := s.writeParquet()
	if err != nil {
		return errors.Join(err, ignoreMissing(os.Remove(s.unfinished())))
	}
	if rows > 0 {
		if err := wholefile.Rename(s.unfinished(), s.path(parquetExtension)); err != nil {
			return err
		}
	}
	return s.remove()
}

// unfinished is the name of a Parquet file that is being written, which no reader takes for one.
func (s *segment) unfinished() string { return s.path(".unfinished") }

func (s *segment) remove() error {
	return errors.Join(ignoreMissing(os.Remove(s.unfinished())), ignoreMissing(os.Remove(s.path(walExtension))),
		wholefile.SyncFolder(s.folder), s.close())
}

func ignoreMissing(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// rowGroup is the most rows of a row group.
const rowGroup = 1 << 17

// writeParquet writes the rows to the unfinished file, durably. Without rows it writes none.
func (s *segment) writeParquet() (rows int64, err error) {
	var writer *pqarrow.FileWriter
	var file *os.File
	defer func() {
		if file != nil {
			err = errors.Join(err, file.Close())
		}
	}()
	err = s.read(func(batch arrow.RecordBatch) error {
		rows += batch.NumRows()
		if writer == nil {
			if file, err = os.Create(s.unfinished()); err != nil {
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
type keptOpen struct{ *os.File }

func (keptOpen) Close() error { return nil }

// newWriter writes no metadata of the records, which is that of each alone.
func newWriter(file *os.File, fields []arrow.Field) (*pqarrow.FileWriter, error) {
	properties := parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Snappy),
		parquet.WithMaxRowGroupLength(rowGroup))
	return pqarrow.NewFileWriter(arrow.NewSchema(fields, nil), keptOpen{file}, properties, pqarrow.DefaultWriterProps())
}
