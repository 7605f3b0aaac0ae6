package dataset_test

import (
	"crypto/md5"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"

	"github.com/plumbstore/plumb/dataset"
	"github.com/plumbstore/plumb/internal/disk"
)

// inDVC writes an output of some bytes two folders below a DVC repository with a configuration, and its .dvc file. It
// returns the .dvc file's text, and the path in the cache.
func inDVC(t *testing.T, name, configuration string) (text, cached string) {
	t.Helper()
	root := t.TempDir()
	folder := filepath.Join(root, "a", "b")
	for _, made := range []string{folder, filepath.Join(root, ".dvc")} {
		if err := os.MkdirAll(made, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, ".dvc", "config"), []byte(configuration), 0o644); err != nil {
		t.Fatal(err)
	}
	output := filepath.Join(folder, name)
	if err := os.WriteFile(output, []byte("rows"), 0o644); err != nil {
		t.Fatal(err)
	}
	for range 2 { // Again, as when it is made once more.
		if err := dataset.WriteDVC(t.Context(), disk.Real(), output); err != nil {
			t.Fatal(err)
		}
	}
	written, err := os.ReadFile(output + ".dvc")
	if err != nil {
		t.Fatal(err)
	}
	sum := md5.Sum([]byte("rows"))
	digits := hex.EncodeToString(sum[:])
	return string(written), filepath.Join(root, ".dvc", "cache", "files", "md5", digits[:2], digits[2:])
}

func TestAnOutputInADVCRepositoryIsInItsCache(t *testing.T) {
	text, cached := inDVC(t, "train.parquet", "[core]\n    no_scm = True\n")
	sum := md5.Sum([]byte("rows"))
	want := "outs:\n- md5: " + hex.EncodeToString(sum[:]) + "\n  size: 4\n  hash: md5\n  path: train.parquet\n"
	if text != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
	content, err := os.ReadFile(cached)
	if err != nil || string(content) != "rows" {
		t.Errorf("the cache holds %q, %v", content, err)
	}
	if info, err := os.Stat(cached); err == nil && info.Mode().Perm() != 0o444 {
		t.Errorf("the cache's file may be changed: %s", info.Mode())
	}
}

func TestACacheThatIsConfiguredIsLeftToDVC(t *testing.T) {
	_, cached := inDVC(t, "train.parquet", "[core]\n    no_scm = True\n[cache]\n    dir = /elsewhere\n")
	if _, err := os.Stat(cached); !os.IsNotExist(err) {
		t.Errorf("the cache holds the output: %v", err)
	}
}

func TestNamesThatYAMLWouldTakeForMoreAreQuoted(t *testing.T) {
	text, _ := inDVC(t, "- a: b.csv", "")
	const want = "\n  path: \"- a: b.csv\"\n"
	if text[len(text)-len(want):] != want {
		t.Errorf("got %s", text)
	}
}
