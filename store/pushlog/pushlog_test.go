package pushlog_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"pgregory.net/rapid"

	"github.com/apache/arrow-go/v18/parquet/file"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store/pushlog"
)

// clock is what a log's clock says.
type clock struct{ now time.Time }

func newClock() *clock { return &clock{time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time { return c.now }

func open(t rapid.TB, folder string, c *clock, changes ...func(*pushlog.Config)) *pushlog.Log {
	t.Helper()
	config := pushlog.Config{Folder: folder, Now: c.Now, MaxAge: time.Minute}
	for _, change := range changes {
		change(&config)
	}
	log, err := pushlog.Open(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	return log
}

func rollDue(log *pushlog.Log) error {
	log.Retire(true)
	return log.RollClosed()
}

// batch is a record batch of numbers in a column.
func batch(column string, numbers ...int64) arrow.RecordBatch {
	schema := arrow.NewSchema([]arrow.Field{{Name: column, Type: arrow.PrimitiveTypes.Int64, Nullable: true}}, nil)
	builder := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	builder.Field(0).(*array.Int64Builder).AppendValues(numbers, nil)
	return builder.NewRecordBatch()
}

func add(t rapid.TB, log *pushlog.Log, numbers ...int64) {
	t.Helper()
	if err := log.Append(batch("n", numbers...)); err != nil {
		t.Fatal(err)
	}
}

// rolled are the numbers of the Parquet files, in the order of their names.
func rolled(t rapid.TB, folder string) []int64 {
	t.Helper()
	var numbers []int64
	for _, path := range named(t, folder, ".parquet") {
		reader, err := file.OpenParquetFile(path, false)
		if err != nil {
			t.Fatal(err)
		}
		arrowReader, err := pqarrow.NewFileReader(reader, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
		if err != nil {
			t.Fatal(err)
		}
		table, err := arrowReader.ReadTable(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, chunk := range table.Column(0).Data().Chunks() {
			numbers = append(numbers, chunk.(*array.Int64).Int64Values()...)
		}
		reader.Close()
	}
	return numbers
}

// named are the files of an extension, in the order of their names.
func named(t rapid.TB, folder, extension string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(folder, "*"+extension))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	return found
}

func expect(t rapid.TB, folder string, files int, numbers ...int64) {
	t.Helper()
	if got := rolled(t, folder); !slices.Equal(got, numbers) {
		t.Errorf("the Parquet files hold %v, want %v", got, numbers)
	}
	if got := named(t, folder, ".parquet"); len(got) != files {
		t.Errorf("there are %d Parquet files, want %d", len(got), files)
	}
}

func expectNothingElse(t rapid.TB, folder string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".parquet") {
			t.Errorf("%s is left", entry.Name())
		}
	}
}

func TestRowsBecomeAParquetFileOnceTheyAreOldEnough(t *testing.T) {
	folder, c := filepath.Join(t.TempDir(), "made", "log"), newClock()
	log := open(t, folder, c)
	add(t, log, 1, 2)
	c.now = c.now.Add(time.Minute - time.Microsecond)
	add(t, log, 3)
	if err := rollDue(log); err != nil {
		t.Fatal(err)
	}
	expect(t, folder, 0)
	c.now = c.now.Add(time.Microsecond)
	if err := rollDue(log); err != nil {
		t.Fatal(err)
	}
	expect(t, folder, 1, 1, 2, 3)
	add(t, log, 4)
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	expect(t, folder, 2, 1, 2, 3, 4)
	expectNothingElse(t, folder)
}

func TestRowsBecomeAParquetFileOnceThereAreEnough(t *testing.T) {
	folder, c := t.TempDir(), newClock()
	log := open(t, folder, c, func(config *pushlog.Config) { config.MaxBytes = 1000 })
	for i := range int64(10) {
		add(t, log, i)
	}
	if err := rollDue(log); err != nil {
		t.Fatal(err)
	}
	if got := rolled(t, folder); len(got) == 0 || len(got) == 10 {
		t.Errorf("%v are in Parquet files", got)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	if got := rolled(t, folder); !slices.Equal(got, []int64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}) {
		t.Errorf("the Parquet files hold %v", got)
	}
}

func TestNamesAscendWhereTheClockIsSetBack(t *testing.T) {
	folder, c := t.TempDir(), newClock()
	for i := range int64(3) {
		log := open(t, folder, c)
		add(t, log, i)
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
		c.now = c.now.AddDate(-100, 0, 0)
	}
	expect(t, folder, 3, 0, 1, 2)
}

func TestRowsOfAnotherSchemaBeginAFileOfTheirOwn(t *testing.T) {
	folder := t.TempDir()
	log := open(t, folder, newClock())
	if err := log.Append(batch("n", 1), batch("m", 2), batch("m", 3)); err != nil {
		t.Fatal(err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	expect(t, folder, 2, 1, 2, 3)
}

// left is what a process that was killed has left: its write-ahead file, unlocked.
func left(t rapid.TB, folder string, appends ...[]int64) string {
	t.Helper()
	elsewhere, err := os.MkdirTemp(folder, "killed")
	if err != nil {
		t.Fatal(err)
	}
	log := open(t, elsewhere, newClock())
	for _, numbers := range appends {
		add(t, log, numbers...)
	}
	path := named(t, elsewhere, ".wal")[0]
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(log.Close(), os.RemoveAll(elsewhere)); err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(folder, filepath.Base(path))
	if err := os.WriteFile(copied, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return copied
}

func TestWhatAKilledProcessHasLeftIsTakenOverUpToTheRecordThatIsNotWhole(t *testing.T) {
	whole, err := os.ReadFile(left(t, t.TempDir(), []int64{1, 2}, []int64{3}))
	if err != nil {
		t.Fatal(err)
	}
	first := 9 + 8 + int(binary.BigEndian.Uint32(whole[9:]))
	rapid.Check(t, func(t *rapid.T) {
		folder, err := os.MkdirTemp("", "pushlog")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(folder)
		data := slices.Clone(whole)
		cut := rapid.IntRange(0, len(data)).Draw(t, "cut")
		var want []int64
		if rapid.Bool().Draw(t, "torn") { // Its pages were not all written.
			for i := cut; i < len(data); i++ {
				data[i] = 0
			}
			cut = min(cut, len(data)-1)
		} else {
			data = data[:cut]
		}
		path := filepath.Join(folder, "00000000000000000001-killed.wal")
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		if cut < 9 && len(data) > 9 {
			return // A header of zeros is not one of our own files.
		}
		// A record whose last bytes are zeros is whole if no others are missing.
		if len(data) >= first && slices.Equal(data[:first], whole[:first]) {
			want = []int64{1, 2}
		}
		if slices.Equal(data, whole) {
			want = append(want, 3)
		}
		var replayed []int64
		log := open(t, folder, newClock(), func(config *pushlog.Config) {
			config.Replay = func(_ context.Context, record arrow.RecordBatch) error {
				replayed = append(replayed, record.Column(0).(*array.Int64).Int64Values()...)
				return nil
			}
		})
		if got := rolled(t, folder); !slices.Equal(got, want) || !slices.Equal(replayed, want) {
			t.Errorf("of %d bytes %v are rolled and %v replayed, want %v", cut, got, replayed, want)
		}
		expectNothingElse(t, folder)
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestAFileWhoseReplayFailsStaysForTheNext(t *testing.T) {
	folder := t.TempDir()
	left(t, folder, []int64{1})
	gone := errors.New("the store is gone")
	_, err := pushlog.Open(t.Context(), pushlog.Config{Folder: folder, Now: newClock().Now,
		Replay: func(context.Context, arrow.RecordBatch) error { return gone }})
	if !errors.Is(err, gone) {
		t.Fatalf("error is %v", err)
	}
	expect(t, folder, 0)
	open(t, folder, newClock())
	expect(t, folder, 1, 1)
}

func TestAProcessKilledBetweenRenamingAndRemovingLeavesEachRowOnce(t *testing.T) {
	folder := t.TempDir()
	path := left(t, folder, []int64{1}, []int64{2})
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	open(t, folder, newClock())
	expect(t, folder, 1, 1, 2)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	open(t, folder, newClock())
	expect(t, folder, 1, 1, 2)
	expectNothingElse(t, folder)
}

func TestAFileThatIsBeingWrittenIsLeftToItsProcess(t *testing.T) {
	folder := t.TempDir()
	one := open(t, folder, newClock())
	add(t, one, 1)
	other := open(t, folder, newClock())
	expect(t, folder, 0)
	add(t, other, 2)
	add(t, one, 3)
	if err := errors.Join(one.Close(), other.Close()); err != nil {
		t.Fatal(err)
	}
	expect(t, folder, 2, 1, 3, 2)
	expectNothingElse(t, folder)
}

func TestAFileThatANewerVersionWroteIsRefused(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "00000000000000000001-newer.wal")
	if err := os.WriteFile(path, []byte("plumblog\x02what follows"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := pushlog.Open(t.Context(), pushlog.Config{Folder: folder, Now: newClock().Now}); !errors.Is(err,
		fault.ErrNewer) {
		t.Fatalf("error is %v", err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

// The sample is never rewritten: what some version has appended stays readable.
func TestAWriteAheadFileOfTheFirstVersionStaysReadable(t *testing.T) {
	sample, err := os.ReadFile(filepath.Join("..", "..", "testdata", "compat", "store", "pushlog-v1.wal"))
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "00000000000000000001-sample.wal"), sample, 0o644); err != nil {
		t.Fatal(err)
	}
	open(t, folder, newClock())
	expect(t, folder, 1, 1, 2, 3)
}

func TestAFolderThatCannotBeMadeIsAnError(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(folder, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := pushlog.Open(t.Context(), pushlog.Config{Folder: folder, Now: newClock().Now})
	if err == nil || !strings.Contains(fmt.Sprint(err), "make the folder of a push log") {
		t.Errorf("error is %v", err)
	}
}
