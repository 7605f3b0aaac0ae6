package cli

import (
	"bytes"
	"strings"

	"github.com/plumbstore/plumb/internal/document"
	"github.com/plumbstore/plumb/internal/printable"
)

// cell is a JSON value as a cell of a table: text that can be read stands as it is.
func cell(value any) string {
	switch value := value.(type) {
	case nil:
		return "-"
	case string:
		if value != "" && value != "-" && printable.Text(value) == value {
			return value
		}
	}
	var text bytes.Buffer
	if err := document.Write(&text, value); err != nil {
		return err.Error()
	}
	return strings.TrimSpace(text.String())
}
