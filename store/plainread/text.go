package plainread

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/plumbstore/plumb/internal/disk"
)

// readText is the rowReader of files of text. begin reads what comes before the first row, and returns what reads the
// cells of the next row by the folded names of their columns, or io.EOF.
func readText(begin func(*bufio.Reader) (func() (map[string]cell, error), error)) rowReader {
	return func(ctx context.Context, from place, columns []string, wanted []int64,
		visit func(int64, []cell) error,
	) error {
		if from.object != nil {
			if err := from.object.EnsureAll(ctx); err != nil {
				return err
			}
		}
		input, err := disk.OpenRegular(from.path)
		if err != nil {
			return err
		}
		defer input.Close()
		next, err := begin(withoutMark(input))
		if err != nil {
			return err
		}
		cells := make([]cell, len(columns))
		for row := int64(0); wanted == nil || len(wanted) > 0; row++ {
			if row%rowsPerLook == 0 && ctx.Err() != nil {
				return context.Cause(ctx)
			}
			found, err := next()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			if wanted != nil && wanted[0] != row {
				continue
			}
			for i, name := range columns {
				cells[i] = found[strings.ToLower(name)]
			}
			if err := visit(row, cells); err != nil {
				return err
			}
			if wanted != nil {
				wanted = wanted[1:]
			}
		}
		return nil
	}
}

// withoutMark passes over a byte order mark.
func withoutMark(input io.Reader) *bufio.Reader {
	const mark = "\ufeff"
	reader := bufio.NewReaderSize(input, 1<<16)
	if start, err := reader.Peek(len(mark)); err == nil && string(start) == mark {
		_, _ = reader.Discard(len(mark)) // These bytes have been read.
	}
	return reader
}

// beginJSON reads JSON lines: an object on each line that is not empty.
func beginJSON(input *bufio.Reader) (func() (map[string]cell, error), error) {
	return func() (map[string]cell, error) {
		for {
			line, err := input.ReadBytes('\n')
			if err != nil && !errors.Is(err, io.EOF) {
				return nil, err
			}
			if len(bytes.TrimSpace(line)) > 0 {
				return objectCells(line)
			}
			if err != nil {
				return nil, err
			}
		}
	}, nil
}

// objectCells leaves the values as they are written. Decoded as float64, 9007199254740993 would lose its last digit,
// and 1.0 could not be distinguished from 1.
func objectCells(line []byte) (map[string]cell, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(line, &members); err != nil {
		return nil, err
	}
	cells := make(map[string]cell, len(members))
	for name, raw := range members {
		value, err := jsonCell(raw)
		if err != nil {
			return nil, err
		}
		cells[strings.ToLower(name)] = value
	}
	return cells, nil
}

// jsonCell is the text that a value is written as, a string without its quotes.
func jsonCell(raw json.RawMessage) (cell, error) {
	switch {
	case string(raw) == "null":
		return cell{kind: isNull}, nil
	case raw[0] == '"':
		var text string
		err := json.Unmarshal(raw, &text)
		return cell{kind: isSpelled, text: text}, err
	}
	return cell{kind: isSpelled, text: string(raw)}, nil
}

// spelledList is the list that the JSON text of an array spells.
func spelledList(text string) (cell, bool) {
	var elements []json.RawMessage
	if err := json.Unmarshal([]byte(text), &elements); err != nil || elements == nil {
		return cell{}, false
	}
	list := cell{kind: isList, list: make([]cell, len(elements))}
	for i, raw := range elements {
		var err error
		if list.list[i], err = jsonCell(raw); err != nil {
			return cell{}, false
		}
	}
	return list, true
}

// beginCSV reads CSV: the names of the columns, and then a row on each line that is not empty.
func beginCSV(input *bufio.Reader) (func() (map[string]cell, error), error) {
	c := &csvText{input: input}
	names, err := c.record()
	if err != nil {
		return nil, fmt.Errorf("read the names of the columns: %w", err)
	}
	row := make(map[string]cell, len(names))
	return func() (map[string]cell, error) {
		fields, err := c.record()
		if err != nil {
			return nil, err
		}
		if len(fields) != len(names) {
			return nil, fmt.Errorf("a row has %d columns, and not %d", len(fields), len(names))
		}
		clear(row)
		for i, field := range fields {
			name := strings.ToLower(names[i].text)
			if _, ok := row[name]; !ok {
				row[name] = field
			}
		}
		return row, nil
	}, nil
}

// csvText takes CSV apart byte by byte. Unlike encoding/csv it keeps each byte of a quoted field, also a carriage
// return before a line feed, and distinguishes an empty field, which is null, from "".
type csvText struct{ input *bufio.Reader }

// record reads the fields of the next line that is not empty. A line feed within quotes ends no line, so lines cannot
// be split off before their fields are read.
func (c *csvText) record() ([]cell, error) {
	for {
		first, err := c.input.Peek(1)
		if err != nil {
			return nil, err
		}
		if first[0] != '\n' && first[0] != '\r' {
			break
		}
		if _, err := c.input.Discard(1); err != nil {
			return nil, err
		}
	}
	var fields []cell
	for {
		field, end, err := c.field()
		if err != nil {
			return nil, err
		}
		if fields = append(fields, field); end != ',' {
			return fields, nil
		}
	}
}

// field reads a field and what ends it: a comma or a line feed. The end of the file counts as a line feed.
func (c *csvText) field() (field cell, end byte, err error) {
	var text []byte
	if first, err := c.input.Peek(1); err == nil && first[0] == '"' {
		if _, err := c.input.Discard(1); err != nil {
			return cell{}, 0, err
		}
		text, end, err = c.quoted()
		return cell{kind: isSpelled, text: string(text)}, end, err
	}
	for {
		end, err = c.next()
		if err != nil || end == ',' || end == '\n' {
			break
		}
		text = append(text, end)
	}
	if end == '\n' {
		text = bytes.TrimSuffix(text, []byte{'\r'})
	}
	if len(text) == 0 {
		return cell{kind: isNull}, end, err
	}
	return cell{kind: isSpelled, text: string(text)}, end, err
}

// quoted reads the rest of a field after its opening quote. Two quotes in a row are one in the text. After the closing
// quote only a comma or the line's end may follow, with a carriage return before it or without.
func (c *csvText) quoted() (text []byte, end byte, err error) {
	for {
		letter, err := c.input.ReadByte()
		if errors.Is(err, io.EOF) {
			return nil, 0, errors.New("a quote is never closed")
		}
		if err != nil {
			return nil, 0, err
		}
		if letter != '"' {
			text = append(text, letter)
			continue
		}
		end, err := c.next()
		if err == nil && end == '\r' {
			end, err = c.next()
		}
		switch {
		case err != nil:
			return nil, 0, err
		case end == ',' || end == '\n':
			return text, end, nil
		case end != '"':
			return nil, 0, errors.New("there is text after a closing quote")
		}
		text = append(text, '"')
	}
}

// next reads a byte; the end of the file is a line feed.
func (c *csvText) next() (byte, error) {
	letter, err := c.input.ReadByte()
	if errors.Is(err, io.EOF) {
		return '\n', nil
	}
	return letter, err
}
