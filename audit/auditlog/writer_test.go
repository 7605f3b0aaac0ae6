package auditlog_test

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/audit/auditlog"
	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
)

const day = feature.Instant(24 * time.Hour / time.Microsecond)

func TestFilesAreNamedByProjectDayAndTime(t *testing.T) {
	view, folder := newView(), t.TempDir()
	w, layout := newWorld(t, view), newLayout(t, view, nil)
	writer, told := newWriter(t, folder, nil)
	for _, servedAt := range []feature.Instant{at, at + day/2 - 1, at + day/2, at + 1} {
		entry := w.look(t, layout, []any{"a", int64(1)})
		entry.ServedAt = servedAt
		if err := writer.Write(entry); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	names := filesIn(t, folder)
	if len(names) != 2 || told.rows != 4 {
		t.Fatalf("there are %v with %d rows", names, told.rows)
	}
	for i, form := range []string{
		`^/test/2026-03-01/00001772366400000000-[0-9a-f]{8}-1\.parquet$`,
		`^/test/2026-03-02/00001772409600000000-[0-9a-f]{8}-2\.parquet$`,
	} {
		if !regexp.MustCompile(form).MatchString(names[i]) {
			t.Errorf("a file is called %s", names[i])
		}
	}
	for _, c := range []struct {
		from, to feature.Instant
		want     int
	}{
		{at, at, 1}, {at + day/2 - 1, at + day/2 - 1, 1}, {at + day/2 - 1, at + day/2, 2}, {at + day/2, at + 9*day, 1},
		{at + 2*day, at + 9*day, 0}, {at - day, at - day/2 - 1, 0},
	} {
		found, err := auditlog.Find(folder, "test", c.from, c.to)
		if err != nil || len(found) != c.want {
			t.Errorf("from %s to %s: %v %v", c.from, c.to, found, err)
		}
	}
}

func TestAFileIsFinishedWhenItIsFullOrOld(t *testing.T) {
	view, folder, now := newView(), t.TempDir(), at.Time()
	w, layout := newWorld(t, view), newLayout(t, view, nil)
	writer, told := newWriter(t, folder, func(c *auditlog.Config) {
		c.Now, c.MaxBytes = func() time.Time { return now }, 10_000
	})
	for told.files == 0 {
		if err := writer.Write(w.look(t, layout, []any{"a", int64(1)}, []any{"a", int64(2)})); err != nil {
			t.Fatal(err)
		}
	}
	full := told.rows
	if err := writer.Write(w.look(t, layout, []any{"a", int64(1)})); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		after time.Duration
		files int64
	}{{time.Minute - 1, 1}, {1, 2}} {
		now = now.Add(step.after)
		if err := writer.FinishDue(); err != nil || told.files != step.files {
			t.Errorf("after %s there are %d files, want %d: %v", step.after, told.files, step.files, err)
		}
	}
	if read := readAll(t, folder); read.count != full+1 || full < 10 {
		t.Errorf("%d rows, of which the full file has %d", read.count, full)
	}
	if err := writer.Close(); err != nil || told.files != 2 {
		t.Errorf("without rows there is a third file: %v", err)
	}
}

