package value

import "strconv"

// ParseInteger reads text that spells an integer of the given number of bits exactly (R9): writing the integer gives
// the text again. So +4, 007, -0, " 4", 4.0 and 1e2 are not integers. All code that takes an integer as text reads it
// by this rule, and SQL by an equivalent one.
func ParseInteger(text string, bits int) (int64, bool) {
	number, err := strconv.ParseInt(text, 10, bits)
	return number, err == nil && strconv.FormatInt(number, 10) == text
}
