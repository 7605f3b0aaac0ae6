package pushlog

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/plumbstore/plumb/internal/disk"
)

// Another process opens the log between the making of a write-ahead file and its locking. It takes the empty file over
// and removes it; or it has it still while the first one locks, or has made its lock and not looked yet.
func TestAFileThatIsTakenOverBeforeItIsLockedGetsNoRows(t *testing.T) {
	for name, other := range map[string]func(t *testing.T, folder string) (release func()){
		"and is removed": func(t *testing.T, folder string) func() {
			//nolint:forbidigo // Any clock will do here.
			if _, err := Open(t.Context(), Config{Folder: folder, Now: time.Now}); err != nil {
				t.Fatal(err)
			}
			return func() {}
		},
		"and is still held": func(t *testing.T, folder string) func() {
			name := filepath.Base(onlyFile(t, folder))
			taken, err := takeOver(disk.Real(), folder, name[:len(name)-len(walExtension)])
			if err != nil || taken == nil {
				t.Fatal(taken, err)
			}
			return func() {
				if err := taken.roll(nil); err != nil {
					t.Error(err)
				}
			}
		},
		"and another stands in its place": func(t *testing.T, folder string) func() {
			path := onlyFile(t, folder)
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, nil, 0o644); err != nil {
				t.Fatal(err)
			}
			return func() {}
		},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			release := func() {}
			before := &beforeLock{}
			config := Config{Folder: folder, Disk: disk.On(before), Now: time.Now} //nolint:forbidigo // Any clock will do here.
			log, err := Open(t.Context(), config)
			if err != nil {
				t.Fatal(err)
			}
			before.do = func() { release = other(t, folder) }
			schema := arrow.NewSchema([]arrow.Field{{Name: "n", Type: arrow.PrimitiveTypes.Int64}}, nil)
			builder := array.NewRecordBuilder(memory.DefaultAllocator, schema)
			builder.Field(0).(*array.Int64Builder).AppendValues([]int64{1, 2, 3}, nil)
			if err := log.Append(builder.NewRecordBatch()); err != nil {
				t.Fatal(err)
			}
			release()
			// The process is killed: what counts is what the next one finds in the folder.
			var found int64
			files, err := filepath.Glob(filepath.Join(folder, "*"+walExtension))
			if err != nil {
				t.Fatal(err)
			}
			for _, path := range files {
				left := &segment{}
				if left.file, err = disk.Real().Open(path); err != nil {
					t.Fatal(err)
				}
				if err := left.measure(); err != nil {
					t.Fatal(err)
				}
				if err := left.read(func(batch arrow.RecordBatch) error { found += batch.NumRows(); return nil }); err != nil {
					t.Fatal(err)
				}
				left.close()
			}
			if found != 3 {
				t.Errorf("%d of 3 acknowledged rows are in the folder", found)
			}
			if err := log.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// beforeLock is a file system on which something happens before a file is locked, once.
type beforeLock struct {
	disk.OperatingSystem
	do func()
}

func (b *beforeLock) OpenFile(path string, flag int, mode fs.FileMode) (disk.Handle, error) {
	opened, err := b.OperatingSystem.OpenFile(path, flag, mode)
	return unlocked{opened, b}, err
}

type unlocked struct {
	disk.Handle
	before *beforeLock
}

func (u unlocked) Lock(wait bool) error {
	if do := u.before.do; do != nil {
		u.before.do = nil
		do()
	}
	return u.Handle.Lock(wait)
}

func onlyFile(t *testing.T, folder string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*"+walExtension))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	return files[0]
}