func TestEachRevisionAndSelectionHasFilesOfItsOwn(t *testing.T) {
	view, folder := newView(), t.TempDir()
	w := newWorld(t, view)
	writer, told := newWriter(t, folder, nil)
	for revision := range int64(70) {
		of := selected
		of.Revision = revision
		layout, err := auditlog.NewLayout("v1", of, selectAll(view), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := writer.Write(w.look(t, layout, []any{"a", int64(1)})); err != nil {
			t.Fatal(err)
		}
	}
	if told.files != 70-64 {
		t.Errorf("%d files are finished so that at most 64 are open", told.files)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	revisions := map[int64]bool{}
	for _, header := range readAll(t, folder).headers {
		revisions[header.Revision] = true
	}
	if len(revisions) != 70 {
		t.Errorf("%d revisions are told apart", len(revisions))
	}
}

// Many rows go to the file group by group, and are all there in their order.
func TestRowsBeyondARowGroupAreAllThere(t *testing.T) {
	view, folder := newView(), t.TempDir()
	view.Features, view.Schemas[0].Fields = view.Features[:1], view.Schemas[0].Fields[:1]
	w, layout := newWorld(t, view), newLayout(t, view, nil)
	writer, _ := newWriter(t, folder, nil)
	tuples := slices.Repeat([][]any{{"a", int64(1)}}, 10_000)
	entry := w.look(t, layout, tuples...)
	for range 14 {
		if err := writer.Write(entry); err != nil {
			t.Fatal(err)
		}
	}
	if names := filesIn(t, folder); len(names) != 1 || !strings.HasSuffix(names[0], ".parquet.partial") {
		t.Errorf("while it is written the file is %v", names)
	}
	if found, err := auditlog.Find(folder, "test", at, at); err != nil || len(found) != 0 {
		t.Errorf("a partial file is found: %v %v", found, err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	read := readAll(t, folder)
	if read.count != 140_000 {
		t.Fatalf("there are %d rows", read.count)
	}
	for i, row := range texts(read.columns[auditlog.RowColumn]) {
		if row != strconv.Itoa(i%10_000) {
			t.Fatalf("row %d is row %s of its request", i, row)
		}
	}
}

func TestWhatAKilledProcessLeftHalfWrittenIsRemoved(t *testing.T) {
	folder := t.TempDir()
	inDay := filepath.Join(folder, "test", "2026-03-01")
	if err := os.MkdirAll(inDay, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"left.parquet.partial", "locked.parquet.partial", "mine.txt", "whole.parquet"} {
		if err := os.WriteFile(filepath.Join(inDay, name), []byte("PAR1"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	locked, err := os.Open(filepath.Join(inDay, "locked.parquet.partial"))
	if err != nil {
		t.Fatal(err)
	}
	defer locked.Close()
	if err := syscall.Flock(int(locked.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	newWriter(t, folder, nil)
	got := filesIn(t, folder)
	want := []string{
		"/test/2026-03-01/locked.parquet.partial", "/test/2026-03-01/mine.txt", "/test/2026-03-01/whole.parquet",
	}
	if !slices.Equal(got, want) {
		t.Errorf("there are %v, want %v", got, want)
	}
}

func TestAFileThatCannotBeWrittenIsLostAndTheNextOneIsNot(t *testing.T) {
	view, folder := newView(), t.TempDir()
	w, layout := newWorld(t, view), newLayout(t, view, nil)
	writer, told := newWriter(t, folder, nil)
	obstacle := filepath.Join(folder, "test", "2026-03-01")
	if err := os.WriteFile(obstacle, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := writer.Write(w.look(t, layout, []any{"a", int64(1)}, []any{"a", int64(2)})); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); !errors.Is(err, syscall.ENOTDIR) || told.lost != 2 {
		t.Errorf("got %v, and %d rows are lost", err, told.lost)
	}
	if err := os.Remove(obstacle); err != nil {
		t.Fatal(err)
	}
	if err := writer.Write(w.look(t, layout, []any{"a", int64(1)})); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil || readAll(t, folder).count != 1 || told.lost != 2 {
		t.Errorf("the next file is lost too: %v, %+v", err, told)
	}
}

func TestAnAnswerThatDoesNotFitIsLostAlone(t *testing.T) {
	view, folder := newView(), t.TempDir()
	w, layout := newWorld(t, view), newLayout(t, view, nil)
	writer, told := newWriter(t, folder, nil)
	whole := w.look(t, layout, []any{"a", int64(1)})
	for name, spoil := range map[string]func(*auditlog.Entry){
		"a key is missing":    func(e *auditlog.Entry) { e.Keys = e.Keys[:1] },
		"a column is missing": func(e *auditlog.Entry) { e.Columns = e.Columns[1:] },
		"columns are swapped": func(e *auditlog.Entry) { e.Columns[1], e.Columns[2] = e.Columns[2], e.Columns[1] },
		"there are more rows": func(e *auditlog.Entry) { e.Count, e.Rows = 2, []int32{0, 1} },
		"stored rows are few": func(e *auditlog.Entry) { e.Stored = nil },
	} {
		entry := w.look(t, layout, []any{"a", int64(1)})
		spoil(entry)
		before := told.lost
		if err := writer.Write(entry); err == nil || told.lost != before+int64(len(entry.Rows)) {
			t.Errorf("%s: got %v, %d lost", name, err, told.lost-before)
		}
		if err := writer.Write(whole); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil || readAll(t, folder).count != 5 {
		t.Errorf("rows that fit are lost: %v", err)
	}
}

func TestAFolderThatCannotBeWrittenToIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := auditlog.NewWriter(auditlog.Config{Folder: file, Project: "test", Now: at.Time})
	if !errors.Is(err, syscall.ENOTDIR) || !strings.Contains(err.Error(), "folder of the audit log") {
		t.Errorf("got %v", err)
	}
}

func TestADamagedOrForeignFileIsNamed(t *testing.T) {
	view, folder := newView(), t.TempDir()
	w, layout := newWorld(t, view), newLayout(t, view, nil)
	writer, _ := newWriter(t, folder, nil)
	if err := writer.Write(w.look(t, layout, []any{"a", int64(1)}, []any{"a", int64(2)})); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(filepath.Join(folder, filesIn(t, folder)[0]))
	if err != nil {
		t.Fatal(err)
	}
	flipped := slices.Clone(whole)
	for i := 4; i < len(whole)/2; i++ {
		flipped[i] ^= 0xff
	}
	for name, content := range map[string][]byte{
		"empty": nil, "text": []byte("shop,till\na,1\n"), "cut short": whole[:len(whole)-1], "half": whole[:len(whole)/2],
		"flipped": flipped,
		"newer":   []byte(strings.Replace(string(whole), `{"version":1,`, `{"version":3,`, 1)),
	} {
		path := filepath.Join(t.TempDir(), "log.parquet")
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
		file, err := auditlog.Open(path)
		if err == nil {
			err = file.Read(t.Context(), func(arrow.RecordBatch) error { return nil })
			file.Close()
		}
		var input *fault.InputError
		switch {
		case err == nil || !strings.Contains(err.Error(), path):
			t.Errorf("%s: %v does not name the file", name, err)
		case name == "newer" && !errors.Is(err, fault.ErrNewer):
			t.Errorf("%s: got %v", name, err)
		case name != "newer" && !errors.As(err, &input):
			t.Errorf("%s: %v is not the user's to see", name, err)
		}
	}
	if _, err := auditlog.Open(filepath.Join(folder, "missing.parquet")); err == nil {
		t.Error("a file that is not there is opened")
	}
	if _, err := auditlog.Open("../../testdata/nycflights/data/weather.parquet"); err == nil ||
		!strings.Contains(err.Error(), "is not an audit log") {
		t.Errorf("a file of something else gives %v", err)
	}
	if _, err := auditlog.Find(filepath.Join(folder, "missing"), "test", at, at); err == nil {
		t.Error("a folder that is not there is searched")
	}
}
