package push

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// parseJSON brings a decoded JSON value to the Go type of a declared type, exactly (R9): []any for arrays, int64
// microseconds for TIMESTAMP, nil for null.
func parseJSON(given any, declared plumbv1.Type) (any, error) {
	if given == nil {
		return nil, nil // A null is a value (R7).
	}
	if element, ok := value.ElementType(declared); ok {
		list, ok := given.([]any)
		if !ok {
			return nil, misfit(given, declared)
		}
		elements := make([]any, len(list))
		for i, each := range list {
			var err error
			if elements[i], err = parseJSON(each, element); err != nil {
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
		number, ok := value.ParseInteger(digits(given), 32)
		return int32(number), ok
	case plumbv1.Type_INT64:
		return value.ParseInteger(digits(given), 64)
	case plumbv1.Type_FLOAT32:
		number, ok := parseFloat(floatText(given), 32)
		return float32(number), ok
	case plumbv1.Type_FLOAT64:
		return parseFloat(floatText(given), 64)
	}
	text, ok := given.(string)
	switch {
	case !ok:
		return nil, false
	case declared == plumbv1.Type_BYTES:
		bytes, err := base64.StdEncoding.DecodeString(text)
		return bytes, err == nil && base64.StdEncoding.EncodeToString(bytes) == text
	case declared == plumbv1.Type_TIMESTAMP:
		at, ok := feature.ParseInstant(text)
		return int64(at), ok
	}
	return text, true
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
	if text == "NaN" {
		return value.TextNaN(), true
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
		if slices.Contains([]string{"NaN", "Infinity", "-Infinity"}, value) {
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

// appendValue appends what parseJSON returns.
func appendValue(builder array.Builder, value any) {
	if value == nil {
		builder.AppendNull()
		return
	}
	switch builder := builder.(type) {
	case *array.BooleanBuilder:
		builder.Append(value.(bool))
	case *array.Int32Builder:
		builder.Append(value.(int32))
	case *array.Int64Builder:
		builder.Append(value.(int64))
	case *array.Float32Builder:
		builder.Append(value.(float32))
	case *array.Float64Builder:
		builder.Append(value.(float64))
	case *array.StringBuilder:
		builder.Append(value.(string))
	case *array.BinaryBuilder:
		builder.Append(value.([]byte))
	case *array.TimestampBuilder:
		builder.Append(arrow.Timestamp(value.(int64)))
	case *array.ListBuilder:
		builder.Append(true)
		for _, element := range value.([]any) {
			appendValue(builder.ValueBuilder(), element)
		}
	}
}
