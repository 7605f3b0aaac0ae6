package duckdb

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plumbstore/plumb/internal/fault"
)

func TestTheErrorPastTheLimitOfTemporaryDiskNamesTheLimitTheFolderAndWhatToDo(t *testing.T) {
	tempDir := t.TempDir()
	config := spillingConfig(tempDir)
	config.TempLimit = "20MB"
	s := openSession(t, config)
	err := s.exec(t.Context(), spilling)
	want := "more than the 20MB of temporary disk in " + tempDir + " that offline.temp_limit allows are needed; raise " +
		"it, name a folder with more room in offline.temp_dir, or raise offline.memory_limit, now 100MB, so that less goes " +
		"to disk"
	expectFault(t, err, want)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	expectEntries(t, tempDir)
}

// expectFault checks that the error is a fault of the machine, with this text.
func expectFault(t *testing.T, err error, want string) {
	t.Helper()
	if _, ok := errors.AsType[*fault.InputError](err); ok {
		t.Errorf("what the machine lacks is blamed on the input: %v", err)
	}
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestWithoutALimitTheErrorTellsHowMuchOfTheDiskWasUsed(t *testing.T) {
	s := openSession(t, spillingConfig(t.TempDir()))
	t.Cleanup(func() { s.Close() })
	// DuckDB says the same of its own limit, which depends on the disk, as of one that is set behind our back.
	if err := s.exec(t.Context(), "SET max_temp_directory_size = '20MiB'"); err != nil {
		t.Fatal(err)
	}
	err := s.exec(t.Context(), spilling)
	for _, part := range []string{
		"temporary disk in " + s.config.TempDir + " is used up, ", " of 20.0 MiB, which is 90 % of what was free; free some,",
		"offline.temp_dir", "offline.memory_limit, now 100MB,",
	} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%v does not say %q", err, part)
		}
	}
}

func TestMemoryThatDoesNotSufficeIsAFaultInOneSentence(t *testing.T) {
	config := spillingConfig(t.TempDir())
	config.MemoryLimit = "1MB"
	s := openSession(t, config)
	t.Cleanup(func() { s.Close() })
	err := s.exec(t.Context(), "SELECT list(range) FROM range(1000000)")
	if err == nil || !strings.HasPrefix(err.Error(), "out of memory; raise offline.memory_limit: ") ||
		strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v", err)
	}
}

func TestATempDirThatIsNotThereIsTheUsersMistake(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"missing": "offline.temp_dir: folder " + folder + "/missing does not exist; make it, or name another",
		"file":    "offline.temp_dir: " + folder + "/file is not a folder; name one",
	} {
		_, err := Open(t.Context(), Config{ProjectDir: folder, TempDir: name})
		if _, ok := errors.AsType[*fault.InputError](err); !ok || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}
