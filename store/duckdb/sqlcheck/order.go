package sqlcheck

import (
	"maps"
	"slices"
)

// order makes an aggregate meet the rows of a group in one order, whatever the threads and the files: that which the
// query gives, and then that of the arguments. Rows that are equal in these cannot be distinguished by the result. If
// an aggregate does not depend on the order, as sums of whole numbers, DuckDB drops the order again.
//
// avg(x) becomes avg(x ORDER BY x), for example: floating point rounds at each addition, so that threads which add in
// another order would come to another last bit, and training to another value than serving (R17).
func (w *queryWalk) order(name string, node map[string]any) {
	by, _ := node["order_bys"].(map[string]any)
	orders := list(by, "orders")
	if sequenceAggregates[name] && len(orders) == 0 {
		w.refuse("calls %s() without an order, and rows have none; write %s(… ORDER BY …)", name, name)
		return
	}
	if by != nil && (sequenceAggregates[name] || orderedAggregates[name]) {
		by["orders"] = w.withArguments(name, orders, node)
	}
}

// withArguments is an order that goes on with the arguments of a call.
func (w *queryWalk) withArguments(name string, orders []any, node map[string]any) []any {
	known := meaningsOf(orders)
	for _, argument := range list(node, "children") {
		meaning := meaningOf(argument)
		if _, ok := constant(argument); ok || known[meaning] {
			continue
		}
		known[meaning] = true
		orders = append(orders, map[string]any{
			"type": "ORDER_DEFAULT", "null_order": "ORDER_DEFAULT", "expression": argument,
		})
		if !slices.Contains(w.ordered, name) {
			w.ordered = append(w.ordered, name)
		}
	}
	return orders
}

// meaningsOf has the expressions that an order goes by. A query may have thousands of them, and as many columns.
func meaningsOf(orders []any) map[string]bool {
	meanings := make(map[string]bool, len(orders))
	for _, term := range orders {
		order, _ := term.(map[string]any)
		meanings[meaningOf(order["expression"])] = true
	}
	return meanings
}

// orderWindow does for a window function what can be done: an aggregate over a whole partition is given an order, as
// any aggregate. Others use the order of the window, which is reported if rows may tie in it, and refused if there is
// none.
func (w *queryWalk) orderWindow(name string, node map[string]any) {
	orders, own := list(node, "orders"), list(node, "arg_orders")
	chooses := tieWindows[name] || sequenceAggregates[name]
	switch {
	case !chooses && !orderedAggregates[name]:
		if cutsByRows(node) {
			w.tie(name + "()")
		}
	case chooses && len(orders)+len(own) == 0:
		w.refuse("calls %s() over a window without ORDER BY, and rows have no order; write OVER (… ORDER BY …)", name)
	case node["type"] == "WINDOW_AGGREGATE" && isWholePartition(node):
		node["arg_orders"] = w.withArguments(name, own, node)
	default:
		w.tie(name + "()")
	}
}

// isWholePartition says whether each row's frame is all rows of its partition.
func isWholePartition(node map[string]any) bool {
	ends := []any{"CURRENT_ROW_RANGE", "UNBOUNDED_FOLLOWING"}
	return len(list(node, "orders")) == 0 && node["exclude_clause"] == "NO_OTHER" &&
		node["start"] == "UNBOUNDED_PRECEDING" && slices.Contains(ends, node["end"])
}

// cutsByRows says whether a frame may end between rows that tie.
func cutsByRows(node map[string]any) bool {
	byRows := []string{"CURRENT_ROW_ROWS", "EXPR_PRECEDING_ROWS", "EXPR_FOLLOWING_ROWS"}
	start, _ := node["start"].(string)
	end, _ := node["end"].(string)
	return slices.Contains(byRows, start) || slices.Contains(byRows, end)
}

// tie notes what chooses among rows that may tie.
func (w *queryWalk) tie(what string) {
	if !slices.Contains(w.ties, what) {
		w.ties = append(w.ties, what)
	}
}

// checkModifiers refuses a query that takes some rows of many without saying which.
func (w *queryWalk) checkModifiers(node map[string]any) {
	kinds := map[string]map[string]any{}
	for _, modifier := range list(node, "modifiers") {
		if modifier, ok := modifier.(map[string]any); ok {
			kinds[word(modifier, "type")] = modifier
		}
	}
	takes := map[string]bool{
		"LIMIT":       kinds["limit_modifier"] != nil || kinds["limit_percent_modifier"] != nil,
		"DISTINCT ON": len(list(kinds["distinct_modifier"], "distinct_on_targets")) > 0,
	}
	for _, what := range []string{"LIMIT", "DISTINCT ON"} {
		switch order := kinds["order_modifier"]; {
		case !takes[what]:
		case order == nil:
			w.refuse("uses %s without ORDER BY, and rows have no order", what)
		case !tellsApart(list(order, "orders"), list(node, "select_list")):
			w.tie(what)
		}
	}
}

// tellsApart says whether rows that tie in an order are equal in all columns of the result.
func tellsApart(orders, columns []any) bool {
	meanings, positions := meaningsOf(orders), positionsOf(orders)
	for at, column := range columns {
		item, _ := column.(map[string]any)
		unnamed := maps.Clone(item)
		unnamed["alias"] = ""
		name := map[string]any{"class": "COLUMN_REF", "type": "COLUMN_REF", "alias": "", "column_names": []any{item["alias"]}}
		if !meanings[meaningOf(unnamed)] && !meanings[meaningOf(name)] && !positions[int64(at)+1] {
			return ordersByAll(orders)
		}
	}
	return len(columns) > 0
}

// positionsOf has the positions of the columns that an order goes by, as in ORDER BY 1, 2.
func positionsOf(orders []any) map[int64]bool {
	positions := map[int64]bool{}
	for _, term := range orders {
		order, _ := term.(map[string]any)
		if number, ok := constantNumber(order["expression"]); ok {
			positions[number] = true
		}
	}
	return positions
}

// ordersByAll says whether an order is ORDER BY ALL.
func ordersByAll(orders []any) bool {
	return slices.ContainsFunc(orders, func(term any) bool {
		order, _ := term.(map[string]any)
		expression, _ := order["expression"].(map[string]any)
		return expression["class"] == "STAR" && expression["expr"] == nil && len(list(expression, "exclude_list")) == 0
	})
}
