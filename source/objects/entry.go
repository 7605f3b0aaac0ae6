package objects

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/plumbstore/plumb/internal/disk"
)

// An entry of a cache is the folder of one version of one object. It holds
//
//	lock       held in common by each process that uses the entry, and alone by the one that removes it
//	extents    which bytes of the data are there
//	o/B/K      the data: a sparse file, by the bucket and the key, since engines take partitions from folders' names
//
// Data is on disk before extents say that it is there. So a process that is killed at any moment leaves bytes that
// nobody believes in, and never a hole that somebody does.
type entry struct {
	folder string
	path   string
	size   int64
	// durable says that others read the entry later, maybe after a power failure.
	durable           bool
	lock, data, ranks *os.File
	// there are the bytes that are known to be there, merged.
	there []Range
}

// entryName tells versions of objects of all servers apart.
func entryName(endpoint string, object Object) string {
	digest := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q %d", endpoint, object.Bucket, object.Key, object.ETag,
		object.Size))
	return hex.EncodeToString(digest[:])
}

// openEntry opens the entry of an object below a folder, and makes it if it is not there.
func openEntry(below, endpoint string, object Object, durable bool) (*entry, error) {
	e := &entry{folder: filepath.Join(below, entryName(endpoint, object)), size: object.Size, durable: durable}
	e.path = filepath.Join(e.folder, "o", object.Local())
	if err := e.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("keep a part of %s: %w", object, err), e.close())
	}
	return e, nil
}

func (e *entry) open() error {
	if err := e.hold(); err != nil {
		return err
	}
	var err error
	if e.ranks, err = os.OpenFile(filepath.Join(e.folder, "extents"), os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW,
		0o600); err != nil {
		return err
	}
	return e.alone(e.ready)
}

// hold locks the entry in common with others. A lock that has lost its name is that of an entry which was removed.
func (e *entry) hold() error {
	for {
		if err := disk.Real().MkdirAll(filepath.Dir(e.path), 0o700); err != nil {
			return err
		}
		lock, err := os.OpenFile(filepath.Join(e.folder, "lock"), os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if err := flock(lock, syscall.LOCK_SH); err != nil {
			return errors.Join(err, lock.Close())
		}
		if hasName(lock) {
			e.lock = lock
			// Its time is that of the last use.
			now := time.Now() //nolint:forbidigo // Times of files are those of the machine.
			return os.Chtimes(lock.Name(), now, now)
		}
		if err := lock.Close(); err != nil {
			return err
		}
	}
}

func hasName(file *os.File) bool {
	named, err := os.Lstat(file.Name())
	if err != nil {
		return false
	}
	opened, err := file.Stat()
	return err == nil && os.SameFile(named, opened)
}

// flock waits for a lock, also if a signal comes in between.
func flock(file *os.File, how int) error {
	for {
		err := syscall.Flock(int(file.Fd()), how)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// alone does something to the extents while no other process does.
func (e *entry) alone(do func() error) error {
	if err := flock(e.ranks, syscall.LOCK_EX); err != nil {
		return err
	}
	return errors.Join(do(), flock(e.ranks, syscall.LOCK_UN))
}

// ready opens the data and reads what is there of it. Data that is not as it should be, since somebody has removed or
// changed it, has nothing.
func (e *entry) ready() error {
	data, err := os.OpenFile(e.path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	e.data = data
	info, err := data.Stat()
	if err != nil {
		return err
	}
	if err := disk.CheckRegular(e.path, info); err != nil {
		return err
	}
	if info.Size() == e.size {
		e.there, err = e.recorded()
		return err
	}
	if err := e.ranks.Truncate(0); err != nil {
		return err
	}
	if err := e.sync(e.ranks); err != nil {
		return err
	}
	if err := data.Truncate(0); err != nil {
		return err
	}
	if err := data.Truncate(e.size); err != nil {
		return err
	}
	if !e.durable {
		return nil
	}
	for folder := filepath.Dir(e.path); ; folder = filepath.Dir(folder) {
		if err := disk.Real().SyncFolder(folder); err != nil || folder == filepath.Dir(e.folder) {
			return err
		}
	}
}

// record is how a range is written: its start, its length and a checksum of both, 24 bytes. Records that are not whole
// are passed over: what they say is fetched again.
const record = 24

func encode(r Range) []byte {
	text := binary.LittleEndian.AppendUint64(nil, uint64(r.Start))
	text = binary.LittleEndian.AppendUint64(text, uint64(r.Length()))
	text = binary.LittleEndian.AppendUint32(text, crc32.ChecksumIEEE(text))
	return append(text, "ext1"...)
}

func (e *entry) recorded() ([]Range, error) {
	text, err := os.ReadFile(e.ranks.Name())
	if err != nil {
		return nil, err
	}
	var found []Range
	for ; len(text) >= record; text = text[record:] {
		start, length := int64(binary.LittleEndian.Uint64(text)), int64(binary.LittleEndian.Uint64(text[8:]))
		if start < 0 || length <= 0 || start > e.size || length > e.size-start {
			continue
		}
		if r := (Range{start, start + length}); bytes.Equal(encode(r), text[:record]) {
			found = append(found, r)
		}
	}
	return merged(found), nil
}

// add says that ranges of the data are there now: they were written.
func (e *entry) add(ranges []Range) error {
	if e.durable {
		if err := e.data.Sync(); err != nil {
			return err
		}
		if err := e.alone(func() error { return e.append(ranges) }); err != nil {
			return err
		}
	}
	e.there = merged(append(e.there, ranges...))
	return nil
}

// append writes records after the last whole one.
func (e *entry) append(ranges []Range) error {
	info, err := e.ranks.Stat()
	if err != nil {
		return err
	}
	var text []byte
	for _, r := range ranges {
		text = append(text, encode(r)...)
	}
	if _, err := e.ranks.WriteAt(text, info.Size()/record*record); err != nil {
		return err
	}
	return e.ranks.Sync()
}

func (e *entry) sync(file *os.File) error {
	if !e.durable {
		return nil
	}
	return file.Sync()
}

func (e *entry) close() error {
	var errs []error
	for _, file := range []*os.File{e.data, e.ranks, e.lock} {
		if file != nil {
			errs = append(errs, file.Close())
		}
	}
	return errors.Join(errs...)
}

// isEntry says whether a name is that of an entry.
func isEntry(name string) bool {
	return len(name) == 2*sha256.Size && strings.Trim(name, "0123456789abcdef") == ""
}
