package pulled_test

import (
	"syscall"
	"testing"

	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/disk/faulty"
	"github.com/plumbstore/plumb/internal/postgrestest"
	"github.com/plumbstore/plumb/store/pulled"
)

// TestWhereverAPullIsCut_EachRowIsThereOnce fails the disk, kills the process and fails the power at each operation of
// three pulls, and then pulls once more.
func TestWhereverAPullIsCut_EachRowIsThereOnce(t *testing.T) {
	server := postgrestest.Start(t)
	shared := newSource(t, server, "SELECT id, at FROM events", events, insert(1, "0h"), insert(2, "1h"))
	faulty.Every(t, func(t *testing.T, fault faulty.Fault) *faulty.System {
		s := *shared
		s.T, s.folder = t, t.TempDir()
		system := faulty.New(t, s.folder, fault)
		s.disk = disk.On(system)
		for _, request := range []pulled.Request{{}, {}, {Full: true}} {
			_, _ = s.run(request) // It may fail; what it leaves is what counts.
		}
		system.PowerFails()
		s.disk = disk.On(faulty.New(t, s.folder, faulty.Fault{})) // Its syncs take no time.
		s.must(pulled.Request{})
		s.expectIDs(1, 2)
		return system
	}, faulty.Fault{Survivors: faulty.Names}, faulty.Fault{Err: syscall.EIO, Survivors: faulty.Nothing})
}

// TestAnIncrementThatIsCut_BringsAllOfItsRowsOrNone cuts increments, of which a part may not count.
func TestAnIncrementThatIsCut_BringsAllOfItsRowsOrNone(t *testing.T) {
	server := postgrestest.Start(t)
	shared := newSource(t, server, "SELECT id, at FROM events", events)
	faulty.Every(t, func(t *testing.T, fault faulty.Fault) *faulty.System {
		s := *shared
		s.T, s.folder = t, t.TempDir()
		s.exec("TRUNCATE events", insert(1, "0h"), insert(2, "1h"))
		s.disk = disk.On(faulty.New(t, s.folder, faulty.Fault{}))
		s.must(pulled.Request{})
		s.exec(insert(3, "1h"), insert(4, "30m"), insert(5, "9h"))
		system := faulty.New(t, s.folder, fault)
		s.disk = disk.On(system)
		_, _ = s.run(pulled.Request{})
		system.PowerFails()
		if rows := len(s.rows()); rows != 2 && rows != 5 {
			t.Errorf("after it was cut there are %d rows", rows)
		}
		s.disk = disk.On(faulty.New(t, s.folder, faulty.Fault{}))
		s.must(pulled.Request{})
		s.expectIDs(1, 5)
		return system
	}, faulty.Fault{Survivors: faulty.Nothing}, faulty.Fault{Survivors: faulty.Everything})
}
