package duckdb

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store/duckdb/casts"
	"github.com/plumbstore/plumb/store/duckdb/labelfile"
	"github.com/plumbstore/plumb/store/duckdb/session"
	"github.com/plumbstore/plumb/store/offline"
)

// ReadRows implements offline.RowReader.
func (e *Engine) ReadRows(ctx context.Context, view *feature.View, path string, yield func(offline.FileRows) error) (
	err error,
) {
	s, err := e.newSession(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	file, err := labelfile.Describe(ctx, s, path, "file "+path)
	if err != nil {
		return err
	}
	reading, err := newFileReading(view, file)
	if err != nil {
		return err
	}
	if err := s.Confine(ctx, []string{file.Path}); err != nil {
		return err
	}
	from, err := file.Source(ctx, s)
	if err != nil {
		return err
	}
	statement := fmt.Sprintf("CREATE TABLE %s.pushed AS\nSELECT %s\nFROM %s\nORDER BY n", session.Schema,
		strings.Join(reading.columns, ",\n  "), from)
	if err := s.Exec(ctx, statement); err != nil {
		return file.Explain(err)
	}
	return s.Stream(ctx, "pushed", func(batch arrow.RecordBatch) error {
		if batch.NumRows() == 0 {
			return nil
		}
		return yield(reading.rows(batch))
	})
}

// fileReading is how the columns of a file are read: n, the keys, the times, the features, and for each of these whose
// values may not fit what is wrong with it. So one reading yields the values, with null for what does not fit, and
// beside them the reasons. The caller decides whether a row with a reason is left out or ends the work.
type fileReading struct {
	view    *feature.View
	columns []string
	// misfits are the names of the columns with texts.
	misfits []string
}

func newFileReading(view *feature.View, file *labelfile.File) (*fileReading, error) {
	names := make([]string, len(file.Columns))
	for i, column := range file.Columns {
		names[i] = column.Name
	}
	found, err := offline.FindColumns(view, names)
	if err != nil {
		return nil, err
	}
	r := &fileReading{view: view, columns: []string{"n"}}
	var texts []string
	var mistakes []error
	// add reads a column as a type of SQL, by a conversion from the file's own. A column that is not there is null.
	add := func(at int, as string, convert func(from string) (*casts.Cast, error)) {
		if at < 0 || file.IsUntyped(at) {
			r.columns = append(r.columns, "NULL::"+as)
			return
		}
		c, err := convert(file.Columns[at].Type)
		if err != nil {
			mistakes = append(mistakes, fault.Inputf(names[at], "%v", err))
			return
		}
		column := fmt.Sprintf("c%d", at)
		r.columns = append(r.columns, c.OrNull(column, "element"))
		if text := c.MisfitText(column); text != "" {
			texts = append(texts, text)
			r.misfits = append(r.misfits, names[at])
		}
	}
	for i, at := range found.Keys {
		declared := view.Keys[i].Type
		add(at, casts.SQLType(declared), func(from string) (*casts.Cast, error) { return casts.ToKey(from, declared) })
	}
	add(found.Event, "BIGINT", casts.ToMicroseconds)
	add(found.Created, "BIGINT", casts.ToMicroseconds)
	for i, at := range found.Features {
		declared := view.Features[i].Type
		add(at, casts.SQLType(declared), func(from string) (*casts.Cast, error) { return casts.To(from, declared) })
	}
	r.columns = append(r.columns, texts...)
	for i := range r.columns[1:] {
		r.columns[i+1] += fmt.Sprintf(" AS v%d", i)
	}
	return r, errors.Join(mistakes...)
}

// rows takes a batch apart.
func (r *fileReading) rows(batch arrow.RecordBatch) offline.FileRows {
	keys, features := len(r.view.Keys), len(r.view.Features)
	columns := batch.Columns()
	rows := offline.FileRows{
		Keys: columns[:keys], Event: columns[keys], Created: columns[keys+1],
		Features: columns[keys+2 : keys+2+features],
	}
	texts := columns[keys+2+features:]
	for row := range int(batch.NumRows()) {
		for i, text := range texts {
			if text.IsValid(row) {
				reason := strings.Clone(text.(*array.String).Value(row)) // The text is the batch's memory.
				rows.Misfits = append(rows.Misfits, offline.Misfit{Row: row, Column: r.misfits[i], Reason: reason})
				break
			}
		}
	}
	return rows
}
