package pushlog_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/disk/faulty"
	"github.com/plumbstore/plumb/store/pushlog"
)

// elsewhere keeps files in a folder, under their names.
type elsewhere struct {
	folder string
	// failure is what keeping fails with; nil if it does not.
	failure error
	kept    int
}

func (e *elsewhere) Keep(_ context.Context, path, name string) error {
	if e.failure != nil {
		return e.failure
	}
	e.kept++
	at := filepath.Join(e.folder, name)
	if _, err := os.Stat(at); err == nil {
		return nil
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return os.WriteFile(at, content, 0o644)
}

func keptIn(to *elsewhere) func(*pushlog.Config) {
	return func(c *pushlog.Config) { c.Rolled = to }
}

func TestParquetFilesAreKeptElsewhereAndTheFolderHasWriteAheadFilesAlone(t *testing.T) {
	folder, c, to := t.TempDir(), newClock(), &elsewhere{folder: t.TempDir()}
	log := open(t, folder, c, keptIn(to))
	for number := range int64(3) {
		add(t, log, number)
		c.now = c.now.Add(time.Minute)
		if err := rollDue(log); err != nil {
			t.Fatal(err)
		}
	}
	expect(t, to.folder, 3, 0, 1, 2)
	if left := named(t, folder, ""); len(left) != 1 || filepath.Ext(left[0]) != ".rolled" {
		t.Errorf("the folder has %v", left)
	}
	c.now = c.now.Add(-time.Hour) // Names ascend, also in a process that knows of earlier files by the folder alone.
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	log = open(t, folder, c, keptIn(to))
	add(t, log, 3)
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	expect(t, to.folder, 4, 0, 1, 2, 3)
}

func TestWhatCannotBeKeptElsewhereStaysAndIsKeptLater(t *testing.T) {
	folder, c, to := t.TempDir(), newClock(), &elsewhere{folder: t.TempDir(), failure: errors.New("no answer")}
	log := open(t, folder, c, keptIn(to))
	for number := range int64(2) {
		add(t, log, number)
		c.now = c.now.Add(time.Minute)
		if err := rollDue(log); !errors.Is(err, to.failure) {
			t.Errorf("rolling gives %v", err)
		}
	}
	if err := log.Release(); err != nil {
		t.Fatal(err)
	}
	log = open(t, folder, c, keptIn(to)) // It opens, though nothing can be kept.
	add(t, log, 2)
	expect(t, to.folder, 0)
	if waiting := named(t, folder, ".wal"); len(waiting) != 3 {
		t.Errorf("the folder has %v", waiting)
	}
	to.failure = nil
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	expect(t, to.folder, 3, 0, 1, 2)
}

// Whatever operation of the disk fails, or whichever was the last before a power failure, each row is elsewhere once in
// the end.
func TestARowIsElsewhereOnceAfterAFaultOfTheDiskAtEveryOperation(t *testing.T) {
	faulty.Every(t, func(t *testing.T, fault faulty.Fault) *faulty.System {
		folder, c, to := t.TempDir(), newClock(), &elsewhere{folder: t.TempDir()}
		log := open(t, folder, c, keptIn(to))
		add(t, log, 1, 2)
		if err := log.Release(); err != nil {
			t.Fatal(err)
		}
		system := faulty.New(t, folder, fault)
		struck, err := pushlog.Open(t.Context(), pushlog.Config{Folder: folder, Now: c.Now, Disk: disk.On(system),
			Rolled: to})
		if err == nil {
			_ = struck.Close() // It may fail.
		}
		system.PowerFails()
		again := open(t, folder, c, keptIn(to))
		if err := again.Close(); err != nil {
			t.Errorf("%s: the next process gets %v", fault, err)
		}
		expect(t, to.folder, 1, 1, 2)
		if left := named(t, folder, ".wal"); left != nil {
			t.Errorf("%s: the folder has %v", fault, left)
		}
		return system
	})
}
