package duckdb

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
)

// query is a parsed SQL source.
type query struct {
	// tables are the names that it reads, without those of its own CTEs.
	tables []string
	// places are where in the query the tables are first named, in bytes.
	places map[string]int
	// text is what to run: the query, with an order for its aggregates.
	text string
	// ordered are the aggregates that were given an order in the text.
	ordered []string
	// ties are what chooses among rows that may tie: see queryWalk.
	ties []string
}

// parse reads the SQL of a source with DuckDB's own parser and refuses whatever is not a function of the sources it
// names: other statements, files, catalogs, settings, the clock, randomness, samples.
func (s *session) parse(ctx context.Context, source *feature.Source) (*query, error) {
	parsed, err := s.parseTree(ctx, source.Query)
	if err != nil {
		return nil, err
	}
	switch {
	case parsed.Error && parsed.Kind == "parser":
		at := placeOfRune(source.Query, parsed.Position)
		return nil, &fault.InputError{Excerpt: at.excerpt(),
			Message: fmt.Sprintf("the query does not parse%s: %s", at.words(), parsed.Message)}
	case parsed.Error:
		return nil, fault.Inputf("", "the query is not a SELECT")
	case len(parsed.Statements) != 1:
		return nil, fault.Inputf("", "the query is %d statements; it has to be one SELECT", len(parsed.Statements))
	}
	statement := parsed.Statements[0]
	original := transformed(statement, func(node map[string]any) any { return node })
	walk := &queryWalk{tables: map[string]int{}}
	walk.visit(statement, nil)
	walk.checkGrowth(original)
	if len(walk.refused) > 0 {
		return nil, fault.Inputf("", "the query %s", strings.Join(walk.refused, ", and "))
	}
	result := &query{tables: slices.Sorted(maps.Keys(walk.tables)), places: walk.tables, text: source.Query,
		ordered: walk.ordered, ties: walk.ties}
	if len(walk.ordered) > 0 {
		result.text, err = s.rewritten(ctx, original, statement, walk.ordered)
	}
	return result, err
}

// Ties lists what in the query of a source may choose among rows that tie, such as row_number() and LIMIT: where rows
// do tie in the order that it goes by, the result may depend on the order of rows. It is empty for other sources.
func (e *Engine) Ties(ctx context.Context, source *feature.Source) (ties []string, err error) {
	if source.Query == "" {
		return nil, nil
	}
	s, err := e.newSession(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	parsed, err := s.parse(ctx, source)
	if err != nil {
		return nil, err
	}
	return parsed.ties, nil
}
