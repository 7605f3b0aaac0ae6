package dataset

import (
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
)

// later is a clock by which every file has long been left alone.
func later() time.Time {
	return time.Now().Add(time.Hour) //nolint:forbidigo // Files get their times from the system's clock.
}

func digestsIn(t *testing.T) (folder string, open func() *FileDigests) {
	folder = t.TempDir()
	return folder, func() *FileDigests { return OpenFileDigests(filepath.Join(folder, "kept", "digests.json"), later) }
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func digestAt(t *testing.T, d *FileDigests, path string) string {
	t.Helper()
	files, err := d.Of(t.Context(), []string{path})
	if err != nil {
		t.Fatal(err)
	}
	return files[0].Digest
}

func sha(text string) string {
	digest := sha256.Sum256([]byte(text))
	return named(digest[:])
}

func TestADigestThatIsKept_IsNotReadAgain(t *testing.T) {
	folder, open := digestsIn(t)
	path := filepath.Join(folder, "a")
	put(t, path, "text")
	first := open()
	if got := digestAt(t, first, path); got != sha("text") {
		t.Fatalf("the digest is %s", got)
	}
	if err := first.Save(); err != nil {
		t.Fatal(err)
	}
	kept, err := os.ReadFile(filepath.Join(folder, "kept", "digests.json"))
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(folder, "kept", "digests.json"), strings.ReplaceAll(string(kept), sha("text"), "sha256:kept"))
	if got := digestAt(t, open(), path); got != "sha256:kept" {
		t.Errorf("it was read again: %s", got)
	}
}

func TestAFileThatChanges_IsReadAgain(t *testing.T) {
	folder, open := digestsIn(t)
	path := filepath.Join(folder, "a")
	put(t, path, "text")
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	digests := open()
	digestAt(t, digests, path)
	put(t, path, "tExt")
	if err := os.Chtimes(path, before.ModTime(), before.ModTime()); err != nil {
		t.Fatal(err)
	}
	if got := digestAt(t, digests, path); got != sha("tExt") {
		t.Errorf("other bytes under the same size and time have the digest %s", got)
	}
}

func TestAFileThatWasJustWritten_IsNotKept(t *testing.T) {
	folder, _ := digestsIn(t)
	path := filepath.Join(folder, "a")
	put(t, path, "text")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	digests := OpenFileDigests(filepath.Join(folder, "digests.json"), func() time.Time { return info.ModTime() })
	digestAt(t, digests, path)
	if err := digests.Save(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(folder, "digests.json")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("something is kept: %v", err)
	}
}

func TestDigestsThatCannotBeRead_CountAsNone(t *testing.T) {
	folder, open := digestsIn(t)
	path := filepath.Join(folder, "a")
	put(t, path, "text")
	if err := os.Mkdir(filepath.Join(folder, "kept"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, kept := range []string{"", "{", `{"format":9,"files":{}}`, `{"format":1}`} {
		put(t, filepath.Join(folder, "kept", "digests.json"), kept)
		digests := open()
		if got := digestAt(t, digests, path); got != sha("text") {
			t.Errorf("with %q the digest is %s", kept, got)
		}
		if err := digests.Save(); err != nil {
			t.Error(err)
		}
	}
}

func TestFilesThatAreGone_AreForgotten(t *testing.T) {
	folder, open := digestsIn(t)
	digests := open()
	for _, name := range []string{"a", "b"} {
		put(t, filepath.Join(folder, name), name)
		digestAt(t, digests, filepath.Join(folder, name))
	}
	if err := os.Remove(filepath.Join(folder, "a")); err != nil {
		t.Fatal(err)
	}
	if err := digests.Save(); err != nil {
		t.Fatal(err)
	}
	if again := open(); len(again.known) != 1 {
		t.Errorf("%v are kept", again.known)
	}
	_, err := digests.Of(t.Context(), []string{filepath.Join(folder, "a")})
	if _, ok := errors.AsType[*fault.InputError](err); !ok {
		t.Errorf("the one that is gone: %v", err)
	}
}

func TestInputsThatAreOthersThanTheJoinFound_AreNamed(t *testing.T) {
	folder, open := digestsIn(t)
	labels, source := filepath.Join(folder, "labels.csv"), filepath.Join(folder, "source.parquet")
	put(t, labels, "labels")
	put(t, source, "source")
	info, err := os.Stat(source)
	if err != nil {
		t.Fatal(err)
	}
	found := []feature.Input{{Source: "s", Name: "source.parquet",
		Version: feature.FileVersion{Size: info.Size(), Modified: info.ModTime()}}}
	in, err := NewInputs(folder, labels, open())
	if err != nil {
		t.Fatal(err)
	}
	file, sources, err := in.Digest(t.Context(), found)
	if err != nil || file.Path != "labels.csv" || file.Digest != sha("labels") || sources[0].Digest != sha("source") {
		t.Errorf("unchanged: %+v, %+v, %v", file, sources, err)
	}
	put(t, source, "another")
	_, _, err = in.Digest(t.Context(), found)
	if err == nil || !strings.Contains(err.Error(), "source.parquet was changed") {
		t.Errorf("a changed source: %v", err)
	}
	put(t, labels, "other labels")
	_, _, err = in.Digest(t.Context(), nil)
	if unchanged := in.Unchanged(); err == nil && unchanged == nil {
		t.Error("labels of another size pass")
	}
	if err != nil && !strings.Contains(err.Error(), "labels.csv was changed") {
		t.Errorf("changed labels: %v", err)
	}
	if err := os.Remove(labels); err != nil {
		t.Fatal(err)
	}
	if err := in.Unchanged(); err == nil || !strings.Contains(err.Error(), "labels.csv was changed") {
		t.Errorf("labels that are gone: %v", err)
	}
}
