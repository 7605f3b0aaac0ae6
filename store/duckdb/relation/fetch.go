package relation

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/plumbstore/plumb/source/objects"
	"github.com/plumbstore/plumb/store/duckdb/columnchunks"
	"github.com/plumbstore/plumb/store/duckdb/quote"
)

// Objects are local files with what was fetched of them. Before a statement runs, what it is going to read is fetched:
// DuckDB's own plan of the statement says which columns, and by which times row groups are passed over. So every
// statement is served, whoever has written it, and a SQL source too.

// layouts are those of Parquet files that are objects. They are shared by the sets of a join.
type layouts struct {
	mu     sync.Mutex
	byPath map[string]*columnchunks.Layout
}

func newLayouts() *layouts { return &layouts{byPath: map[string]*columnchunks.Layout{}} }

func (l *layouts) of(path string) (*columnchunks.Layout, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if known := l.byPath[path]; known != nil {
		return known, nil
	}
	read, err := columnchunks.Read(path)
	if err == nil {
		l.byPath[path] = read
	}
	return read, err
}

// HasObjects says whether a file of the table is an object.
func (t Table) HasObjects() bool {
	for i := range t.Paths {
		if t.Object(i) != nil {
			return true
		}
	}
	return false
}

// fetchBefore has the session fetch what its statements read, if there are objects.
func (r *Set) fetchBefore() {
	for _, t := range r.tables {
		if t.HasObjects() {
			r.session.CallFiles(r.reading.Named)
			if !t.IsText() {
				r.session.Before(r.fetch)
			}
		}
	}
}

// object is the object that a local file is a part of; nil if it is none.
func (r *Set) object(path string) *objects.File {
	for _, t := range r.tables {
		if at := slices.Index(t.Paths, path); at >= 0 {
			return t.Object(at)
		}
	}
	return nil
}

// fetch fetches what a statement is going to read.
func (r *Set) fetch(ctx context.Context, statement string) error {
	read := r.readBy(statement)
	if len(read) == 0 {
		return nil
	}
	plan, ok := r.session.Plan(ctx, statement)
	if !ok {
		return nil // The statement has a mistake, or reads nothing, as one that makes a view.
	}
	scans, err := columnchunks.Plan(plan)
	if err != nil {
		return err
	}
	var needs []objects.Need
	for path, object := range read {
		layout, err := r.layouts.of(path)
		if err != nil {
			return fmt.Errorf("fetch %s: %w", object, err)
		}
		if ranges := layout.Ranges(scans); ranges != nil {
			needs = append(needs, objects.Need{File: object, Ranges: ranges})
		}
	}
	return objects.Fetch(ctx, needs)
}

// readBy are the Parquet objects that a statement may read, by the paths of their local files: those whose paths are in
// it, and those of the views that it names. Text is there whole already.
func (r *Set) readBy(statement string) map[string]*objects.File {
	read := map[string]*objects.File{}
	for _, t := range r.tables {
		if t.IsText() {
			continue
		}
		whole := r.reads(statement, t.Source)
		for i, path := range t.Paths {
			if object := t.Object(i); object != nil && (whole || strings.Contains(statement, quote.Literal(path))) {
				read[path] = object
			}
		}
	}
	return read
}

// reads says whether a statement may read a source by a view: by its own, or by that of a query above it.
func (r *Set) reads(statement, source string) bool {
	if len(r.queries) == 0 {
		return false // Then there are no views.
	}
	if strings.Contains(statement, quote.Identifier(source)) {
		return true
	}
	for name, query := range r.queries {
		if slices.Contains(query.Tables, source) && r.reads(statement, name) {
			return true
		}
	}
	return false
}
