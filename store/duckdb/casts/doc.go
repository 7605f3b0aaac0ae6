// Package casts has the SQL that brings columns to types, without loss (R9).
//
// DuckDB's own casts round 1.5 to 2, read ' 1 ' as 1, and make text of a number that meets text. A Cast of this
// package has an expression for the value and, unless every value fits, a condition that it fits. What is done with a
// value that does not is the caller's choice: SQL raises an error that names column and place, OrNull has null in its
// place, and Misfit is a condition to count by.
//
//	c, err := casts.To("DOUBLE", plumbv1.Type_INT64)
//	c.SQL("x", "'column x'", "'row 7'")
//	// CASE WHEN x IS NULL THEN NULL WHEN coalesce(TRY_CAST(… AS DOUBLE) = x, false) THEN TRY_CAST(x AS BIGINT)
//	// ELSE error('plumb: ' || 'column x' || ', ' || 'row 7' || …) END
//
// Join keys are brought to their types by ToKey, which also reads numbers from text, and times by ToMicroseconds. Types
// are called as DuckDB calls them. For columns that it has no type for there are names of our own: FolderText,
// FileText and ZonedNanoseconds.
//
// Widened and Widening bring the files of one source together: the narrowest type that has all values of two, and the
// way to it.
//
// Everything here is text. Only TypesOfText asks DuckDB: it finds the type that all texts of a column spell.
package casts
