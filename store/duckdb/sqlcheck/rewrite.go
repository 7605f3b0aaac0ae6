package sqlcheck

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/internal/fault"
)

// rewritten is the text of a statement whose aggregates have been given an order. It is used only if it parses to that
// statement again. If it does not, the query is refused, since as it was written its rows would depend on threads.
func rewritten(ctx context.Context, db database, original, ordered any, aggregates []string) (string, error) {
	ordered = transformed(ordered, castConstants)
	var unnamed []renaming
	collectUnnamed(original, ordered, &unnamed)
	for _, item := range unnamed {
		if err := keepName(ctx, db, item); err != nil {
			return "", err
		}
	}
	text, err := textOf(ctx, db, ordered)
	if err != nil {
		return "", Unordered(aggregates)
	}
	again, err := parseTreeOf(ctx, db, text)
	if err != nil {
		return "", err
	}
	if len(again.Statements) != 1 || !sameTree(again.Statements[0], ordered) {
		return "", Unordered(aggregates)
	}
	return text, nil
}

// Unordered refuses a query whose aggregates cannot be given an order.
func Unordered(aggregates []string) error {
	return fault.Inputf("", "the query calls %s(), whose result depends on the order of rows, and it cannot be given "+
		"one here; write it, as in %s(x ORDER BY x), and write a call for each column in the place of COLUMNS()",
		strings.Join(aggregates, "() and "), aggregates[0])
}

// castConstants writes constants as casts of texts if DuckDB's text of the constant would parse to one of another type:
// 1e6 comes out as 1000000.0, which is a DECIMAL, and 5. as 5. A cast of a constant has the same value.
func castConstants(node map[string]any) any {
	value, _ := node["value"].(map[string]any)
	kind, _ := value["type"].(map[string]any)
	if node["class"] != "CONSTANT" || value["is_null"] == true {
		return node
	}
	text := ""
	number, _ := value["value"].(json.Number)
	switch kind["id"] {
	case "BOOLEAN":
		text = "f"
		if value["value"] == true {
			text = "t"
		}
	case "DOUBLE":
		text = number.String()
	case "DECIMAL":
		if info, _ := kind["type_info"].(map[string]any); info["scale"] == json.Number("0") {
			text = number.String()
		}
	}
	if text == "" {
		return node
	}
	return map[string]any{
		"class": "CAST", "type": "OPERATOR_CAST", "alias": node["alias"], "cast_type": kind, "try_cast": false,
		"child": map[string]any{
			"class": "CONSTANT", "type": "VALUE_CONSTANT", "alias": "", "value": map[string]any{
				"type": map[string]any{"id": "VARCHAR", "type_info": nil}, "is_null": false, "value": text,
			},
		},
	}
}

// renaming is an expression that names a column by its own text, which a change of the text would change.
type renaming struct {
	original any
	changed  map[string]any
}

// collectUnnamed finds the expressions that have changed and have no alias, in places in which an expression without an
// alias is named by its text. SELECT sum(x) has a column that is called sum(x). With an order given to the aggregate it
// would be called otherwise, and a definition that reads the column by its name would no longer find it.
func collectUnnamed(original, changed any, found *[]renaming) {
	switch original := original.(type) {
	case []any:
		changed, _ := changed.([]any)
		for i := range min(len(original), len(changed)) {
			collectUnnamed(original[i], changed[i], found)
		}
	case map[string]any:
		changed, _ := changed.(map[string]any)
		for _, member := range slices.Sorted(maps.Keys(original)) {
			collectUnnamed(original[member], changed[member], found)
		}
		member := namedByText(original)
		before, after := list(original, member), list(changed, member)
		for i := range before {
			item, _ := before[i].(map[string]any)
			if item["alias"] == "" && !hasStar(item) && !sameTree(item, after[i]) {
				*found = append(*found, renaming{item, after[i].(map[string]any)})
			}
		}
	}
}

// namedByText is the member with the expressions that name columns, or fields.
func namedByText(node map[string]any) string {
	switch {
	case node["type"] == "SELECT_NODE":
		return "select_list"
	case node["type"] == "PIVOT" && len(list(node, "aggregates")) > 1:
		return "aggregates"
	case word(node, "function_name") == "struct_pack":
		return "children"
	}
	return ""
}

// hasStar reports whether an expression expands to several columns, which name themselves.
func hasStar(node any) bool {
	found := false
	transformed(node, func(part map[string]any) any {
		found = found || part["class"] == "STAR"
		return part
	})
	return found
}

// keepName gives an expression the name that DuckDB gives the one before it was changed: its text.
func keepName(ctx context.Context, db database, item renaming) error {
	nothing := map[string]any{"type": "EMPTY", "alias": "", "sample": nil}
	text, err := textOf(ctx, db, map[string]any{"node": selecting(item.original, nothing), "named_param_map": []any{}})
	if err != nil {
		return err
	}
	item.changed["alias"] = strings.TrimPrefix(text, "SELECT ")
	return nil
}
