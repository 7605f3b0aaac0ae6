package sourcefiles

import (
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store/duckdb/parquetfooter"
)

// partition is a folder named name=value.
type partition struct{ name, value string }

// partitionsOf are those in a path, from the outside in: year=2013/month=07 has year 2013 and month 07. A folder with
// more than one = is none to DuckDB either.
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
func (f *Files) findPartitions(folder string, own int) error {
	for i, path := range f.listed[:own] {
		below, ok := strings.CutPrefix(folderOf(path)+"/", strings.TrimSuffix(folder, "/")+"/")
		if !ok {
			return fault.Inputf("", "cannot read %s: it does not lie in %s", path, folder)
		}
		found := partitionsOf(below)
		if i == 0 {
			f.Partitions = partitionNames(found)
		} else if names := partitionNames(found); !slices.Equal(names, f.Partitions) {
			return fault.Inputf("", "folder %s has the partitions %s, where %s has %s; each file has to lie in the same ones",
				folderOf(path), listed(names), folderOf(f.listed[0]), listed(f.Partitions))
		}
		if err := f.checkFolder(folderOf(path), found, partitionsOf(filepath.Dir(f.Paths[i]))); err != nil {
			return err
		}
	}
	return nil
}

// folderOf is the folder of a file, or what comes before the last slash of an object's name.
func folderOf(path string) string {
	path = filepath.ToSlash(path)
	return path[:strings.LastIndexByte(path, '/')]
}

func listed(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// checkFolder checks one file's partitions against all that DuckDB sees in the path with its links resolved. DuckDB
// takes a column from every name=value in the whole path, above the source's folder too. What it would read from
// another folder than the source means, or not at all, is refused.
func (f *Files) checkFolder(folder string, own, resolved []partition) error {
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

// CheckPartitions refuses a file with a column that the names of its folders give too, or hide.
func (f Files) CheckPartitions(path string, columns []string) error {
	if len(f.Partitions) == 0 {
		return nil
	}
	for _, column := range columns {
		for _, name := range slices.Concat(f.Partitions, f.foreign) {
			if strings.EqualFold(name, column) {
				return fault.Inputf("", "column %s is in the names of folders and in %s too, and they may differ; name the "+
					"files by a pattern (…/**/*.parquet) to read the column from them alone", column, path)
			}
		}
	}
	return nil
}

// PartitionTexts are the values of a partition column, each once.
func (f Files) PartitionTexts(name string) []string {
	known := map[string]bool{}
	var texts []string
	for _, path := range f.Paths {
		if value := partitionValue(path, name); value != nil && !known[*value] {
			known[*value] = true
			texts = append(texts, *value)
		}
	}
	return texts
}

// nullPartition is the folder's value that represents null.
const nullPartition = "__HIVE_DEFAULT_PARTITION__"

// IsPlain says that DuckDB takes no other partitions from the files' paths than the source has.
func (f Files) IsPlain() bool { return len(f.Partitions) == 0 || len(f.foreign) == 0 }

// PartitionValue is the text of a partition column that the names of the folders of the file at a position give; nil
// for null.
func (f Files) PartitionValue(i int, column string) *string {
	return partitionValue(f.Paths[i], column)
}

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

// partitionSpan is the instant that a partition's text spells. Text in other forms is left to DuckDB. The forms are not
// those of feature.ParseInstant, of which DuckDB refuses some: no file may be passed over that would be an error.
func partitionSpan(path, column string) parquetfooter.Span {
	value := partitionValue(path, column)
	if value == nil {
		return parquetfooter.NoInstants
	}
	for _, layout := range []string{time.DateOnly, "2006-01-02 15:04:05", "2006-01-02T15:04:05", time.RFC3339} {
		if at, err := time.Parse(layout, *value); err == nil {
			return parquetfooter.Span{Least: at.UnixMicro(), Greatest: at.UnixMicro(), Known: true}
		}
	}
	return parquetfooter.Span{}
}
