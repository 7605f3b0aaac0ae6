package faulty_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/disk/faulty"
)

// must fails a test that a step of its own setting fails.
func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// tree is what a folder has: each name with its content.
func tree(t *testing.T, folder string) string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	must(t, err)
	var found []string
	for _, entry := range entries {
		content, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		must(t, err)
		found = append(found, entry.Name()+"="+strings.ReplaceAll(string(content), "\x00", "0"))
	}
	return strings.Join(found, " ")
}

func expect(t *testing.T, folder, want string) {
	t.Helper()
	if got := tree(t, folder); got != want {
		t.Errorf("the folder has %q, want %q", got, want)
	}
}

func TestAPowerFailureLeavesWhatWasSyncedAndItsSurvivors(t *testing.T) {
	for survivors, want := range map[faulty.Survivors]string{
		faulty.Nothing:    "kept=k log=one removed=r renamed=n",
		faulty.Removals:   "kept=k log=one renamed=n",
		faulty.Names:      "kept=k log=one000 moved=n new=000",
		faulty.Everything: "kept=k log=onetwo moved=n new=new",
	} {
		folder := t.TempDir()
		path := func(name string) string { return filepath.Join(folder, name) }
		for _, name := range []string{"kept", "removed"} {
			must(t, os.WriteFile(path(name), []byte(name[:1]), 0o644))
		}
		must(t, os.WriteFile(path("renamed"), []byte("n"), 0o644))
		system := faulty.New(t, folder, faulty.Fault{Survivors: survivors})
		log, err := disk.On(system).Create(path("log"), 0o644)
		must(t, err)
		_, err = io.WriteString(log, "one")
		must(t, err, log.Sync(), disk.On(system).SyncFolder(folder))
		_, err = io.WriteString(log, "two")
		must(t, err, system.Remove(path("removed")), system.Rename(path("renamed"), path("moved")))
		fresh, err := disk.On(system).Create(path("new"), 0o644)
		must(t, err)
		_, err = io.WriteString(fresh, "new")
		must(t, err)
		system.PowerFails()
		expect(t, folder, want)
		if err := disk.On(system).SyncFolder(folder); err == nil {
			t.Errorf("%s: the process goes on without power", survivors)
		}
	}
}

// As Linux does it: the failure is reported once, and the next sync does nothing for what it was about.
func TestWhatAFailedSyncWasAboutIsNeverDurable(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "log")
	must(t, os.WriteFile(path, []byte("one"), 0o644))
	system := faulty.New(t, folder, faulty.Fault{Kind: faulty.Sync, At: 1, Err: syscall.EIO, Survivors: faulty.Nothing})
	log, err := system.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	must(t, err)
	_, err = io.WriteString(log, "two")
	must(t, err)
	if err := log.Sync(); !errors.Is(err, syscall.EIO) {
		t.Errorf("the first sync gives %v", err)
	}
	must(t, log.Sync())
	system.PowerFails()
	expect(t, folder, "log=one")
}

func TestANameIsNotDurableAfterAFailedSyncUntilItIsGivenAgain(t *testing.T) {
	for again, want := range map[bool]string{false: "", true: "name=2"} {
		folder := t.TempDir()
		name, partial := filepath.Join(folder, "name"), filepath.Join(folder, "partial")
		fault := faulty.Fault{Kind: faulty.SyncFolder, At: 1, Err: syscall.EIO, Survivors: faulty.Nothing}
		system := faulty.New(t, folder, fault)
		put := func(content string) error {
			file, err := disk.On(system).Create(partial, 0o644)
			must(t, err)
			_, err = io.WriteString(file, content)
			must(t, err, file.Sync(), file.Close())
			return disk.On(system).Rename(partial, name)
		}
		if err := put("1"); !errors.Is(err, syscall.EIO) {
			t.Errorf("the first sync gives %v", err)
		}
		must(t, disk.On(system).SyncFolder(folder))
		if again {
			must(t, put("2"))
		}
		system.PowerFails()
		expect(t, folder, want)
	}
}

func TestAStruckWriteWritesHalf(t *testing.T) {
	for _, err := range []error{nil, syscall.ENOSPC} {
		folder := t.TempDir()
		system := faulty.New(t, folder, faulty.Fault{Kind: faulty.Write, At: 1, Err: err, Survivors: faulty.Everything})
		file, failure := disk.On(system).Create(filepath.Join(folder, "file"), 0o644)
		must(t, failure)
		if n, failure := io.WriteString(file, "1234"); n != 2 || failure == nil || err != nil && !errors.Is(failure, err) {
			t.Errorf("%d bytes are written, %v", n, failure)
		}
		system.PowerFails()
		expect(t, folder, "file=12")
	}
}

func TestEveryReachesEachOperationOnce(t *testing.T) {
	var struck []string
	faulty.Every(t, func(t *testing.T, fault faulty.Fault) *faulty.System {
		folder := t.TempDir()
		system := faulty.New(t, folder, fault)
		_ = disk.On(system).MkdirAll(filepath.Join(folder, "a"), 0o755)
		kind, _, _ := strings.Cut(system.Struck(), " /")
		struck = append(struck, kind)
		return system
	}, faulty.Fault{Err: syscall.EIO})
	want := "open, sync folder, mkdir, open, sync folder, "
	if got := strings.Join(struck, ", "); got != want {
		t.Errorf("struck were %q, want %q", got, want)
	}
}
