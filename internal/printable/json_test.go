package printable_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode"

	"github.com/plumbstore/plumb/internal/printable"
)

// encoded is a text as encoding/json writes it, with escapes for what is not printable.
func encoded(t *testing.T, text string) string {
	var written bytes.Buffer
	encoder := json.NewEncoder(&written)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(text); err != nil {
		t.Fatal(err)
	}
	return printable.Text(string(bytes.TrimSuffix(written.Bytes(), []byte("\n"))))
}

// Characters of every kind, alone and between others, and bytes that are none.
func TestTextInJSONIsAsEncodingJSONWritesItAndPrintable(t *testing.T) {
	texts := []string{"", "plain", "\xff", "a\xc3", "\xed\xa0\x80", "é🛫 \xff\u202e", `\u0000`}
	for r := rune(0); r <= unicode.MaxRune; r += 1 + r/1000 {
		texts = append(texts, string(r), "é"+string(r)+"a")
	}
	for _, text := range texts {
		if got, want := string(printable.AppendJSON([]byte("before"), text)), "before"+encoded(t, text); got != want {
			t.Errorf("%q is written as %s, want %s", text, got, want)
		}
	}
}
