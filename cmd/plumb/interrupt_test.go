package main_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

const largeProject = `project: large
offline: {memory_limit: 150MB, threads: 2}
`

const largeDefinitions = `entities:
  - {name: sensor, join_keys: [{name: sensor, type: INT64}]}
sources:
  - {name: readings, parquet: {path: data/readings.parquet}, event_timestamp: at}
feature_views:
  - name: reading
    entities: [sensor]
    source: readings
    features: [{name: value, type: INT64}]
`

// large is a project with readings and labels enough for a second or more of work, and with little memory, so that much
// of it is on disk.
type large struct{ folder, temp string }

func newLarge(t *testing.T) large {
	t.Helper()
	l := large{t.TempDir(), t.TempDir()}
	for _, folder := range []string{"features", "data"} {
		if err := os.Mkdir(filepath.Join(l.folder, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	l.write(t, "plumb.yaml", largeProject)
	l.write(t, "features/reading.yaml", largeDefinitions)
	const keys = 200_000
	writeRows(t, filepath.Join(l.folder, "data/readings.parquet"), 2_000_000, keys, "at", "value")
	writeRows(t, filepath.Join(l.folder, "labels.parquet"), 1_000_000, keys, "event_timestamp", "row")
	if output, err := l.command("apply", "--yes").CombinedOutput(); err != nil {
		t.Fatalf("plumb apply: %v\n%s", err, output)
	}
	return l
}

func (l large) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(l.folder, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (l large) remove(t *testing.T, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(l.folder, name)); err != nil {
		t.Fatal(err)
	}
}

// writeRows writes a Parquet file with a sensor, a time and a number in each row.
func writeRows(t *testing.T, path string, rows, keys int, timeColumn, numberColumn string) {
	t.Helper()
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "sensor", Type: arrow.PrimitiveTypes.Int64},
		{Name: timeColumn, Type: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}},
		{Name: numberColumn, Type: arrow.PrimitiveTypes.Int64},
	}, nil)
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	writer, err := pqarrow.NewFileWriter(schema, file, parquet.NewWriterProperties(), pqarrow.DefaultWriterProps())
	if err != nil {
		t.Fatal(err)
	}
	builder := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer builder.Release()
	start := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	for row := range rows {
		builder.Field(0).(*array.Int64Builder).Append(int64(row*7919) % int64(keys))
		builder.Field(1).(*array.TimestampBuilder).Append(arrow.Timestamp(start + int64(row)*1e6))
		builder.Field(2).(*array.Int64Builder).Append(int64(row))
		if (row+1)%100_000 > 0 {
			continue
		}
		batch := builder.NewRecordBatch()
		if err := writer.Write(batch); err != nil {
			t.Fatal(err)
		}
		batch.Release()
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
}

func (l large) command(args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(binaries, "plumb"), args...)
	cmd.Dir = l.folder
	cmd.Env = append(os.Environ(), "TMPDIR="+l.temp)
	return cmd
}

// files lists a folder.
func files(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// interrupt runs a command and sends it SIGINT that many ticks after its first spill folder appears. It returns whether
// the command was interrupted rather than finished, and checks that it ended in one of these two ways.
func (l large) interrupt(t *testing.T, ticks int, args ...string) (interrupted bool) {
	t.Helper()
	cmd := l.command(args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for started := false; ticks > 0 || !started; {
		select {
		case err := <-ended:
			ended <- err
			ticks, started = 0, true
		case <-ticker.C:
			if started = started || len(files(t, l.temp)) > 0; started {
				ticks--
			}
		}
	}
	_ = cmd.Process.Signal(syscall.SIGINT) // Where it has ended, that says so.
	select {
	case <-ended:
	case <-time.After(patience):
		_ = cmd.Process.Kill()
		t.Fatal("it goes on after SIGINT")
	}
	switch code := cmd.ProcessState.ExitCode(); {
	case code == 0:
		return false
	case code != 1 || !strings.HasSuffix(stderr.String(), "plumb: interrupted\n"):
		t.Errorf("%s, and it says\n%s", cmd.ProcessState, &stderr)
	}
	return true
}

// rounds calls run with random numbers of ticks until it has been interrupted often enough.
func rounds(t *testing.T, run func(ticks int) (interrupted bool)) {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for count, longest := 0, 400; count < 6; {
		ticks := random.IntN(longest)
		if run(ticks) {
			count++
			continue
		}
		longest = max(ticks, 1) // It had ended by then.
	}
}

func TestCtrlCAtAnyPointOfAJoinLeavesTheOutputThatWasThereAndNothingElse(t *testing.T) {
	l := newLarge(t)
	l.write(t, "out.parquet", "what was there before")
	before := files(t, l.folder)
	rounds(t, func(ticks int) bool {
		interrupted := l.interrupt(t, ticks, "historical", "--labels", "labels.parquet", "--features", "reading:*",
			"--out", "out.parquet")
		if left := files(t, l.temp); len(left) > 0 {
			t.Errorf("the temporary folder holds %q", left)
		}
		if !interrupted {
			l.remove(t, "out.parquet.manifest") // It comes with an output alone.
		}
		if after := files(t, l.folder); !slices.Equal(after, before) {
			t.Errorf("the project holds %q, and held %q", after, before)
		}
		content, err := os.ReadFile(filepath.Join(l.folder, "out.parquet"))
		if same := string(content) == "what was there before"; err != nil || same != interrupted {
			t.Errorf("interrupted: %t; the output is as before: %t, %v", interrupted, same, err)
		}
		l.write(t, "out.parquet", "what was there before")
		return interrupted
	})
}

func TestCtrlCAtAnyPointOfAMaterializationLeavesNothingTemporaryAndANewRunCompletes(t *testing.T) {
	l := newLarge(t)
	args := []string{"materialize", "--full", "--to", "2024-03-01T00:00:00Z"}
	rounds(t, func(ticks int) bool {
		interrupted := l.interrupt(t, ticks, args...)
		if left := files(t, l.temp); len(left) > 0 {
			t.Errorf("the temporary folder holds %q", left)
		}
		// A run that has just begun has not made the online store yet. SQLite's log may stay if a connection was rolling
		// back at the end. It is part of the store: the next process that opens the store recovers it.
		left := slices.DeleteFunc(files(t, filepath.Join(l.folder, ".plumb")), func(name string) bool {
			return name == "online.db" || name == "online.db-wal" || name == "online.db-shm"
		})
		if !slices.Equal(left, []string{"registry.db"}) {
			t.Errorf("beside the stores there are %q", left)
		}
		return interrupted
	})
	if output, err := l.command(args...).CombinedOutput(); err != nil || !strings.Contains(string(output), "succeeded") {
		t.Errorf("a run that is left alone: %v\n%s", err, output)
	}
}
