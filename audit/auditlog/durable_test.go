package auditlog_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/plumbstore/plumb/audit/auditlog"
	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/disk/faulty"
)

func TestOnADiskWithoutLocksAPartialFileStaysAndTheLogIsWritten(t *testing.T) {
	folder := t.TempDir()
	left := filepath.Join(folder, "test", "2026-03-01", "left.parquet.partial")
	if err := errors.Join(os.MkdirAll(filepath.Dir(left), 0o755), os.WriteFile(left, nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	newWriter(t, folder, func(c *auditlog.Config) {
		c.Disk = disk.On(faulty.New(t, folder, faulty.Fault{Kind: faulty.Lock, At: 1, Err: syscall.ENOLCK}))
	})
	if _, err := os.Stat(left); err != nil {
		t.Error(err)
	}
}

// Files of two days are written, the folders of both being new. Whatever the disk does, a file that was reported
// finished stays, each file that has its name is whole, and the next writer removes what is half written.
func TestAFinishedFileSurvivesAFaultOfTheDiskAtEveryOperation(t *testing.T) {
	view := newView()
	view.Features, view.Schemas[0].Fields = view.Features[:1], view.Schemas[0].Fields[:1]
	w, layout := newWorld(t, view), newLayout(t, view, nil)
	faulty.Every(t, func(t *testing.T, fault faulty.Fault) *faulty.System {
		root := t.TempDir()
		folder, system := filepath.Join(root, "logs"), faulty.New(t, root, fault)
		var finished, lost, written int64
		writer, err := auditlog.NewWriter(auditlog.Config{
			Folder: folder, Project: "test", Disk: disk.On(system), Now: at.Time,
			Finished: func(rows, _ int64) { finished += rows },
			Lost:     func(rows int64) { lost += rows },
		})
		if err == nil {
			for days := range feature.Instant(2) {
				entry := w.look(t, layout, []any{"a", int64(1)}, []any{"a", int64(2)})
				entry.ServedAt = at + days*day
				written += 2
				_ = writer.Write(entry)
				_ = writer.FinishDue()
			}
			_ = writer.Close()
		}
		if finished+lost != written {
			t.Errorf("of %d rows %d are finished and %d lost", written, finished, lost)
		}
		system.PowerFails()
		next, _ := newWriter(t, folder, nil)
		if err := next.Close(); err != nil {
			t.Fatal(err)
		}
		if read := readAll(t, folder); read.count < finished {
			t.Errorf("%d rows were finished, and %d are there", finished, read.count)
		}
		left, err := filepath.Glob(filepath.Join(folder, "test", "*", "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range left {
			if !strings.HasSuffix(path, ".parquet") {
				t.Errorf("%s is left", path)
			}
		}
		return system
	})
}
