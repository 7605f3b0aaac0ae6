package expression

import (
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

// intOf truncates toward zero. It compares with 2^63 because no double equals MaxInt64.
func intOf(x float64) (int64, bool) {
	const limit = 1 << 63
	if !(x >= -limit && x < limit) {
		return 0, false
	}
	return int64(x), true
}

func parseInt(text string) (int64, bool) {
	x, err := strconv.ParseInt(text, 10, 64)
	return x, err == nil
}

func parseFloat(text string) (float64, bool) {
	x, err := strconv.ParseFloat(text, 64)
	return x, err == nil
}

func formatInt(x int64) string     { return strconv.FormatInt(x, 10) }
func formatFloat(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

func formatTime(micros int64) string { return time.UnixMicro(micros).UTC().Format(time.RFC3339Nano) }

func validText(bytes string) (string, bool) { return bytes, utf8.ValidString(bytes) }

// secondsOf is the whole seconds of a timestamp, rounded down.
func secondsOf(micros int64) int64 {
	seconds := micros / microsPerSecond
	if micros%microsPerSecond < 0 {
		seconds--
	}
	return seconds
}

func fromSeconds(seconds int64) (int64, bool) {
	high, low := product(seconds, microsPerSecond)
	return low, high == low>>63
}

// canonicalNaN is what every NaN of an output becomes, because processors differ in the bits of NaNs that they make.
var canonicalNaN = math.Float64frombits(0x7ff8000000000000)

// toFloat32 rounds to the doubles that are values of FLOAT32.
func toFloat32(x float64) float64 { return float64(float32(x)) }

func toInt32(x int64) (int64, bool) { return x, x == int64(int32(x)) }

func conversions() []function {
	return []function{
		{name: "int", overloads: []overload{
			same(intT),
			on(tryOne(floatsOf, intsOf, intOf), intT, doubleT),
			on(tryOne(textsOf, intsOf, parseInt), intT, stringT),
			on(mapOne(intsOf, intsOf, secondsOf), intT, timestampT),
		}},
		{name: "double", overloads: []overload{
			same(doubleT),
			on(mapOne(intsOf, floatsOf, func(x int64) float64 { return float64(x) }), doubleT, intT),
			on(tryOne(textsOf, floatsOf, parseFloat), doubleT, stringT),
		}},
		{name: "string", overloads: []overload{
			same(stringT),
			on(mapOne(intsOf, textsOf, formatInt), stringT, intT),
			on(mapOne(floatsOf, textsOf, formatFloat), stringT, doubleT),
			on(mapOne(boolsOf, textsOf, strconv.FormatBool), stringT, boolT),
			on(mapOne(intsOf, textsOf, formatTime), stringT, timestampT),
			on(tryOne(textsOf, textsOf, validText), stringT, bytesT),
		}},
		{name: "bytes", overloads: []overload{
			same(bytesT),
			on(mapOne(textsOf, textsOf, func(text string) string { return text }), bytesT, stringT),
		}},
		{name: "timestamp", overloads: []overload{
			same(timestampT),
			{kernel: tryOne(textsOf, intsOf, parseTime), result: timestampT, args: oneText, mustHold: timeForm},
			on(tryOne(intsOf, intsOf, fromSeconds), timestampT, intT),
		}},
		{name: "duration", overloads: []overload{
			same(durationT),
			{kernel: tryOne(textsOf, intsOf, parseDuration), result: durationT, args: oneText, mustHold: durationForm},
		}},
	}
}
