package duckdb

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store/duckdb/quote"
	"github.com/plumbstore/plumb/store/duckdb/sqlcheck"
)

// relations makes sources readable in a session, each as a view of its own name.
//
// It is used in two steps, since files can only be listed before the session is confined, and user SQL may only be
// bound after: add the sources, confine, then create the views.
type relations struct {
	engine  *Engine
	session *session
	// files of each Parquet source, by name.
	files map[string]sourceFiles
	// order lists every source after those that it reads.
	order []*feature.Source
	// queries are those of the SQL sources, by name.
	queries map[string]*sqlcheck.Query
	// only has the onlyKey of each file that may be read; nil if all may.
	only map[string]bool
	// loaded are the names of the sources of text that are in tables.
	loaded map[string]bool
}

func newRelations(engine *Engine, s *session) *relations {
	return &relations{engine: engine, session: s, files: map[string]sourceFiles{}, queries: map[string]*sqlcheck.Query{},
		loaded: map[string]bool{}}
}

// add takes the source in, and whatever it reads.
func (r *relations) add(ctx context.Context, source *feature.Source) error {
	return r.addBelow(ctx, source, nil)
}

// addBelow knows the chain of sources that led here, to find circles.
func (r *relations) addBelow(ctx context.Context, source *feature.Source, chain []string) error {
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
		r.files[source.Name] = files
		r.order = append(r.order, source)
		return nil
	case feature.Query:
		return r.addQuery(ctx, source, chain)
	}
	return below(source, chain, fault.Inputf("", "what it reads is not known to this version; upgrade it"))
}

// addQuery adds the sources that a query reads, and then the query.
func (r *relations) addQuery(ctx context.Context, source *feature.Source, chain []string) error {
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
func (r *relations) find(ctx context.Context, source *feature.Source) (sourceFiles, error) {
	files, err := r.engine.find(ctx, source)
	if err != nil {
		return files, err
	}
	if r.only == nil {
		return files, files.checkFooters()
	}
	var chosen []int
	for i, path := range files.paths {
		if r.only[onlyKey(source.Name, r.engine.relative(path))] {
			chosen = append(chosen, i)
		}
	}
	if chosen == nil {
		return files, fault.Inputf("", "none of the files that may be read of source %s is there", source.Name)
	}
	files = files.only(chosen)
	files.indexes = nil // These are all files now, and they stand in their order (R3).
	return files, files.checkFooters()
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
func (r *relations) allowed() []string {
	var paths []string
	for _, name := range slices.Sorted(maps.Keys(r.files)) {
		if !r.files[name].isText() {
			paths = append(paths, r.files[name].paths...)
		}
	}
	return paths
}

// described lists the files of all sources, by the sources' names, each in source order.
func (r *relations) described() []feature.Input {
	var files []feature.Input
	for _, name := range slices.Sorted(maps.Keys(r.files)) {
		files = append(files, r.engine.described(name, r.files[name])...)
	}
	return files
}

// create reads the schemas of the files and, if queries read them, creates the views.
func (r *relations) create(ctx context.Context) error {
	for _, source := range r.order {
		if files, ok := r.files[source.Name]; ok {
			if err := r.createFiles(ctx, source, files); err != nil {
				return inSource(source, r.changed(err))
			}
		} else if err := r.session.createQuery(ctx, source, r.queries[source.Name]); err != nil {
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

// createFiles reads the schema of files and, if queries read them, creates their view.
func (r *relations) createFiles(ctx context.Context, source *feature.Source, files sourceFiles) error {
	files, err := r.learn(ctx, source, files)
	if err != nil || len(r.queries) == 0 {
		return err
	}
	body, err := r.forQueries(ctx, files)
	if err != nil {
		return err
	}
	return r.session.createView(ctx, "CREATE VIEW "+quote.Identifier(source.Name), body)
}

// forQueries is the query that a SQL source reads files by.
func (r *relations) forQueries(ctx context.Context, files sourceFiles) (string, error) {
	if !files.isText() {
		return scanForQueries(files), nil
	}
	if err := r.loadText(ctx, files); err != nil {
		return "", err
	}
	return r.scanTextsForQueries(ctx, files)
}

// learn finds the schema of a source's files, unless it is known.
func (r *relations) learn(ctx context.Context, source *feature.Source, files sourceFiles) (sourceFiles, error) {
	if files.unified != nil {
		return files, nil
	}
	var err error
	files.unified, err = r.unify(ctx, source, files)
	r.files[source.Name] = files
	return files, err
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

// blame checks the outcome of a reading, with an error or without. A file that has changed since it was listed is an
// error even if nothing failed: its rows may be from before and after the change. If reading failed and the error names
// no file, each file is read on its own: a file that is damaged in its middle has a good footer, and is found only
// here.
func (r *relations) blame(ctx context.Context, err error) error {
	err = r.changed(err)
	var input *fault.InputError
	if !errors.As(err, &input) || r.names(input.Message) {
		return err
	}
	for _, path := range r.allowed() {
		probe := "SELECT bit_xor(hash(COLUMNS(*))) FROM read_parquet(" + quote.Literals([]string{path}) + ")"
		if damage := r.session.exec(ctx, probe); damage != nil {
			if err := unfitTime(ctx, path); err != nil {
				return err
			}
			return fault.Inputf("", "cannot read %s, it is damaged: %v", path, damage)
		}
	}
	return err
}

// names says whether a message names one of the files.
func (r *relations) names(message string) bool {
	for _, files := range r.files {
		if slices.ContainsFunc(files.paths, func(path string) bool { return strings.Contains(message, path) }) {
			return true
		}
	}
	return false
}

// changed is the error that a file is gone or another, in place of what came of it; otherwise err. Faults of the
// machine and the context's end are not the file's.
func (r *relations) changed(err error) error {
	var input *fault.InputError
	if err != nil && !errors.As(err, &input) {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(r.files)) {
		files := r.files[name]
		for i, path := range files.paths {
			now, missing := os.Stat(path)
			switch was := files.infos[i]; {
			case errors.Is(missing, os.ErrNotExist):
				return fault.Inputf("", "%s was removed while it was in use; run again", path)
			case missing != nil:
				return fault.Inputf("", "cannot read %s: %v", path, missing)
			case !os.SameFile(was, now) || was.Size() != now.Size() || !was.ModTime().Equal(now.ModTime()):
				return fault.Inputf("", "%s was changed while it was in use; run again once it is whole", path)
			}
		}
	}
	return err
}

// columns describes a source, once the views are made.
func (r *relations) columns(ctx context.Context, source *feature.Source) ([]feature.Column, error) {
	if files, ok := r.files[source.Name]; ok {
		return files.unified.registered(files), nil
	}
	columns, err := r.session.describe(ctx, source.Name)
	return columns, inSource(source, err)
}
