package sqldb_test

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/registry/sqldb"
)

// edit runs a statement on the file, behind the registry's back.
func edit(t *testing.T, path, statement string) {
	t.Helper()
	handle, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := handle.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
	if err := handle.Close(); err != nil {
		t.Fatal(err)
	}
}

// appliedOnce returns the path of a registry that is at revision 1 and closed.
func appliedOnce(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "registry.db")
	db := open(t, path)
	if _, err := db.Apply(t.Context(), commit(0, "ada")); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func listing(t *testing.T, folder string) []string {
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

func TestReading_CreatesNothing(t *testing.T) {
	folder := t.TempDir()
	db := open(t, filepath.Join(folder, "new", "registry.db"))
	_, currentErr := db.Current(t.Context(), "test")
	_, historyErr := db.History(t.Context(), "test")
	progress, progressErr := db.Progress(t.Context(), "test")
	runs, runsErr := db.LastRuns(t.Context(), "test")
	if err := errors.Join(currentErr, historyErr, progressErr, runsErr); err != nil {
		t.Error(err)
	}
	if progress == nil || runs == nil || len(progress)+len(runs) != 0 {
		t.Errorf("progress is %v, runs are %v", progress, runs)
	}
	if names := listing(t, folder); len(names) != 0 {
		t.Errorf("reading made %v", names)
	}
}

func TestAReaderThatWasThereFirst_SeesWhatAnotherApplies(t *testing.T) {
	path := filepath.Join(t.TempDir(), "registry.db")
	reader, writer := open(t, path), open(t, path)
	if _, err := writer.Apply(t.Context(), commit(0, "")); err != nil {
		t.Fatal(err)
	}
	if snapshot, err := reader.Current(t.Context(), "test"); err != nil || snapshot.Revision != 1 {
		t.Errorf("got %v, %v", snapshot, err)
	}
}

func TestARevision_IsDecodedOnceWhileItsBytesAreTheSame(t *testing.T) {
	path := appliedOnce(t)
	db := open(t, path)
	read := func() *feature.Snapshot {
		t.Helper()
		snapshot, err := db.Current(t.Context(), "test")
		if err != nil {
			t.Fatal(err)
		}
		return snapshot
	}
	first := read()
	if read() != first {
		t.Error("the second look decoded the same bytes again")
	}
	edit(t, path, "UPDATE revisions SET state = x'0a00'")
	if read() == first {
		t.Error("other bytes under the same number were answered with what was decoded before")
	}
}

func TestAClosedRegistry_IsOneFile(t *testing.T) {
	path := appliedOnce(t)
	if names := listing(t, filepath.Dir(path)); len(names) != 1 {
		t.Errorf("the folder has %v", names)
	}
}

func TestAPath_MayHoldAnyCharacter(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "a?b=c&d %41#é'")
	db := open(t, filepath.Join(folder, "re%20gi?mode=memory.db"))
	if _, err := db.Apply(t.Context(), commit(0, "")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("re%20gi?mode=memory.db", listing(t, folder)[0]); diff != "" {
		t.Error(diff)
	}
}

func TestAURL_ThatIsNotOfARegistryIsTheUsersMistake(t *testing.T) {
	for _, url := range []string{"", "sqlite:", "registry.db", "mysql://localhost/x", "sqlite:" + t.TempDir()} {
		var mistake *fault.InputError
		if _, err := sqldb.Open(t.Context(), url); !errors.As(err, &mistake) {
			t.Errorf("opening %q returned %v", url, err)
		}
	}
}

func TestAFileThatIsNoDatabase_IsRefusedAndLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notes.txt")
	content := strings.Repeat("These are notes. ", 500)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	var mistake *fault.InputError
	_, err := sqldb.Open(t.Context(), "sqlite:"+path)
	if !errors.As(err, &mistake) || !strings.Contains(err.Error(), path+" is no SQLite database") {
		t.Errorf("Open returned %v", err)
	}
	if now, err := os.ReadFile(path); err != nil || string(now) != content {
		t.Errorf("the file was changed, or %v", err)
	}
}

func TestAFolderThatIsAFile_IsNamed(t *testing.T) {
	path := filepath.Join(appliedOnce(t), "registry.db")
	if _, err := sqldb.Open(t.Context(), "sqlite:"+path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("Open returned %v", err)
	}
}

func TestANewerSchema_IsRefused(t *testing.T) {
	path := appliedOnce(t)
	edit(t, path, "INSERT INTO registry_schema (version_id, is_applied) VALUES (9999, true)")
	_, err := sqldb.Open(t.Context(), "sqlite:"+path)
	if !errors.Is(err, fault.ErrNewer) || !strings.Contains(err.Error(), path) {
		t.Errorf("Open returned %v", err)
	}
}

func TestAnEmptyFile_BecomesARegistry(t *testing.T) {
	path := filepath.Join(t.TempDir(), "registry.db")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, path).Apply(t.Context(), commit(0, "")); err != nil {
		t.Error(err)
	}
}

