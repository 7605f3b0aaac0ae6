package storetest

import (
	"math"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// KeyTypes are the types that a join key may have (R9).
var KeyTypes = []plumbv1.Type{
	plumbv1.Type_STRING, plumbv1.Type_INT64, plumbv1.Type_INT32, plumbv1.Type_BOOL, plumbv1.Type_BYTES,
}

// edges are values that are easily mistaken for one another, or for null, by type.
var edges = map[plumbv1.Type][]any{
	plumbv1.Type_BOOL:  {false, true},
	plumbv1.Type_INT32: {int32(1), int32(11), int32(0), int32(-1), int32(math.MaxInt32), int32(math.MinInt32)},
	plumbv1.Type_INT64: {
		int64(1), int64(11), int64(0), int64(-1), int64(1<<53 + 1), int64(1 << 53), int64(math.MaxInt64),
		int64(math.MinInt64),
	},
	plumbv1.Type_FLOAT32: {
		float32(1.5), float32(0), float32(math.Copysign(0, -1)), float32(math.Inf(1)), float32(math.Inf(-1)),
		math.Float32frombits(0x7fc00000), math.Float32frombits(0xffc00001), math.Float32frombits(0x7f800001),
		float32(math.MaxFloat32), float32(math.SmallestNonzeroFloat32), float32(0.1),
	},
	plumbv1.Type_FLOAT64: {
		1.5, 0.0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1),
		math.Float64frombits(0x7ff8000000000000), math.Float64frombits(0xfff8000000000001),
		math.Float64frombits(0x7ff0000000000001), math.MaxFloat64, math.SmallestNonzeroFloat64, 0.1,
	},
	plumbv1.Type_STRING: {
		"a", "", "A", "a ", " a", "a\x00", "\u00e9", "e\u0301", "1", "11", "1,11", "007", "1.0", "true", "2013-01-01",
		"NULL", "null", "NaN", `it's "q"`, "two\nlines", `\x41`, "%", "\U0001f6eb",
	},
	plumbv1.Type_BYTES: {
		[]byte("a"), []byte{}, []byte("a\x00"), []byte("\x00"), []byte("\xff\xfe"), []byte("1"), []byte("11"),
		[]byte(`\x41`),
	},
}

// anchors are instants that times are drawn around.
var anchors = []any{
	feature.InstantOf(time.Date(2013, 1, 1, 6, 0, 0, 0, time.UTC)),
	feature.Instant(0),
	feature.InstantOf(time.Date(1969, 12, 31, 23, 59, 59, 999_999_000, time.UTC)),
	feature.InstantOf(time.Date(1901, 2, 3, 4, 5, 6, 789_123_000, time.UTC)),
	feature.InstantOf(time.Date(2200, 2, 29, 0, 0, 0, 1_000, time.UTC)),
	feature.InstantOf(time.Date(2013, 3, 10, 2, 30, 0, 0, time.UTC)),
}

// DrawValue draws a value, not null, of any declared type.
func DrawValue(t *rapid.T, declared plumbv1.Type) any {
	if element, ok := value.ElementType(declared); ok {
		elements := make([]any, rapid.IntRange(0, 3).Draw(t, "length"))
		for i := range elements {
			elements[i] = DrawNullable(t, element, 4)
		}
		return elements
	}
	if declared == plumbv1.Type_TIMESTAMP {
		return rapid.SampledFrom(anchors).Draw(t, "instant")
	}
	return rapid.SampledFrom(edges[declared]).Draw(t, "value")
}

// DrawNullable draws a value, and null one time in once.
func DrawNullable(t *rapid.T, declared plumbv1.Type, once int) any {
	if oneIn(t, once, "null") {
		return nil
	}
	return DrawValue(t, declared)
}

// oneIn returns true for one draw in n; it shrinks to false.
func oneIn(t *rapid.T, n int, label string) bool { return rapid.IntRange(0, n-1).Draw(t, label) == n-1 }

// drawTTL draws a look-back: none, the least, one that is not a whole second, hours.
func drawTTL(t *rapid.T) time.Duration {
	return rapid.SampledFrom([]time.Duration{
		0, time.Microsecond, 3 * time.Hour, 7 * time.Microsecond, time.Second + time.Microsecond, 36 * time.Hour,
		1500 * time.Millisecond, 24 * time.Hour,
	}).Draw(t, "ttl")
}

// drawInstant draws an instant around the anchor: on it, one microsecond off, and the same about one ttl away.
func drawInstant(t *rapid.T, anchor feature.Instant, ttl time.Duration) feature.Instant {
	back := feature.Instant(ttl.Microseconds())
	const hour = feature.Instant(3_600_000_000)
	return anchor + rapid.SampledFrom([]feature.Instant{
		0, 1, -1, back, back + 1, back - 1, -back, -back - 1, -back + 1, 2, hour, -hour, 24 * hour, 999, 1_000, 1_000_000,
		-1_000_000, 2 * back, 1000 * hour, -1000 * hour,
	}).Draw(t, "instant")
}

// Canonical replaces NaNs that have another payload. It is used if a tie could not be detected otherwise (R3), and if
// files hold floats of several widths: a signalling NaN becomes a quiet one when it is widened.
func Canonical(v any) any {
	switch v := v.(type) {
	case float32:
		if v != v {
			return math.Float32frombits(0x7fc00000)
		}
	case float64:
		if v != v {
			return math.Float64frombits(0x7ff8000000000000)
		}
	case []any:
		elements := slices.Clone(v)
		for i := range elements {
			elements[i] = Canonical(elements[i])
		}
		return elements
	}
	return v
}
