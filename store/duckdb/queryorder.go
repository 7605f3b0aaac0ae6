package duckdb

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// order makes an aggregate meet the rows of a group in one order, whatever the threads and the files: that which the
// query gives, and then that of the arguments. Rows that are equal in these cannot be told apart by the result. Where
// an aggregate does not depend on the order, as sums of whole numbers, DuckDB drops it again.
func (w *queryWalk) order(name string, node map[string]any) {
	by, _ := node["order_bys"].(map[string]any)
	orders, _ := by["orders"].([]any)
	if sequenceAggregates[name] && len(orders) == 0 {
		w.refuse("calls %s() without an order, and rows have none; write %s(… ORDER BY …)", name, name)
		return
	}
	if !sequenceAggregates[name] && !orderedAggregates[name] || by == nil {
		return
	}
	arguments, _ := node["children"].([]any)
	for _, argument := range arguments {
		if _, ok := constant(argument); ok {
			continue
		}
		orders = append(orders, map[string]any{
			"type": "ORDER_DEFAULT", "null_order": "ORDER_DEFAULT", "expression": argument,
		})
		w.ordered = true
	}
	by["orders"] = orders
}

// checkModifiers refuses to take some rows of many where the query does not say which.
func (w *queryWalk) checkModifiers(node map[string]any) {
	modifiers, _ := node["modifiers"].([]any)
	kinds := map[string]map[string]any{}
	for _, modifier := range modifiers {
		if modifier, ok := modifier.(map[string]any); ok {
			kinds[word(modifier, "type")] = modifier
		}
	}
	if kinds["order_modifier"] != nil {
		return
	}
	if kinds["limit_modifier"] != nil || kinds["limit_percent_modifier"] != nil {
		w.refuse("uses LIMIT without ORDER BY, and rows have no order")
	}
	if on, _ := kinds["distinct_modifier"]["distinct_on_targets"].([]any); len(on) > 0 {
		w.refuse("uses DISTINCT ON without ORDER BY, and rows have no order")
	}
}

// rewritten is the text of a statement whose aggregates have been given an order. It is empty where DuckDB's text of
// the statement does not parse to the same again, so that the query has to be taken as it is.
func (s *session) rewritten(ctx context.Context, statement any) (string, error) {
	tree, err := json.Marshal(map[string]any{"error": false, "statements": []any{statement}})
	if err != nil {
		return "", fmt.Errorf("write a parse tree: %w", err)
	}
	var text string
	if err := s.queryRow(ctx, "SELECT json_deserialize_sql("+literal(string(tree))+")", &text); err != nil {
		return "", nil //nolint:nilerr // It has no text, as said above.
	}
	again, err := s.parseTree(ctx, text)
	if err != nil {
		return "", err
	}
	if len(again.Statements) != 1 || !reflect.DeepEqual(placeless(again.Statements[0]), placeless(statement)) {
		return "", nil
	}
	return text, nil
}

// parseTree is what DuckDB says of a text.
type parseTree struct {
	Error   bool   `json:"error"`
	Kind    string `json:"error_type"`
	Message string `json:"error_message"`
	// Position is that of a mistake, in characters.
	Position   string `json:"position"`
	Statements []any  `json:"statements"`
}

func (s *session) parseTree(ctx context.Context, query string) (parseTree, error) {
	var parsed parseTree
	var text string
	if err := s.queryRow(ctx, "SELECT CAST(json_serialize_sql("+literal(query)+") AS VARCHAR)", &text); err != nil {
		return parsed, err
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&parsed); err != nil {
		return parsed, fmt.Errorf("read DuckDB's parse of a query: %w", err)
	}
	return parsed, nil
}

// placeless is a part of a parse tree without where its parts stand in the text.
func placeless(node any) any {
	switch node := node.(type) {
	case []any:
		list := make([]any, len(node))
		for i, child := range node {
			list[i] = placeless(child)
		}
		return list
	case map[string]any:
		object := map[string]any{}
		for _, name := range slices.Sorted(maps.Keys(node)) {
			// The parser names the schema of some functions, which the text leaves out.
			if name != "query_location" && name != "schema" {
				object[name] = placeless(node[name])
			}
		}
		return object
	}
	return node
}
