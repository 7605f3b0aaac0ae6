package spark

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"golang.org/x/sync/errgroup"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
)

// sourceFile is a Parquet file of a source.
type sourceFile struct {
	// path is absolute, and name as the project calls the file.
	path, name string
	columns    []storedColumn
	// folders are the texts of the name=value folders that it is in, by the columns' names, and written those folders.
	folders map[string]string
	written []string
}

// storedColumn is a column of a file by the name that it has there.
type storedColumn struct {
	name, kind string
	// nulls says that there may be nulls in it, as far as the footer says.
	nulls bool
}

// column finds a column by its name, whose case does not count.
func (f *sourceFile) column(name string) (storedColumn, bool) {
	for _, c := range f.columns {
		if strings.EqualFold(c.name, name) {
			return c, true
		}
	}
	return storedColumn{}, false
}

// layout is equal for files that are read by one expression.
func (f *sourceFile) layout(partitions []string) string {
	var text strings.Builder
	for _, c := range f.columns {
		fmt.Fprintf(&text, "%q %s\n", c.name, c.kind)
	}
	for _, name := range partitions {
		value, there := f.folders[name]
		fmt.Fprintf(&text, "%q %t\n", value, there)
	}
	return text.String()
}

// readFiles reads the footers of the files of a source, in source order.
func (e *Engine) readFiles(ctx context.Context, inputs []feature.Input, partitions []string) ([]*sourceFile, error) {
	files := make([]*sourceFile, len(inputs))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, input := range inputs {
		path := input.Name
		if !filepath.IsAbs(path) {
			path = filepath.Join(e.config.ProjectDir, path)
		}
		files[i] = &sourceFile{path: path, name: input.Name}
		files[i].findFolders(partitions)
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return files[i].read()
		})
	}
	return files, group.Wait()
}

// read reads the columns from the footer.
func (f *sourceFile) read() error {
	opened, err := file.OpenParquetFile(f.path, false)
	if err != nil {
		return fault.Inputf("", "cannot read %s: %v", f.path, err)
	}
	defer opened.Close()
	schema := opened.MetaData().Schema
	fields, err := pqarrow.FromParquet(schema, nil, nil)
	if err != nil {
		return fault.Inputf("", "cannot read %s: its columns are of types that are not read by Spark: %v", f.path, err)
	}
	old := map[string]bool{}
	for i := range schema.NumColumns() {
		if leaf := schema.Column(i); leaf.PhysicalType() == parquet.Types.Int96 {
			old[leaf.ColumnPath()[0]] = true
		}
	}
	for _, field := range fields.Fields() {
		if strings.Contains(field.Type.String(), "float16") { // Spark then reads no column of the file.
			return fault.Inputf("", "column %q of %s is of the type FLOAT16, which is not read by Spark", field.Name, f.name)
		}
		kind := storedType(field.Type)
		if old[field.Name] {
			kind = strings.Replace(kind, nanoseconds, "TIMESTAMP", 1)
		}
		f.columns = append(f.columns, storedColumn{field.Name, kind, mayHoldNulls(opened.MetaData(), field.Name)})
	}
	return nil
}

// mayHoldNulls says whether a column of single values may hold nulls by what the footer says of its row groups.
func mayHoldNulls(footer *metadata.FileMetaData, name string) bool {
	at := footer.Schema.ColumnIndexByName(name)
	if at < 0 {
		return true
	}
	if footer.Schema.Column(at).MaxDefinitionLevel() == 0 {
		return false
	}
	for i := range footer.NumRowGroups() {
		chunk, err := footer.RowGroup(i).ColumnChunk(at)
		if err != nil {
			return true
		}
		statistics, err := chunk.Statistics()
		if err != nil || statistics == nil || !statistics.HasNullCount() || statistics.NullCount() > 0 {
			return true
		}
	}
	return false
}

// nullFolder is the value of a name=value folder that stands for null.
const nullFolder = "__HIVE_DEFAULT_PARTITION__"

// findFolders finds the values of columns in the names of the folders of the path. What is null is left out.
func (f *sourceFile) findFolders(columns []string) {
	f.folders = map[string]string{}
	for folder := range strings.SplitSeq(filepath.Dir(f.path), string(filepath.Separator)) {
		name, value, ok := strings.Cut(folder, "=")
		if !ok {
			continue
		}
		for _, column := range columns {
			if !strings.EqualFold(unescaped(name), column) {
				continue
			}
			f.written = append(f.written, folder)
			if delete(f.folders, column); value != nullFolder {
				f.folders[column] = unescaped(value)
			}
		}
	}
}

func unescaped(text string) string {
	if decoded, err := url.PathUnescape(text); err == nil {
		return decoded
	}
	return text
}

// checkNames refuses files that Spark would leave out, or take in another order than the source has.
func checkNames(source *feature.Source, files []*sourceFile) error {
	for i, f := range files {
		if base := filepath.Base(f.path); strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") {
			return fault.Inputf("", "source %s: Spark reads no file whose name begins as that of %s does; rename it",
				source.Name, f.name)
		}
		if i > 0 && files[i-1].path >= f.path {
			return fault.Inputf("", "source %s: symbolic links put %s in another place of the source's order than its own "+
				"path has, which Spark does not know; name the files by their own paths", source.Name, f.name)
		}
	}
	return nil
}
