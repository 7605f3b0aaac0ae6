package gitlfs_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plumbstore/plumb/internal/gitlfs"
)

const digits = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393"

func TestAPointerSaysWhichFileItStandsFor(t *testing.T) {
	for _, version := range []string{"https://git-lfs.github.com/spec/v1", "https://hawser.github.com/spec/v1"} {
		path := filepath.Join(t.TempDir(), "file")
		text := "version " + version + "\next-0-foo sha256:" + digits + "\noid sha256:" + digits + "\nsize 12345\n"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		want := gitlfs.Pointer{Digest: "sha256:" + digits, Size: 12345}
		if got, ok := gitlfs.Read(path); !ok || got != want {
			t.Errorf("%s: %v, %v", version, got, ok)
		}
	}
}

func TestOtherTextsAreNoPointers(t *testing.T) {
	head := "version https://git-lfs.github.com/spec/v1\n"
	for _, text := range []string{
		"", head, head + "oid sha256:" + digits + "\n", head + "size 1\n", head + "oid sha256:" + digits + "\nsize -1\n",
		head + "oid sha256:12\nsize 1\n", head + "oid md5:" + digits + "\nsize 1\n", "oid sha256:" + digits + "\nsize 1\n",
		head + "oid sha256:" + strings.Repeat("x", 64) + "\nsize 1\n", "PAR1",
	} {
		if got, ok := gitlfs.Parse([]byte(text)); ok {
			t.Errorf("%q is taken for %v", text, got)
		}
	}
	path := filepath.Join(t.TempDir(), "large")
	text := head + "oid sha256:" + digits + "\nsize 1\n" + strings.Repeat(" ", gitlfs.MaxSize)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, ok := gitlfs.Read(path); ok {
		t.Error("a large file is taken for a pointer")
	}
	if _, ok := gitlfs.Read(filepath.Dir(path)); ok {
		t.Error("a folder is taken for a pointer")
	}
}
