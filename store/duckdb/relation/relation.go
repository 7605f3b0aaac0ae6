package relation

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/source/objects"
	"github.com/plumbstore/plumb/store/duckdb/parquetfooter"
	"github.com/plumbstore/plumb/store/duckdb/quote"
	"github.com/plumbstore/plumb/store/duckdb/session"
	"github.com/plumbstore/plumb/store/duckdb/sourcefiles"
	"github.com/plumbstore/plumb/store/duckdb/sqlcheck"
)

// Set is the sources of an operation, which are readable in its session.
//
// It is made in two steps, since files can only be listed before the session is confined, and user SQL may only be
// bound after: the sources are added, the session is confined, then the views are created.
type Set struct {
	finder  *sourcefiles.Finder
	session *session.Session
	// tables are those of the sources of files, by name.
	tables map[string]Table
	// order lists every source after those that it reads.
	order []*feature.Source
	// queries are those of the SQL sources, by name.
	queries map[string]*sqlcheck.Query
	// only has the version of each file and table that may be read, by its onlyKey; nil if all may.
	only map[string]feature.Version
	// loaded are the names of the sources of text that are in tables.
	loaded map[string]bool
	// reading has the objects among the files; nil if there can be none.
	reading *objects.Reading
	// layouts are those of objects, by the paths of their local files.
	layouts *layouts
}

// Close lets go of what was fetched of objects.
func (r *Set) Close() error {
	if r.reading == nil {
		return nil
	}
	return r.reading.Close()
}

// add takes the source in, and whatever it reads.
func (r *Set) add(ctx context.Context, source *feature.Source) error {
	return r.addBelow(ctx, source, nil)
}

// addBelow knows the chain of sources that led here, to find circles.
func (r *Set) addBelow(ctx context.Context, source *feature.Source, chain []string) error {
	if slices.Contains(chain, source.Name) {
		return fault.Inputf("", "the query refers to itself: %s", strings.Join(append(chain, source.Name), " reads "))
	}
	if slices.Contains(r.order, source) {
		return nil
	}
	switch source.Kind.(type) {
	case feature.Files:
		files, err := r.find(ctx, source)
		if err != nil {
			return below(source, chain, err)
		}
		r.tables[source.Name] = Table{Files: files}
		r.order = append(r.order, source)
		return nil
	case feature.Query:
		return r.addQuery(ctx, source, chain)
	}
	return below(source, chain, fault.Inputf("", "what it reads is not known to this version; upgrade it"))
}

// addQuery adds the sources that a query reads, and then the query.
func (r *Set) addQuery(ctx context.Context, source *feature.Source, chain []string) error {
	parsed, err := sqlcheck.Parse(ctx, r.session, source)
	if err != nil {
		return below(source, chain, err)
	}
	for _, table := range parsed.Tables {
		sibling := source.Sibling(table)
		if sibling == nil {
			return below(source, chain, unknownTable(source, table, parsed.Places[table]))
		}
		if err := r.addBelow(ctx, sibling, append(slices.Clone(chain), source.Name)); err != nil {
			return err
		}
	}
	r.order = append(r.order, source)
	r.queries[source.Name] = parsed
	return nil
}

// find lists the files of a source that may be read.
func (r *Set) find(ctx context.Context, source *feature.Source) (sourcefiles.Files, error) {
	files, err := r.finder.Find(ctx, r.pinned(source), r.reading)
	if err != nil {
		return files, err
	}
	if r.only == nil {
		return files, files.CheckFooters()
	}
	var chosen []int
	for i, name := range files.Names {
		if _, ok := r.only[onlyKey(source.Name, name)]; ok || files.IsOfLake(i) {
			chosen = append(chosen, i)
		}
	}
	if chosen == nil {
		return files, fault.Inputf("", "none of the files that may be read of source %s is there", source.Name)
	}
	files = files.Alone(chosen)
	return files, files.CheckFooters()
}

// pinned is the source at the version of its table that may be read.
func (r *Set) pinned(source *feature.Source) *feature.Source {
	files, _ := source.Files()
	if !files.IsTable() {
		return source
	}
	for key, version := range r.only {
		name, _, _ := strings.Cut(key, "\x00")
		if table, ok := version.(feature.TableVersion); ok && name == source.Name {
			return source.PinnedTo(table)
		}
	}
	return source
}

// onlyKey identifies a file of a source. No name and no path has a zero byte.
func onlyKey(source, path string) string { return source + "\x00" + path }

// below names the source that has the mistake if it is not the one that was asked for.
func below(source *feature.Source, chain []string, err error) error {
	var input *fault.InputError
	if len(chain) == 0 || !errors.As(err, &input) {
		return err
	}
	return fault.Inputf("", "source %s: %s", source.Name, input.Message)
}

func unknownTable(source *feature.Source, table string, at int) error {
	hint := "sources are read by their names"
	if closest := fault.Closest(table, source.Siblings()); closest != "" {
		hint = fmt.Sprintf("did you mean %q?", closest)
	}
	query, _ := source.Query()
	place := sqlcheck.PlaceOfByte(query, at)
	return &fault.InputError{Excerpt: place.Excerpt(), Message: fmt.Sprintf(
		"the query reads %q at its line %d, column %d, which is not a source; %s", table, place.Line, place.Column, hint)}
}

// allowed returns every file of the sources that DuckDB reads.
func (r *Set) allowed() []string {
	var paths []string
	for _, name := range slices.Sorted(maps.Keys(r.tables)) {
		if !r.tables[name].IsText() {
			paths = append(paths, r.tables[name].Paths...)
			if lake := r.tables[name].Lake(); lake != nil {
				paths = append(paths, lake.DeletePaths()...)
			}
		}
	}
	return paths
}

