package casts

import (
	"fmt"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/duckdb/quote"
)

// Names of column types that DuckDB has no type for.
const (
	// FolderText is text from the name of a hive partition's folder.
	FolderText = "VARCHAR (partition)"
	// ZonedNanoseconds is a zoned column in nanoseconds, which DuckDB reads as microseconds, cutting towards 1970.
	ZonedNanoseconds = "TIMESTAMP WITH TIME ZONE (nanoseconds)"
	// FileText is text of a file that has no types, such as CSV.
	FileText = "VARCHAR (csv)"
)

// Marker begins the messages that SQL raises through error() when a value does not fit its declared type (R9). What
// follows is for the user.
const Marker = "plumb: "

// sqlTypes are the types that values of a declared type have in results.
var sqlTypes = map[plumbv1.Type]string{
	plumbv1.Type_BOOL:      "BOOLEAN",
	plumbv1.Type_INT32:     "INTEGER",
	plumbv1.Type_INT64:     "BIGINT",
	plumbv1.Type_FLOAT32:   "FLOAT",
	plumbv1.Type_FLOAT64:   "DOUBLE",
	plumbv1.Type_STRING:    "VARCHAR",
	plumbv1.Type_BYTES:     "BLOB",
	plumbv1.Type_TIMESTAMP: "TIMESTAMP WITH TIME ZONE",
}

// SQLType is the type that values of a declared type have in results, arrays too.
func SQLType(declared plumbv1.Type) string {
	if element, ok := value.ElementType(declared); ok {
		return sqlTypes[element] + "[]"
	}
	return sqlTypes[declared]
}

