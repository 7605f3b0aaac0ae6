package sqlcheck

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// What a parse tree may consist of. What is missing reads catalogs or settings, or was unknown when this was written.
var (
	queryNodes = []string{"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE"}
	fromKinds  = []string{"BASE_TABLE", "SUBQUERY", "JOIN", "TABLE_FUNCTION", "EMPTY", "EXPRESSION_LIST", "PIVOT"}
	joinKinds  = []string{"REGULAR", "NATURAL", "CROSS", "ASOF", "DEPENDENT"}
	// expressionClasses are those that need no look at what they are.
	expressionClasses = []string{"CASE", "CAST", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT", "FUNCTION",
		"LAMBDA", "LAMBDA_REF", "OPERATOR", "POSITIONAL_REFERENCE", "STAR", "SUBQUERY", "WINDOW", "BETWEEN", "TYPE",
		"DEFAULT"}
)

// A CTE's name must be a plain word: a name such as 'x.parquet' would be taken for a file wherever the CTE is out of
// scope.
var plainWord = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// queryWalk goes through a parse tree and collects what it refers to, and what is to be refused in it. It knows what a
// query may consist of and refuses everything else, so that a node which a newer DuckDB adds is refused until somebody
// has decided about it. The tree is that of DuckDB's own parser: a parser of another make might read a query otherwise.
type queryWalk struct {
	// tables are the names that do not refer to a CTE in scope, with the place in the query, in bytes, of their first use.
	tables  map[string]int
	refused []string
	// ordered are the aggregates that were given an order.
	ordered []string
	// ties are what chooses among rows that may tie, so that the result may depend on the order of rows.
	ties []string
}

// visit goes through a part of the tree, within the scope of the CTEs of these names.
func (w *queryWalk) visit(node any, scope []string) {
	switch node := node.(type) {
	case []any:
		for _, child := range node {
			w.visit(child, scope)
		}
	case map[string]any:
		w.visitObject(node, scope)
	}
}

func (w *queryWalk) visitObject(node map[string]any, scope []string) {
	w.check(node, scope)
	// After its parts, so that these are as they are to be in the order too.
	switch node["class"] {
	case "FUNCTION":
		defer w.order(word(node, "function_name"), node)
	case "WINDOW":
		defer w.orderWindow(word(node, "function_name"), node)
	}
	if ctes, ok := node["cte_map"].(map[string]any); ok {
		scope = w.visitCTEs(ctes, scope)
	}
	for _, member := range slices.Sorted(maps.Keys(node)) {
		switch {
		case member == "cte_map":
		case member == "function" && node["type"] == "TABLE_FUNCTION":
			// It is no scalar function, which would have to be bounded: rows come one by one, however many.
			function, _ := node[member].(map[string]any)
			w.visit(function["children"], scope)
		case member == "right" && node["type"] == "RECURSIVE_CTE_NODE":
			// Only here does a recursive CTE's name stand for itself.
			w.visit(node[member], append(slices.Clone(scope), word(node, "cte_name")))
		default:
			w.visit(node[member], scope)
		}
	}
}

// visitCTEs goes through the queries of a WITH clause, each of which sees those before it. It returns the scope of what
// follows the clause.
func (w *queryWalk) visitCTEs(node map[string]any, scope []string) []string {
	scope = slices.Clone(scope)
	entries, _ := node["map"].([]any)
	for _, entry := range entries {
		entry, _ := entry.(map[string]any)
		name, _ := entry["key"].(string)
		if !plainWord.MatchString(name) {
			w.refuse("names a WITH clause %q; use letters, digits and _", name)
		}
		w.visit(entry["value"], scope)
		scope = append(scope, strings.ToLower(name))
	}
	return scope
}

// check looks at a node itself.
func (w *queryWalk) check(node map[string]any, scope []string) {
	if node["sample"] != nil {
		w.refuse("takes a sample, whose rows differ from run to run")
	}
	if class, ok := node["class"].(string); ok {
		w.checkExpression(class, node)
		return
	}
	if query, ok := node["node"].(map[string]any); ok {
		w.checkKind(query, queryNodes)
	}
	for _, member := range []string{"from_table", "source"} {
		if from, ok := node[member].(map[string]any); ok {
			w.checkKind(from, fromKinds)
		}
	}
	w.checkModifiers(node)
	switch node["type"] {
	case "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE":
		w.checkSides(node, queryNodes)
		if len(list(node, "key_targets")) > 0 {
			w.refuse("uses USING KEY, which keeps one row of many by their order, and rows have none")
		}
	case "JOIN":
		w.checkSides(node, fromKinds)
		w.checkJoin(node)
	case "BASE_TABLE":
		w.visitTable(node, scope)
	case "TABLE_FUNCTION":
		w.visitTableFunction(node)
	case "PIVOT":
		w.checkPivot(node)
	}
}

func (w *queryWalk) checkSides(node map[string]any, kinds []string) {
	for _, member := range []string{"left", "right"} {
		if side, ok := node[member].(map[string]any); ok {
			w.checkKind(side, kinds)
		}
	}
	children, _ := node["children"].([]any)
	for _, child := range children {
		if child, ok := child.(map[string]any); ok {
			w.checkKind(child, kinds)
		}
	}
}

func (w *queryWalk) checkKind(node map[string]any, kinds []string) {
	if kind := strings.ToUpper(word(node, "type")); !slices.Contains(kinds, kind) {
		w.refuse("uses %s, which it may not", kind)
	}
}

func (w *queryWalk) checkJoin(node map[string]any) {
	kind := strings.ToUpper(word(node, "ref_type"))
	switch {
	case !slices.Contains(joinKinds, kind):
		w.refuse("uses a %s JOIN, which goes by the order of rows, and these have none", kind)
	case kind == "ASOF":
		w.tie("ASOF JOIN")
	}
}

func (w *queryWalk) visitTable(node map[string]any, scope []string) {
	name := word(node, "table_name")
	switch {
	case word(node, "schema_name") != "" || word(node, "catalog_name") != "":
		w.refuse("names a schema or catalog before %q; name a source alone", node["table_name"])
	case node["at_clause"] != nil:
		w.refuse("reads %q as it was at some time, which sources do not tell", node["table_name"])
	case !slices.Contains(scope, name):
		w.addTable(name, node["query_location"])
	}
}

func (w *queryWalk) addTable(name string, location any) {
	number, _ := location.(json.Number)
	at, err := number.Int64()
	if first, ok := w.tables[name]; err == nil && (!ok || int(at) < first) {
		w.tables[name] = int(at)
	}
}

func (w *queryWalk) visitTableFunction(node map[string]any) {
	function, _ := node["function"].(map[string]any)
	if name := word(function, "function_name"); !MayRead(name) {
		w.refuse("calls the table function %s(): it may read only the sources that it names", name)
	}
}

func (w *queryWalk) checkPivot(node map[string]any) {
	pivots, _ := node["pivots"].([]any)
	for _, pivot := range pivots {
		if pivot, ok := pivot.(map[string]any); ok && word(pivot, "pivot_enum") != "" {
			w.refuse("pivots by the type %q; list the values", pivot["pivot_enum"])
		}
	}
}

func (w *queryWalk) refuse(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(w.refused, text) {
		w.refused = append(w.refused, text)
	}
}
