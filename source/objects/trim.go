package objects

import (
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/plumbstore/plumb/internal/disk"
)

// trimEntry leaves the footer of a Parquet file, and removes an entry that has none. The caller holds the entry. The
// extents are emptied before the data changes, and say what is there after the data is on disk. So a process that is
// killed in between costs what has to be fetched again.
func trimEntry(folder string) (err error) {
	e := &entry{folder: folder, path: onlyFile(filepath.Join(folder, "o")), durable: true}
	defer func() { err = errors.Join(err, e.close()) }()
	kept, err := e.footer()
	if err != nil {
		return err
	}
	if kept == nil {
		return removeEntry(folder)
	}
	if length(kept) == length(e.there) {
		return nil
	}
	if err := e.ranks.Truncate(0); err != nil {
		return err
	}
	if err := e.sync(e.ranks); err != nil {
		return err
	}
	if err := e.replace(kept); err != nil {
		return removeEntry(folder) // Maybe the disk is full.
	}
	return e.append(kept)
}

// onlyFile is the path of the one file below a folder; empty if there is none.
func onlyFile(folder string) (found string) {
	_ = filepath.WalkDir(folder, func(path string, each fs.DirEntry, err error) error {
		if err == nil && each.Type().IsRegular() {
			found = path
			return fs.SkipAll
		}
		return nil
	})
	return found
}

// footer opens the entry, and returns what is there of the footer and of the end that EnsureFooter asks for; nil if the
// footer is not there whole, or the entry is damaged.
func (e *entry) footer() ([]Range, error) {
	var err error
	if e.data, err = os.OpenFile(e.path, os.O_RDONLY|syscall.O_NOFOLLOW, 0); err != nil {
		return nil, ignoreMissing(err)
	}
	if e.ranks, err = os.OpenFile(filepath.Join(e.folder, "extents"), os.O_RDWR|syscall.O_NOFOLLOW, 0); err != nil {
		return nil, ignoreMissing(err)
	}
	info, err := e.data.Stat()
	if err != nil {
		return nil, err
	}
	e.size = info.Size()
	if e.there, err = e.recorded(); err != nil {
		return nil, err
	}
	start, ok := e.footerStart()
	if !ok || without([]Range{{start, e.size}}, e.there) != nil {
		return nil, nil
	}
	end := []Range{{max(0, min(start, e.size-tail)), e.size}}
	return without(end, without(end, e.there)), nil
}

// footerStart is where the footer begins by the last bytes of the data, which need not be there.
func (e *entry) footerStart() (int64, bool) {
	last := make([]byte, footerEnd)
	if e.size < footerEnd {
		return 0, false
	}
	if _, err := e.data.ReadAt(last, e.size-footerEnd); err != nil {
		return 0, false
	}
	return footerStart(last, e.size)
}

// replace puts a file in the place of the data that has nothing but some ranges of it.
func (e *entry) replace(kept []Range) (err error) {
	path := filepath.Join(e.folder, "o", ".trimmed") // No bucket has this name.
	trimmed, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, trimmed.Close()) }()
	for _, r := range kept {
		from, to := io.NewSectionReader(e.data, r.Start, r.Length()), io.NewOffsetWriter(trimmed, r.Start)
		if _, err := io.Copy(to, from); err != nil {
			return err
		}
	}
	if err := trimmed.Truncate(e.size); err != nil {
		return err
	}
	if err := e.sync(trimmed); err != nil {
		return err
	}
	return disk.Real().Rename(path, e.path)
}

func length(ranges []Range) (bytes int64) {
	for _, r := range ranges {
		bytes += r.Length()
	}
	return bytes
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// footerEnd is how many bytes at the end of a Parquet file say where its footer begins.
const footerEnd = 8

// footerStart is where the footer of a Parquet file begins, by the last bytes of the file. What is not a Parquet file,
// or has a footer that does not fit, has none.
func footerStart(last []byte, size int64) (int64, bool) {
	length := int64(binary.LittleEndian.Uint32(last))
	if string(last[4:]) != "PAR1" || length > size-footerEnd {
		return 0, false
	}
	return size - footerEnd - length, true
}
