package duckdb

import (
	"context"
	"errors"

	"github.com/plumbstore/plumb/registry"
)

// Columns implements store.Inspector.
func (e *Engine) Columns(ctx context.Context, source *registry.Source) (columns []registry.Column, err error) {
	s, err := e.newSession(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	r, err := e.open(ctx, s, []*registry.Source{source}, nil)
	if err != nil {
		return nil, err
	}
	return r.columns(ctx, source)
}

// open makes the sources readable in the session, and confines it to their files and the others given.
func (e *Engine) open(ctx context.Context, s *session, sources []*registry.Source, files []string) (*relations, error) {
	r := newRelations(e, s)
	for _, source := range sources {
		if err := r.add(ctx, source); err != nil {
			return nil, err
		}
	}
	if err := s.confine(ctx, append(r.allowed(), files...)); err != nil {
		return nil, err
	}
	return r, r.create(ctx)
}
