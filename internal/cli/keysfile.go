package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"github.com/plumbstore/plumb/internal/csvfile"
	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/document"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/gitlfs"
)

// addFile reads rows of keys and inputs from a file: .json, an array of objects; .jsonl, an object a line; .csv, with a
// heading. null, and an empty CSV cell that is not quoted, is a null key, which matches nothing (R8).
func (k *keyColumns) addFile(path string) error {
	file, err := disk.OpenRegular(path)
	if err != nil {
		return fault.Inputf(k.flag, "%v", err)
	}
	defer file.Close()
	if _, pointer := gitlfs.Read(path); pointer {
		return fault.Inputf(k.flag, "%s is a Git LFS pointer and not the file itself; run git lfs pull", path)
	}
	switch extension := filepath.Ext(path); extension {
	case ".json":
		err = k.addJSON(file)
	case ".jsonl":
		err = k.addJSONLines(file)
	case ".csv":
		err = k.addCSV(file)
	default:
		return fault.Inputf(k.flag, "%s ends in %q; it must be a .json, .jsonl or .csv file", path, extension)
	}
	if err != nil {
		return fault.Inputf(k.flag, "%s: %v", path, err)
	}
	for _, column := range k.All() {
		if len(column.Values) == 0 {
			return fault.Inputf(k.flag, "%s has no rows; give at least one", path)
		}
	}
	return nil
}

func (k *keyColumns) addJSON(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := document.CheckJSON(text); err != nil {
		return fmt.Errorf("it %w; write one array of objects", err)
	}
	var rows []map[string]any
	if err := newDecoder(bytes.NewReader(text)).Decode(&rows); err != nil {
		return fmt.Errorf("it is not an array of objects: %w", err)
	}
	for i, row := range rows {
		if err := k.addRow(row, (*document.KeyColumn).ParseJSON); err != nil {
			return fmt.Errorf("row %d: %w", i+1, err)
		}
	}
	return nil
}

func (k *keyColumns) addJSONLines(r io.Reader) error {
	decoder := newDecoder(withoutMark(r))
	for number := 1; ; number++ {
		var text json.RawMessage
		err := decoder.Decode(&text)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = k.addJSONRow(text)
		}
		if err != nil {
			return fmt.Errorf("row %d: %w", number, err)
		}
	}
}

func (k *keyColumns) addJSONRow(text []byte) error {
	if err := document.CheckJSON(text); err != nil {
		return fmt.Errorf("it %w", err)
	}
	var row map[string]any
	if err := newDecoder(bytes.NewReader(text)).Decode(&row); err != nil {
		return fmt.Errorf("it is not an object: %w", err)
	}
	return k.addRow(row, (*document.KeyColumn).ParseJSON)
}

// withoutMark passes over the byte order mark that some programs begin text in UTF-8 with.
func withoutMark(r io.Reader) *bufio.Reader {
	buffered := bufio.NewReader(r)
	if start, err := buffered.Peek(3); err == nil && string(start) == "\ufeff" {
		_, _ = buffered.Discard(3)
	}
	return buffered
}

// newDecoder keeps numbers as they are written, since INT64 has more digits than a float.
func newDecoder(r io.Reader) *json.Decoder {
	decoder := json.NewDecoder(r)
	decoder.UseNumber()
	return decoder
}

// addRow takes the keys and inputs of one row, by column.
func (k *keyColumns) addRow(row map[string]any, parse func(*document.KeyColumn, any) (any, error)) error {
	for name := range row {
		if _, err := k.Column(name); err != nil {
			return err
		}
	}
	for _, column := range k.All() {
		value, ok := row[column.Name]
		if !ok {
			return fmt.Errorf("%s %s is missing; if it is not known, give null", columnKind(column), column.Name)
		}
		parsed, err := parse(column, value)
		if err != nil {
			return fmt.Errorf("%s: %w", column.Name, err)
		}
		column.Values = append(column.Values, parsed)
	}
	return nil
}

func (k *keyColumns) addCSV(r io.Reader) error {
	reader, err := csvfile.NewReader(r)
	if err != nil {
		return err
	}
	heading := reader.Names()
	for i, name := range heading {
		if slices.Contains(heading[:i], name) {
			return fmt.Errorf("column %q is there twice", name)
		}
	}
	for {
		cells, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		row := make(map[string]any, len(cells))
		for i, cell := range cells {
			if row[heading[i]] = any(nil); !cell.Null {
				row[heading[i]] = string(cell.Text)
			}
		}
		if err := k.addRow(row, parseKeyCell); err != nil {
			return fmt.Errorf("line %d: %w", reader.Line(), err)
		}
	}
}

// parseKeyCell reads a CSV cell as a key. One that is empty is null, and "" is the empty text.
func parseKeyCell(column *document.KeyColumn, cell any) (any, error) {
	text, ok := cell.(string)
	if !ok {
		return nil, nil // A null key is a value.
	}
	return column.Parse(text)
}
