package duckdb

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/registry"
)

// query is a parsed SQL source: what it reads and calls.
type query struct {
	// tables are the names that it reads, without those of its own CTEs.
	tables []string
	// functions are the scalar and aggregate functions that it calls.
	functions []string
}

// tableFunctions are those that produce rows from their arguments alone.
var tableFunctions = []string{"range", "generate_series", "unnest", "repeat", "repeat_row"}

// fromKinds are the kinds of FROM items that a query may have. What is missing reads catalogs or settings.
var fromKinds = []string{"BASE_TABLE", "SUBQUERY", "JOIN", "TABLE_FUNCTION", "EMPTY", "EXPRESSION_LIST", "PIVOT"}

// refusedFunctions depend on settings or the session though DuckDB does not mark them so.
var refusedFunctions = []string{"current_setting", "getvariable", "getenv", "version", "current_catalog",
	"current_schema", "current_schemas", "current_role", "current_user", "session_user", "current_query",
	"in_search_path", "parse_duckdb_log_message"}

// refusedWords read the clock where no column has that name.
var refusedWords = []string{"current_date", "current_time", "current_timestamp", "localtime", "localtimestamp"}

// A CTE's name must be a plain word: a name such as 'x.parquet' would be taken for a file wherever the CTE is out of
// scope.
var plainWord = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// parse reads the SQL of a source with DuckDB's own parser and refuses whatever is not a function of the sources it
// names: other statements, files, catalogs, settings, the clock, randomness.
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
	if err := json.Unmarshal([]byte(text), &parsed); err != nil {
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
	walk := &queryWalk{tables: map[string]bool{}, functions: map[string]bool{}, ctes: map[string]bool{}}
	walk.visit(parsed.Statements[0])
	if len(walk.refused) > 0 {
		return nil, registry.Inputf("", "the query %s", strings.Join(walk.refused, ", and "))
	}
	maps.DeleteFunc(walk.tables, func(name string, _ bool) bool { return walk.ctes[name] })
	result := &query{
		tables:    slices.Sorted(maps.Keys(walk.tables)),
		functions: slices.Sorted(maps.Keys(walk.functions)),
	}
	return result, s.checkFunctions(ctx, result.functions)
}

// checkFunctions refuses functions whose result is not determined by their arguments: a source that changes from one
// run to the next can be no base for parity (R17).
func (s *session) checkFunctions(ctx context.Context, functions []string) error {
	if len(functions) == 0 {
		return nil
	}
	var refused []string
	err := s.queryRows(ctx, `SELECT DISTINCT function_name FROM duckdb_functions() WHERE list_contains(`+
		literals(functions)+`, function_name) AND (stability <> 'CONSISTENT' OR list_contains(`+
		literals(refusedFunctions)+`, function_name)) ORDER BY ALL`, func(rows *sql.Rows) error {
		var name string
		err := rows.Scan(&name)
		refused = append(refused, name+"()")
		return err
	})
	if err == nil && refused != nil {
		err = registry.Inputf("", "the query calls %s: it may use only functions that depend on nothing but their arguments",
			strings.Join(refused, ", "))
	}
	return err
}

// queryWalk collects what a parse tree refers to.
type queryWalk struct {
	tables, functions, ctes map[string]bool
	refused                 []string
}

func (w *queryWalk) visit(node any) {
	switch node := node.(type) {
	case []any:
		for _, child := range node {
			w.visit(child)
		}
	case map[string]any:
		w.visitObject(node)
		for _, name := range slices.Sorted(maps.Keys(node)) {
			w.visit(node[name])
		}
	}
}

func (w *queryWalk) visitObject(node map[string]any) {
	if from, ok := node["from_table"].(map[string]any); ok {
		w.checkFrom(from)
	}
	if ctes, ok := node["cte_map"].(map[string]any); ok {
		w.visitCTEs(ctes)
	}
	switch node["type"] {
	case "BASE_TABLE":
		w.visitTable(node)
	case "TABLE_FUNCTION":
		w.visitTableFunction(node)
	case "JOIN":
		for _, side := range []string{"left", "right"} {
			if from, ok := node[side].(map[string]any); ok {
				w.checkFrom(from)
			}
		}
	case "COLUMN_REF":
		w.visitColumn(node)
	}
	if name := word(node, "function_name"); name != "" && node["class"] != nil {
		w.functions[name] = true
	}
}

func (w *queryWalk) checkFrom(from map[string]any) {
	if kind := word(from, "type"); !slices.Contains(fromKinds, strings.ToUpper(kind)) {
		w.refuse("uses %s, which it may not", strings.ToUpper(kind))
	}
}

func (w *queryWalk) visitTable(node map[string]any) {
	if word(node, "schema_name") != "" || word(node, "catalog_name") != "" {
		w.refuse("names a schema or catalog before %q; name a source alone", node["table_name"])
		return
	}
	w.tables[word(node, "table_name")] = true
}

func (w *queryWalk) visitTableFunction(node map[string]any) {
	function, _ := node["function"].(map[string]any)
	if name := word(function, "function_name"); !slices.Contains(tableFunctions, name) {
		w.refuse("calls the table function %s(): it may read only the sources that it names", name)
	}
}

func (w *queryWalk) visitColumn(node map[string]any) {
	names, _ := node["column_names"].([]any)
	if len(names) != 1 {
		return
	}
	if name, _ := names[0].(string); slices.Contains(refusedWords, strings.ToLower(name)) {
		w.refuse("reads the clock by %s: its rows may depend on its sources alone", strings.ToLower(name))
	}
}

func (w *queryWalk) visitCTEs(node map[string]any) {
	entries, _ := node["map"].([]any)
	for _, entry := range entries {
		if entry, ok := entry.(map[string]any); ok {
			name, _ := entry["key"].(string)
			if !plainWord.MatchString(name) {
				w.refuse("names a WITH clause %q; use letters, digits and _", name)
			}
			w.ctes[strings.ToLower(name)] = true
		}
	}
}

func (w *queryWalk) refuse(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(w.refused, text) {
		w.refused = append(w.refused, text)
	}
}

// word returns a string member in lower case: SQL names are without case.
func word(node map[string]any, member string) string {
	text, _ := node[member].(string)
	return strings.ToLower(text)
}
