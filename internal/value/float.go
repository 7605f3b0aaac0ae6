package value

import "math"

// TextNaN returns the value of the text NaN, wherever text is read. math.NaN has other bits, and values are compared
// bit for bit (R17).
func TextNaN() float64 { return math.Float64frombits(0x7ff8_0000_0000_0000) }
