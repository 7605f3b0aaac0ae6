package pulled

import (
	"encoding/json"
	"errors"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/plumbstore/plumb/internal/disk"
)

const (
	// groupRows and groupBytes bound a row group, which is in memory until it is whole.
	groupRows, groupBytes = 1 << 17, 64 << 20
	// manyGroups is after how many row groups they become larger, so that a footer stays smaller than what readers take:
	// by growth in rows, and twice in bytes.
	manyGroups, growth = 256, 8
)

// writer writes a file that gets its name once it is whole.
type writer struct {
	disk    disk.Disk
	path    string
	file    *disk.File
	parquet *pqarrow.FileWriter
	// rows are those of the current row group, and groups how many came before it.
	rows   int64
	groups int
}

// keptOpen is a file that the Parquet writer does not close, since it has to be synced after.
type keptOpen struct{ *disk.File }

func (keptOpen) Close() error { return nil }

func newWriter(on disk.Disk, path string, fields []arrow.Field) (*writer, error) {
	file, err := on.CreatePartial(path)
	if err != nil {
		return nil, err
	}
	properties := parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Snappy),
		parquet.WithMaxRowGroupLength(groupRows*growth))
	made, err := pqarrow.NewFileWriter(arrow.NewSchema(fields, nil), keptOpen{file}, properties,
		pqarrow.DefaultWriterProps())
	w := &writer{disk: on, path: path, file: file, parquet: made}
	if err != nil {
		return nil, errors.Join(err, w.discard())
	}
	return w, nil
}

// write adds rows.
func (w *writer) write(batch arrow.RecordBatch) error {
	mostRows, mostBytes := int64(groupRows), int64(groupBytes)
	if w.groups >= manyGroups {
		mostRows, mostBytes = mostRows*growth, mostBytes*2
	}
	if w.rows+batch.NumRows() > mostRows || w.rows > 0 && w.parquet.RowGroupTotalBytesWritten() > mostBytes {
		w.parquet.NewBufferedRowGroup()
		w.rows, w.groups = 0, w.groups+1
	}
	w.rows += batch.NumRows()
	return w.parquet.WriteBuffered(batch)
}

// publish gives the file its name. After an error it has no name, or its name may not survive a power failure.
func (w *writer) publish(h header) error {
	text, err := json.Marshal(h)
	if err == nil {
		err = w.parquet.AppendKeyValueMetadata(headerKey, string(text))
	}
	if err == nil {
		err = w.parquet.Close()
	}
	if err == nil {
		err = w.file.Sync()
	}
	if err == nil {
		err = w.file.Close()
	}
	if err != nil {
		return errors.Join(err, w.discard())
	}
	return w.disk.Rename(w.file.Name(), w.path)
}

// discard removes what was written.
func (w *writer) discard() error {
	_ = w.file.Close() // Nothing of it counts.
	return w.disk.Discard(w.file.Name())
}
