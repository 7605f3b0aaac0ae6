package document

import (
	"bytes"

	"github.com/plumbstore/plumb/internal/printable"
	"github.com/plumbstore/plumb/internal/value"
	"github.com/plumbstore/plumb/store/lookup"
)

// Rows writes the rows of a look-up as JSON, straight from the columns of the reply. It is for answers of many rows:
// neither a message nor a Row is made. A test compares the bytes with those of Row.
type Rows struct {
	keys  *Keys
	reply *lookup.Reply
	// heads are what comes before each key in JSON: `"name":`.
	heads [][]byte
}

// NewRows takes the keys that a reply is for. The reply is not released.
func NewRows(keys *Keys, reply *lookup.Reply) *Rows {
	r := &Rows{keys: keys, reply: reply, heads: make([][]byte, len(keys.Columns))}
	for i, column := range keys.Columns {
		r.heads[i] = append(printable.AppendJSON(nil, column.Name), ':')
	}
	return r
}

// Len is the number of rows.
func (r *Rows) Len() int { return r.reply.Rows() }

// Append appends a row: what Write writes of Row, without the end of the line.
func (r *Rows) Append(dst []byte, row int) ([]byte, error) {
	dst, err := r.appendKeys(append(dst, `{"keys":`...), row)
	if err != nil {
		return nil, err
	}
	if inputs := r.keys.InputRow(row); inputs != nil {
		if dst, err = appendValue(append(dst, `,"inputs":`...), inputs); err != nil {
			return nil, err
		}
	}
	if dst, err = r.reply.AppendJSON(append(dst, `,"features":`...), row); err != nil {
		return nil, err
	}
	if views := r.reply.Provenance(); views != nil {
		if dst, err = appendValue(append(dst, `,"provenance":`...), provenanceOfAll(views, row)); err != nil {
			return nil, err
		}
	}
	if uses := r.reply.Computed(); uses != nil {
		if dst, err = appendValue(append(dst, `,"computed":`...), computedOf(uses)); err != nil {
			return nil, err
		}
	}
	return append(dst, '}'), nil
}

func (r *Rows) appendKeys(dst []byte, row int) (_ []byte, err error) {
	dst = append(dst, '{')
	for i, column := range r.keys.Columns {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = value.AppendJSON(append(dst, r.heads[i]...), column.Values[row], printable.AppendJSON); err != nil {
			return nil, err
		}
	}
	return append(dst, '}'), nil
}

// appendValue appends what Write writes, without the end of the line.
func appendValue(dst []byte, v any) ([]byte, error) {
	var text bytes.Buffer
	if err := Write(&text, v); err != nil {
		return nil, err
	}
	return append(dst, bytes.TrimSuffix(text.Bytes(), []byte("\n"))...), nil
}
