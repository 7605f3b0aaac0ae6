package disk_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/plumbstore/plumb/internal/disk"
)

func TestOnlyRegularFilesAreOpened(t *testing.T) {
	folder := t.TempDir()
	pipe, link := filepath.Join(folder, "pipe"), filepath.Join(folder, "link")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(pipe, link); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		pipe: "it is a named pipe", link: "it is a named pipe", folder: "it is a folder", "/dev/zero": "it is a device",
	} {
		if _, err := disk.OpenRegular(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", path, err, want)
		}
		if _, err := disk.ReadRegular(path, 10); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", path, err, want)
		}
	}
}

func TestReadIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("12345"), 0o600); err != nil {
		t.Fatal(err)
	}
	if content, err := disk.ReadRegular(path, 5); err != nil || string(content) != "12345" {
		t.Errorf("got %q and %v", content, err)
	}
	if _, err := disk.ReadRegular(path, 4); err == nil || !strings.Contains(err.Error(), "more than 4 bytes") {
		t.Errorf("got %v", err)
	}
}

func TestReasonLeavesThePathOut(t *testing.T) {
	_, missing := disk.OpenRegular(filepath.Join(t.TempDir(), "none"))
	if got := disk.Reason(missing).Error(); got != "no such file or directory" {
		t.Errorf("got %q", got)
	}
	if got := disk.Reason(errors.New("/path: torn")).Error(); got != "/path: torn" {
		t.Errorf("got %q of an error of another kind", got)
	}
}
