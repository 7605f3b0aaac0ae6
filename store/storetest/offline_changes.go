package storetest

import (
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// ChangingFiles checks that an engine names a file that is gone, cut off or replaced after the join was planned.
func (s Offline) ChangingFiles(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, file string){
		"removed": remove,
		"truncated": func(t *testing.T, file string) {
			if err := os.Truncate(file, size(t, file)/2); err != nil {
				t.Fatal(err)
			}
		},
		"damaged in its pages": func(t *testing.T, file string) {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			copy(content[4:len(content)/2], strings.Repeat("\xff", len(content)/2))
			writeText(t, file, string(content))
		},
		"replaced by no Parquet file": func(t *testing.T, file string) { writeText(t, file, "gone") },
		"made a folder":               func(t *testing.T, file string) { remove(t, file); makeFolder(t, file) },
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			engine := s.Start(t, folder, 2)
			c := caseOf(t, folder, olderFiles)
			if err := writeLabels(c); err != nil {
				t.Fatal(err)
			}
			join, _, err := c.World.plan(t.Context(), engine, c.Joins[0].Question)
			if err != nil {
				t.Fatal(err)
			}
			defer join.Close()
			change(t, filepath.Join(folder, c.World.Files[1].Path))
			_, err = join.WriteFile(t.Context(), filepath.Join(folder, "out.parquet"))
			if err := refused(err, path.Base(c.World.Files[1].Path)); err != nil {
				t.Error(err)
			}
			if left := listFolder(t, folder); len(left) != 1 {
				t.Errorf("the folder holds %q", left)
			}
		})
	}
}

func makeFolder(t *testing.T, path string) {
	t.Helper()
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
}