// local are the files among those that are no objects: to read one on its own costs no request.
func (r *Set) local() []string {
	return slices.DeleteFunc(r.allowed(), func(path string) bool { return r.object(path) != nil })
}

// footerBytes is the size of the footers of all files that DuckDB reads.
func (r *Set) footerBytes() int64 {
	var bytes int64
	for _, t := range r.tables {
		for _, footer := range t.Footers {
			bytes += footer.Bytes
		}
	}
	return bytes
}

// Described lists the files of all sources, by the sources' names, each in source order.
func (r *Set) Described() []feature.Input {
	var files []feature.Input
	for _, name := range slices.Sorted(maps.Keys(r.tables)) {
		files = append(files, r.tables[name].Described()...)
	}
	return files
}

// create reads the schemas of the files and, if queries read them, creates the views.
func (r *Set) create(ctx context.Context) error {
	for _, source := range r.order {
		if t, ok := r.tables[source.Name]; ok {
			if err := r.createTable(ctx, source, t); err != nil {
				return inSource(source, r.changed(err))
			}
		} else if err := r.createQuery(ctx, source, r.queries[source.Name]); err != nil {
			return inSource(source, err)
		}
		if len(r.queries) == 0 {
			continue
		}
		if err := r.checkReadable(ctx, source); err != nil {
			return inSource(source, err)
		}
	}
	return nil
}

// createTable reads the schema of files and, if queries read them, creates their view.
func (r *Set) createTable(ctx context.Context, source *feature.Source, t Table) error {
	t, err := r.learn(ctx, source, t)
	if err != nil {
		return err
	}
	if err := r.loadDeletes(ctx, t); err != nil || len(r.queries) == 0 {
		return err
	}
	body, err := r.forQueries(ctx, t)
	if err != nil {
		return err
	}
	return r.createView(ctx, "CREATE VIEW "+quote.Identifier(source.Name), body)
}

// forQueries is the query that a SQL source reads files by.
func (r *Set) forQueries(ctx context.Context, t Table) (string, error) {
	if !t.IsText() {
		return t.scanForQueries(), nil
	}
	if err := r.loadText(ctx, t); err != nil {
		return "", err
	}
	return r.scanTextsForQueries(ctx, t)
}

// learn finds the schema of a source's files, unless it is known.
func (r *Set) learn(ctx context.Context, source *feature.Source, t Table) (Table, error) {
	if t.schema != nil {
		return t, nil
	}
	var err error
	t.schema, err = r.unify(ctx, source, t.Files)
	r.tables[source.Name] = t
	return t, err
}

// inSource says which source an error of DuckDB is about.
func inSource(source *feature.Source, err error) error {
	if err == nil {
		return nil
	}
	var input *fault.InputError
	if !errors.As(err, &input) {
		return fmt.Errorf("source %s: %w", source.Name, err)
	}
	if source.IsQuery() {
		return &fault.InputError{Message: fmt.Sprintf("the query of source %s fails: %s", source.Name, input.Message),
			Excerpt: input.Excerpt}
	}
	return fault.Inputf("", "cannot read source %s: %s", source.Name, input.Message)
}

// Blame checks the outcome of a reading, with an error or without. A file that has changed since it was listed is an
// error even if nothing failed: its rows may be from before and after the change. If reading failed and the error names
// no file, each file is read on its own: a file that is damaged in its middle has a good footer, and is found only
// here.
func (r *Set) Blame(ctx context.Context, err error) error {
	err = r.changed(err)
	var input *fault.InputError
	if !errors.As(err, &input) || r.names(input.Message) {
		return err
	}
	for _, path := range r.local() {
		probe := "SELECT bit_xor(hash(COLUMNS(*))) FROM read_parquet(" + quote.Literals([]string{path}) + ")"
		if damage := r.session.Exec(ctx, probe); damage != nil {
			if err := parquetfooter.CheckMilliseconds(ctx, path); err != nil {
				return err
			}
			return fault.Inputf("", "cannot read %s, it is damaged: %v", path, damage)
		}
	}
	return err
}

// names says whether a message names one of the files.
func (r *Set) names(message string) bool {
	for _, t := range r.tables {
		for i := range t.Paths {
			if strings.Contains(message, t.Shown(i)) {
				return true
			}
		}
	}
	return false
}

// CheckStoredTimes refuses files of the sources with times that microseconds do not hold; see sourcefiles.Files.
func (r *Set) CheckStoredTimes(ctx context.Context) error {
	for _, t := range r.tables {
		if err := t.CheckStoredTimes(ctx, func(string) bool { return true }); err != nil {
			return err
		}
	}
	return nil
}

// changed is the error that a file is gone or another, in place of what came of it; otherwise err. Faults of the
// machine and the context's end are not the file's.
func (r *Set) changed(err error) error {
	var input *fault.InputError
	if err != nil && !errors.As(err, &input) {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(r.tables)) {
		if changed := r.tables[name].CheckUnchanged(); changed != nil {
			return changed
		}
	}
	return err
}

// Table is that of a source of files.
func (r *Set) Table(source *feature.Source) Table { return r.tables[source.Name] }

// Columns describes a source, once the views are made.
func (r *Set) Columns(ctx context.Context, source *feature.Source) ([]feature.Column, error) {
	if t, ok := r.tables[source.Name]; ok {
		return t.registered(), nil
	}
	columns, err := r.describe(ctx, source.Name)
	return columns, inSource(source, err)
}
