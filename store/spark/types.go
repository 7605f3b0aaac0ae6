package spark

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// Types are called as Spark calls them. nanoseconds is that of times which Spark reads as numbers of nanoseconds,
// uuidBytes that of UUIDs, which Spark reads as bytes, and void that of a column without a type, whose values are null.
const (
	nanoseconds = "NANOSECONDS"
	uuidBytes   = "UUID"
	void        = "VOID"
)

// embeddedTypes are the types that the embedded engine reports of columns, and those that Spark has for their values.
// HUGEINT is what files have together of which some have a column as UINT64 and others as signed numbers.
var embeddedTypes = map[string]string{
	"BOOLEAN": "BOOLEAN", "TINYINT": "TINYINT", "SMALLINT": "SMALLINT", "INTEGER": "INT", "BIGINT": "BIGINT",
	"UTINYINT": "SMALLINT", "USMALLINT": "INT", "UINTEGER": "BIGINT", "UBIGINT": "DECIMAL(20,0)",
	"HUGEINT": "DECIMAL(20,0)",
	"FLOAT":   "FLOAT", "DOUBLE": "DOUBLE", "VARCHAR": "STRING", "JSON": "STRING", "BLOB": "BINARY", "DATE": "DATE",
	"TIMESTAMP": "TIMESTAMP_NTZ", "TIMESTAMP_S": "TIMESTAMP_NTZ", "TIMESTAMP_MS": "TIMESTAMP_NTZ",
	"TIMESTAMP_NS": "TIMESTAMP_NTZ", "TIMESTAMP WITH TIME ZONE": "TIMESTAMP",
	"TIMESTAMP WITH TIME ZONE (nanoseconds)": "TIMESTAMP", "UUID": "STRING",
}

// folderText is what the embedded engine calls the type of a column that folders' names give.
const folderText = "VARCHAR (partition)"

// sparkType is Spark's type of a column of the embedded engine's type.
func sparkType(embedded string) (string, bool) {
	if element, ok := strings.CutSuffix(embedded, "[]"); ok {
		inner, ok := sparkType(element)
		return "ARRAY<" + inner + ">", ok && !strings.HasPrefix(inner, "ARRAY<")
	}
	if strings.HasPrefix(embedded, "DECIMAL(") || embedded == void {
		return embedded, true
	}
	if strings.HasPrefix(embedded, "ENUM(") {
		return "STRING", true
	}
	t, ok := embeddedTypes[embedded]
	return t, ok
}

// arrowTypes are Spark's types of what Arrow has without parameters.
var arrowTypes = map[arrow.Type]string{
	arrow.BOOL: "BOOLEAN", arrow.INT8: "TINYINT", arrow.INT16: "SMALLINT", arrow.INT32: "INT", arrow.INT64: "BIGINT",
	arrow.UINT8: "SMALLINT", arrow.UINT16: "INT", arrow.UINT32: "BIGINT", arrow.UINT64: "DECIMAL(20,0)",
	arrow.FLOAT32: "FLOAT", arrow.FLOAT64: "DOUBLE", arrow.STRING: "STRING", arrow.BINARY: "BINARY",
	arrow.FIXED_SIZE_BINARY: "BINARY", arrow.DATE32: "DATE", arrow.NULL: void,
}

// storedType is the type in which Spark reads a column of a file; empty if Spark reads it in no type that is known
// here.
func storedType(t arrow.DataType) string {
	switch of := t.(type) {
	case arrow.ExtensionType:
		if of.ExtensionName() == "arrow.uuid" {
			return uuidBytes
		}
		return storedType(of.StorageType())
	case *arrow.ListType:
		if inner := storedType(of.Elem()); inner != "" {
			return "ARRAY<" + inner + ">"
		}
		return ""
	case *arrow.Decimal128Type:
		return fmt.Sprintf("DECIMAL(%d,%d)", of.Precision, of.Scale)
	case *arrow.TimestampType:
		switch {
		case of.Unit == arrow.Nanosecond:
			return nanoseconds
		case of.TimeZone == "":
			return "TIMESTAMP_NTZ"
		}
		return "TIMESTAMP"
	}
	return arrowTypes[t.ID()]
}

func elementOf(t string) (string, bool) {
	inner, ok := strings.CutPrefix(t, "ARRAY<")
	return strings.TrimSuffix(inner, ">"), ok
}

var integerTypes = []string{"TINYINT", "SMALLINT", "INT", "BIGINT"}

func isDecimal(t string) bool { return strings.HasPrefix(t, "DECIMAL(") }

