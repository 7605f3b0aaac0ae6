package printable

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// AppendJSON appends a text as a JSON string of printable characters. It is what encoding/json writes, without escapes
// for HTML, and with escapes for what is not printable. Bytes that are not UTF-8 become U+FFFD.
func AppendJSON(dst []byte, text string) []byte {
	if !isPlain(text) {
		return append(dst, escapedJSON(text)...)
	}
	return append(append(append(dst, '"'), text...), '"')
}

// isPlain says whether a text is the same in JSON.
func isPlain(text string) bool {
	for i := 0; i < len(text); {
		if b := text[i]; b < utf8.RuneSelf {
			if b < ' ' || b > '~' || b == '"' || b == '\\' {
				return false
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError || !Is(r) {
			return false
		}
		i += size
	}
	return true
}

func escapedJSON(text string) string {
	var quoted bytes.Buffer
	encoder := json.NewEncoder(&quoted)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(text); err != nil {
		return `""` // A text can always be written.
	}
	return Text(string(bytes.TrimSuffix(quoted.Bytes(), []byte("\n"))))
}
