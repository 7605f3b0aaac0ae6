package relation

import (
	"context"
	"slices"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/store/duckdb/session"
	"github.com/plumbstore/plumb/store/duckdb/sqlcheck"
)

// CheckEventWise refuses a source unless its rows are events: a query of which some row comes of several rows, or that
// reads such a query.
func CheckEventWise(ctx context.Context, s *session.Session, source *feature.Source) error {
	return checkEventWise(ctx, s, source, nil)
}

// CheckEventWise does so for one of the sources.
func (r *Set) CheckEventWise(ctx context.Context, source *feature.Source) error {
	return CheckEventWise(ctx, r.session, source)
}

// checkEventWise knows the chain of sources that led here. A circle is for Open to refuse.
func checkEventWise(ctx context.Context, s *session.Session, source *feature.Source, chain []string) error {
	if !source.IsQuery() || slices.Contains(chain, source.Name) {
		return nil
	}
	parsed, err := sqlcheck.Parse(ctx, s, source)
	if err == nil {
		err = sqlcheck.CheckEventWise(ctx, s, source)
	}
	if err != nil {
		return below(source, chain, err)
	}
	for _, table := range parsed.Tables {
		sibling := source.Sibling(table)
		if sibling == nil {
			continue
		}
		if err := checkEventWise(ctx, s, sibling, append(slices.Clone(chain), source.Name)); err != nil {
			return err
		}
	}
	return nil
}
