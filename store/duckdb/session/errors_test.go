package session

import (
	"errors"
	"strings"
	"testing"

	"github.com/plumbstore/plumb/internal/fault"
)

func TestTheErrorPastTheLimitOfTemporaryDiskNamesTheLimitTheFolderAndWhatToDo(t *testing.T) {
	tempDir := t.TempDir()
	options := spillingOptions(tempDir)
	options.TempLimit = "20MB"
	s := startSession(t, options)
	err := s.Exec(t.Context(), spilling)
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
	s := startSession(t, spillingOptions(t.TempDir()))
	t.Cleanup(func() { s.Close() })
	// DuckDB says the same of its own limit, which depends on the disk, as of one that is set behind our back.
	if err := s.Exec(t.Context(), "SET max_temp_directory_size = '20MiB'"); err != nil {
		t.Fatal(err)
	}
	err := s.Exec(t.Context(), spilling)
	for _, part := range []string{
		"temporary disk in " + s.options.TempDir + " is used up, ",
		" of 20.0 MiB, which is 90 % of what was free; free some,",
		"offline.temp_dir", "offline.memory_limit, now 100MB,",
	} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%v does not say %q", err, part)
		}
	}
}

func TestMemoryThatDoesNotSufficeIsAFaultInOneSentence(t *testing.T) {
	options := spillingOptions(t.TempDir())
	options.DatabaseBytes = 625_000
	s := startSession(t, options)
	t.Cleanup(func() { s.Close() })
	err := s.Exec(t.Context(), "SELECT list(range) FROM range(1000000)")
	if err == nil || !strings.HasPrefix(err.Error(), "out of memory; raise offline.memory_limit: ") ||
		strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v", err)
	}
}
