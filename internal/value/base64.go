package value

import "encoding/base64"

// ParseBytes reads BYTES that are spelled in base64, exactly (R9): encoding the bytes gives the text again. So line
// breaks, missing padding and bits beyond the last byte are refused.
func ParseBytes(text string) ([]byte, bool) {
	given, err := base64.StdEncoding.DecodeString(text)
	return given, err == nil && base64.StdEncoding.EncodeToString(given) == text
}
