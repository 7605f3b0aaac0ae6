// Package parquetfile opens untrusted Parquet files.
//
// Decoders trust the footer: a file of 37 bytes that claims two billion columns takes all memory there is, and columns
// that are nested thousands of levels deep overflow a stack. Neither can be recovered from. So this package first
// checks a footer against the bytes that are there. A caller opens a Parquet file here before it passes the file to a
// decoder, DuckDB included.
package parquetfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/metadata"

	"github.com/plumbstore/plumb/internal/disk"
)

const (
	// MaxDepth bounds how deep columns may lie in each other.
	MaxDepth = 64
	// MaxColumns bounds the columns of a file, counting those within others.
	MaxColumns = 20_000
	// MaxFooter bounds the bytes of a footer, which takes several times as much memory once it is decoded.
	MaxFooter = 64 << 20
)

// tailLength is what a file ends with: four bytes that are the footer's length, and four that are the same in all.
const tailLength = 8

// Open opens a Parquet file. An error that is no *fs.PathError says in what the file is damaged.
func Open(path string, options ...file.ReadOption) (*file.Reader, error) {
	opened, err := disk.OpenRegular(path)
	if err != nil {
		return nil, err
	}
	reader, err := NewReader(opened, options...)
	if err != nil {
		return nil, errors.Join(err, opened.Close())
	}
	return reader, nil
}

// NewReader reads and checks the footer of an open file. Closing the reader closes the file.
func NewReader(opened *os.File, options ...file.ReadOption) (reader *file.Reader, err error) {
	defer func() {
		if damage := recover(); damage != nil {
			reader, err = nil, fmt.Errorf("its footer is damaged: %v", damage)
		}
	}()
	contents, _, err := Contents(opened)
	if err != nil {
		return nil, err
	}
	return file.NewParquetReader(opened, append(options, file.WithMetadata(contents))...)
}

// OfBytes reads and checks the footer of a Parquet file that is in memory.
func OfBytes(content []byte) (reader *file.Reader, err error) {
	defer func() {
		if damage := recover(); damage != nil {
			reader, err = nil, fmt.Errorf("its footer is damaged: %v", damage)
		}
	}()
	from := bytes.NewReader(content)
	contents, _, err := contentsOf(from, from.Size())
	if err != nil {
		return nil, err
	}
	return file.NewParquetReader(from, file.WithMetadata(contents))
}

// Contents reads and checks the footer of an open file, and returns its bytes too.
func Contents(opened *os.File) (contents *metadata.FileMetaData, footer []byte, err error) {
	defer func() {
		if damage := recover(); damage != nil {
			contents, footer, err = nil, nil, fmt.Errorf("its footer is damaged: %v", damage)
		}
	}()
	info, err := opened.Stat()
	if err != nil {
		return nil, nil, err
	}
	return contentsOf(opened, info.Size())
}

// contentsOf is Contents, and may panic on what is damaged.
func contentsOf(opened io.ReaderAt, size int64) (contents *metadata.FileMetaData, footer []byte, err error) {
	if footer, err = Footer(opened, size); err != nil {
		return nil, nil, err
	}
	if err := checkFooter(footer); err != nil {
		return nil, nil, fmt.Errorf("its footer is damaged: %w", err)
	}
	// The very bytes that were checked are decoded: the file may change meanwhile.
	if contents, err = metadata.NewFileMetaData(footer, nil); err != nil {
		return nil, nil, fmt.Errorf("its footer is damaged: %w", err)
	}
	contents.SetSourceFileSize(size)
	if err := checkGroups(contents, size); err != nil {
		return nil, nil, fmt.Errorf("its footer is damaged: %w", err)
	}
	return contents, footer, nil
}

// Footer returns the bytes of a file's footer, which nothing is known of but that they are there.
func Footer(opened io.ReaderAt, size int64) ([]byte, error) {
	var tail [tailLength]byte
	if size < 4+tailLength {
		return nil, errors.New("it is not a whole Parquet file: it is too short")
	}
	if _, err := opened.ReadAt(tail[:], size-tailLength); err != nil {
		return nil, err
	}
	switch string(tail[4:]) {
	case "PAR1":
	case "PARE":
		return nil, errors.New("its footer is encrypted, which is not supported")
	default:
		return nil, errors.New("it is not a whole Parquet file: it does not end as one")
	}
	length := int64(binary.LittleEndian.Uint32(tail[:]))
	switch {
	case length > size-4-tailLength:
		return nil, fmt.Errorf("it is not a whole Parquet file: a footer of %d bytes does not fit in", length)
	case length > MaxFooter:
		return nil, fmt.Errorf("its footer has %d bytes; at most %d are read", length, MaxFooter)
	}
	footer := make([]byte, length)
	if _, err := opened.ReadAt(footer, size-tailLength-length); err != nil {
		return nil, err
	}
	return footer, nil
}
