package cli

import (
	"bytes"
	"strings"
	"unicode"

	"github.com/plumbstore/plumb/internal/document"
)

// cell is a JSON value as a cell of a table: text that can be read stands as it is.
func cell(value any) string {
	switch value := value.(type) {
	case nil:
		return "-"
	case string:
		unreadable := func(r rune) bool { return !unicode.IsPrint(r) }
		if value != "" && value != "-" && !strings.ContainsFunc(value, unreadable) {
			return value
		}
	}
	var text bytes.Buffer
	if err := document.Write(&text, value); err != nil {
		return err.Error()
	}
	return strings.TrimSpace(text.String())
}
