package connect

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

const (
	// maxDepth bounds messages within messages, which only types have deeply.
	maxDepth = 64
	// maxRepeated bounds the elements of a repeated field. An element of two bytes takes much more memory than that.
	maxRepeated = 1 << 16
)

// codec makes protobuf messages of structs, whose fields have their numbers in a tag, and back. A field that is zero is
// not sent; one that may be sent empty is a pointer.
type codec struct{}

func (codec) Name() string { return "proto" }

func (codec) Marshal(message any) ([]byte, error) {
	return encode(nil, reflect.ValueOf(message).Elem()), nil
}

// Unmarshal keeps the data: fields of bytes are parts of it.
func (codec) Unmarshal(data []byte, message any) error {
	if err := decode(data, reflect.ValueOf(message).Elem(), 0); err != nil {
		return fmt.Errorf("the server's answer is damaged: %w", err)
	}
	return nil
}

// numberOf is a field's number, as in `proto:"4"` or, if it is an enumeration, `proto:"4,enum"`.
func numberOf(field reflect.StructField) protowire.Number {
	tag, _, _ := strings.Cut(field.Tag.Get("proto"), ",")
	number, _ := strconv.ParseInt(tag, 10, 32)
	return protowire.Number(number)
}

// known has the numbers of the fields of each message.
var known sync.Map

func numbersOf(message reflect.Type) []protowire.Number {
	if found, ok := known.Load(message); ok {
		return found.([]protowire.Number)
	}
	var numbers []protowire.Number
	for field := range message.Fields() {
		numbers = append(numbers, numberOf(field))
	}
	known.Store(message, numbers)
	return numbers
}

func encode(to []byte, message reflect.Value) []byte {
	for i, number := range numbersOf(message.Type()) {
		if field := message.Field(i); !field.IsZero() {
			to = encodeField(to, number, field)
		}
	}
	return to
}

func encodeField(to []byte, number protowire.Number, field reflect.Value) []byte {
	switch field.Kind() {
	case reflect.String:
		return protowire.AppendString(protowire.AppendTag(to, number, protowire.BytesType), field.String())
	case reflect.Bool:
		to = protowire.AppendTag(to, number, protowire.VarintType)
		return protowire.AppendVarint(to, protowire.EncodeBool(field.Bool()))
	case reflect.Int32, reflect.Int64:
		//nolint:gosec // Two's complement is what the format has.
		return protowire.AppendVarint(protowire.AppendTag(to, number, protowire.VarintType), uint64(field.Int()))
	case reflect.Slice:
		if field.Type().Elem().Kind() == reflect.Uint8 {
			return protowire.AppendBytes(protowire.AppendTag(to, number, protowire.BytesType), field.Bytes())
		}
		for i := range field.Len() {
			to = encodeField(to, number, field.Index(i))
		}
		return to
	case reflect.Pointer:
		return encodeField(to, number, field.Elem())
	default:
		to = protowire.AppendTag(to, number, protowire.BytesType)
		return protowire.AppendBytes(to, encode(nil, field))
	}
}

func decode(data []byte, message reflect.Value, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("messages lie more than %d deep in each other", maxDepth)
	}
	numbers := numbersOf(message.Type())
	for len(data) > 0 {
		number, kind, length := protowire.ConsumeTag(data)
		if length < 0 {
			return protowire.ParseError(length)
		}
		data = data[length:]
		if length = protowire.ConsumeFieldValue(number, kind, data); length < 0 {
			return protowire.ParseError(length)
		}
		value := data[:length]
		data = data[length:]
		at := slices.Index(numbers, number)
		if at < 0 {
			continue
		}
		if err := decodeField(kind, value, message.Field(at), depth); err != nil {
			return fmt.Errorf("%s: %w", message.Type().Field(at).Name, err)
		}
	}
	return nil
}

// decodeField sets a field, or an element of one. The value is whole, as its kind has it.
func decodeField(kind protowire.Type, value []byte, field reflect.Value, depth int) error {
	if field.Kind() == reflect.Pointer {
		if field.IsNil() {
			field.Set(reflect.New(field.Type().Elem()))
		}
		field = field.Elem()
	}
	switch field.Kind() {
	case reflect.Bool, reflect.Int32, reflect.Int64:
		if kind != protowire.VarintType {
			return fmt.Errorf("it has the wire type %d", kind)
		}
		number, _ := protowire.ConsumeVarint(value)
		setNumber(field, number)
		return nil
	}
	if kind != protowire.BytesType {
		return fmt.Errorf("it has the wire type %d", kind)
	}
	content, _ := protowire.ConsumeBytes(value)
	switch {
	case field.Kind() == reflect.String:
		if !utf8.Valid(content) {
			return errors.New("its text is not UTF-8")
		}
		field.SetString(string(content))
	case field.Kind() == reflect.Struct:
		return decode(content, field, depth+1)
	case field.Type().Elem().Kind() == reflect.Uint8:
		field.SetBytes(content)
	default:
		if field.Len() == maxRepeated {
			return fmt.Errorf("it has more than %d elements", maxRepeated)
		}
		element := reflect.New(field.Type().Elem()).Elem()
		if err := decodeField(kind, value, element, depth); err != nil {
			return err
		}
		field.Set(reflect.Append(field, element))
	}
	return nil
}

func setNumber(field reflect.Value, number uint64) {
	switch field.Kind() {
	case reflect.Bool:
		field.SetBool(number != 0)
	case reflect.Int32:
		field.SetInt(int64(int32(number))) //nolint:gosec // Two's complement is what the format has.
	default:
		field.SetInt(int64(number)) //nolint:gosec // As above.
	}
}
