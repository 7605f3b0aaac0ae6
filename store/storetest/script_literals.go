package storetest

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// nanoseconds since the epoch are what a case file writes for a column in nanoseconds; everywhere else times are
// Instants.
type nanoseconds int64

// words splits a line at spaces outside quotes, brackets and parentheses.
func words(line string) []string {
	var found []string
	start, depth, inQuotes := -1, 0, false
	for i, r := range line {
		switch {
		case r == '"' && (i == 0 || line[i-1] != '\\'):
			inQuotes = !inQuotes
		case inQuotes:
		case strings.ContainsRune("[(", r):
			depth++
		case strings.ContainsRune("])", r):
			depth--
		case r == ' ' && depth == 0:
			if start >= 0 {
				found = append(found, line[start:i])
			}
			start = -1
			continue
		}
		if start < 0 {
			start = i
		}
	}
	if start >= 0 {
		found = append(found, line[start:])
	}
	return found
}

// literal reads a value of the declared type: null, true, 12, 1.5, NaN, -Infinity, "text", x"00ff", a time, [1 null 2].
func literal(declared plumbv1.Type, word string) (any, error) {
	if word == "null" {
		return nil, nil
	}
	if element, ok := value.ElementType(declared); ok {
		return arrayLiteral(element, word)
	}
	switch declared {
	case plumbv1.Type_BOOL:
		return strconv.ParseBool(word)
	case plumbv1.Type_INT32:
		v, err := strconv.ParseInt(word, 10, 32)
		return int32(v), err
	case plumbv1.Type_INT64:
		return strconv.ParseInt(word, 10, 64)
	case plumbv1.Type_FLOAT32:
		v, err := strconv.ParseFloat(word, 32)
		return Canonical(float32(v)), err
	case plumbv1.Type_FLOAT64:
		v, err := strconv.ParseFloat(word, 64)
		return Canonical(v), err
	case plumbv1.Type_STRING:
		return strconv.Unquote(word)
	case plumbv1.Type_BYTES:
		return hex.DecodeString(strings.TrimSuffix(strings.TrimPrefix(word, `x"`), `"`))
	}
	t, err := timeLiteral(word)
	return feature.InstantOf(t), err
}

func arrayLiteral(element plumbv1.Type, word string) (any, error) {
	inner, ok := strings.CutPrefix(word, "[")
	inner, closed := strings.CutSuffix(inner, "]")
	if !ok || !closed {
		return nil, fmt.Errorf("%s is not an array", word)
	}
	elements := []any{}
	for _, part := range words(inner) {
		v, err := literal(element, part)
		if err != nil {
			return nil, err
		}
		elements = append(elements, v)
	}
	return elements, nil
}

// timeLiteral reads RFC 3339, or only the time of day, which then is on the first day of 2013, UTC.
func timeLiteral(word string) (time.Time, error) {
	if strings.Contains(word, "T") {
		return time.Parse(time.RFC3339Nano, word)
	}
	if strings.Count(word, ":") == 1 {
		word += ":00"
	}
	return time.Parse(time.RFC3339Nano, "2013-01-01T"+word+"Z")
}

// formNamed finds the type that a heading such as temp:INT8 asks for: a declared type, or one that only files have.
func formNamed(name string) (form arrow.DataType, declared plumbv1.Type, err error) {
	if number, ok := plumbv1.Type_value[name]; ok && number != 0 {
		declared = plumbv1.Type(number)
		return value.ArrowType(declared), declared, nil
	}
	form, ok := fileForms[name]
	if !ok {
		return nil, 0, fmt.Errorf("%s is not a type", name)
	}
	return form, 0, nil
}

var fileForms = map[string]arrow.DataType{
	"INT8":             arrow.PrimitiveTypes.Int8,
	"INT16":            arrow.PrimitiveTypes.Int16,
	"INT32_STORED":     arrow.PrimitiveTypes.Int32,
	"INT64_STORED":     arrow.PrimitiveTypes.Int64,
	"FLOAT32_STORED":   arrow.PrimitiveTypes.Float32,
	"UINT8":            arrow.PrimitiveTypes.Uint8,
	"UINT32":           arrow.PrimitiveTypes.Uint32,
	"UINT64":           arrow.PrimitiveTypes.Uint64,
	"DECIMAL(12,2)":    &arrow.Decimal128Type{Precision: 12, Scale: 2},
	"DECIMAL(18,0)":    &arrow.Decimal128Type{Precision: 18},
	"DATE":             arrow.FixedWidthTypes.Date32,
	"NULL":             arrow.Null,
	"TIMESTAMP_S":      &arrow.TimestampType{Unit: arrow.Second},
	"TIMESTAMP_MS":     &arrow.TimestampType{Unit: arrow.Millisecond},
	"TIMESTAMP_NAIVE":  &arrow.TimestampType{Unit: arrow.Microsecond},
	"TIMESTAMP_NS":     &arrow.TimestampType{Unit: arrow.Nanosecond},
	"TIMESTAMP_NS_UTC": &arrow.TimestampType{Unit: arrow.Nanosecond, TimeZone: "UTC"},
}
