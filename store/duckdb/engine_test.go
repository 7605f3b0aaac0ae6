package duckdb

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store/duckdb/session/sessiontest"
)

func TestMain(m *testing.M) { os.Exit(sessiontest.Main(m)) }

func TestATempDirThatIsNotThereIsTheUsersMistake(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"missing": "offline.temp_dir: folder " + folder + "/missing does not exist; make it, or name another",
		"file":    "offline.temp_dir: " + folder + "/file is not a folder; name one",
	} {
		_, err := Open(Config{ProjectDir: folder, TempDir: name})
		if _, ok := errors.AsType[*fault.InputError](err); !ok || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}
