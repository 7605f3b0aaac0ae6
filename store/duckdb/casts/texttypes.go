package casts

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// The texts of a column with nothing but text, as in CSV, become numbers or booleans only if no value is lost: each is
// the same number, and values that differ stay different (R6).
const (
	// isWhole holds for a whole number of 64 bits that is written without a plus or zeros in front.
	isWhole = `(CAST(TRY_CAST($ AS BIGINT) AS VARCHAR) = $)`
	// isShortest holds for the text that DuckDB has for a number of 64 bits, the shortest that identifies it.
	isShortest = `(CAST(TRY_CAST($ AS DOUBLE) AS VARCHAR) = $ AND regexp_full_match($, '-?[0-9].*'))`
	// isNumber holds for a number of at most 15 digits, which a number of 64 bits has as its shortest text too, in other
	// words, such as 1.50 or 1E5. It is neither too large nor too small for all of the digits.
	isNumber = `(regexp_full_match($, '-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?') AND ` +
		`length(trim(replace(regexp_extract($, '^-?([0-9.]+)', 1), '.', ''), '0')) <= 15 AND ` +
		`(regexp_full_match($, '-?[0.]+([eE].*)?') OR abs(TRY_CAST($ AS DOUBLE)) BETWEEN 1e-300 AND 1e300))`
	// isNoNumber holds for the values of floating point that are no numbers.
	isNoNumber = `($ IN ('NaN', 'Infinity', '-Infinity'))`
)

// database is what counts texts.
type database interface {
	// QueryRow scans the one row of a query's answer.
	QueryRow(ctx context.Context, query string, into ...any) error
}

// TypesOfText finds a type for each of some columns of text: BIGINT, DOUBLE or BOOLEAN, to which it can be cast without
// loss, or VARCHAR. A column without values is text.
func TypesOfText(ctx context.Context, db database, table string, columns []string) ([]string, error) {
	all := func(condition string) string { return "bool_and($ IS NULL OR coalesce(" + condition + ", false))" }
	choose := "CASE WHEN count($) = 0 THEN 'VARCHAR' WHEN " + all(isWhole) + " THEN 'BIGINT' WHEN " +
		all(isShortest) + " THEN 'DOUBLE' WHEN " + all(isShortest+" OR "+isNumber+" OR "+isNoNumber) +
		" AND NOT " + all(isNoNumber) + " THEN 'DOUBLE where distinct' WHEN " + all("$ IN ('true', 'false')") +
		" THEN 'BOOLEAN' ELSE 'VARCHAR' END"
	types, err := askColumns(ctx, db, table, columns, choose)
	if err != nil {
		return nil, err
	}
	return types, settleNumbers(ctx, db, table, columns, types)
}

// settleNumbers chooses text for numbers of which two are written differently, such as 1.1 and 1.10. They may be
// versions or codes, which are two values; as numbers they would be one.
func settleNumbers(ctx context.Context, db database, table string, columns, types []string) error {
	var open []int
	var names []string
	for i, name := range types {
		if name == "DOUBLE where distinct" {
			open, names = append(open, i), append(names, columns[i])
		}
	}
	if open == nil {
		return nil
	}
	settled, err := askColumns(ctx, db, table, names, "CASE WHEN count(DISTINCT $) = count(DISTINCT CAST($ AS DOUBLE)) "+
		"THEN 'DOUBLE' ELSE 'VARCHAR' END")
	if err != nil {
		return err
	}
	for i, at := range open {
		types[at] = settled[i]
	}
	return nil
}

// columnsAsked is how many columns are asked about in one query.
const columnsAsked = 256

// askColumns evaluates an aggregate for each column, which $ stands for. The columns become rows of one, by which the
// aggregate is grouped. With an expression for each column, DuckDB would compare every part of one with every part of
// the others, which takes minutes for 3,000 columns.
func askColumns(ctx context.Context, db database, table string, columns []string, aggregate string) ([]string, error) {
	answers := make([]string, 0, len(columns))
	for some := range slices.Chunk(columns, columnsAsked) {
		query := fmt.Sprintf("SELECT coalesce(string_agg(answer, ',' ORDER BY i), '') FROM (SELECT i, %s AS answer\n"+
			"FROM (SELECT unnest([%s]) AS v, unnest(range(%d)) AS i FROM %s) GROUP BY i)",
			strings.ReplaceAll(aggregate, "$", "v"), strings.Join(some, ", "), len(some), table)
		var found string
		if err := db.QueryRow(ctx, query, &found); err != nil {
			return nil, err
		}
		if found == "" { // The table has no rows, so that no column has a value.
			found = strings.Repeat(",VARCHAR", len(some))[1:]
		}
		answers = append(answers, strings.Split(found, ",")...)
	}
	return answers, nil
}
