package document

import (
	"bytes"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// AppendRow appends the JSON of a row: what Write writes of Row, without the end of the line. It is for answers of many
// rows: values are written straight from the columns of the answer.
func (a *Answer) AppendRow(dst []byte, row int) ([]byte, error) {
	dst, err := a.keys.appendRow(append(dst, `{"keys":{`...), row)
	if err != nil {
		return nil, err
	}
	dst = append(dst, `},"features":{`...)
	for i := range a.columns {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = a.appendFeature(dst, i, row)
	}
	dst = append(dst, '}')
	if a.provenance != nil {
		if dst, err = appendValue(append(dst, `,"provenance":`...), a.provenanceOf(row)); err != nil {
			return nil, err
		}
	}
	return append(dst, '}'), nil
}

func (a *Answer) appendFeature(dst []byte, at, row int) []byte {
	column := a.columns[at]
	status := plumbv1.Status(column.GetStatuses()[row])
	dst = append(dst, a.heads[at]...)
	dst = a.appendValue(dst, at, row, status)
	dst = append(append(append(dst, `,"status":"`...), status.String()...), '"')
	if times := column.GetEventTimestamps(); times != nil {
		dst = append(dst, `,"event_timestamp":`...)
		if status == plumbv1.Status_NOT_FOUND {
			dst = append(dst, "null"...)
		} else {
			dst = value.AppendInstant(dst, feature.Instant(times[row]))
		}
	}
	return append(dst, '}')
}

func (a *Answer) appendValue(dst []byte, at, row int, status plumbv1.Status) []byte {
	if status == plumbv1.Status_PRESENT {
		if with, err := a.values[at].AppendJSON(dst, row, quote); err == nil {
			return with
		}
	}
	return append(dst, "null"...)
}

func (k *Keys) appendRow(dst []byte, row int) (_ []byte, err error) {
	for i, column := range k.Columns {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(quote(dst, column.Name), ':')
		if dst, err = value.AppendJSON(dst, column.Values[row], quote); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

// quote appends a text as Write writes it. Plain text needs no escapes; what has other characters goes through Write.
func quote(dst []byte, text string) []byte {
	for i := range len(text) {
		if b := text[i]; b < ' ' || b > '~' || b == '"' || b == '\\' {
			quoted, err := appendValue(dst, text)
			if err != nil {
				return append(dst, `""`...) // A text can always be written.
			}
			return quoted
		}
	}
	return append(append(append(dst, '"'), text...), '"')
}

// appendValue appends what Write writes, without the end of the line.
func appendValue(dst []byte, v any) ([]byte, error) {
	var text bytes.Buffer
	if err := Write(&text, v); err != nil {
		return nil, err
	}
	return append(dst, bytes.TrimSuffix(text.Bytes(), []byte("\n"))...), nil
}
