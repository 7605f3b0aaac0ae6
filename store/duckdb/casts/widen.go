package casts

import (
	"fmt"
	"slices"
	"strings"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// wholeNumber describes an integer type.
type wholeNumber struct {
	bits   int
	signed bool
	// digits is how many decimal digits hold every value. No file has HUGEINT: it is what BIGINT and UBIGINT come to.
	digits int
}

var wholeNumbers = map[string]wholeNumber{
	"TINYINT": {8, true, 3}, "SMALLINT": {16, true, 5}, "INTEGER": {32, true, 10}, "BIGINT": {64, true, 19},
	"HUGEINT": {128, true, 20}, "UTINYINT": {8, false, 3}, "USMALLINT": {16, false, 5}, "UINTEGER": {32, false, 10},
	"UBIGINT": {64, false, 20},
}

// signedNumbers lists the signed integer types from narrow to wide.
var signedNumbers = []string{"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"}

// MaxDecimalDigits is how many digits a decimal of DuckDB has at most.
const MaxDecimalDigits = 38

// timeTypes are the types of instants, of which all become microseconds (R1).
var timeTypes = []string{"DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE",
	ZonedNanoseconds}

// Widened returns the narrowest type to which columns of both types can be converted value for value, or false if there
// is none. Whole numbers and decimals are widened to a type that holds all values of both. With floating point they
// become floating point; a value that it does not hold is found while reading, as elsewhere (R9). Times become
// microseconds.
//
//	BIGINT   UBIGINT       HUGEINT
//	INTEGER  DECIMAL(5,2)  DECIMAL(12,2)
//	SMALLINT FLOAT         FLOAT
//	INTEGER  FLOAT         DOUBLE
//	DATE     TIMESTAMP_NS  TIMESTAMP
//	BIGINT   VARCHAR       none
func Widened(a, b string) (string, bool) {
	elementA, isListA := strings.CutSuffix(a, "[]")
	elementB, isListB := strings.CutSuffix(b, "[]")
	switch {
	case a == b:
		return a, true
	case isListA && isListB:
		element, ok := Widened(elementA, elementB)
		return element + "[]", ok
	case isListA || isListB:
		return "", false
	case slices.Contains(timeTypes, a) && slices.Contains(timeTypes, b):
		return widenedTimes(a, b), true
	case isNumeric(a) && isNumeric(b):
		return widenedNumbers(a, b)
	}
	return "", false
}

func widenedTimes(a, b string) string {
	if strings.Contains(a+b, "ZONE") {
		return "TIMESTAMP WITH TIME ZONE"
	}
	return "TIMESTAMP"
}

func widenedNumbers(a, b string) (string, bool) {
	if isFloat(a) || isFloat(b) {
		if fitsFloat(a) && fitsFloat(b) {
			return "FLOAT", true
		}
		return "DOUBLE", true
	}
	wholeA, isWholeA := wholeNumbers[a]
	wholeB, isWholeB := wholeNumbers[b]
	if isWholeA && isWholeB {
		return widenedWholes(a, wholeA, b, wholeB)
	}
	return widenedDecimals(a, b)
}

func isFloat(name string) bool { return name == "FLOAT" || name == "DOUBLE" }

func fitsFloat(name string) bool { return slices.Contains(exact[plumbv1.Type_FLOAT32], name) }

func widenedWholes(nameA string, a wholeNumber, nameB string, b wholeNumber) (string, bool) {
	if a.signed == b.signed {
		if a.bits > b.bits {
			return nameA, true
		}
		return nameB, true
	}
	for _, name := range signedNumbers {
		if holds(wholeNumbers[name], a) && holds(wholeNumbers[name], b) {
			return name, true
		}
	}
	return "", false
}

// holds says whether every value of an integer type is one of a signed type.
func holds(signed, other wholeNumber) bool {
	return signed.bits > other.bits || signed.bits == other.bits && other.signed
}

func widenedDecimals(a, b string) (string, bool) {
	wholeA, scaleA := decimalDigits(a)
	wholeB, scaleB := decimalDigits(b)
	whole, scale := max(wholeA, wholeB), max(scaleA, scaleB)
	return fmt.Sprintf("DECIMAL(%d,%d)", whole+scale, scale), whole+scale <= MaxDecimalDigits
}

// decimalDigits are the digits that an integer or decimal type has before the point and after it.
func decimalDigits(name string) (whole, scale int) {
	if number, ok := wholeNumbers[name]; ok {
		return number.digits, 0
	}
	var precision int
	if _, err := fmt.Sscanf(name, "DECIMAL(%d,%d)", &precision, &scale); err != nil {
		return MaxDecimalDigits + 1, 0
	}
	return precision - scale, scale
}

// Widening brings a column of a type to another that Widened gave for it.
func Widening(from, to string) (*Cast, error) {
	element, isList := strings.CutSuffix(to, "[]")
	switch {
	case from == to:
		return &Cast{value: "$"}, nil
	case isList:
		inner, err := Widening(strings.TrimSuffix(from, "[]"), element)
		return &Cast{value: "$", element: inner}, err
	case to == "FLOAT":
		return To(from, plumbv1.Type_FLOAT32)
	case to == "DOUBLE":
		return To(from, plumbv1.Type_FLOAT64)
	case slices.Contains(timeTypes, to):
		return widenTime(from, to)
	}
	return &Cast{value: "CAST($ AS " + to + ")"}, nil
}

func widenTime(from, to string) (*Cast, error) {
	micros, err := ToMicroseconds(from)
	if err != nil {
		return nil, err
	}
	made := "make_timestamp("
	if to != "TIMESTAMP" {
		made = "make_timestamptz("
	}
	return &Cast{value: made + micros.value + ")", fits: micros.fits, declared: plumbv1.Type_TIMESTAMP}, nil
}
