package auditlog

import (
	"bufio"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/plumbstore/plumb/internal/disk"
)

// Extensions of log files.
const (
	extension        = ".parquet"
	partialExtension = extension + ".partial"
)

// rowGroupBytes and rowGroupRows are when gathered rows are encoded and go to the file.
const (
	rowGroupBytes = 8 << 20
	rowGroupRows  = 1 << 16
)

// file is one that is being written. Its partial file is made with the first row group, and locked for as long as it is
// open, so that no other process takes it for one that a killed process left.
type file struct {
	encoder *encoder
	disk    disk.Disk
	// path lacks the extension.
	path  string
	begun time.Time
	// rows are those in the file and in the encoder.
	rows int64

	out      *disk.File
	buffered *bufio.Writer
	parquet  *pqarrow.FileWriter
	written  int64
}

// size is what the file takes when it is finished, roughly.
func (f *file) size() int64 { return f.written + int64(f.encoder.bytes) }

// Write counts what goes to the file; it is what the Parquet writer writes to.
func (f *file) Write(data []byte) (int, error) {
	n, err := f.buffered.Write(data)
	f.written += int64(n)
	return n, err
}

// flush encodes what was gathered as a row group.
func (f *file) flush() error {
	if f.encoder.rows == 0 {
		return nil
	}
	if f.out == nil {
		if err := f.create(); err != nil {
			return err
		}
	}
	batch, err := f.encoder.take()
	if err != nil {
		return err
	}
	defer batch.Release()
	if err := f.parquet.NewRowGroupChecked(); err != nil {
		return err
	}
	for _, column := range batch.Columns() {
		if err := f.parquet.WriteColumnData(column); err != nil {
			return err
		}
		runtime.Gosched() // A row group takes a while, and look-ups are answered first.
	}
	return nil
}

func (f *file) create() error {
	if err := f.disk.MkdirAll(filepath.Dir(f.path), 0o750); err != nil {
		return err
	}
	var err error
	// What was served may be personal, so it is for the server's user and group alone.
	// If the file system has no locks, a partial file stays when its process is killed.
	if f.out, err = f.disk.CreateLocked(f.path+partialExtension, 0o640); err != nil {
		return err
	}
	const buffer = 256 << 10
	f.buffered = bufio.NewWriterSize(f.out, buffer)
	f.parquet, err = pqarrow.NewFileWriter(f.encoder.layout.schema, f, properties(f.encoder.layout),
		pqarrow.DefaultWriterProps())
	return err
}

// properties encode numbers plainly: most are seldom repeated, and looking for repetition costs more than it saves.
func properties(layout *Layout) *parquet.WriterProperties {
	options := []parquet.WriterProperty{
		parquet.WithCompression(compress.Codecs.Snappy), parquet.WithDictionaryDefault(false),
		parquet.WithStats(false), parquet.WithStatsFor(ServedAtColumn, true), parquet.WithStatsFor(AtColumn, true),
		parquet.WithMaxRowGroupLength(2 * rowGroupRows),
	}
	for _, output := range layout.header.Outputs {
		options = append(options, parquet.WithDictionaryFor(output.Status, true))
	}
	return parquet.NewWriterProperties(options...)
}

// finish makes the file whole, durable, and known by its name. It returns the size. The order is that of these words: a
// file that readers can see by its name has a footer, and all of its bytes are on the disk.
func (f *file) finish() (int64, error) {
	if err := f.flush(); err != nil {
		return 0, err
	}
	if err := errors.Join(f.parquet.Close(), f.buffered.Flush(), f.out.Sync()); err != nil {
		return 0, err
	}
	if err := f.disk.Rename(f.path+partialExtension, f.path+extension); err != nil {
		return 0, err
	}
	// After the rename, so that nobody can take the file for one that was left.
	err := f.out.Close()
	f.out = nil
	return f.written, err
}

// abandon removes what there is of the partial file. If only the name of a finished one may not be durable, that stays.
func (f *file) abandon() error {
	if f.out == nil {
		return nil
	}
	err := errors.Join(f.disk.Discard(f.path+partialExtension), f.out.Close())
	f.out = nil
	return err
}

// removeLeft removes the partial files that killed processes left in a project's folder.
func removeLeft(on disk.Disk, project string) error {
	left, err := filepath.Glob(filepath.Join(escape(project), dayPattern, "*"+partialExtension))
	if err != nil {
		return err
	}
	var failures []error
	for _, path := range left {
		failures = append(failures, removeUnlocked(on, path))
	}
	return errors.Join(failures...)
}

func removeUnlocked(on disk.Disk, path string) error {
	partial, err := on.TakeOver(path)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, disk.ErrTaken) {
		return nil // Its writer has finished it, or is writing it.
	}
	if err != nil {
		return err
	}
	return errors.Join(on.Discard(path), partial.Close())
}
