// Package quote writes names and texts into SQL. Nothing else quotes.
//
// The names of columns and files, and the values in queries, come from users. As SQL, the column
//
//	say "hi"
//
// is the identifier "say ""hi""". A file name with a single quote is a literal in which the quote is doubled. A single
// place that forgets to quote would let a name in a file run as SQL, so it is done here alone.
package quote

import (
	"fmt"
	"strings"
)

// Identifier quotes a name.
func Identifier(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// Identifiers quotes each name.
func Identifiers(names []string) []string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = Identifier(name)
	}
	return quoted
}

// Literal quotes a text for places in which no parameter can be bound: settings, table functions, COPY. The doubled
// quote is the only escape that DuckDB has within single quotes.
func Literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// Literals is a list of quoted texts.
func Literals(texts []string) string {
	quoted := make([]string, len(texts))
	for i, text := range texts {
		quoted[i] = Literal(text)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// Numbered returns prefix0, prefix1, …: the names by which our tables know columns, whatever users call them.
func Numbered(prefix string, count int) []string {
	names := make([]string, count)
	for i := range names {
		names[i] = fmt.Sprintf("%s%d", prefix, i)
	}
	return names
}

// Each renders every name into the format and joins the results.
func Each(names []string, format, separator string) string {
	parts := make([]string, len(names))
	for i, name := range names {
		parts[i] = strings.ReplaceAll(format, "$", name)
	}
	return strings.Join(parts, separator)
}