func TestAFileWithOtherTables_KeepsThem(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shared.db")
	edit(t, path, "CREATE TABLE goose_db_version (id INTEGER); INSERT INTO goose_db_version VALUES (7)")
	if _, err := open(t, path).Apply(t.Context(), commit(0, "")); err != nil {
		t.Fatal(err)
	}
	edit(t, path, "INSERT INTO goose_db_version SELECT id + 1 FROM goose_db_version")
}

func TestAStateThatCannotBeRead_IsNamed(t *testing.T) {
	path := appliedOnce(t)
	edit(t, path, "UPDATE revisions SET state = x'ff'")
	_, err := open(t, path).Current(t.Context(), "test")
	if err == nil || !strings.Contains(err.Error(), path+" is damaged: revision 1 of project \"test\"") {
		t.Errorf("Current returned %v", err)
	}
}

func TestADamagedFile_IsNamed(t *testing.T) {
	path := appliedOnce(t)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content[:len(content)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := sqldb.Open(t.Context(), "sqlite:"+path)
	if err == nil {
		_, err = db.Current(t.Context(), "test")
		err = errors.Join(err, db.Close())
	}
	if err == nil || !strings.Contains(err.Error(), path+" is damaged") {
		t.Errorf("reading half a registry returned %v", err)
	}
}

func TestAClosedRegistry_SaysSo(t *testing.T) {
	for name, db := range map[string]*sqldb.DB{
		"there":     open(t, appliedOnce(t)),
		"not there": open(t, filepath.Join(t.TempDir(), "registry.db")),
	} {
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		_, readErr := db.Current(t.Context(), "test")
		_, writeErr := db.Apply(t.Context(), commit(0, ""))
		if readErr == nil || writeErr == nil {
			t.Errorf("%s: reading returned %v, writing %v", name, readErr, writeErr)
		}
	}
}

// Every version of Plumb reads the registries of those before it: a file per schema version is kept here, never
// changed.
func TestARegistryOfSchema1InSQLite_IsReadAndGoesOn(t *testing.T) { goesOn(t, open(t, schema1(t))) }

// schema1 is the path of a copy.
func schema1(t *testing.T) string {
	t.Helper()
	content, err := os.ReadFile("testdata/compat/schema1.db")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "registry.db")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAWindowWithoutABeginningOfSchema1_HasNoneAfterwards(t *testing.T) {
	path := schema1(t)
	edit(t, path, "UPDATE progress SET window_start = NULL, window_end = -7")
	progress, err := open(t, path).Progress(t.Context(), "nycflights")
	want := []registry.Interval{{End: -7}}
	if diff := cmp.Diff(want, progress["weather"].Intervals); err != nil || diff != "" {
		t.Errorf("intervals: %s, error %v", diff, err)
	}
}

func TestProgressThatCannotBeRead_IsNamed(t *testing.T) {
	path := schema1(t)
	if _, err := open(t, path).Current(t.Context(), "nycflights"); err != nil { // It migrates.
		t.Fatal(err)
	}
	edit(t, path, "UPDATE progress SET intervals = '[5'")
	_, err := open(t, path).Progress(t.Context(), "nycflights")
	if err == nil || !strings.Contains(err.Error(), path+` is damaged: what view "weather" was materialized for`) {
		t.Errorf("Progress returned %v", err)
	}
}

// goesOn reads what schema 1 held, and applies on top of it.
func goesOn(t *testing.T, db *sqldb.DB) {
	t.Helper()
	snapshot, err := db.Current(t.Context(), "nycflights")
	if err != nil {
		t.Fatal(err)
	}
	view, err := snapshot.View("weather")
	if err != nil {
		t.Fatal(err)
	}
	if snapshot.Revision != 2 || view.Generation != 1 || view.Rebuild != 2 || len(view.Schemas) != 2 ||
		view.Features[1].Name != "gust" || view.Features[1].Type != plumbv1.Type_FLOAT64 {
		t.Errorf("revision %d has view %+v", snapshot.Revision, view)
	}
	history, err := db.History(t.Context(), "nycflights")
	if err != nil || len(history) != 2 || history[0].By != "grace" || history[1].Changes[0] != "add entity airport" {
		t.Errorf("history is %v, error %v", history, err)
	}
	progress, err := db.Progress(t.Context(), "nycflights")
	start := int64(5)
	want := map[string]registry.Progress{"weather": {View: "weather", Generation: 1, Rebuild: 2,
		Intervals: []registry.Interval{{Start: &start, End: 10}}}}
	if diff := cmp.Diff(want, progress); err != nil || diff != "" {
		t.Errorf("progress: %s, error %v", diff, err)
	}
	runs, err := db.LastRuns(t.Context(), "nycflights")
	if run := runs["weather"]; err != nil || run.Outcome != registry.Succeeded || run.Written != 7 {
		t.Errorf("runs are %v, error %v", runs, err)
	}
	next := registry.Commit{Project: "nycflights", Base: 2, State: snapshot.State}
	if number, err := db.Apply(t.Context(), next); err != nil || number != 3 {
		t.Errorf("Apply returned %d, %v", number, err)
	}
}
