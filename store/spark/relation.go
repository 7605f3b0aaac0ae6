package spark

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/source/objects"
)

// Columns of ours beside those of a source.
const (
	pathColumn = "_spark_path"
	rowColumn  = "_spark_row"
)

// filePath is the path of the file that a row is in. Spark has it percent-encoded.
const filePath = "regexp_replace(url_decode(replace(_metadata.file_path, '+', '%2B')), '^file:/+', '/')"

// table is a source of Parquet files as Spark reads it.
type table struct {
	source *feature.Source
	// columns are those of the source, in the embedded engine's types; partitions are those that folders' names give.
	columns    []feature.Column
	partitions []string
	files      []*sourceFile
}

// tableOf finds the files of a source among the inputs. It refuses what Spark does not read.
func (e *Engine) tableOf(ctx context.Context, source *feature.Source, inputs []feature.Input) (*table, error) {
	if err := checkSource(source); err != nil {
		return nil, err
	}
	t := &table{source: source}
	var err error
	if t.columns, err = e.Engine.Columns(ctx, source); err != nil {
		return nil, err
	}
	for _, column := range t.columns {
		if column.Type == folderText {
			t.partitions = append(t.partitions, column.Name)
		}
	}
	own := slices.DeleteFunc(slices.Clone(inputs), func(i feature.Input) bool { return i.Source != source.Name })
	if t.files, err = e.readFiles(ctx, own, t.partitions); err != nil {
		return nil, err
	}
	return t, checkNames(source, t.files)
}

// checkSource refuses kinds of files that Spark does not read as Plumb does.
func checkSource(source *feature.Source) error {
	files, ok := source.Files()
	var what string
	switch {
	case !ok:
		return fault.Inputf("", "what source %s reads is not known to this version; upgrade it", source.Name)
	case files.Format != feature.Parquet:
		what = "is text (CSV or JSON lines)"
	case files.IsTable():
		what = "is a table of a lake (Iceberg or Delta)"
	case source.Log != nil:
		what = "is read with a push log"
	case objects.IsLocation(files.Path):
		what = "is in an object store"
	default:
		return nil
	}
	return fault.Inputf("offline.engine", "source %s %s, which is not read by Spark yet; set offline.engine: duckdb, "+
		"or make it a source of local Parquet files", source.Name, what)
}

// rows is a query for some columns of the files' rows. placed adds the file's path and the row's number in it.
func (t *table) rows(wanted []string, placed bool) (string, error) {
	layouts, groups := []string{}, map[string][]*sourceFile{}
	for _, f := range t.files {
		name := f.layout(t.partitions)
		if groups[name] == nil {
			layouts = append(layouts, name)
		}
		groups[name] = append(groups[name], f)
	}
	var reads []string
	for _, layout := range layouts {
		read, err := t.group(groups[layout], wanted, placed)
		if err != nil {
			return "", err
		}
		reads = append(reads, read)
	}
	return strings.Join(reads, "\nUNION ALL "), nil
}

// group reads the files of one layout.
func (t *table) group(files []*sourceFile, wanted []string, placed bool) (string, error) {
	var columns, paths []string
	for _, name := range wanted {
		value, err := t.value(files[0], name)
		if err != nil {
			return "", err
		}
		columns = append(columns, value+" AS "+identifier(name))
	}
	if placed {
		path := filePath
		if len(files) == 1 {
			path = literal(files[0].path)
		}
		columns = append(columns, path+" AS "+pathColumn, "_metadata.row_index AS "+rowColumn)
	}
	for _, f := range files {
		paths = append(paths, f.path)
	}
	return fmt.Sprintf("SELECT %s FROM %s", strings.Join(columns, ", "), parquetFiles(paths)), nil
}

// value is a column of a file's rows in the type that the source's column has.
func (t *table) value(f *sourceFile, name string) (string, error) {
	at := slices.IndexFunc(t.columns, func(c feature.Column) bool { return strings.EqualFold(c.Name, name) })
	if at < 0 {
		return "", fault.Inputf("", "source %s has no column %q any more; run plumb validate", t.source.Name, name)
	}
	column := t.columns[at]
	if column.Type == folderText {
		if text, ok := f.folders[column.Name]; ok {
			return literal(text), nil
		}
		return "CAST(NULL AS STRING)", nil
	}
	to, ok := sparkType(column.Type)
	if !ok || column.Unreadable != "" {
		return "", fault.Inputf("", "column %q of source %s is %s, which is not read by Spark", name, t.source.Name,
			column.Type)
	}
	stored, ok := f.column(name)
	if !ok {
		return "CAST(NULL AS " + to + ")", nil
	}
	if stored.kind == "" {
		return "", fault.Inputf("", "column %q of %s has a type that is not read by Spark", name, f.name)
	}
	what := fmt.Sprintf("source %s, column %q", t.source.Name, name)
	place := "concat('row ', CAST(_metadata.row_index + 1 AS STRING), ' of ', " + filePath + ")"
	return brought(identifier(stored.name), stored.kind, to, what, place), nil
}

// readable are the names of the columns that Spark reads.
func (t *table) readable() []string {
	var names []string
	for _, column := range t.columns {
		if _, err := t.value(t.files[0], column.Name); err == nil {
			names = append(names, column.Name)
		}
	}
	return names
}
