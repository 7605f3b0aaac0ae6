package duckdb

import (
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// partition is a folder named name=value.
type partition struct{ name, value string }

// partitionsOf are those in a path, from the outside in. A folder with more than one = is none to DuckDB either.
func partitionsOf(folder string) []partition {
	var found []partition
	for part := range strings.SplitSeq(filepath.ToSlash(folder), "/") {
		if name, value, ok := strings.Cut(part, "="); ok {
			found = append(found, partition{name, value})
		}
	}
	return found
}

func partitionNames(partitions []partition) []string {
	names := make([]string, len(partitions))
	for i, p := range partitions {
		names[i] = p.name
	}
	return names
}

// findPartitions takes the names of partition columns from the folders between the source's folder and its files, and
// refuses folders that DuckDB would read in another way than their names say.
func (f *sourceFiles) findPartitions(folder string, found []string) error {
	for i, path := range found {
		below, err := filepath.Rel(folder, filepath.Dir(path))
		if err != nil {
			return fault.Inputf("", "cannot read %s: %v", path, err)
		}
		own := partitionsOf(below)
		if i == 0 {
			f.partitions = partitionNames(own)
		} else if names := partitionNames(own); !slices.Equal(names, f.partitions) {
			return fault.Inputf("", "folder %s has the partitions %s, where %s has %s; each file has to lie in the same ones",
				filepath.Dir(path), listed(names), filepath.Dir(found[0]), listed(f.partitions))
		}
		if err := f.checkFolder(filepath.Dir(path), own, partitionsOf(filepath.Dir(f.paths[i]))); err != nil {
			return err
		}
	}
	return nil
}

func listed(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// checkFolder checks one file's partitions against all that DuckDB sees in the path with its links resolved.
func (f *sourceFiles) checkFolder(folder string, own, resolved []partition) error {
	above := len(resolved) - len(own)
	if len(own) == 0 {
		return nil
	}
	if above < 0 || !slices.Equal(resolved[above:], own) {
		return fault.Inputf("", "folder %s is reached by a symbolic link that hides its partitions; read the folder "+
			"itself", folder)
	}
	for i, p := range own {
		switch {
		case p.name == "" || strings.Contains(p.value, "="):
			return fault.Inputf("", "folder %s: %q is not a name=value; rename it", folder, p.name+"="+p.value)
		case strings.EqualFold(p.value, "null"):
			return fault.Inputf("", "folder %s: %q may mean null or the text; rename it to %s=%s, or the text to another",
				folder, p.name+"="+p.value, p.name, nullPartition)
		case slices.ContainsFunc(resolved[:above+i], func(o partition) bool { return strings.EqualFold(o.name, p.name) }):
			return fault.Inputf("", "folder %s: two folders of its path are named %s=…; rename one", folder, p.name)
		}
	}
	f.foreign = partitionNames(resolved[:above])
	return nil
}

// checkPartitions refuses a file with a column that the names of its folders give too, or hide.
func (f sourceFiles) checkPartitions(path string, columns []fileColumn) error {
	if len(f.partitions) == 0 {
		return nil
	}
	for _, column := range columns {
		for _, name := range slices.Concat(f.partitions, f.foreign) {
			if strings.EqualFold(name, column.name) {
				return fault.Inputf("", "column %s is in the names of folders and in %s too, and they may differ; name the "+
					"files by a pattern (…/**/*.parquet) to read the column from them alone", column.name, path)
			}
		}
	}
	return nil
}

// partitionTexts are the values of a partition column, each once.
func (f sourceFiles) partitionTexts(name string) []string {
	known := map[string]bool{}
	var texts []string
	for _, path := range f.paths {
		if value := partitionValue(path, name); value != nil && !known[*value] {
			known[*value] = true
			texts = append(texts, *value)
		}
	}
	return texts
}

// partitionsFit returns an error that says which folder's name does not spell a value of a type; nil if all do.
func partitionsFit(column feature.Column, declared plumbv1.Type, joinKey bool) error {
	for _, text := range column.Texts {
		if spells(text, declared) || !joinKey && spells(withoutZeros(text), declared) {
			continue
		}
		hint := ""
		if declared == plumbv1.Type_TIMESTAMP {
			hint = "; name folders as in " + column.Name + "=2013-07-04"
		}
		return fmt.Errorf("%s in the folder name %s=%s does not fit %s exactly%s", text, column.Name, text, declared, hint)
	}
	return nil
}

// withoutZeros is a number without the zeros that may stand in front of one which is not a key, as in month=07.
func withoutZeros(text string) string {
	digits := strings.TrimPrefix(text, "-")
	switch least := strings.TrimLeft(digits, "0"); {
	case least == "" && digits != "":
		return "0"
	case digits != text:
		return "-" + least
	default:
		return least
	}
}

// nullPartition is the folder's value that represents null.
const nullPartition = "__HIVE_DEFAULT_PARTITION__"

// partitionValue is the text of a partition column that the names of a file's folders give; nil for null.
func partitionValue(path, column string) *string {
	for folder := range strings.SplitSeq(filepath.ToSlash(path), "/") {
		name, value, ok := strings.Cut(folder, "=")
		if !ok || name != column {
			continue
		}
		if value == nullPartition {
			return nil
		}
		if plain, err := url.PathUnescape(value); err == nil {
			return &plain
		}
		return &value
	}
	return nil
}
