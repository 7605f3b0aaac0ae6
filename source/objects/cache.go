package objects

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/fault"
)

// cacheFolder holds the entries within the configured folder. Its name is that of the format.
const cacheFolder = "objects-1"

// openCache makes the folder of a cache that processes share.
func openCache(folder string) (string, error) {
	folder = filepath.Join(folder, cacheFolder)
	if err := disk.Real().MkdirAll(folder, 0o700); err != nil {
		return "", fmt.Errorf("make the cache of objects; offline.cache_dir can name another place: %w", err)
	}
	info, err := os.Lstat(folder)
	if err != nil {
		return "", err
	}
	// What others write there would be taken for the objects.
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || info.Mode().Perm()&0o022 != 0 || ok && int(owner.Uid) != os.Geteuid() {
		return "", fault.Inputf("offline.cache_dir", "%s is not a folder of this user that no other may write; name "+
			"another, or change its owner and mode", folder)
	}
	return filepath.EvalSymlinks(folder)
}

// kept is an entry as it lies on disk.
type kept struct {
	folder string
	used   time.Time
	bytes  int64
}

// evict makes room until all entries take no more than the limit, in those that were used longest ago first. Footers of
// Parquet files go after all other bytes: they are small, and whether a file is needed at all shows in them. An entry
// that a process holds stays: what a running operation has fetched is not taken away from it.
func evict(folder string, limit int64) error {
	entries, total, err := keptBelow(folder)
	if err != nil {
		return err
	}
	slices.SortFunc(entries, func(a, b kept) int { return a.used.Compare(b.used) })
	for _, reduce := range []func(folder string) error{trimEntry, removeEntry} {
		for i, e := range entries {
			if total <= limit {
				return nil
			}
			if err := holding(e.folder, reduce); err != nil {
				return fmt.Errorf("make room in the cache of objects: %w", err)
			}
			entries[i].bytes = occupied(e.folder)
			total -= e.bytes - entries[i].bytes
		}
	}
	return nil
}

func keptBelow(folder string) (entries []kept, total int64, err error) {
	names, err := os.ReadDir(folder)
	if err != nil {
		return nil, 0, err
	}
	for _, name := range names {
		if !name.IsDir() || !isEntry(name.Name()) {
			continue
		}
		e := kept{folder: filepath.Join(folder, name.Name())}
		info, err := os.Lstat(filepath.Join(e.folder, "lock"))
		if err == nil {
			e.used = info.ModTime()
		}
		e.bytes = occupied(e.folder)
		total += e.bytes
		entries = append(entries, e)
	}
	return entries, total, nil
}

// occupied is how many bytes the files of a folder take on disk. Holes take none.
func occupied(folder string) int64 {
	var bytes int64
	_ = filepath.WalkDir(folder, func(_ string, found fs.DirEntry, err error) error {
		if err != nil || found.IsDir() {
			return nil //nolint:nilerr // Another process may remove the entry meanwhile.
		}
		if info, err := found.Info(); err == nil {
			bytes += blocks(info)
		}
		return nil
	})
	return bytes
}

func blocks(info os.FileInfo) int64 {
	if status, ok := info.Sys().(*syscall.Stat_t); ok {
		return status.Blocks * 512
	}
	return info.Size()
}

// holding does something to an entry, unless a process holds it.
func holding(folder string, do func(folder string) error) error {
	lock, err := os.OpenFile(filepath.Join(folder, "lock"), os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := flock(lock, syscall.LOCK_EX|syscall.LOCK_NB); err != nil || !hasName(lock) {
		return nil // Somebody holds it, or has removed it.
	}
	return do(folder)
}

// removeEntry removes an entry, its lock last: as long as that has its name, nobody takes the folder for a new one.
func removeEntry(folder string) error {
	// The extents go before the data: a power failure in between leaves no extents without data.
	for _, name := range []string{"extents", "o", "lock"} {
		if err := os.RemoveAll(filepath.Join(folder, name)); err != nil {
			return err
		}
	}
	err := os.Remove(folder)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTEMPTY) || errors.Is(err, syscall.EEXIST) {
		err = nil // Another process begins the entry again.
	}
	return err
}
