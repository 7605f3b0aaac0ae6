package pushlog

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// queueing is how long a row may have been on its way to the log. It is accepted before it is appended, so a file that
// was begun somewhat later may hold it, too.
const queueing = 10 * time.Second

// Pending reports whether a row that was accepted at an instant may be in a write-ahead file of the folder, which the
// offline store does not read: one that was begun by then and is not a Parquet file yet.
func Pending(folder string, accepted time.Time) (bool, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*"+walExtension))
	if err != nil {
		return false, fmt.Errorf("look for write-ahead files: %w", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(file, walExtension)
		begun, ok := begunAt(filepath.Base(name))
		if !ok || begun.After(accepted.Add(queueing)) {
			continue
		}
		if _, err := os.Stat(name + parquetExtension); os.IsNotExist(err) {
			return true, nil
		}
	}
	return false, nil
}

// begunAt is when a file of this name was begun.
func begunAt(name string) (time.Time, bool) {
	digits, _, _ := strings.Cut(name, "-")
	begun, err := strconv.ParseInt(digits, 10, 64)
	return time.UnixMicro(begun), err == nil
}
