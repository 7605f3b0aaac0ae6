package wholefile

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// Rename gives a file, whose content is durable, its name, and makes that durable: a name is an entry of the folder,
// which a crash may take back until the folder is synced. Every file that counts once it has its name is named by this.
func Rename(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return SyncFolder(filepath.Dir(to))
}

// SyncFolder makes durable which files a folder has.
func SyncFolder(folder string) error {
	opened, err := os.Open(folder)
	if err != nil {
		return err
	}
	err = opened.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		err = nil // A file system that syncs no folders keeps their entries in its own way.
	}
	return errors.Join(err, opened.Close())
}
