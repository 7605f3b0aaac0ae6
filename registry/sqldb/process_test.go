package sqldb_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/postgrestest"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/registry/sqldb"
)

// TestMain is also the program that tests start as another process.
func TestMain(m *testing.M) {
	if job := os.Getenv("SQLDB_TEST_JOB"); job != "" {
		if err := work(job, os.Getenv("SQLDB_TEST_URL")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// work is what another process does; it prints its results.
func work(job, url string) error {
	ctx := context.Background()
	if job == "read" {
		// Permissions bind everyone but the superuser.
		if err := syscall.Setuid(65534); os.Getuid() == 0 {
			return err
		}
	}
	db, err := sqldb.Open(ctx, url)
	if err != nil {
		return err
	}
	switch job {
	case "race":
		return errors.Join(race(ctx, db), db.Close())
	case "apply":
		_, err := db.Apply(ctx, commit(1, ""))
		return err
	case "killed":
		id, err := db.Begin(ctx, registry.Run{Project: "test", View: "weather", Generation: 1, StartedAt: time.Unix(0, 0)})
		if err != nil {
			return err
		}
		fmt.Println(id)
		return syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	snapshot, err := db.Current(ctx, "test")
	if err != nil {
		return err
	}
	_, applyErr := db.Apply(ctx, commit(snapshot.Revision, "from the reader"))
	fmt.Println(snapshot.Revision)
	fmt.Println(applyErr)
	return db.Close()
}

// race applies until the project is at revision 40, and prints each revision that it won.
func race(ctx context.Context, db *sqldb.DB) error {
	for {
		current, err := db.Current(ctx, "test")
		if err != nil {
			return err
		}
		if current.Revision >= 40 {
			return nil
		}
		switch number, err := db.Apply(ctx, commit(current.Revision, strconv.Itoa(os.Getpid()))); {
		case err == nil:
			fmt.Println(number)
		case !errors.Is(err, fault.ErrConflict):
			return err
		}
	}
}

func commit(base int64, by string) registry.Commit {
	return registry.Commit{Project: "test", Base: base, State: &plumbv1.State{}, By: by, At: time.Unix(0, 0)}
}

func program(t *testing.T, job, url string) *exec.Cmd {
	command := exec.CommandContext(t.Context(), os.Args[0])
	command.Env = append(os.Environ(), "SQLDB_TEST_JOB="+job, "SQLDB_TEST_URL="+url)
	return command
}

// start runs a job in another process; wait returns what it printed.
func start(t *testing.T, job, url string) (wait func() (string, error)) {
	t.Helper()
	var output, failure strings.Builder
	command := program(t, job, url)
	command.Stdout, command.Stderr = &output, &failure
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	return func() (string, error) {
		if err := command.Wait(); err != nil {
			return output.String(), fmt.Errorf("%w: %s", err, failure.String())
		}
		return output.String(), nil
	}
}

func TestProcessesThatOpenAndApplyAtOnce_WinEachRevisionOnce(t *testing.T) {
	for name, url := range map[string]string{
		"SQLite":     "sqlite:" + filepath.Join(t.TempDir(), "registry.db"),
		"PostgreSQL": postgrestest.Start(t).Database(),
	} {
		t.Run(name, func(t *testing.T) { raceProcesses(t, url) })
	}
}

func raceProcesses(t *testing.T, url string) {
	var waits []func() (string, error)
	for range 3 {
		waits = append(waits, start(t, "race", url))
	}
	won := map[string]int{}
	for _, wait := range waits {
		output, err := wait()
		if err != nil {
			t.Fatal(err)
		}
		for number := range strings.FieldsSeq(output) {
			won[number]++
		}
	}
	for number := range 40 {
		if count := won[strconv.Itoa(number+1)]; count != 1 {
			t.Errorf("revision %d was won %d times", number+1, count)
		}
	}
	history, err := openURL(t, url).History(t.Context(), "test")
	if err != nil || len(history) != 40 || history[0].Number != 40 {
		t.Errorf("history has %d revisions, error %v", len(history), err)
	}
}

func TestAKilledProcess_LeavesItsRunRunningAndTheRegistryUsable(t *testing.T) {
	for name, url := range map[string]string{
		"SQLite":     "sqlite:" + filepath.Join(t.TempDir(), "registry.db"),
		"PostgreSQL": postgrestest.Start(t).Database(),
	} {
		t.Run(name, func(t *testing.T) { killProcess(t, url) })
	}
}

func killProcess(t *testing.T, url string) {
	output, err := start(t, "killed", url)()
	if err == nil {
		t.Fatal("the process was not killed")
	}
	db := openURL(t, url)
	runs, err := db.LastRuns(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	run := runs["weather"]
	if strconv.FormatInt(run.ID, 10) != strings.TrimSpace(output) || run.Outcome != registry.Running {
		t.Errorf("run %s is kept as %+v", output, run)
	}
	if _, err := db.Apply(t.Context(), commit(0, "")); err != nil {
		t.Error(err)
	}
}

func TestAReadOnlyFolder_IsReadAndNotWritten(t *testing.T) {
	// The folders that t.TempDir makes are closed to other users.
	folder, err := os.MkdirTemp("", "registry")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(os.Chmod(folder, 0o755), os.RemoveAll(folder)); err != nil {
			t.Error(err)
		}
	})
	path := filepath.Join(folder, "registry.db")
	db := open(t, path)
	if _, err := db.Apply(t.Context(), commit(0, "")); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Chmod(path, 0o444), os.Chmod(folder, 0o555)); err != nil {
		t.Fatal(err)
	}
	output, err := start(t, "read", "sqlite:"+path)()
	if err != nil {
		t.Fatal(err)
	}
	const refused = " was not changed, since the file or its folder is read-only"
	if !strings.HasPrefix(output, "1\n") || !strings.Contains(output, path+refused) {
		t.Errorf("the reader says %q", output)
	}
	output, err = start(t, "read", "sqlite:"+filepath.Join(folder, "another.db"))()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(output, "0\n") || !strings.Contains(output, "another.db cannot be opened") {
		t.Errorf("the reader of a file that is not there says %q", output)
	}
}
