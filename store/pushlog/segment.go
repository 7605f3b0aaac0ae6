package pushlog

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"

	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/fault"
)

// A write-ahead file is the 8 bytes of magic, a version byte, and records. A record is, big-endian, 4 bytes with the
// length of its payload, 4 bytes with the payload's CRC-32C, and the payload: an Arrow IPC stream of its own, with
// schema and rows. The first record that is cut short or does not have its checksum ends the file: it was being
// appended when the process was killed. So a file of one record with a payload of 504 bytes has 521 bytes:
//
//	plumblog 01 | 00 00 01 f8 | checksum | 504 bytes of Arrow
//
// A record carries its schema although the file has one, so that it is read without those before it (readFrom), and has
// metadata of its own.
//
// The bytes are durable: walVersion changes whenever they do.
const (
	magic      = "plumblog"
	walVersion = 1
	headerSize = len(magic) + 1
	// frameSize is what precedes a payload.
	frameSize = 8
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// segment is one write-ahead file, locked for as long as it is open.
type segment struct {
	disk         disk.Disk
	folder, name string
	file         *disk.File
	// schema is that of all rows; nil of a file that was taken over.
	schema *arrow.Schema
	begun  time.Time
	// size is that of what is durable, and the file is read up to it: what follows was never acknowledged. rows are those
	// before it; online of them are known to be online: those before the offset settled.
	size, rows, online, settled int64
	// newBytes and newRows were appended since.
	newBytes, newRows int64
	// rolling says that the file is becoming a Parquet file, doubtful that this has one whose name may not be durable.
	rolling, doubtful bool
}

func (s *segment) path(extension string) string { return filepath.Join(s.folder, s.name+extension) }

// newSegment makes a write-ahead file. It fails with disk.ErrTaken if another process has taken the file over while it
// was empty: that process removes it, and what is written to it would be lost.
func newSegment(on disk.Disk, folder, name string, schema *arrow.Schema, begun time.Time) (*segment, error) {
	s := &segment{disk: on, folder: folder, name: name, schema: schema, begun: begun}
	var err error
	if s.file, err = on.CreateLocked(s.path(walExtension), 0o644); err != nil {
		return nil, err
	}
	err = s.put(append([]byte(magic), walVersion))
	if err == nil {
		err = on.SyncFolder(folder)
	}
	if err != nil {
		return nil, errors.Join(err, on.Discard(s.path(walExtension)), s.close())
	}
	return s, nil
}

// takeOver opens and locks a write-ahead file; nil if another process has it, or has made a Parquet file of it.
func takeOver(on disk.Disk, folder, name string) (*segment, error) {
	s := &segment{disk: on, folder: folder, name: name}
	var err error
	s.file, err = on.TakeOver(s.path(walExtension))
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, disk.ErrTaken) {
		return nil, nil //nolint:nilnil // There is nothing to take over, and nothing wrong.
	}
	if err != nil {
		return nil, fmt.Errorf("take over %s, which a killed process has left: %w", s.path(walExtension), err)
	}
	if err := s.count(); err != nil {
		return nil, errors.Join(fmt.Errorf("take over %s, which a killed process has left: %w", s.path(walExtension), err),
			s.close())
	}
	return s, nil
}

// count finds out how much a file has that was taken over, and makes that durable: the process that was killed may not
// have come to that.
func (s *segment) count() error {
	if err := errors.Join(s.file.Sync(), s.disk.SyncFolder(s.folder)); err != nil {
		return err
	}
	if err := s.measure(); err != nil {
		return err
	}
	return s.read(func(batch arrow.RecordBatch) error { s.rows += batch.NumRows(); return nil })
}

// measure takes all that is in the file as durable.
func (s *segment) measure() error {
	info, err := s.file.Stat()
	if err == nil {
		s.size = info.Size()
	}
	return err
}

// append writes one record. It is durable after sync.
func (s *segment) append(batch arrow.RecordBatch) error {
	var record bytes.Buffer
	record.Write(make([]byte, frameSize))
	writer := ipc.NewWriter(&record, ipc.WithSchema(batch.Schema()))
	if err := errors.Join(writer.Write(batch), writer.Close()); err != nil {
		return err
	}
	payload := record.Bytes()[frameSize:]
	binary.BigEndian.PutUint32(record.Bytes(), uint32(len(payload)))
	binary.BigEndian.PutUint32(record.Bytes()[4:], crc32.Checksum(payload, castagnoli))
	s.newRows += batch.NumRows()
	return s.put(record.Bytes())
}

