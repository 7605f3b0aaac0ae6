package sqlcheck

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

func (w *queryWalk) checkExpression(class string, node map[string]any) {
	switch {
	case class == "COLLATE":
		w.refuse("uses COLLATE, by which texts that differ count as one; compare lower(…) or the like")
	case class == "PARAMETER":
		w.refuse("has a parameter, and nothing gives it a value")
	case !slices.Contains(expressionClasses, class):
		w.refuse("uses %s, which it may not", class)
	case class == "COLUMN_REF":
		w.checkColumn(node)
	case class == "FUNCTION":
		w.checkCall(node)
	case class == "WINDOW":
		w.checkName(node, word(node, "function_name"))
	}
}

// checkColumn refuses words such as current_date. They look like columns, and DuckDB takes them for calls if no column
// has the name. With a table's name before it, a word can only be a column.
func (w *queryWalk) checkColumn(node map[string]any) {
	names, _ := node["column_names"].([]any)
	if len(names) != 1 {
		return
	}
	if name, _ := names[0].(string); refusedWords[strings.ToLower(name)] {
		w.refuse("reads the clock or the session by %s: its rows may depend on its sources alone; if it is a column, write "+
			"the table's name before it", strings.ToLower(name))
	}
}

func (w *queryWalk) checkCall(node map[string]any) {
	name := word(node, "function_name")
	arguments, _ := node["children"].([]any)
	w.checkName(node, name)
	switch {
	case name == "age" && len(arguments) == 1:
		w.refuse("reads the clock by age() with one argument; give the later time too")
	case growingFunctions[name]:
		w.boundGrowth(name, arguments)
	}
}

// checkName refuses functions that are not listed: a source that changes from one run to the next can be no base for
// parity (R17).
func (w *queryWalk) checkName(node map[string]any, name string) {
	schema := word(node, "schema")
	switch {
	case MayCall(name) && (schema == "" || schema == "main") && word(node, "catalog") == "":
	case instead[name] != "":
		w.refuse("calls %s(), whose result depends on the order of rows or cannot be checked; %s", name, instead[name])
	default:
		w.refuse("calls %s(): it may use only functions that depend on nothing but their arguments, and whose results these "+
			"bound", name)
	}
}

const (
	// mostPadding is how long a text may be padded to.
	mostPadding = 1000
	// mostElements is how many elements a list may be given by its ends.
	mostElements = 100_000
	// mostReplacement is how long a text may be that replaces another.
	mostReplacement = 100
	// mostNested is how many growing functions may take each other's results.
	mostNested = 3
)

// boundGrowth refuses a call whose result may be much larger than its arguments. What bounds the result has to be a
// constant: lpad(x, 20, '0') can be judged from the text of the query, and lpad(x, y, '0') only by running it.
func (w *queryWalk) boundGrowth(name string, arguments []any) {
	switch name {
	case "lpad", "rpad":
		if length, ok := constantAt(arguments, 1); !ok || length > mostPadding {
			w.refuse("calls %s() without a number of at most %d for the length", name, mostPadding)
		}
	case "range", "generate_series":
		w.boundSeries(name, arguments)
	case "printf", "format":
		if format, ok := textAt(arguments, 0); !ok || widths(format) > mostPadding {
			w.refuse("calls %s() with a format that is not written out, or is wider than %d", name, mostPadding)
		}
	default:
		if text, ok := textAt(arguments, 2); !ok || len(text) > mostReplacement {
			w.refuse("calls %s() without a text of at most %d bytes to put in", name, mostReplacement)
		}
	}
	if depth := nestedGrowth(arguments); depth >= mostNested {
		w.refuse("calls %s() on what %d such functions have made; take some of them away", name, depth)
	}
}

// boundSeries wants the ends of a list in whole numbers that are written out.
func (w *queryWalk) boundSeries(name string, arguments []any) {
	for i := range arguments {
		number, ok := constantAt(arguments, i)
		if !ok || number < 0 || number > mostElements {
			w.refuse("calls %s() outside FROM with something else than numbers from 0 to %d; write FROM %s(…)", name,
				mostElements, name)
			return
		}
	}
}

func constantAt(arguments []any, at int) (int64, bool) {
	if at >= len(arguments) {
		return 0, false
	}
	return constantNumber(arguments[at])
}

func textAt(arguments []any, at int) (string, bool) {
	if at >= len(arguments) {
		return "", false
	}
	value, _ := constant(arguments[at])
	text, ok := value.(string)
	return text, ok
}

var digits = regexp.MustCompile(`\d+|\*|\{[^{}]*\{`)

// widths adds the numbers in a format, of which one may be a width. A width that is an argument is wider than any.
func widths(format string) int {
	total := 0
	for _, found := range digits.FindAllString(format, -1) {
		width, err := strconv.Atoi(found)
		if err != nil || width > mostPadding {
			return mostPadding + 1
		}
		total += width
	}
	return total
}

// nestedGrowth is how many growing functions take each other's results in a part of the tree. Each may multiply what
// the one below it has made, so bounds for single calls are not sufficient.
func nestedGrowth(node any) int {
	deepest := 0
	switch node := node.(type) {
	case []any:
		for _, child := range node {
			deepest = max(deepest, nestedGrowth(child))
		}
	case map[string]any:
		for _, child := range node {
			deepest = max(deepest, nestedGrowth(child))
		}
		if name := word(node, "function_name"); name != "" && growingFunctions[name] {
			deepest++
		}
	}
	return deepest
}
