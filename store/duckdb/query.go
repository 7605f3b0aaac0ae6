package duckdb

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/plumbstore/plumb/registry"
)

// query is a parsed SQL source.
type query struct {
	// tables are the names that it reads, without those of its own CTEs.
	tables []string
	// text is what to run: the query, with an order for its aggregates.
	text string
}

// parse reads the SQL of a source with DuckDB's own parser and refuses whatever is not a function of the sources it
// names: other statements, files, catalogs, settings, the clock, randomness, samples.
func (s *session) parse(ctx context.Context, source *registry.Source) (*query, error) {
	parsed, err := s.parseTree(ctx, source.Query)
	if err != nil {
		return nil, err
	}
	switch {
	case parsed.Error && parsed.Kind == "parser":
		return nil, registry.Inputf("", "the query does not parse%s: %s", placeIn(source.Query, parsed.Position),
			parsed.Message)
	case parsed.Error:
		return nil, registry.Inputf("", "the query is not a SELECT")
	case len(parsed.Statements) != 1:
		return nil, registry.Inputf("", "the query is %d statements; it has to be one SELECT", len(parsed.Statements))
	}
	walk := &queryWalk{tables: map[string]bool{}}
	walk.visit(parsed.Statements[0], nil)
	if len(walk.refused) > 0 {
		return nil, registry.Inputf("", "the query %s", strings.Join(walk.refused, ", and "))
	}
	result := &query{tables: slices.Sorted(maps.Keys(walk.tables)), text: source.Query}
	if walk.ordered {
		text, err := s.rewritten(ctx, parsed.Statements[0])
		if err != nil {
			return nil, err
		}
		result.text = cmp.Or(text, result.text)
	}
	return result, nil
}

// placeIn says where a position in a query is, and what stands there.
func placeIn(query, position string) string {
	at, err := strconv.Atoi(position)
	letters := []rune(query)
	if err != nil || at < 0 || at > len(letters) {
		return ""
	}
	at = len(string(letters[:at]))
	start := strings.LastIndexByte(query[:at], '\n') + 1
	line, column := strings.Count(query[:start], "\n")+1, utf8.RuneCountInString(query[start:at])+1
	rest, _, _ := strings.Cut(query[at:], "\n")
	const shown = 40
	if runes := []rune(rest); len(runes) > shown {
		rest = string(runes[:shown]) + "…"
	}
	if rest = strings.TrimSpace(rest); rest == "" {
		return fmt.Sprintf(" at the end of its line %d, column %d", line, column)
	}
	return fmt.Sprintf(" at its line %d, column %d, where it says %q", line, column, rest)
}
