package pulled

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
)

// name is that of a file of a folder: 00000002-00000013.parquet is the 13th of the second generation.
type name struct{ generation, sequence int }

var nameForm = regexp.MustCompile(`^([0-9]{8})-([0-9]{8})\.parquet$`)

func parseName(text string) (name, bool) {
	parts := nameForm.FindStringSubmatch(text)
	if parts == nil {
		return name{}, false
	}
	generation, _ := strconv.Atoi(parts[1]) // They are digits, and few.
	sequence, _ := strconv.Atoi(parts[2])
	return name{generation, sequence}, true
}

func (n name) String() string { return fmt.Sprintf("%08d-%08d.parquet", n.generation, n.sequence) }

// last is the greatest number that a name has room for.
const last = 99_999_999

// List returns the paths of the files that count in a folder, in the order in which they were pulled: those of the
// newest generation. There are none if the folder is not there. A *fault.InputError says that one is missing, since
// without it the others would be taken for all there is.
func List(folder string) ([]string, error) {
	names, _, err := list(folder)
	paths := make([]string, len(names))
	for i, n := range names {
		paths[i] = filepath.Join(folder, n.String())
	}
	return paths, err
}

// newestGeneration is the greatest number of a generation in a folder, whether or not its files are all there; 0 if
// there are none.
func newestGeneration(folder string) (int, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return 0, fmt.Errorf("look for what was pulled: %w", err)
	}
	newest := 0
	for _, entry := range entries {
		if n, ok := parseName(entry.Name()); ok {
			newest = max(newest, n.generation)
		}
	}
	return newest, nil
}

var folderForm = regexp.MustCompile(`^[0-9a-f]{16}$`)

// Former returns the folders, in that of a source, with what was pulled for other queries. A revision that is applied
// may still read them, so they are left for people to remove.
func Former(folder string, pull *feature.Pull) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("look for what was pulled: %w", err)
	}
	var former []string
	for _, entry := range entries {
		if entry.IsDir() && folderForm.MatchString(entry.Name()) && entry.Name() != pull.Folder() {
			former = append(former, filepath.Join(folder, entry.Name()))
		}
	}
	return former, nil
}

// list also returns what does not count: files of former generations, and files that were never whole.
func list(folder string) (names []name, others []string, err error) {
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fault.Inputf("", "cannot read %s: %v", folder, err)
	}
	for _, entry := range entries {
		switch n, ok := parseName(entry.Name()); {
		case ok && (names == nil || n.generation > names[0].generation):
			for _, former := range names {
				others = append(others, former.String())
			}
			names = []name{n}
		case ok && n.generation == names[0].generation:
			names = append(names, n)
		case ok || partialForm.MatchString(entry.Name()):
			others = append(others, entry.Name())
		}
	}
	slices.SortFunc(names, func(a, b name) int { return a.sequence - b.sequence })
	for i, n := range names {
		if n.sequence != i+1 {
			missing := name{n.generation, i + 1}
			return nil, nil, fault.Inputf("", "%s is missing from %s, so that rows are missing; restore it, or pull all rows "+
				"again with plumb pull --full", missing, folder)
		}
	}
	return names, others, nil
}

// partialForm is how internal/disk calls a file that gets such a name once it is whole.
var partialForm = regexp.MustCompile(`^\.[0-9]{8}-[0-9]{8}\.parquet\.partial-[0-9]+$`)
