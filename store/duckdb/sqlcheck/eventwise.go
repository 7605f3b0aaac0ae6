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

// multiplying are the functions that make several rows of one.
var multiplying = set("generate_subscripts regexp_split_to_table unnest")

// CheckEventWise refuses the query of a source unless each of its rows comes of one row of one table. Only then do rows
// of the table stay events, which can be counted once each: a query that groups or joins has other rows whenever the
// rows of its tables are others. Parse has to have accepted the query.
func CheckEventWise(ctx context.Context, db database, source *feature.Source) error {
	query, _ := source.Query()
	parsed, err := parseTreeOf(ctx, db, query)
	if err != nil {
		return err
	}
	for _, statement := range parsed.Statements {
		if reason := severalRows(statement); reason != "" {
			return fault.Inputf("", "the query %s; aggregations count its rows as events, so each has to come of one row of "+
				"one source: choose rows by WHERE and compute within a row", reason)
		}
	}
	return nil
}

// severalRows says what in a part of the tree lets a row of the result depend on more than one row, or makes more rows
// than there are; empty if nothing does.
func severalRows(node any) string {
	switch node := node.(type) {
	case []any:
		for _, child := range node {
			if reason := severalRows(child); reason != "" {
				return reason
			}
		}
	case map[string]any:
		if reason := severalRowsOf(node); reason != "" {
			return reason
		}
		for _, member := range slices.Sorted(maps.Keys(node)) {
			if reason := severalRows(node[member]); reason != "" {
				return reason
			}
		}
	}
	return ""
}

func severalRowsOf(node map[string]any) string {
	if class, ok := node["class"].(string); ok {
		return severalRowsByExpression(class, node)
	}
	switch kind, _ := node["type"].(string); kind {
	case "SELECT_NODE":
		return severalRowsBySelect(node)
	case "SET_OPERATION_NODE":
		return severalRowsBySet(node)
	case "RECURSIVE_CTE_NODE":
		return "is recursive"
	}
	return ""
}

func severalRowsByExpression(class string, node map[string]any) string {
	name := word(node, "function_name")
	switch {
	case class == "WINDOW":
		return fmt.Sprintf("calls %s() over a window of rows", name)
	case class == "SUBQUERY":
		return "has a subquery in an expression"
	case class != "FUNCTION":
	case multiplying[name]:
		return fmt.Sprintf("makes several rows of one by %s()", name)
	case isAggregate(name):
		return fmt.Sprintf("aggregates rows by %s()", name)
	}
	return ""
}

func isAggregate(name string) bool {
	return unorderedAggregates[name] || orderedAggregates[name] || sequenceAggregates[name]
}

func severalRowsBySelect(node map[string]any) string {
	from, _ := node["from_table"].(map[string]any)
	switch kind, _ := from["type"].(string); {
	case kind == "JOIN":
		return "joins tables"
	case kind != "BASE_TABLE" && kind != "SUBQUERY":
		return "reads no source"
	case len(list(node, "group_expressions")) > 0, len(list(node, "group_sets")) > 0,
		node["aggregate_handling"] != "STANDARD_HANDLING":
		return "groups rows"
	case node["having"] != nil:
		return "uses HAVING"
	case node["qualify"] != nil:
		return "uses QUALIFY"
	}
	return severalRowsByModifier(node)
}

func severalRowsBySet(node map[string]any) string {
	kind, _ := node["setop_type"].(string)
	all, _ := node["setop_all"].(bool)
	if !strings.HasPrefix(kind, "UNION") {
		return "compares rows by " + kind
	}
	if !all {
		return "compares rows by UNION (UNION ALL does not)"
	}
	return severalRowsByModifier(node)
}

func severalRowsByModifier(node map[string]any) string {
	for _, modifier := range list(node, "modifiers") {
		modifier, _ := modifier.(map[string]any)
		switch kind := word(modifier, "type"); {
		case kind == "distinct_modifier":
			return "uses DISTINCT"
		case slices.Contains([]string{"limit_modifier", "limit_percent_modifier"}, kind):
			return "uses LIMIT or OFFSET"
		case kind != "order_modifier":
			return "uses " + strings.ToUpper(kind)
		}
	}
	return ""
}
