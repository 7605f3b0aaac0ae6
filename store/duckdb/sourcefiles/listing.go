package sourcefiles

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/source/objects"
)

// endings are those by which the files of a folder are taken for files of a format, whatever their case.
var endings = map[feature.Format][]string{
	feature.Parquet:   {".parquet", ".parq", ".pq"},
	feature.CSV:       {".csv"},
	feature.JSONLines: {".jsonl", ".ndjson"},
}

// hasEnding says whether a name ends as files of the format do.
func hasEnding(name string, format feature.Format) bool {
	return slices.Contains(endings[format], strings.ToLower(filepath.Ext(name)))
}

// listedEndings are the endings of a format in words.
func listedEndings(format feature.Format) string {
	names := endings[format]
	last := len(names) - 1
	if last == 0 {
		return names[0]
	}
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// isHidden says whether a file or folder is named as what writers hide or have not finished: .part-0.parquet,
// ._p.parquet, _temporary.
func isHidden(name string) bool { return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") }

// filesBelow lists the files of a format in a folder and in those below it, without hidden ones, and separately those
// with other endings.
func (f *Finder) filesBelow(ctx context.Context, source, folder string, format feature.Format,
) (found, others []string, err error) {
	names, err := f.walk(ctx, source, folder, "**/*", doublestar.WithFilesOnly())
	if err != nil {
		return nil, nil, err
	}
	for _, name := range names {
		switch path := filepath.Join(folder, name); {
		case slices.ContainsFunc(strings.Split(name, "/"), isHidden):
		case hasEnding(name, format):
			found = append(found, path)
		default:
			others = append(others, path)
		}
	}
	return found, others, nil
}

// matched lists the files that a pattern matches, each once. Hidden files are omitted, as in a folder, unless the
// pattern spells their names. A folder whose name ends like a file's, as Spark names its output, is replaced by the
// files in it.
func (f *Finder) matched(ctx context.Context, source string, format feature.Format) ([]string, error) {
	pattern := f.absolute(source)
	if count := alternatives(pattern); count > maxAlternatives {
		return nil, fault.Inputf("", "the braces of %s stand for more than %d paths; use * or ** in their place",
			source, maxAlternatives)
	}
	base, rest := doublestar.SplitPattern(filepath.ToSlash(pattern))
	names, err := f.walk(ctx, source, base, rest)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, below := range names {
		name := filepath.Join(base, below)
		if !isSpelled(pattern, name) {
			continue
		}
		info, err := os.Stat(name)
		switch {
		case err != nil || !info.IsDir():
			found = append(found, name) // A link that leads nowhere is reported when it is read.
		case hasEnding(name, format):
			below, _, err := f.filesBelow(ctx, source, name, format)
			if err != nil {
				return nil, err
			}
			found = append(found, below...)
		}
	}
	slices.Sort(found)
	return slices.Compact(found), nil
}

// isSpelled says whether each hidden name on the way from a pattern's fixed part to what it matched is matched by a
// part of the pattern that begins with the same dot or underscore.
func isSpelled(pattern, name string) bool {
	base, rest := doublestar.SplitPattern(filepath.ToSlash(filepath.Clean(pattern)))
	below, err := filepath.Rel(base, name)
	if err != nil {
		return true
	}
	spelled := strings.Split(rest, "/")
	for part := range strings.SplitSeq(filepath.ToSlash(below), "/") {
		if isHidden(part) && !slices.ContainsFunc(spelled, func(wanted string) bool {
			matches, err := doublestar.Match(wanted, part)
			return err == nil && matches && strings.HasPrefix(wanted, part[:1])
		}) {
			return false
		}
	}
	return true
}

// The kinds of tables that can be read.
const (
	anIceberg = "an Iceberg"
	aDelta    = "a Delta"
)

// lakeMarks identify the folder of a lake table. The table's own metadata say which of its files count.
var lakeMarks = []struct{ mark, table string }{
	{"_delta_log", aDelta},
	{".hoodie", "a Hudi"},
	{".hoodie_partition_metadata", "a Hudi"},
	{"metadata/*.metadata.json*", anIceberg},
}

// checkLakes refuses files that lie in a lake table, at any depth below the roots: many of them may have been removed
// from the table, replaced, or not yet added.
func (f *Finder) checkLakes(source string, paths []string) error {
	checked := map[string]bool{}
	for _, path := range paths {
		for folder := filepath.Dir(path); !checked[folder] && f.belowRoots(folder); folder = filepath.Dir(folder) {
			checked[folder] = true
			if mark, table := lakeMark(folder); mark != "" {
				return inLake(source, folder, mark, table)
			}
		}
	}
	return nil
}

func inLake(source, folder, mark, table string) error {
	switch table {
	case aDelta:
		return fault.Inputf("", "%s reads the files of a Delta table: %s holds %s, which says which of them count; read the "+
			"table by delta: {path: …}, with the path of this folder", source, folder, mark)
	case anIceberg:
		return fault.Inputf("", "%s reads the files of an Iceberg table: %s holds %s, which says which of them count; read "+
			"the table by iceberg: {path: …}, with the path of its newest metadata file", source, folder, mark)
	}
	return fault.Inputf("", "%s reads the files of %s table: %s holds %s, which says which of them count; write "+
		"what the table holds to files of their own, and read those", source, table, folder, mark)
}

// lakeMark is what in a folder says that it is a lake table, and of which kind.
func lakeMark(folder string) (mark, table string) {
	for _, m := range lakeMarks {
		found, err := doublestar.Glob(os.DirFS(folder), m.mark)
		if err == nil && len(found) > 0 {
			return found[0], m.table
		}
	}
	return "", ""
}

// LeftOut lists the files in the folder of a source that it does not read because their names have another ending. The
// paths are as the project's files spell them. There are none if the source names no folder below the roots.
func (f *Finder) LeftOut(ctx context.Context, source *feature.Source, reading *objects.Reading) ([]string, error) {
	files, ok := source.Files()
	if files.IsTable() {
		return nil, nil
	}
	if ok && objects.IsLocation(files.Path) {
		return f.leftOutObjects(ctx, files, reading)
	}
	absolute := f.absolute(files.Path)
	if !ok || files.Pull != nil || !f.within(absolute) {
		return nil, nil
	}
	if info, err := os.Stat(absolute); err != nil || !info.IsDir() {
		return nil, nil //nolint:nilerr // The reader of a missing path reports it.
	}
	_, others, err := f.filesBelow(ctx, files.Path, absolute, files.Format)
	if err != nil {
		return nil, err
	}
	for i, other := range others {
		others[i] = strings.TrimPrefix(other, f.project+string(filepath.Separator))
	}
	return others, nil
}
