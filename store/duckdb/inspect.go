package duckdb

import (
	"context"
	"errors"
	"maps"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/store/duckdb/sqlcheck"
)

// Columns implements offline.Inspector.
func (e *Engine) Columns(ctx context.Context, source *feature.Source) (columns []feature.Column, err error) {
	s, err := e.newSession(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	r, err := e.open(ctx, s, []*feature.Source{source})
	if err != nil {
		return nil, err
	}
	return r.columns(ctx, source)
}

// Inputs implements offline.Store.
func (e *Engine) Inputs(ctx context.Context, sources []*feature.Source) (files []feature.Input, err error) {
	s, err := e.newSession(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	r, err := e.open(ctx, s, sources)
	if err != nil {
		return nil, err
	}
	return r.described(), nil
}

// open makes the sources readable in the session, and confines it to their files.
func (e *Engine) open(ctx context.Context, s *session, sources []*feature.Source) (*relations, error) {
	return e.openOnly(ctx, s, sources, nil)
}

// openOnly leaves all files out but those of only, unless that is nil.
func (e *Engine) openOnly(ctx context.Context, s *session, sources []*feature.Source, only []feature.Input,
) (*relations, error) {
	r := newRelations(e, s)
	if only != nil {
		r.only = map[string]bool{}
		for _, file := range only {
			r.only[onlyKey(file.Source, file.Name)] = true
		}
	}
	for _, source := range sources {
		if err := r.add(ctx, source); err != nil {
			return nil, err
		}
	}
	return r, r.confine(ctx, nil)
}

// reopen makes the same files readable in another session. None may have changed since: what was planned for them may
// not fit others.
func (r *relations) reopen(ctx context.Context, s *session, files []string) (*relations, error) {
	again := &relations{engine: r.engine, session: s, files: maps.Clone(r.files), order: r.order, queries: r.queries,
		loaded: map[string]bool{}}
	if err := again.changed(nil); err != nil {
		return nil, err
	}
	return again, again.confine(ctx, files)
}

// confine ends all access to others than the sources' files and those given, and makes the sources readable.
func (r *relations) confine(ctx context.Context, files []string) error {
	if err := r.session.confine(ctx, append(r.allowed(), files...)); err != nil {
		return err
	}
	return r.create(ctx)
}

// Ties lists what in the query of a source may choose among rows that tie, such as row_number() and LIMIT: if rows do
// tie in the order that it uses, the result may depend on the order of rows. It is empty for other sources.
func (e *Engine) Ties(ctx context.Context, source *feature.Source) (ties []string, err error) {
	if !source.IsQuery() {
		return nil, nil
	}
	s, err := e.newSession(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	parsed, err := sqlcheck.Parse(ctx, s, source)
	if err != nil {
		return nil, err
	}
	return parsed.Ties, nil
}
