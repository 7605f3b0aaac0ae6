package feast

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/value"
	feasttypes "github.com/plumbstore/plumb/proto/feast/types"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// checkKind refuses a value of another kind than a type has. All numbers are of one kind: which of them are exact in a
// type, its parser knows. Without the check, the base64 of BYTES would be taken for a text.
func checkKind(v *feasttypes.Value, declared plumbv1.Type) error {
	wanted := declared
	if element, isArray := value.ElementType(declared); isArray {
		wanted = element
	}
	for _, element := range v.GetListVal().GetVal() {
		if err := checkKind(element, wanted); err != nil {
			return err
		}
	}
	switch wanted {
	case plumbv1.Type_INT32, plumbv1.Type_INT64, plumbv1.Type_FLOAT32:
		wanted = plumbv1.Type_FLOAT64
	}
	if kind, known := kindOf(v); known && kind != wanted {
		return fmt.Errorf("holds %s values; it is %s", kind, declared)
	}
	return nil
}

// kindOf is the kind of a value, or of the elements of a list; false if it has none.
func kindOf(v *feasttypes.Value) (plumbv1.Type, bool) {
	switch v.GetVal().(type) {
	case *feasttypes.Value_BoolVal, *feasttypes.Value_BoolListVal:
		return plumbv1.Type_BOOL, true
	case *feasttypes.Value_Int32Val, *feasttypes.Value_Int64Val, *feasttypes.Value_FloatVal,
		*feasttypes.Value_DoubleVal, *feasttypes.Value_Int32ListVal, *feasttypes.Value_Int64ListVal,
		*feasttypes.Value_FloatListVal, *feasttypes.Value_DoubleListVal:
		return plumbv1.Type_FLOAT64, true
	case *feasttypes.Value_StringVal, *feasttypes.Value_StringListVal:
		return plumbv1.Type_STRING, true
	case *feasttypes.Value_BytesVal, *feasttypes.Value_BytesListVal:
		return plumbv1.Type_BYTES, true
	case *feasttypes.Value_UnixTimestampVal, *feasttypes.Value_UnixTimestampListVal:
		return plumbv1.Type_TIMESTAMP, true
	}
	return 0, false
}

// given is a value as its JSON is decoded, which is brought to the type of a column as JSON is, exactly (R9).
func given(v *feasttypes.Value) any {
	switch v := v.GetVal().(type) {
	case *feasttypes.Value_BoolVal:
		return v.BoolVal
	case *feasttypes.Value_Int32Val:
		return integer(int64(v.Int32Val))
	case *feasttypes.Value_Int64Val:
		return integer(v.Int64Val)
	case *feasttypes.Value_FloatVal:
		return float(float64(v.FloatVal))
	case *feasttypes.Value_DoubleVal:
		return float(v.DoubleVal)
	case *feasttypes.Value_StringVal:
		return v.StringVal
	case *feasttypes.Value_BytesVal:
		return base64.StdEncoding.EncodeToString(v.BytesVal)
	case *feasttypes.Value_UnixTimestampVal:
		return instant(v.UnixTimestampVal)
	case *feasttypes.Value_BoolListVal:
		return list(v.BoolListVal.GetVal(), func(b bool) any { return b })
	case *feasttypes.Value_Int32ListVal:
		return list(v.Int32ListVal.GetVal(), func(n int32) any { return integer(int64(n)) })
	case *feasttypes.Value_Int64ListVal:
		return list(v.Int64ListVal.GetVal(), integer)
	case *feasttypes.Value_FloatListVal:
		return list(v.FloatListVal.GetVal(), func(f float32) any { return float(float64(f)) })
	case *feasttypes.Value_DoubleListVal:
		return list(v.DoubleListVal.GetVal(), float)
	case *feasttypes.Value_StringListVal:
		return list(v.StringListVal.GetVal(), func(s string) any { return s })
	case *feasttypes.Value_BytesListVal:
		return list(v.BytesListVal.GetVal(), func(b []byte) any { return base64.StdEncoding.EncodeToString(b) })
	case *feasttypes.Value_UnixTimestampListVal:
		return list(v.UnixTimestampListVal.GetVal(), instant)
	case *feasttypes.Value_ListVal:
		return list(v.ListVal.GetVal(), given)
	}
	return nil
}

func list[T any](values []T, of func(T) any) any {
	all := make([]any, len(values))
	for i, v := range values {
		all[i] = of(v)
	}
	return all
}

