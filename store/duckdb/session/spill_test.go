package session

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// childTempDir names, in the environment, the folder that this process is to spill into instead of running tests.
// childFileSize bounds the size of the files that it writes.
const (
	childTempDir  = "PLUMB_TEST_SPILL"
	childFileSize = "PLUMB_TEST_FILE_SIZE"
)

// hasSpilled is what a child prints when there are files in its spill folder.
const hasSpilled = "has spilled"

// spilling is a statement that needs more than the memory of spillingOptions.
const spilling = "CREATE OR REPLACE TABLE t AS SELECT hash(range) AS h FROM range(20000000)"

func spillingOptions(tempDir string) Options {
	return Options{DatabaseBytes: 62_500_000, TempDir: tempDir, MemoryLimit: "100MB", Threads: 2}
}

// startSession opens a session as the engine does: what killed processes have left is removed first.
func startSession(t *testing.T, options Options) *Session {
	t.Helper()
	SweepSpills(options.TempDir)
	s, err := Open(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestChildProcess is no test of its own: it is what the tests below run in another process.
func TestChildProcess(t *testing.T) {
	tempDir, ok := os.LookupEnv(childTempDir)
	if !ok {
		return
	}
	s := startSession(t, spillingOptions(tempDir))
	if text, ok := os.LookupEnv(childFileSize); ok {
		limitFileSize(t, text)
	}
	if err := s.Exec(t.Context(), spilling); err != nil {
		t.Fatal(errors.Join(err, s.Close()))
	}
	os.Stdout.WriteString(hasSpilled + "\n")
	os.Stdin.Read(make([]byte, 1)) // Until it is killed.
}

// limitFileSize makes writing beyond the size an error for this process, as a full disk does for all.
func limitFileSize(t *testing.T, text string) {
	t.Helper()
	size, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	signal.Ignore(syscall.SIGXFSZ)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: size, Max: size}); err != nil {
		t.Fatal(err)
	}
}

// child is this test binary, spilling.
func child(tempDir string, extra ...string) *exec.Cmd {
	command := exec.Command(os.Args[0], "-test.run=^TestChildProcess$", "-test.v")
	command.Env = append(os.Environ(), childTempDir+"="+tempDir)
	command.Env = append(command.Env, extra...)
	return command
}

// startSpilling returns a process that holds a spill folder with files.
func startSpilling(t *testing.T, tempDir string) *exec.Cmd {
	t.Helper()
	child := child(tempDir)
	output, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := child.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kill(child) })
	for lines := bufio.NewScanner(output); lines.Scan(); {
		if lines.Text() == hasSpilled {
			return child
		}
	}
	t.Fatal("the child ended before it had spilled")
	return nil
}

func kill(child *exec.Cmd) {
	_ = child.Process.Kill()
	_ = child.Wait()
}

// spills lists the spill folders, and how many files they have beside the lock.
func spills(t *testing.T, tempDir string) map[string]int {
	t.Helper()
	found := map[string]int{}
	folders, err := filepath.Glob(filepath.Join(tempDir, spillPrefix+"*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		files, err := os.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		found[folder] = len(files) - 1
	}
	return found
}

func TestWhatAKilledProcessSpilledIsRemovedByTheNextAndWhatOthersHoldIsNot(t *testing.T) {
	tempDir := t.TempDir()
	killed := startSpilling(t, tempDir)
	if held := spills(t, tempDir); len(held) != 1 {
		t.Fatalf("one process holds %v", held)
	}
	startSpilling(t, tempDir)
	both := spills(t, tempDir)
	if len(both) != 2 {
		t.Fatalf("two processes hold %v", both)
	}
	kill(killed)
	if left := spills(t, tempDir); len(left) != 2 {
		t.Fatalf("after a kill there are %v", left)
	}
	if err := startSession(t, spillingOptions(tempDir)).Close(); err != nil {
		t.Fatal(err)
	}
	left := spills(t, tempDir)
	if len(left) != 1 {
		t.Fatalf("after another process there are %v, want that of the living one", left)
	}
	for folder, files := range left {
		if files <= 0 {
			t.Errorf("%s of the living process has lost its files", folder)
		}
	}
}

func TestASpillFolderIsGoneWhenItsSessionIsClosedAlsoAfterAFailure(t *testing.T) {
	tempDir := t.TempDir()
	s := startSession(t, spillingOptions(tempDir))
	if err := s.Exec(t.Context(), spilling); err != nil {
		t.Fatal(err)
	}
	for folder, files := range spills(t, tempDir) {
		if files <= 0 {
			t.Errorf("nothing was spilled to %s", folder)
		}
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Exec(cancelled, spilling); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled statement gives %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	expectEntries(t, tempDir)
}

func TestADiskThatIsFullOfWhatIsSpilledIsAFaultThatNamesTheFolder(t *testing.T) {
	tempDir := t.TempDir()
	output, err := child(tempDir, childFileSize+"="+strconv.Itoa(10<<20)).CombinedOutput()
	if _, ok := errors.AsType[*exec.ExitError](err); !ok {
		t.Fatalf("spilling to a full disk gives %v:\n%s", err, output)
	}
	want := "cannot write temporary files in " + tempDir + ": File too large; free some disk, name a folder with more " +
		"room in offline.temp_dir, or raise offline.memory_limit, now 100MB, so that less goes to disk\n"
	if !strings.Contains(string(output), want) {
		t.Errorf("got\n%s\nwant %s", output, want)
	}
	expectEntries(t, tempDir)
}

// expectEntries checks what is in a folder.
func expectEntries(t *testing.T, folder string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, entry := range entries {
		found = append(found, entry.Name())
	}
	if len(found) != len(want) {
		t.Fatalf("%s holds %q, want %q", folder, found, want)
	}
	for i, name := range found {
		if name != want[i] {
			t.Errorf("%s holds %q, want %q", folder, found, want)
		}
	}
}

func TestOnlyFoldersThatAreSpillFoldersAreRemoved(t *testing.T) {
	tempDir, elsewhere := t.TempDir(), t.TempDir()
	makeFile := func(folder, name string) {
		t.Helper()
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	makeFile(filepath.Join(tempDir, "plumb-spill-1"), lockName)
	makeFile(filepath.Join(tempDir, "plumb-spill-1"), "duckdb_temp_storage_DEFAULT-0.tmp")
	makeFile(filepath.Join(tempDir, "plumb-spill-2"), "without a lock")
	makeFile(filepath.Join(tempDir, "plumb-spill-notes"), lockName)
	makeFile(tempDir, "plumb-spill-3")
	makeFile(elsewhere, lockName)
	if err := os.Symlink(elsewhere, filepath.Join(tempDir, "plumb-spill-4")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(tempDir, "plumb-spill-5"), 0o755); err != nil { // Killed before it had a lock.
		t.Fatal(err)
	}
	SweepSpills(tempDir)
	expectEntries(t, tempDir, "plumb-spill-2", "plumb-spill-3", "plumb-spill-4", "plumb-spill-notes")
	expectEntries(t, elsewhere, lockName)
}

func TestProcessesThatStartAndSweepAtOnceKeepTheirFolders(t *testing.T) {
	tempDir := t.TempDir()
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 200 {
				SweepSpills(tempDir)
				spill, err := makeSpill(tempDir)
				if err != nil {
					t.Error(err)
					return
				}
				if err := os.WriteFile(filepath.Join(spill.path, "duckdb_temp"), nil, 0o600); err != nil {
					t.Error("the folder was taken away:", err)
				}
				if err := spill.remove(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	expectEntries(t, tempDir)
}
