package duckdb

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/registry"
)

// query is a parsed SQL source.
type query struct {
	// tables are the names that it reads, without those of its own CTEs.
	tables []string
}

// parse reads the SQL of a source with DuckDB's own parser and refuses whatever is not a function of the sources it
// names: other statements, files, catalogs, settings, the clock, randomness, samples.
func (s *session) parse(ctx context.Context, source *registry.Source) (*query, error) {
	var text string
	if err := s.queryRow(ctx, "SELECT CAST(json_serialize_sql("+literal(source.Query)+") AS VARCHAR)", &text); err != nil {
		return nil, err
	}
	var parsed struct {
		Error      bool   `json:"error"`
		Kind       string `json:"error_type"`
		Message    string `json:"error_message"`
		Statements []any  `json:"statements"`
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&parsed); err != nil {
		return nil, fmt.Errorf("read DuckDB's parse of source %s: %w", source.Name, err)
	}
	switch {
	case parsed.Error && parsed.Kind == "parser":
		return nil, registry.Inputf("", "the query does not parse: %s", parsed.Message)
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
	return &query{tables: slices.Sorted(maps.Keys(walk.tables))}, nil
}
