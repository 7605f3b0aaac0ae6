package document

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
)

// Float is the JSON value of a float: the shortest number that is read as the same float, with a fraction or an
// exponent, so that every parser takes it for a float: 1.0, -0.0, 1e+300. What JSON has no number for is the text NaN,
// Infinity or -Infinity.
func Float[T float32 | float64](value T) any {
	switch wide := float64(value); {
	case math.IsNaN(wide):
		return "NaN"
	case math.IsInf(wide, 1):
		return "Infinity"
	case math.IsInf(wide, -1):
		return "-Infinity"
	}
	bits := 64
	if _, single := any(value).(float32); single {
		bits = 32
	}
	return json.Number(number(float64(value), bits))
}

// number is a finite float. Those of usual size are written without an exponent.
func number(value float64, bits int) []byte {
	form := byte('f')
	if size := math.Abs(value); size != 0 && (size < 1e-6 || size >= 1e21) {
		form = 'e'
	}
	text := strconv.AppendFloat(nil, value, form, -1, bits)
	if !bytes.ContainsAny(text, ".e") {
		text = append(text, ".0"...)
	}
	return text
}
