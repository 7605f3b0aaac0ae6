package storetest

import (
	"encoding/binary"
	"math"
	"strings"
	"time"
	_ "time/tzdata" // If the machine has no time zones.

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// elementaryOperators ask whether an elementary function is greater than a number.
//
// These functions are documented to be within a unit in the last place, so that two right results may differ in bits.
// Which side of a number they are on does not, for numbers that no operand that is drawn comes near to. Package math,
// which the engines do not use, is exact enough to say. Within how many units results are is for the tests of package
// elementary.
func elementaryOperators() []operator {
	exceeds := func(text string, limit float64, f func(v []float64) float64) operator {
		operands := make([]plumbv1.Type, strings.Count(text, "%s"))
		for i := range operands {
			operands[i] = aDouble
		}
		return operator{"(" + text + " > " + doubleLiteral(limit) + ")", aBool, operands, always(func(v []any) any {
			doubles := make([]float64, len(v))
			for i := range v {
				doubles[i] = v[i].(float64)
			}
			return f(doubles) > limit
		})}
	}
	of := func(f func(float64) float64) func([]float64) float64 {
		return func(v []float64) float64 { return f(v[0]) }
	}
	return []operator{
		exceeds("exp(%s)", 2.31, of(math.Exp)),
		exceeds("log(%s)", 0.731, of(math.Log)),
		exceeds("log10(%s)", 0.731, of(math.Log10)),
		exceeds("log1p(%s)", -0.231, of(math.Log1p)),
		exceeds("pow(%s, %s)", 1.731, func(v []float64) float64 { return math.Pow(v[0], v[1]) }),
		exceeds("sind(%s)", 0.2317, of(func(degrees float64) float64 { return math.Sin(radians(degrees)) })),
		exceeds("cosd(%s)", -0.2317, of(func(degrees float64) float64 { return math.Cos(radians(degrees)) })),
		exceeds("haversine(%s, %s, %s, %s)", 731.7, func(v []float64) float64 { return distance(v[0], v[1], v[2], v[3]) }),
	}
}

// radians are those of an angle in degrees, less whole turns.
func radians(degrees float64) float64 { return math.Mod(degrees, 360) * (math.Pi / 180) }

// distance is that of two points on the earth, by the vectors from its centre: the angle between these.
func distance(lat1, lon1, lat2, lon2 float64) float64 {
	if !(math.Abs(lat1) <= 90 && math.Abs(lat2) <= 90) {
		return math.NaN()
	}
	x1, y1, z1 := direction(lat1, lon1)
	x2, y2, z2 := direction(lat2, lon2)
	across := math.Hypot(math.Hypot(y1*z2-z1*y2, z1*x2-x1*z2), x1*y2-y1*x2)
	return 6371.0088 * math.Atan2(across, x1*x2+y1*y2+z1*z2)
}

func direction(lat, lon float64) (x, y, z float64) {
	lat, lon = radians(lat), radians(lon)
	return math.Cos(lat) * math.Cos(lon), math.Cos(lat) * math.Sin(lon), math.Sin(lat)
}

// zonedOperators read timestamps in zones whose clocks change, by an hour and by half an hour.
func zonedOperators() []operator {
	one := []plumbv1.Type{aTime}
	return []operator{
		{`%s.getHours("America/New_York")`, anInt, one, partIn("America/New_York", time.Time.Hour)},
		{`%s.getDayOfWeek("America/New_York")`, anInt, one, partIn("America/New_York", func(t time.Time) int {
			return int(t.Weekday())
		})},
		{`%s.getMinutes("Australia/Lord_Howe")`, anInt, one, partIn("Australia/Lord_Howe", time.Time.Minute)},
		{`%s.getDate("Australia/Lord_Howe")`, anInt, one, partIn("Australia/Lord_Howe", time.Time.Day)},
	}
}

// partIn is part in a time zone.
func partIn(zone string, f func(t time.Time) int) func([]Outcome) Outcome {
	in, err := time.LoadLocation(zone)
	if err != nil {
		panic(err) //nolint:forbidigo // A machine without this zone cannot run the tests.
	}
	return always(func(v []any) any { return int64(f(v[0].(feature.Instant).Time().In(in))) })
}

// hashOperators are hash64 of each type that has it.
func hashOperators() []operator {
	hash := func(kind plumbv1.Type, bytesOf func(v any) []byte) operator {
		return operator{"hash64(%s)", anInt, []plumbv1.Type{kind}, always(func(v []any) any {
			return int64(xxHash64(bytesOf(v[0])))
		})}
	}
	return []operator{
		hash(aText, func(v any) []byte { return []byte(v.(string)) }),
		hash(someRaw, func(v any) []byte { return v.([]byte) }),
		hash(anInt, func(v any) []byte { return binary.LittleEndian.AppendUint64(nil, uint64(v.(int64))) }),
		hash(aBool, func(v any) []byte {
			if v.(bool) {
				return []byte{1}
			}
			return []byte{0}
		}),
	}
}