func (s *segment) put(data []byte) error {
	n, err := s.file.Write(data)
	s.newBytes += int64(n)
	return err
}

func (s *segment) sync() error {
	if err := s.file.Sync(); err != nil {
		return err
	}
	s.size, s.rows = s.size+s.newBytes, s.rows+s.newRows
	s.newBytes, s.newRows = 0, 0
	return nil
}

// cut takes off what is not known to be durable, so that nobody takes it over as if it were. This process does not read
// it even if that fails.
func (s *segment) cut() {
	if s != nil {
		_ = s.file.Truncate(s.size)
	}
}

func (s *segment) close() error { return s.file.Close() }

// read yields the rows of the whole records, in order.
func (s *segment) read(yield func(arrow.RecordBatch) error) error {
	return s.readFrom(0, func(batch arrow.RecordBatch, _ int64) error { return yield(batch) })
}

// readFrom is read of the records from an offset on, at which a record begins, or 0. It yields where each record ends.
func (s *segment) readFrom(offset int64, yield func(batch arrow.RecordBatch, end int64) error) error {
	reader := bufio.NewReader(io.NewSectionReader(s.file, offset, s.size-offset))
	if offset == 0 {
		if whole, err := readHeader(reader); err != nil || !whole {
			return err
		}
		offset = int64(headerSize)
	}
	for {
		payload, ok, err := readRecord(reader, s.size-offset)
		if err != nil || !ok {
			return err
		}
		offset += int64(frameSize + len(payload))
		err = yieldRecord(payload, func(batch arrow.RecordBatch) error { return yield(batch, offset) })
		if err != nil {
			return err
		}
	}
}

// readHeader says whether the file has one. A process may have been killed before it had; if the power failed then, the
// file may have zeros in its place.
func readHeader(r io.Reader) (bool, error) {
	header := make([]byte, headerSize)
	whole, err := readWhole(r, header)
	switch {
	case err != nil || !whole:
		return false, err
	case bytes.Equal(header, make([]byte, headerSize)):
		return false, nil
	case string(header[:len(magic)]) != magic:
		return false, errors.New("the file is no write-ahead file of pushed rows")
	case header[len(magic)] > walVersion:
		return false, fmt.Errorf("the write-ahead file has version %d, this version reads up to %d: %w", header[len(magic)],
			walVersion, fault.ErrNewer)
	}
	return true, nil
}

// readRecord returns the next payload, and false at the end or at a record that is not whole. The length is compared
// with what is left of the file before memory is taken for the payload: in a damaged file it may say anything.
func readRecord(r io.Reader, left int64) ([]byte, bool, error) {
	if left < frameSize {
		return nil, false, nil
	}
	frame := make([]byte, frameSize)
	if whole, err := readWhole(r, frame); err != nil || !whole {
		return nil, false, err
	}
	length := binary.BigEndian.Uint32(frame)
	if int64(length) > left-frameSize {
		return nil, false, nil
	}
	payload := make([]byte, length)
	if whole, err := readWhole(r, payload); err != nil || !whole {
		return nil, false, err
	}
	return payload, crc32.Checksum(payload, castagnoli) == binary.BigEndian.Uint32(frame[4:]) && length > 0, nil
}

// readWhole fills into, and returns false if the file ends before that: another process may have cut off what it could
// not make durable.
func readWhole(r io.Reader, into []byte) (bool, error) {
	_, err := io.ReadFull(r, into)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return false, nil
	}
	return err == nil, err
}

func yieldRecord(payload []byte, yield func(arrow.RecordBatch) error) error {
	reader, err := ipc.NewReader(bytes.NewReader(payload))
	if err != nil {
		return fmt.Errorf("read a record of pushed rows: %w", err)
	}
	defer reader.Release()
	for reader.Next() {
		if err := yield(reader.RecordBatch()); err != nil {
			return err
		}
	}
	return reader.Err()
}
