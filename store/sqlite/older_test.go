package sqlite_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/online/onlinetest"
	"github.com/plumbstore/plumb/store/packed"
	"github.com/plumbstore/plumb/store/sqlite"
)

// firstVersion makes a file as version 1 made it, with the values by the names of their keys.
func firstVersion(t *testing.T, values map[string][]byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "online.db")
	execute(t, path, `PRAGMA journal_mode = WAL;
		CREATE TABLE rows (project TEXT NOT NULL, view TEXT NOT NULL, generation INTEGER NOT NULL, key BLOB NOT NULL,
			value BLOB NOT NULL, PRIMARY KEY (project, view, generation, key)) STRICT, WITHOUT ROWID;
		PRAGMA application_id = 1347177839; PRAGMA user_version = 1`)
	for key, value := range values {
		execute(t, path, fmt.Sprintf("INSERT INTO rows VALUES ('test', 'view', 1, x'%x', x'%x')", key, value))
	}
	return path
}

// oldValues are values of all formats that files of version 1 have.
func oldValues(t *testing.T) map[string][]byte {
	t.Helper()
	samples := onlinetest.Samples(t, "*-v*.txt")
	return map[string][]byte{
		"without origin": samples["row-v1.txt"]["every type"], "with origin": samples["row-v2.txt"]["every type"],
		"several":  samples["ahead-v3.txt"]["three rows"],
		"\x00\x01": samples["mark-v1.txt"]["mark 1122 of run 11"],
	}
}

func TestAFileOfTheFirstVersionIsUpgradedAsItIsOpened(t *testing.T) {
	values := oldValues(t)
	path := firstVersion(t, values)
	store := open(t, path)
	for key, old := range values {
		want, err := packed.Upgrade(old)
		if err != nil {
			t.Fatal(err)
		}
		read, err := store.Read(t.Context(), []online.Get{{Table: table, Key: []byte(key)}})
		if err != nil || !bytes.Equal(read[0], want) {
			t.Errorf("%q is %x, %v, want %x", key, read[0], err, want)
		}
	}
	marks, err := online.ReadMarks(t.Context(), store, table)
	if err != nil || marks[0].Birth != 0x1122 {
		t.Errorf("its marks are %+v, %v", marks, err)
	}
	held, err := store.Survey(t.Context(), table.Project)
	if err != nil || len(held) != 1 || held[0].Rows != 3 || held[0].View != table.View {
		t.Errorf("it holds %+v, %v", held, err)
	}
	// What is older than an upgraded row stays out, what is newer replaces it (R14).
	for _, c := range []struct {
		event int64
		want  online.WriteReport
	}{{-1, online.WriteReport{Older: 1}}, {math.MaxInt32 * 1_000_000, online.WriteReport{Written: 1}}} {
		row := online.Row{Key: []byte("with origin"), Value: onlinetest.Value(c.event, 0, "new")}
		if report, err := store.Write(t.Context(), table, []online.Row{row}); err != nil || report != c.want {
			t.Errorf("a row of %d gives %+v, %v, want %+v", c.event, report, err, c.want)
		}
	}
}

func TestADamagedRowOfTheFirstVersionStaysDamagedAndIsReplaced(t *testing.T) {
	old := oldValues(t)["with origin"]
	damaged := bytes.Clone(old)
	damaged[16] = 0
	store := open(t, firstVersion(t, map[string][]byte{"format": damaged, "cut": old[:7]}))
	for _, key := range []string{"format", "cut"} {
		get := []online.Get{{Table: table, Key: []byte(key)}}
		values, err := store.Read(t.Context(), get)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := packed.Parse(values[0]); !errors.Is(err, packed.ErrCorrupt) {
			t.Errorf("%s is read as %x, %v", key, values[0], err)
		}
		// Of the time that the damaged row has, so that it counts as the row written again.
		row := online.Row{Key: []byte(key), Value: onlinetest.Value(math.MaxInt32*1_000_000, 0, "new")}
		if report, err := store.Write(t.Context(), table, []online.Row{row}); err != nil || report.Written != 1 {
			t.Errorf("%s: %+v, %v", key, report, err)
		}
	}
}

// A process of version 1 that has the file open is told so, and loses nothing: it finds no table any more.
func TestAProcessOfTheFirstVersionFailsOnceTheFileIsUpgraded(t *testing.T) {
	path := firstVersion(t, oldValues(t))
	old, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	var count int
	if err := old.QueryRow("SELECT count(*) FROM rows").Scan(&count); err != nil || count != 4 {
		t.Fatalf("%d rows, %v", count, err)
	}
	open(t, path)
	if err := old.QueryRow("SELECT count(*) FROM rows").Scan(&count); err == nil {
		t.Errorf("it still finds %d rows", count)
	}
}

// An upgrade that fails in the middle leaves the file as it was.
func TestAnUpgradeThatFailsLeavesTheFileAsItWas(t *testing.T) {
	path := firstVersion(t, oldValues(t))
	execute(t, path, "CREATE TABLE packed_rows (a)")
	if store, err := sqlite.Open(t.Context(), path); err == nil {
		t.Fatal("it opens", store.Close())
	}
	execute(t, path, "DROP TABLE packed_rows; SELECT count(*) FROM rows")
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	open(t, path)
}
