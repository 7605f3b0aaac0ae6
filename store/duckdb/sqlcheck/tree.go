package sqlcheck

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store/duckdb/quote"
)

// parseTree is what DuckDB says of a text.
type parseTree struct {
	Error   bool   `json:"error"`
	Kind    string `json:"error_type"`
	Message string `json:"error_message"`
	// Position is that of a mistake, in characters.
	Position   string `json:"position"`
	Statements []any  `json:"statements"`
}

// parseTreeOf has DuckDB parse a text, which runs nothing of it. Numbers stay as they are written, since a constant has
// to come out of a rewritten query with all its digits.
func parseTreeOf(ctx context.Context, db database, query string) (parseTree, error) {
	var parsed parseTree
	var text string
	if err := db.QueryRow(ctx, "SELECT CAST(json_serialize_sql("+quote.Literal(query)+") AS VARCHAR)", &text); err != nil {
		return parsed, err
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&parsed); err != nil {
		// DuckDB writes Infinity for a number beyond DOUBLE, which JSON has no word for.
		return parsed, fault.Inputf("", "the query has a number that is too large for a DOUBLE; write CAST('infinity' AS "+
			"DOUBLE) if infinity is meant")
	}
	return parsed, nil
}

// textOf is DuckDB's text of a statement's tree.
func textOf(ctx context.Context, db database, statement any) (string, error) {
	tree, err := json.Marshal(map[string]any{"error": false, "statements": []any{statement}})
	if err != nil {
		return "", fmt.Errorf("write a parse tree: %w", err)
	}
	var text string
	return text, db.QueryRow(ctx, "SELECT json_deserialize_sql("+quote.Literal(string(tree))+")", &text)
}

// transformed is a copy of a tree in which each object, after its members, has been replaced by what change returns.
func transformed(node any, change func(map[string]any) any) any {
	switch node := node.(type) {
	case []any:
		list := make([]any, len(node))
		for i, child := range node {
			list[i] = transformed(child, change)
		}
		return list
	case map[string]any:
		object := map[string]any{}
		for name, child := range node {
			object[name] = transformed(child, change)
		}
		return change(object)
	}
	return node
}

// sameTree says whether two trees mean the same.
func sameTree(a, b any) bool { return meaningOf(a) == meaningOf(b) }

// meaningOf is the essence of a tree as text, which is the same for trees that mean the same.
func meaningOf(tree any) string {
	text, _ := json.Marshal(transformed(tree, essence)) // What was read as JSON can be written as JSON.
	return string(text)
}

// essence removes from an object what its text leaves open: where it is, the schema that the parser names for some
// functions, and the query that the parser makes of VALUES for each pair of parentheses around it.
func essence(node map[string]any) any {
	delete(node, "query_location")
	delete(node, "schema")
	if values := onlyValues(node); values != nil {
		return values
	}
	return node
}

// onlyValues is the list of a subquery that is nothing but VALUES, or nil.
func onlyValues(node map[string]any) any {
	names, _ := node["column_name_alias"].([]any)
	if node["type"] != "SUBQUERY" || node["alias"] != "valueslist" || len(names) > 0 {
		return nil
	}
	subquery, _ := node["subquery"].(map[string]any)
	query, _ := subquery["node"].(map[string]any)
	from, _ := query["from_table"].(map[string]any)
	if from["type"] != "EXPRESSION_LIST" || from["alias"] != "valueslist" ||
		!reflect.DeepEqual(query, selectAll(from)) {
		return nil
	}
	return from
}

// selectAll is the tree of SELECT * FROM the table, in its essence.
func selectAll(from any) map[string]any {
	return selecting(map[string]any{
		"class": "STAR", "type": "STAR", "alias": "", "relation_name": "", "exclude_list": []any{}, "replace_list": []any{},
		"columns": false, "expr": nil, "qualified_exclude_list": []any{}, "rename_list": []any{},
	}, from)
}

// selecting is the tree of a SELECT of one expression.
func selecting(expression, from any) map[string]any {
	return map[string]any{
		"type": "SELECT_NODE", "modifiers": []any{}, "cte_map": map[string]any{"map": []any{}},
		"select_list": []any{expression}, "from_table": from, "where_clause": nil, "group_expressions": []any{},
		"group_sets": []any{}, "aggregate_handling": "STANDARD_HANDLING", "having": nil, "sample": nil, "qualify": nil,
	}
}

// word returns a string member in lower case: SQL names are without case.
func word(node map[string]any, member string) string {
	text, _ := node[member].(string)
	return strings.ToLower(text)
}

// list returns a member that is a list.
func list(node map[string]any, member string) []any {
	children, _ := node[member].([]any)
	return children
}

// constantNumber is the value of a constant that is a whole number.
func constantNumber(node any) (int64, bool) {
	value, ok := constant(node)
	number, isNumber := value.(json.Number)
	if !ok || !isNumber {
		return 0, false
	}
	whole, err := number.Int64()
	return whole, err == nil
}

// constant is the value of a node that is a constant.
func constant(node any) (any, bool) {
	object, _ := node.(map[string]any)
	if object["class"] != "CONSTANT" {
		return nil, false
	}
	value, _ := object["value"].(map[string]any)
	return value["value"], true
}
