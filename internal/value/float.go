package value

import (
	"encoding/json"
	"math"
)

// TextNaN returns the value of the text NaN, wherever text is read. math.NaN has other bits, and values are compared
// bit for bit (R17).
func TextNaN() float64 { return math.Float64frombits(0x7ff8_0000_0000_0000) }

// The texts of floats that JSON has no number for.
const (
	nan              = "NaN"
	infinity         = "Infinity"
	negativeInfinity = "-Infinity"
)

// NoNumber returns the text of a float that JSON has no number for: NaN, Infinity or -Infinity. It returns false for
// all others.
func NoNumber(float float64) (string, bool) {
	switch {
	case math.IsNaN(float):
		return nan, true
	case math.IsInf(float, 1):
		return infinity, true
	case math.IsInf(float, -1):
		return negativeInfinity, true
	}
	return "", false
}

// Float is the JSON value of a float: the shortest number that is read as the same float, with a fraction or an
// exponent, so that every parser takes it for a float: 1.0, -0.0, 1e+300. What JSON has no number for is its NoNumber.
func Float[T float32 | float64](float T) any {
	if text, ok := NoNumber(float64(float)); ok {
		return text
	}
	bits := 64
	if _, single := any(float).(float32); single {
		bits = 32
	}
	return json.Number(appendNumber(nil, float64(float), bits))
}
