package casts

import (
	"fmt"
	"strings"

	"github.com/plumbstore/plumb/store/duckdb/quote"
)

// Misfit returns which values of a column cannot be converted to the declared type: the condition on the column, the
// value or element that is to blame, and what is wrong with it, all as SQL. The condition is empty if every value can
// be converted.
func (c *Cast) Misfit(column string) (condition, blamed, reason string) {
	if c.fits != "" {
		return unfit(column, c.fits), column, quote.Literal("does not fit " + c.declared.String() + " exactly" + c.hint)
	}
	if c.element == nil || c.element.fits == "" {
		return "", "", ""
	}
	elements := fmt.Sprintf("list_filter(%s, lambda element: %s)", strings.ReplaceAll(c.value, "$", column),
		unfit("element", c.element.fits))
	return fmt.Sprintf("coalesce(len(%s) > 0, false)", elements), elements + "[1]",
		quote.Literal("is an element that does not fit " + c.element.declared.String() + " exactly")
}

func unfit(value, fits string) string {
	return fmt.Sprintf("(%s IS NOT NULL AND (%s) IS NOT TRUE)", value, strings.ReplaceAll(fits, "$", value))
}

// OrNull is the conversion of a column with null in place of a value that does not fit. It is used together with
// MisfitText, which distinguishes that null from a null of the source: a value is never dropped without a word (R9).
func (c *Cast) OrNull(column, variable string) string {
	value := strings.ReplaceAll(c.value, "$", column)
	if c.element != nil && !c.element.IsIdentity() {
		value = fmt.Sprintf("list_transform(%s, lambda %s: %s)", value, variable, c.element.OrNull(variable, variable))
	}
	if c.fits == "" {
		return value
	}
	return fmt.Sprintf("CASE WHEN coalesce(%s, false) THEN %s END", strings.ReplaceAll(c.fits, "$", column), value)
}

// MisfitText returns the SQL of what is wrong with a value of a column, which is null if nothing is. It returns "" if
// nothing can be wrong.
func (c *Cast) MisfitText(column string) string {
	condition, blamed, reason := c.Misfit(column)
	if condition == "" {
		return ""
	}
	return fmt.Sprintf("CASE WHEN %s THEN left(CAST(%s AS VARCHAR), 100) || ' ' || %s END", condition, blamed, reason)
}