func integer(v int64) any { return json.Number(strconv.FormatInt(v, 10)) }

func instant(seconds int64) any {
	return value.FormatInstant(feature.InstantOf(time.Unix(seconds, 0)))
}

func float(v float64) any {
	if text, ok := value.NoNumber(v); ok {
		return text
	}
	return json.Number(strconv.FormatFloat(v, 'f', -1, 64))
}

// wireValue is a value as Feast has it; nil is a Value without any member. TIMESTAMP are whole seconds, rounded down.
func wireValue(v any) *feasttypes.Value {
	switch v := v.(type) {
	case bool:
		return &feasttypes.Value{Val: &feasttypes.Value_BoolVal{BoolVal: v}}
	case int32:
		return &feasttypes.Value{Val: &feasttypes.Value_Int32Val{Int32Val: v}}
	case int64:
		return &feasttypes.Value{Val: &feasttypes.Value_Int64Val{Int64Val: v}}
	case float32:
		return &feasttypes.Value{Val: &feasttypes.Value_FloatVal{FloatVal: v}}
	case float64:
		return &feasttypes.Value{Val: &feasttypes.Value_DoubleVal{DoubleVal: v}}
	case string:
		return &feasttypes.Value{Val: &feasttypes.Value_StringVal{StringVal: v}}
	case []byte:
		return &feasttypes.Value{Val: &feasttypes.Value_BytesVal{BytesVal: v}}
	case feature.Instant:
		return &feasttypes.Value{Val: &feasttypes.Value_UnixTimestampVal{UnixTimestampVal: seconds(v)}}
	case []any:
		return wireList(v)
	}
	return &feasttypes.Value{}
}

// wireList is a list of one type. One without elements, whose type does not show, or with nulls, which the lists of
// Feast's types cannot have, is a list of values.
func wireList(elements []any) *feasttypes.Value {
	if v := typedList(elements); v != nil {
		return v
	}
	all := &feasttypes.RepeatedValue{}
	for _, element := range elements {
		all.Val = append(all.Val, wireValue(element))
	}
	return &feasttypes.Value{Val: &feasttypes.Value_ListVal{ListVal: all}}
}

func typedList(elements []any) *feasttypes.Value {
	if bools, ok := allOf[bool](elements); ok {
		return &feasttypes.Value{Val: &feasttypes.Value_BoolListVal{BoolListVal: &feasttypes.BoolList{Val: bools}}}
	}
	if numbers, ok := allOf[int32](elements); ok {
		return &feasttypes.Value{Val: &feasttypes.Value_Int32ListVal{Int32ListVal: &feasttypes.Int32List{Val: numbers}}}
	}
	if numbers, ok := allOf[int64](elements); ok {
		return &feasttypes.Value{Val: &feasttypes.Value_Int64ListVal{Int64ListVal: &feasttypes.Int64List{Val: numbers}}}
	}
	if floats, ok := allOf[float32](elements); ok {
		return &feasttypes.Value{Val: &feasttypes.Value_FloatListVal{FloatListVal: &feasttypes.FloatList{Val: floats}}}
	}
	if floats, ok := allOf[float64](elements); ok {
		return &feasttypes.Value{Val: &feasttypes.Value_DoubleListVal{DoubleListVal: &feasttypes.DoubleList{Val: floats}}}
	}
	if texts, ok := allOf[string](elements); ok {
		return &feasttypes.Value{Val: &feasttypes.Value_StringListVal{StringListVal: &feasttypes.StringList{Val: texts}}}
	}
	if raw, ok := allOf[[]byte](elements); ok {
		return &feasttypes.Value{Val: &feasttypes.Value_BytesListVal{BytesListVal: &feasttypes.BytesList{Val: raw}}}
	}
	if times, ok := allOf[feature.Instant](elements); ok {
		all := &feasttypes.Int64List{}
		for _, at := range times {
			all.Val = append(all.Val, seconds(at))
		}
		return &feasttypes.Value{Val: &feasttypes.Value_UnixTimestampListVal{UnixTimestampListVal: all}}
	}
	return nil
}

// allOf returns the elements if there are some and all are of one type.
func allOf[T any](elements []any) ([]T, bool) {
	all := make([]T, len(elements))
	for i, element := range elements {
		var ok bool
		if all[i], ok = element.(T); !ok {
			return nil, false
		}
	}
	return all, len(all) > 0
}
