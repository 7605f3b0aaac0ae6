package cli

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/printable"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

//go:embed all:template
var embedded embed.FS

// schemaFile is the JSON Schema of definition files, which those of the template name in their first line, for editors.
const schemaFile = "definitions.schema.json"

func (a *application) initCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "init DIR",
		Short: "Make a small complete project with data, ready to apply",
		Args:  arguments("DIR"),
		RunE: func(_ *cobra.Command, args []string) error {
			files, err := createProject(args[0])
			if err != nil {
				return err
			}
			return a.print(map[string]any{"project_dir": args[0], "files": files}, func(w *printable.Writer) error {
				return w.Printf("%s is a project with %d files; next: cd %s && plumb apply (README.md goes on)\n",
					args[0], len(files), args[0])
			})
		},
	}
}

// createProject copies the template into a folder that is empty or does not exist, and returns what it wrote. If it
// fails, it leaves nothing behind.
func createProject(dir string) ([]string, error) {
	files, err := templateFiles()
	if err != nil {
		return nil, err
	}
	if err := refuseOccupied(dir); err != nil {
		return nil, err
	}
	names := slices.Sorted(maps.Keys(files))
	for i, name := range names {
		if err := writeNew(filepath.Join(dir, filepath.FromSlash(name)), files[name]); err != nil {
			return nil, errors.Join(fmt.Errorf("write the project: %w", err), removeAll(dir, names[:i+1]))
		}
	}
	return names, nil
}

// templateFiles are the files of a new project, by path.
func templateFiles() (map[string][]byte, error) {
	template, err := fs.Sub(embedded, "template")
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{schemaFile: plumbv1.DefinitionsSchema}
	err = fs.WalkDir(template, ".", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files[path], err = fs.ReadFile(template, path)
		}
		return err
	})
	return files, err
}

// removeAll removes the files and folders that these paths begin with. The folder was empty before, so nothing else is
// below them.
func removeAll(dir string, paths []string) error {
	var failures []error
	for _, path := range paths {
		first, _, _ := strings.Cut(path, "/")
		failures = append(failures, os.RemoveAll(filepath.Join(dir, first)))
	}
	return errors.Join(failures...)
}

func refuseOccupied(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fault.Inputf("DIR", "%s is not a folder that can be read: %v", dir, err)
	case len(entries) > 0:
		return fault.Inputf("DIR", "%s is not empty; name a folder that is, or that is not there yet", dir)
	}
	return nil
}

func writeNew(path string, content []byte) error {
	if err := disk.Real().MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o644)
}
