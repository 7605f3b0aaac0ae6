package sqlcheck

import (
	"maps"
	"math/bits"
	"strings"
)

// Each level of a query may make values larger, and all levels together far larger than any of them alone. DuckDB makes
// such a value while it optimizes a plan, when it can be neither stopped nor limited in its memory. So the growth of
// all levels is bounded by what is written, as a power of two by which a value may be larger than what the query reads.
// Padding adds the same number of characters however long the text is, and does not count.
const mostBits = 14

// concatenations put texts or lists together.
var concatenations = set("|| concat concat_ws array_cat array_concat list_cat list_concat")

// growth finds how much larger than what a query reads the values of its parts may be.
type growth struct {
	// ctes has the growth of the CTEs in scope.
	ctes map[string]int
	// rounds says that a part that is repeated, in WITH RECURSIVE, grows.
	rounds bool
	// once leaves rounds unknown. It is for the growth of a repeated part by itself: were rounds in it looked for again,
	// each level of them would double the work.
	once bool
}

// checkGrowth refuses a query whose levels together make values too large.
func (w *queryWalk) checkGrowth(statement any) {
	g := &growth{}
	if g.of(statement) > mostBits {
		w.refuse("makes values that may be %d times as large as those that it reads, by replace(), or by x || x, on what "+
			"others have made; take some of them away", 1<<mostBits)
	}
	if g.rounds {
		w.refuse("makes values larger in each round of WITH RECURSIVE, by replace(), or by x || x")
	}
}

// of is the growth of a part of the tree.
func (g *growth) of(node any) int {
	switch node := node.(type) {
	case []any:
		most := 0
		for _, child := range node {
			most = max(most, g.of(child))
		}
		return most
	case map[string]any:
		return g.ofObject(node)
	}
	return 0
}

func (g *growth) ofObject(node map[string]any) int {
	name := word(node, "function_name")
	switch {
	case node["type"] == "BASE_TABLE":
		return g.ctes[word(node, "table_name")]
	case concatenations[name]:
		return g.ofOperands(node) + repetition(node)
	case name == "replace" || name == "regexp_replace":
		return g.ofMembers(node) + replacementBits(name, list(node, "children"))
	}
	return g.ofMembers(node)
}

// ofMembers is the growth of a node by its members: what an expression adds is added to what it reads from.
func (g *growth) ofMembers(node map[string]any) int {
	if ctes, ok := node["cte_map"].(map[string]any); ok {
		outer := g.ctes
		defer func() { g.ctes = outer }()
		g.enter(ctes)
	}
	most := 0
	for member, child := range node {
		if member != "cte_map" && member != "from_table" {
			most = max(most, g.of(child))
		}
	}
	if !g.once && node["type"] == "RECURSIVE_CTE_NODE" && (&growth{once: true}).of(node["right"]) > 0 {
		g.rounds = true
	}
	return most + g.of(node["from_table"])
}

// enter takes the CTEs of a WITH clause into the scope.
func (g *growth) enter(clause map[string]any) {
	inner := map[string]int{}
	maps.Copy(inner, g.ctes)
	g.ctes = inner
	for _, entry := range list(clause, "map") {
		entry, _ := entry.(map[string]any)
		inner[word(entry, "key")] = g.of(entry["value"])
	}
}

// ofOperands is the growth of what a chain of concatenations puts together.
func (g *growth) ofOperands(node map[string]any) int {
	most := 0
	for _, child := range list(node, "children") {
		operand, _ := child.(map[string]any)
		if concatenations[word(operand, "function_name")] {
			most = max(most, g.ofOperands(operand))
		} else {
			most = max(most, g.of(child))
		}
	}
	return most
}

// repetition returns what a concatenation adds if the same column occurs in it several times: a bit for x || x, which
// is twice as large as x, and two bits for x || x || x.
func repetition(node any) int {
	counts, most := map[string]int{}, 1
	transformed(node, func(part map[string]any) any {
		if names := list(part, "column_names"); len(names) > 0 {
			name, _ := names[len(names)-1].(string)
			counts[strings.ToLower(name)]++
			most = max(most, counts[strings.ToLower(name)])
		}
		return part
	})
	return bits.Len(uint(most - 1))
}

// replacementBits is what a call adds that puts a text in the place of others: replace(x, 'a', 'bbbb') can make a value
// four times as large, which is two bits. What a regular expression replaces may be empty, so there the whole length of
// the text counts.
func replacementBits(name string, arguments []any) int {
	text, _ := textAt(arguments, 2)
	factor := len(text)
	if replaced, ok := textAt(arguments, 1); ok && name == "replace" {
		factor = (factor + max(len(replaced), 1) - 1) / max(len(replaced), 1)
	}
	return bits.Len(uint(max(factor, 1) - 1))
}
