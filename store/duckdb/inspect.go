package duckdb

import (
	"context"
	"errors"
	"slices"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/duckdb/casts"
	"github.com/plumbstore/plumb/store/duckdb/relation"
	"github.com/plumbstore/plumb/store/duckdb/session"
	"github.com/plumbstore/plumb/store/duckdb/sqlcheck"
	"github.com/plumbstore/plumb/store/offline"
)

// Columns implements offline.Inspector.
func (e *Engine) Columns(ctx context.Context, source *feature.Source) (columns []feature.Column, err error) {
	s, err := e.newSession(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	r, err := e.open(ctx, s, []*feature.Source{source}, nil)
	if err != nil {
		return nil, err
	}
	return r.Columns(ctx, source)
}

// ColumnsOfEach implements offline.Inspector. Sources share a session if all of them can be read. Otherwise those of
// files share one, and each query has its own, so that the mistake of one source is not another's.
func (e *Engine) ColumnsOfEach(ctx context.Context, sources []*feature.Source,
	found func(*feature.Source, []feature.Column, error) error,
) error {
	described, err := e.describeTogether(ctx, sources)
	if err != nil {
		described, err = e.describe(ctx, slices.DeleteFunc(slices.Clone(sources), (*feature.Source).IsQuery))
	}
	if err != nil {
		return err
	}
	for _, source := range sources {
		is, ok := described[source]
		if !ok {
			is.Columns, is.Err = e.Columns(ctx, source)
		}
		if err := found(source, is.Columns, is.Err); err != nil {
			return err
		}
	}
	return nil
}

// describeTogether describes sources none of which has a mistake. It does nothing if none of them is a query.
func (e *Engine) describeTogether(ctx context.Context, sources []*feature.Source) (
	described map[*feature.Source]relation.Description, err error,
) {
	if !slices.ContainsFunc(sources, (*feature.Source).IsQuery) {
		return e.describe(ctx, sources)
	}
	s, err := e.newSession(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	r, err := e.open(ctx, s, sources, nil)
	if err != nil {
		return nil, err
	}
	described = map[*feature.Source]relation.Description{}
	for _, source := range sources {
		columns, err := r.Columns(ctx, source)
		if err != nil {
			return nil, err
		}
		described[source] = relation.Description{Columns: columns}
	}
	return described, nil
}

// describe describes sources of files.
func (e *Engine) describe(ctx context.Context, sources []*feature.Source) (
	described map[*feature.Source]relation.Description, err error,
) {
	if len(sources) == 0 {
		return nil, nil
	}
	s, err := e.newSession(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return relation.Describe(ctx, e.finder, s, sources, e.Scratch)
}

// Inputs implements offline.Store.
func (e *Engine) Inputs(ctx context.Context, sources []*feature.Source) (files []feature.Input, err error) {
	s, err := e.newSession(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	r, err := e.open(ctx, s, sources, nil)
	if err != nil {
		return nil, err
	}
	return r.Described(), nil
}

// open makes the sources readable in the session, as long as that is open, and confines it to their files, or to those
// of a part.
func (e *Engine) open(ctx context.Context, s *session.Session, sources []*feature.Source, part *offline.Part) (
	*relation.Set, error,
) {
	var only []feature.Input
	if part != nil {
		only = part.Inputs
	}
	r, err := relation.Open(ctx, e.finder, s, sources, only, e.Scratch)
	if err != nil {
		return nil, err
	}
	s.EndWith(r.Close)
	if part != nil {
		err = offline.CheckInputs(part.Inputs, r.Described())
	}
	return r, err
}

// Ties implements offline.Advisor.
func (e *Engine) Ties(ctx context.Context, sources []*feature.Source) (_ [][]string, err error) {
	ties := make([][]string, len(sources))
	if !slices.ContainsFunc(sources, (*feature.Source).IsQuery) {
		return ties, nil
	}
	s, err := e.newSession(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	for i, source := range sources {
		if !source.IsQuery() {
			continue
		}
		parsed, err := sqlcheck.Parse(ctx, s, source)
		if err != nil {
			return nil, err
		}
		ties[i] = parsed.Ties
	}
	return ties, nil
}

// CanBecome implements offline.Inspector.
func (e *Engine) CanBecome(column feature.Column, declared plumbv1.Type, joinKey bool) error {
	return casts.CanBecome(column, declared, joinKey)
}

// CanBeTime implements offline.Inspector.
func (e *Engine) CanBeTime(column feature.Column) error {
	return casts.CanBeTime(column)
}

// EventWise implements offline.Inspector.
func (e *Engine) EventWise(ctx context.Context, source *feature.Source) (err error) {
	if !source.IsQuery() {
		return nil
	}
	s, err := e.newSession(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return relation.CheckEventWise(ctx, s, source)
}
