package duckdb

import (
	"fmt"
	"strings"
)

// identifier quotes a name for SQL. It is the only place that does.
func identifier(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func identifiers(names []string) []string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = identifier(name)
	}
	return quoted
}

// literal quotes a string for SQL where no parameter can be bound: settings, table functions, COPY. DuckDB knows no
// escapes within single quotes but the doubled quote.
func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

func literals(texts []string) string {
	quoted := make([]string, len(texts))
	for i, text := range texts {
		quoted[i] = literal(text)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// numbered returns prefix0, prefix1, …: the names by which our tables know columns, whatever users call them.
func numbered(prefix string, count int) []string {
	names := make([]string, count)
	for i := range names {
		names[i] = fmt.Sprintf("%s%d", prefix, i)
	}
	return names
}

// each renders every name into the format and joins the results.
func each(names []string, format, separator string) string {
	parts := make([]string, len(names))
	for i, name := range names {
		parts[i] = strings.ReplaceAll(format, "$", name)
	}
	return strings.Join(parts, separator)
}
