// Package sqlcheck decides which SQL may be a source: one SELECT that is a function of the sources that it names. No
// files, catalogs, settings, clocks, random numbers or samples; functions by an allow list; growth that is bounded. An
// aggregate whose result depends on the order of rows gets an order.
//
// DuckDB parses the text and prints what is changed; what is decided, is decided on its parse tree.
package sqlcheck

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
)

// database is what parses and prints SQL.
type database interface {
	// QueryRow scans the one row of a query's answer.
	QueryRow(ctx context.Context, query string, into ...any) error
}

// Query is a parsed SQL source.
type Query struct {
	// Tables are the names that it reads, without those of its own CTEs.
	Tables []string
	// Places are the offsets in the query, in bytes, at which the tables are first named.
	Places map[string]int
	// Text is what to run: the query, with an order for its aggregates.
	Text string
	// Ordered are the aggregates that were given an order in the text.
	Ordered []string
	// Ties are what chooses among rows that may tie: see queryWalk.
	Ties []string
}

// Parse reads the SQL of a source with DuckDB's own parser and refuses whatever is not a function of the sources it
// names: other statements, files, catalogs, settings, the clock, randomness, samples.
func Parse(ctx context.Context, db database, source *feature.Source) (*Query, error) {
	query, _ := source.Query()
	parsed, err := parseTreeOf(ctx, db, query)
	if err != nil {
		return nil, err
	}
	switch {
	case parsed.Error && parsed.Kind == "parser":
		at := placeOfRune(query, parsed.Position)
		return nil, &fault.InputError{Excerpt: at.Excerpt(),
			Message: fmt.Sprintf("the query does not parse%s: %s", at.words(), parsed.Message)}
	case parsed.Error && parsed.Kind == "serialization":
		// Such as a cast to ENUM('a', 'b')[]. What cannot be written out cannot be checked.
		return nil, fault.Inputf("", "the query has a part that DuckDB cannot write out, so it cannot be checked: %s; write "+
			"that part in another way", parsed.Message)
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
	result := &Query{Tables: slices.Sorted(maps.Keys(walk.tables)), Places: walk.tables, Text: query,
		Ordered: walk.ordered, Ties: walk.ties}
	if len(walk.ordered) > 0 {
		result.Text, err = rewritten(ctx, db, original, statement, walk.ordered)
	}
	return result, err
}
