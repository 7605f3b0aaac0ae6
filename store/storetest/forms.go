package storetest

import (
	"math"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/float16"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// forms lists the types that a file may hold values of a declared type in, without loss. The first is the plain one.
func forms(declared plumbv1.Type) []arrow.DataType {
	if element, ok := value.ElementType(declared); ok {
		var lists []arrow.DataType
		for _, form := range forms(element) {
			lists = append(lists, arrow.ListOf(form))
		}
		return lists
	}
	plain := value.ArrowType(declared)
	switch declared {
	case plumbv1.Type_INT32:
		return []arrow.DataType{
			plain, arrow.PrimitiveTypes.Int8, arrow.PrimitiveTypes.Int16, arrow.PrimitiveTypes.Int64,
			arrow.PrimitiveTypes.Uint8, arrow.PrimitiveTypes.Uint16, arrow.PrimitiveTypes.Uint32,
			&arrow.Decimal128Type{Precision: 9}, &arrow.Decimal128Type{Precision: 12, Scale: 2},
		}
	case plumbv1.Type_INT64:
		return []arrow.DataType{
			plain, arrow.PrimitiveTypes.Int8, arrow.PrimitiveTypes.Int16, arrow.PrimitiveTypes.Int32,
			arrow.PrimitiveTypes.Uint8, arrow.PrimitiveTypes.Uint32, arrow.PrimitiveTypes.Uint64,
			&arrow.Decimal128Type{Precision: 18}, &arrow.Decimal128Type{Precision: 38},
		}
	case plumbv1.Type_FLOAT32:
		return []arrow.DataType{plain, arrow.PrimitiveTypes.Float64, arrow.FixedWidthTypes.Float16}
	case plumbv1.Type_FLOAT64:
		return []arrow.DataType{plain, arrow.PrimitiveTypes.Float32, arrow.PrimitiveTypes.Int32}
	case plumbv1.Type_BYTES:
		return []arrow.DataType{plain, &arrow.FixedSizeBinaryType{ByteWidth: 2}}
	case plumbv1.Type_TIMESTAMP:
		return timeForms
	}
	return []arrow.DataType{plain}
}

// timeForms are naive and zoned timestamps of every unit, and dates (R1).
var timeForms = []arrow.DataType{
	arrow.FixedWidthTypes.Timestamp_us,
	&arrow.TimestampType{Unit: arrow.Microsecond},
	&arrow.TimestampType{Unit: arrow.Nanosecond},
	&arrow.TimestampType{Unit: arrow.Nanosecond, TimeZone: "UTC"},
	&arrow.TimestampType{Unit: arrow.Millisecond},
	&arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "Asia/Kolkata"},
	&arrow.TimestampType{Unit: arrow.Second},
	arrow.FixedWidthTypes.Date32,
}

// snap returns the value of the same declared type that lies near v and that the form can hold.
func snap(form arrow.DataType, v any) any {
	switch v := v.(type) {
	case int32:
		return int32(snapInteger(form, int64(v)&math.MaxInt32, int64(v)))
	case int64:
		return snapInteger(form, v&math.MaxInt64, v)
	case float32:
		return float32(snapFloat(form, arrow.FLOAT32, float64(v), v))
	case float64:
		return snapFloat(form, arrow.FLOAT64, v, v)
	case []byte:
		if fixed, ok := form.(*arrow.FixedSizeBinaryType); ok {
			return append(slices.Clip(v), make([]byte, fixed.ByteWidth)...)[:fixed.ByteWidth]
		}
	case feature.Instant:
		return snapInstant(form, v)
	case []any:
		snapped := make([]any, len(v))
		for i := range v {
			snapped[i] = snap(form.(*arrow.ListType).Elem(), v[i])
		}
		return snapped
	}
	return v
}

// snapInteger is also given the value without its sign, for unsigned forms.
func snapInteger(form arrow.DataType, unsigned, v int64) int64 {
	switch form.ID() {
	case arrow.INT8:
		return int64(int8(v))
	case arrow.INT16:
		return int64(int16(v))
	case arrow.INT32:
		return int64(int32(v))
	case arrow.UINT8:
		return int64(uint8(v))
	case arrow.UINT16:
		return int64(uint16(v))
	case arrow.UINT32:
		return int64(uint32(unsigned))
	case arrow.UINT64:
		return unsigned
	case arrow.DECIMAL128:
		decimal := form.(*arrow.Decimal128Type)
		if digits := decimal.Precision - decimal.Scale; digits < 19 {
			return v % int64(math.Pow10(int(digits)))
		}
	}
	return v
}

// snapFloat leaves a value in its own width alone, whatever the bits of its NaN.
func snapFloat[F float32 | float64](form arrow.DataType, own arrow.Type, v float64, exact F) F {
	if form.ID() == own {
		return exact
	}
	if math.IsNaN(v) && form.ID() != arrow.INT32 {
		return Canonical(F(math.NaN())).(F)
	}
	switch form.ID() {
	case arrow.FLOAT16:
		return F(float16.New(float32(v)).Float32())
	case arrow.FLOAT32:
		return F(float32(v))
	case arrow.INT32:
		if !(math.Abs(v) < math.MaxInt32) {
			return 0
		}
		return F(int32(v))
	}
	return exact
}

func snapInstant(form arrow.DataType, v feature.Instant) feature.Instant {
	timestamp, ok := form.(*arrow.TimestampType)
	if !ok {
		return floorTo(v, 24*60*60*1_000_000)
	}
	switch timestamp.Unit {
	case arrow.Second:
		return floorTo(v, 1_000_000)
	case arrow.Millisecond:
		return floorTo(v, 1_000)
	case arrow.Nanosecond:
		least := feature.Instant(math.MinInt64/1_000 + 1)
		if timestamp.TimeZone != "" {
			least = 1 // an engine may refuse earlier ones: DuckDB cuts them towards 1970 before anyone can floor them
		}
		return min(max(v, least), math.MaxInt64/1_000-1)
	}
	return v
}

func floorTo(v feature.Instant, unit feature.Instant) feature.Instant {
	rest := v % unit
	if rest < 0 {
		rest += unit
	}
	return v - rest
}
