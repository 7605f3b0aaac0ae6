package materialize_test

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/plumbstore/plumb/materialize"
)

// childFolder names, in the environment, the project that this process is to materialize instead of running tests.
// childFileSize bounds the size of the files that it writes. childView is the view, price if there is none. With
// childWorks it works on what is divided.
const (
	childFolder   = "PLUMB_TEST_MATERIALIZE"
	childFileSize = "PLUMB_TEST_FILE_SIZE"
	childView     = "PLUMB_TEST_VIEW"
	childWorks    = "PLUMB_TEST_WORKS"
)

// batchWritten is what a child prints after each batch.
const batchWritten = "batch written"

// TestChildProcess is no test of its own: it is what the tests below run in another process.
func TestChildProcess(t *testing.T) {
	folder, ok := os.LookupEnv(childFolder)
	if !ok {
		return
	}
	p := openProject(t, folder)
	online := openSQLite(t, filepath.Join(folder, "online.db"))
	if text, ok := os.LookupEnv(childFileSize); ok {
		signal.Ignore(syscall.SIGXFSZ) // Writing beyond the limit is then an error, as on a full disk.
		size := must(strconv.ParseUint(text, 10, 64))(t)
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: size, Max: size}); err != nil {
			t.Fatal(err)
		}
	}
	m := p.Materializer(online, func(c *materialize.Config) {
		c.BatchRows = 20
		c.Progress = func(string, int64) {
			fmt.Println(batchWritten)
			_, _ = os.Stdin.Read(make([]byte, 1)) // The parent lets it go on, or kills it; without one there is no waiting.
		}
	})
	if _, ok := os.LookupEnv(childWorks); ok {
		if err := m.Work(t.Context(), p.asked()); err != nil {
			t.Fatal(err)
		}
		return
	}
	view := cmp.Or(os.Getenv(childView), "price")
	if _, err := m.Run(t.Context(), p.View(view), materialize.Request{To: at(4)}); err != nil {
		t.Fatal(err)
	}
}

// child is this test binary, materializing the project.
func (p *project) child(extra ...string) *exec.Cmd {
	command := exec.Command(os.Args[0], "-test.run=^TestChildProcess$", "-test.v")
	command.Env = append(os.Environ(), childFolder+"="+p.Folder)
	command.Env = append(command.Env, extra...)
	return command
}

// runAndKill lets a child write that many batches, and kills it while it writes the next one.
func (p *project) runAndKill(batches int, extra ...string) {
	p.T.Helper()
	child := p.child(extra...)
	input, output := must(child.StdinPipe())(p.T), must(child.StdoutPipe())(p.T)
	if err := child.Start(); err != nil {
		p.T.Fatal(err)
	}
	lines, seen := bufio.NewScanner(output), 0
	for seen <= batches && lines.Scan() {
		if lines.Text() == batchWritten {
			seen++
			must(input.Write([]byte{'\n'}))(p.T)
		}
	}
	if err := child.Process.Kill(); err != nil {
		p.T.Fatalf("the child ended by itself after %d batches: %v", seen, err)
	}
	_ = child.Wait() // It says that the child was killed.
	if status, ok := child.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
		p.T.Fatalf("the child ended with %s after %d batches, and was to be killed", child.ProcessState, seen)
	}
}

func TestAProcessThatIsKilledAtAnyPointLeavesWhatTheNextRunCompletes(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	prices, shops := manyPrices(400)
	p := newProject(t, prices...)
	for range 15 {
		p.runAndKill(random.IntN(15)) // Of 20 batches.
		if end, complete := p.End(); complete {
			t.Fatalf("the end is recorded as %s although no run was complete", end)
		}
	}
	p.expectComplete(openSQLite(t, filepath.Join(p.Folder, "online.db")), shops)
}

func TestAFullDiskFailsTheRunAndALaterOneCompletes(t *testing.T) {
	prices, shops := manyPrices(4000)
	p := newProject(t, prices...)
	output, err := p.child(childFileSize + "=" + strconv.Itoa(200<<10)).CombinedOutput()
	if _, ok := errors.AsType[*exec.ExitError](err); !ok {
		t.Fatalf("a run on a full disk gives %v:\n%s", err, output)
	}
	if !strings.Contains(string(output), batchWritten) {
		t.Errorf("the disk was full before anything was written:\n%s", output)
	}
	p.expectFailed("the disk")
	p.expectComplete(openSQLite(t, filepath.Join(p.Folder, "online.db")), shops)
}