// brought is the value of a column, which files have in the type from, in the type to that all files' values have
// (Files that differ, in docs/semantics.md). A value that DOUBLE does not hold is an error that names its row. what
// names the column, and place is an expression that says where the row is.
func brought(column, from, to, what, place string) string {
	if from == to {
		return column
	}
	if inner, ok := elementOf(from); ok {
		element, _ := elementOf(to)
		return fmt.Sprintf("transform(%s, x -> %s)", column, brought("x", inner, element, what, place))
	}
	switch {
	case from == void:
		return "CAST(NULL AS " + to + ")"
	case from == uuidBytes:
		return fmt.Sprintf("regexp_replace(lower(hex(%s)), '(.{8})(.{4})(.{4})(.{4})(.{12})', '$1-$2-$3-$4-$5')", column)
	case from == nanoseconds: // It is floored, as R1 says.
		column = fmt.Sprintf("timestamp_micros((%[1]s - pmod(%[1]s, 1000)) div 1000)", column)
		if to == "TIMESTAMP" {
			return column
		}
	case to == "DOUBLE" && (from == "BIGINT" || isDecimal(from)):
		return fmt.Sprintf("CASE WHEN %[1]s IS NULL OR %[2]s THEN CAST(%[1]s AS DOUBLE) ELSE "+
			"raise_error(concat(%[3]s, %[4]s, ': ', CAST(%[1]s AS STRING), ' does not fit DOUBLE exactly')) END",
			column, isDouble(column, from), literal(marker+what+", "), place)
	}
	return fmt.Sprintf("CAST(%s AS %s)", column, to)
}

// marker begins what a statement raises. What follows is for the user.
const marker = "plumb: "

// isDouble is the condition that DOUBLE has a number. The way back is to a type that is narrower than DOUBLE, since
// Spark's optimizer makes one cast of two that widen.
func isDouble(column, from string) string {
	if isDecimal(from) {
		return fmt.Sprintf("coalesce(TRY_CAST(CAST(%[1]s AS DOUBLE) AS %[2]s) = %[1]s, false)", column, from)
	}
	return fmt.Sprintf("(%[1]s BETWEEN -9007199254740992 AND 9007199254740992 OR "+
		"(%[1]s <> 9223372036854775807 AND CAST(CAST(%[1]s AS DOUBLE) AS BIGINT) = %[1]s))", column)
}

// keyTypes are Spark's types of join keys.
var keyTypes = map[plumbv1.Type]string{
	plumbv1.Type_STRING: "STRING", plumbv1.Type_BYTES: "BINARY", plumbv1.Type_BOOL: "BOOLEAN",
	plumbv1.Type_INT32: "INT", plumbv1.Type_INT64: "BIGINT",
}

// typedKey is a join key in its declared type (R9), from a column of a type. It is null for a value that does not fit;
// fits says that each value does.
func typedKey(column, from string, declared plumbv1.Type) (sql string, fits bool, err error) {
	to := keyTypes[declared]
	integer := to == "INT" || to == "BIGINT"
	at := slices.Index(integerTypes, from)
	switch {
	case from == to:
		return column, true, nil
	case integer && at >= 0 && at <= slices.Index(integerTypes, to),
		to == "STRING" && (at >= 0 || from == "DECIMAL(20,0)"):
		return fmt.Sprintf("CAST(%s AS %s)", column, to), true, nil
	case integer && at >= 0:
		return fmt.Sprintf("TRY_CAST(%s AS %s)", column, to), false, nil
	}
	var fit string
	value := fmt.Sprintf("TRY_CAST(%s AS %s)", column, to)
	switch {
	case integer && from == "STRING":
		fit = fmt.Sprintf("CAST(%s AS STRING) = %s", value, column)
	case to == "BOOLEAN" && from == "STRING":
		fit = column + " IN ('true', 'false')"
	case integer && isDecimal(from):
		fit = fmt.Sprintf("TRY_CAST(%s AS %s) = %s", value, from, column)
	case integer && from == "DOUBLE":
		bound := map[string]string{"INT": "2147483648D", "BIGINT": "9223372036854775808D"}[to]
		fit = fmt.Sprintf("%[1]s >= -%[2]s AND %[1]s < %[2]s AND CAST(%[3]s AS DOUBLE) = %[1]s", column, bound, value)
	case integer && from == "FLOAT":
		return typedKey("CAST("+column+" AS DOUBLE)", "DOUBLE", declared)
	case to == "STRING" && from == "BINARY": // Some writers do not say that their texts are texts.
		fit, value = "is_valid_utf8(CAST("+column+" AS STRING))", "CAST("+column+" AS STRING)"
	default:
		return "", false, fmt.Errorf("%s cannot become %s by Spark", from, declared)
	}
	return fmt.Sprintf("CASE WHEN coalesce(%s, false) THEN %s END", fit, value), false, nil
}
