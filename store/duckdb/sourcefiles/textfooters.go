package sourcefiles

import (
	"os"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/jsonlines"
	"github.com/plumbstore/plumb/store/duckdb/arrowrows"
	"github.com/plumbstore/plumb/store/duckdb/parquetfooter"
)

// Sources in CSV and JSON lines are text. They are read into a table once for each operation, by our own readers, since
// DuckDB's would guess types and not report a row's place: c0 is the file's position, c1 the row's number in it,
// counted from 0, and then come the columns of the source.

// IsText says whether the files have nothing but text.
func (f Files) IsText() bool { return f.Format != feature.Parquet }

// textFooters tell the columns of files of text, and nothing else.
func (f Files) textFooters() ([]parquetfooter.Footer, error) {
	footers := make([]parquetfooter.Footer, len(f.Paths))
	for i, path := range f.Paths {
		names, err := textNames(path, f.Format)
		if err != nil {
			return nil, arrowrows.InFile(f.Shown(i), err)
		}
		footers[i] = parquetfooter.OfNames(names)
	}
	return footers, nil
}

// textNames are the names of a file's columns.
func textNames(path string, format feature.Format) ([]string, error) {
	if format == feature.JSONLines {
		input, err := os.Open(path)
		if err != nil {
			return nil, fault.Inputf("", "%s", disk.Reason(err))
		}
		defer input.Close()
		return jsonlines.Names(input)
	}
	opened, err := arrowrows.OpenCSV(path)
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	var names []string
	for _, field := range opened.Schema.Fields() {
		names = append(names, field.Name)
	}
	return names, nil
}
