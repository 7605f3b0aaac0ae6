package value

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// JSON returns what encoding/json writes as the JSON form of a Go value: a float as Float says, BYTES in base64,
// TIMESTAMP as FormatInstant writes it, an array as a list.
func JSON(v any) any {
	switch v := v.(type) {
	case float32:
		return Float(v)
	case float64:
		return Float(v)
	case feature.Instant:
		return FormatInstant(v)
	case []any:
		list := make([]any, len(v))
		for i, element := range v {
			list[i] = JSON(element)
		}
		return list
	}
	return v
}

// FormatInstant is RFC 3339 with as many digits of a second's fraction as there are, at most six.
func FormatInstant(i feature.Instant) string { return i.Time().Format(time.RFC3339Nano) }

// ParseJSON returns the Go form of a JSON value that was decoded with json.Decoder.UseNumber, if it fits the declared
// type exactly (R9). It reads what JSON writes. Integers may be text too, since not every program can write all of
// INT64 as a number; times are read as feature.ParseInstant says.
func ParseJSON(given any, declared plumbv1.Type) (any, error) {
	if given == nil {
		return nil, nil // A null is a value (R7).
	}
	if element, ok := ElementType(declared); ok {
		list, ok := given.([]any)
		if !ok {
			return nil, misfit(given, declared)
		}
		elements := make([]any, len(list))
		for i, each := range list {
			var err error
			if elements[i], err = ParseJSON(each, element); err != nil {
				return nil, err
			}
		}
		return elements, nil
	}
	if parsed, ok := parseScalar(given, declared); ok {
		return parsed, nil
	}
	return nil, misfit(given, declared)
}

func parseScalar(given any, declared plumbv1.Type) (any, bool) {
	switch declared {
	case plumbv1.Type_BOOL:
		truth, ok := given.(bool)
		return truth, ok
	case plumbv1.Type_INT32:
		number, ok := ParseInteger(digits(given), 32)
		return int32(number), ok
	case plumbv1.Type_INT64:
		return ParseInteger(digits(given), 64)
	case plumbv1.Type_FLOAT32:
		number, ok := parseFloat(floatText(given), 32)
		return float32(number), ok
	case plumbv1.Type_FLOAT64:
		return parseFloat(floatText(given), 64)
	}
	text, ok := given.(string)
	if !ok {
		return nil, false
	}
	switch declared {
	case plumbv1.Type_STRING:
		return text, true
	case plumbv1.Type_BYTES:
		return ParseBytes(text)
	case plumbv1.Type_TIMESTAMP:
		return feature.ParseInstant(text)
	}
	return nil, false
}

// digits is the text of a number, or of a string; empty for anything else.
func digits(value any) string {
	switch value := value.(type) {
	case json.Number:
		return value.String()
	case string:
		return value
	}
	return ""
}

// parseFloat reads a number. What is beyond the type is none: it would become infinity or zero.
func parseFloat(text string, bits int) (float64, bool) {
	if text == nan {
		return TextNaN(), true
	}
	number, err := strconv.ParseFloat(text, bits)
	digits, _, _ := strings.Cut(strings.ToLower(text), "e")
	return number, err == nil && (number != 0 || !strings.ContainsAny(digits, "123456789"))
}

// floatText is the text of a number, or of what JSON has no number for; empty for anything else.
func floatText(value any) string {
	switch value := value.(type) {
	case json.Number:
		return value.String()
	case string:
		if slices.Contains([]string{nan, infinity, negativeInfinity}, value) {
			return value
		}
	}
	return ""
}

func misfit(value any, declared plumbv1.Type) error {
	text, err := json.Marshal(value)
	if err != nil {
		text = fmt.Append(nil, value)
	}
	const most = 100
	if len(text) > most {
		text = append([]byte(strings.ToValidUTF8(string(text[:most]), "")), "…"...)
	}
	return fmt.Errorf("%s does not fit %s exactly", text, declared)
}
