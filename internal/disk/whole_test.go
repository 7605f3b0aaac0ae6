package disk_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/fault"
)

func TestAFileThatCannotBeFilledLeavesWhatWasThere(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "report.html")
	err := disk.Real().Write(path, func(w io.Writer) error { _, err := io.WriteString(w, "first"); return err })
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	err = disk.Real().Write(path, func(w io.Writer) error {
		if _, err := io.WriteString(w, "half"); err != nil {
			return err
		}
		return broken
	})
	if !errors.Is(err, broken) {
		t.Errorf("the error is %v", err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "first" {
		t.Errorf("the file holds %q, %v", got, err)
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 1 {
		t.Errorf("beside the file there is something left: %v, %v", entries, err)
	}
}

func TestAFolderThatIsNotThereIsTheUsersMistake(t *testing.T) {
	nothing := func(io.Writer) error { return nil }
	var input *fault.InputError
	if err := disk.Real().Write(filepath.Join(t.TempDir(), "missing", "report.html"), nothing); !errors.As(err, &input) {
		t.Errorf("a missing folder: %v", err)
	}
	if err := disk.Real().Write(t.TempDir(), nothing); !errors.As(err, &input) {
		t.Errorf("a folder in the file's place: %v", err)
	}
}