// exact lists the numeric source types each of whose values fits the declared type.
var exact = map[plumbv1.Type][]string{
	plumbv1.Type_INT32:   {"TINYINT", "SMALLINT", "INTEGER", "UTINYINT", "USMALLINT"},
	plumbv1.Type_INT64:   {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"},
	plumbv1.Type_FLOAT32: {"TINYINT", "SMALLINT", "UTINYINT", "USMALLINT", "FLOAT"},
	plumbv1.Type_FLOAT64: {"TINYINT", "SMALLINT", "INTEGER", "UTINYINT", "USMALLINT", "UINTEGER", "FLOAT", "DOUBLE"},
}

var integerTypes = []string{"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER",
	"UBIGINT", "UHUGEINT"}

func isNumeric(name string) bool {
	return slices.Contains(integerTypes, name) || name == "FLOAT" || name == "DOUBLE" ||
		strings.HasPrefix(name, "DECIMAL(")
}

// Cast converts a column to a declared type. In its templates, $ is replaced by the column.
type Cast struct {
	// value is the converted value of a column that is not null.
	value string
	// fits says whether a value that is not null can be converted without loss; empty if every value can (R9).
	fits string
	// element, for arrays, converts the elements; their nulls stay.
	element *Cast
	// Instant, for time columns that DuckDB compares as they are, is the function that makes such a time of microseconds.
	// Their values fit unless they are infinite.
	Instant string
	// declared is the target.
	declared plumbv1.Type
	// hint says which texts fit; empty if that needs no explanation.
	hint string
}

// To finds the cast from an engine's type to a declared type, or says why there is none.
func To(from string, to plumbv1.Type) (*Cast, error) {
	if element, ok := value.ElementType(to); ok {
		return convertArray(from, element, to)
	}
	c := &Cast{value: "$", declared: to}
	switch {
	case from == FolderText:
		return convertFolderName(to), nil
	case from == FileText:
		return convertText(to), nil
	case isNumeric(from) && exact[to] != nil:
		c.value = "CAST($ AS " + sqlTypes[to] + ")"
		if !slices.Contains(exact[to], from) {
			c.value = "TRY_CAST($ AS " + sqlTypes[to] + ")"
			c.fits = "coalesce(TRY_CAST(" + c.value + " AS " + from + ") = $, false)"
		}
		return c, nil
	case from == sqlTypes[to] && to != plumbv1.Type_TIMESTAMP:
		return c, nil
	case to == plumbv1.Type_STRING && (strings.HasPrefix(from, "ENUM(") || from == "UUID" || from == "JSON"):
		c.value = "CAST($ AS VARCHAR)"
		return c, nil
	case to == plumbv1.Type_TIMESTAMP:
		micros, err := ToMicroseconds(from)
		if err != nil {
			return nil, err
		}
		c.value, c.fits = "make_timestamptz("+micros.value+")", micros.fits
		return c, nil
	}
	return nil, fmt.Errorf("%s cannot become %s", from, to)
}

func convertArray(from string, element, to plumbv1.Type) (*Cast, error) {
	if from == FolderText || from == FileText {
		return convertTextArray(element, to), nil
	}
	open := strings.LastIndex(from, "[")
	if open < 0 || !strings.HasSuffix(from, "]") {
		return nil, fmt.Errorf("%s cannot become %s", from, to)
	}
	inner, err := To(from[:open], element)
	if err != nil {
		return nil, fmt.Errorf("%s cannot become %s", from, to)
	}
	value := "$"
	if from[open:] != "[]" {
		value = "CAST($ AS " + from[:open] + "[])"
	}
	return &Cast{value: value, element: inner, declared: to}, nil
}

// convertTextArray reads an array from the JSON text of one.
func convertTextArray(element, to plumbv1.Type) *Cast {
	list := `from_json($, '["VARCHAR"]')`
	if element == plumbv1.Type_FLOAT32 || element == plumbv1.Type_FLOAT64 {
		// DuckDB would make a 0 of -0, and a number of 64 bits of every one, so numbers are quoted first.
		list = `from_json(regexp_replace($, '"?(-?[0-9][0-9.eE+-]*)"?', '"\1"', 'g'), '["VARCHAR"]')`
	}
	c := &Cast{value: list, element: convertText(element), declared: to}
	c.fits = "(CASE WHEN json_valid($) THEN json_type($) = 'ARRAY' ELSE false END"
	if fits := c.element.fits; fits != "" {
		c.fits += " AND len(list_filter(" + list + ", lambda element: element IS NOT NULL AND (" +
			strings.ReplaceAll(fits, "$", "element") + ") IS NOT TRUE)) = 0"
	}
	c.fits += ")"
	return c
}

// convertText parses text exactly: no trimming, no rounding. DuckDB's own cast would take ' 1 ' and round '1.5'. Text
// spells an integer if writing the integer gives the text again, the rule of value.ParseInteger.
func convertText(to plumbv1.Type) *Cast {
	c := &Cast{declared: to, value: "TRY_CAST($ AS " + sqlTypes[to] + ")"}
	switch to {
	case plumbv1.Type_STRING:
		c.value = "$"
	case plumbv1.Type_BYTES:
		c.value = "from_base64($)"
		// The bits beyond the last byte are zero, or other bytes would be written.
		c.fits = "regexp_full_match($, '([A-Za-z0-9+/]{4})*([A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?')"
	case plumbv1.Type_BOOL:
		c.fits = "($ IN ('true', 'false'))"
	case plumbv1.Type_INT32, plumbv1.Type_INT64:
		c.fits = "coalesce(CAST(" + c.value + " AS VARCHAR) = $, false)"
	case plumbv1.Type_TIMESTAMP:
		micros := textMicroseconds()
		c.value, c.fits, c.hint = "make_timestamptz("+micros.value+")", micros.fits, micros.hint
	default:
		// What is beyond the type would become infinity or zero.
		c.fits = "coalesce(regexp_full_match($, 'NaN|[+-]?Infinity') AND " + c.value + " IS NOT NULL OR " +
			"regexp_full_match($, '[+-]?[0-9.]+([eE][+-]?[0-9]+)?') AND isfinite(" + c.value + ") AND (" + c.value +
			" <> 0 OR regexp_full_match($, '[+-]?[0.]+([eE].*)?')), false)"
	}
	return c
}

// convertFolderName is convertText, but that a feature may have leading zeros, as in month=07. A key may not (R9).
func convertFolderName(to plumbv1.Type) *Cast {
	c := convertText(to)
	if to == plumbv1.Type_INT32 || to == plumbv1.Type_INT64 {
		c.fits = "(regexp_full_match($, '-?[0-9]+') AND " + c.value + " IS NOT NULL)"
	}
	return c
}

// ToMicroseconds is the cast of a time column to int64 microseconds since the epoch, floored (R1). All arithmetic
// on times is done in these, so that no zone, calendar or special value can interfere.
func ToMicroseconds(from string) (*Cast, error) {
	c := &Cast{declared: plumbv1.Type_TIMESTAMP}
	switch from {
	case "TIMESTAMP", "TIMESTAMP WITH TIME ZONE":
		c.value = "epoch_us($)"
		c.fits = "isfinite($)"
		c.Instant = "make_timestamp"
		if from != "TIMESTAMP" {
			c.Instant = "make_timestamptz"
		}
	case "TIMESTAMP_S", "TIMESTAMP_MS", "DATE":
		c.value = "epoch_us(TRY_CAST($ AS TIMESTAMP))"
		c.fits = "coalesce(isfinite(TRY_CAST($ AS TIMESTAMP)), false)"
	case "TIMESTAMP_NS":
		// DuckDB's cast cuts towards 1970, and so does its integer division.
		c.value = "((epoch_ns($) // 1000) - CASE WHEN epoch_ns($) % 1000 < 0 THEN 1 ELSE 0 END)"
		c.fits = "isfinite(CAST($ AS TIMESTAMP))"
	case ZonedNanoseconds:
		// What is left of a time before 1970 may be one microsecond late; such a value is refused rather than guessed.
		c.value = "epoch_us($)"
		c.fits = "(isfinite($) AND epoch_us($) > 0)"
	case FolderText, FileText:
		return textMicroseconds(), nil
	default:
		return nil, fmt.Errorf("%s is not a time; it has to be a timestamp or a date%s", from, timeHint(from))
	}
	return c, nil
}

// timeHint says how times are made of what columns of a type may hold in their place.
func timeHint(from string) string {
	const how = "; in a SQL source over a source without event_timestamp, make one of it: "
	switch {
	case from == "VARCHAR":
		return how + "CAST(x AS TIMESTAMP), or strptime(x, '%d.%m.%Y %H:%M')"
	case isNumeric(from):
		return how + "to_timestamp(x) of seconds since 1970, epoch_ms(x) of milliseconds, make_timestamp(x) of microseconds"
	}
	return ""
}

// textMicroseconds reads RFC 3339, with or without a zone, and dates. Digits past the microsecond are cut, which
// floors, since the fraction always counts upwards from the second.
func textMicroseconds() *Cast {
	return &Cast{
		declared: plumbv1.Type_TIMESTAMP,
		hint: "; times are written in RFC 3339, as 2024-02-01T09:30:00Z or with an offset as +01:00, as " +
			"2024-02-01 09:30:00, or as dates, 2024-02-01; convert numbers since 1970 and other forms first",
		value: "epoch_us(TRY_CAST($ AS TIMESTAMP WITH TIME ZONE))",
		fits: `(regexp_full_match($, '[0-9]{4,6}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?` +
			`(Z|[+-][0-9]{2}(:?[0-9]{2})?)?)?') AND coalesce(isfinite(TRY_CAST($ AS TIMESTAMP WITH TIME ZONE)), false))`,
	}
}

// SQL renders the conversion of a column: null stays null, and a value that does not fit raises an error that names the
// column, the place and the value. what and place are SQL expressions of text.
func (c *Cast) SQL(column, what, place string) string {
	return c.nested(column, what, place, "element")
}

func (c *Cast) nested(column, what, place, variable string) string {
	value := strings.ReplaceAll(c.value, "$", column)
	if c.element != nil && !c.element.IsIdentity() {
		inner := c.element.nested(variable, "'an element of ' || "+what, place, variable)
		value = fmt.Sprintf("list_transform(%s, lambda %s: %s)", value, variable, inner)
	}
	if c.fits == "" {
		return value
	}
	return fmt.Sprintf("CASE WHEN %s IS NULL THEN NULL WHEN %s THEN %s ELSE error(%s) END", column,
		strings.ReplaceAll(c.fits, "$", column), value, c.complaint(column, what, place))
}

// Unchecked renders the conversion of a column without a look at whether a value fits.
func (c *Cast) Unchecked(column string) string { return strings.ReplaceAll(c.value, "$", column) }

// MayComplain says whether some values may not fit.
func (c *Cast) MayComplain() bool {
	return c.fits != "" || c.element != nil && c.element.MayComplain()
}

// IsIdentity says whether the column is what it is to be.
func (c *Cast) IsIdentity() bool { return c.value == "$" && c.fits == "" && c.element == nil }

// complaint is the SQL of the error's text, which a session takes apart by the marker.
func (c *Cast) complaint(column, what, place string) string {
	return fmt.Sprintf("%s || %s || ', ' || %s || ': ' || coalesce(left(CAST(%s AS VARCHAR), 100), 'null') || %s",
		quote.Literal(Marker), what, place, column, quote.Literal(" does not fit "+c.declared.String()+" exactly"+c.hint))
}

// Null converts a column that is nothing but null, whatever its type.
func Null(to plumbv1.Type) *Cast { return &Cast{value: "NULL::" + SQLType(to), declared: to} }

// ToKey is To for join keys: both sides are brought to the declared type (R9), also text to the numbers that
// it spells, integers to their digits, and bytes to the text that they are in UTF-8.
func ToKey(from string, to plumbv1.Type) (*Cast, error) {
	switch {
	case from == FolderText:
		return convertText(to), nil
	case from == "VARCHAR" && (to == plumbv1.Type_INT32 || to == plumbv1.Type_INT64 || to == plumbv1.Type_BOOL):
		return convertText(to), nil
	case to == plumbv1.Type_STRING && slices.Contains(integerTypes, from):
		return &Cast{value: "CAST($ AS VARCHAR)", declared: to}, nil
	case to == plumbv1.Type_STRING && from == "BLOB": // Some writers do not say that their texts are texts.
		return &Cast{value: "TRY(decode($))", fits: "(TRY(decode($)) IS NOT NULL)", declared: to}, nil
	}
	return To(from, to)
}
