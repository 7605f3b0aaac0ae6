package cli

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/plumbstore/plumb/internal/document"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry"
)

// addFile reads rows of keys from a file: .json, an array of objects; .jsonl, an object a line; .csv, with a heading.
// null, and an empty CSV cell, is a null key, which matches nothing (R8).
func (k *keyColumns) addFile(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return registry.Inputf(k.flag, "%v", err)
	}
	defer file.Close()
	switch extension := filepath.Ext(path); extension {
	case ".json":
		err = k.addJSON(file)
	case ".jsonl":
		err = k.addJSONLines(file)
	case ".csv":
		err = k.addCSV(file)
	default:
		return registry.Inputf(k.flag, "%s ends in %q; it must be a .json, .jsonl or .csv file", path, extension)
	}
	if err != nil {
		return registry.Inputf(k.flag, "%s: %v", path, err)
	}
	for _, column := range k.Columns {
		if len(column.Values) == 0 {
			return registry.Inputf(k.flag, "%s has no rows; give at least one", path)
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
		if err := k.addRow(row, document.ParseKeyJSON); err != nil {
			return fmt.Errorf("row %d: %w", i+1, err)
		}
	}
	return nil
}

func (k *keyColumns) addJSONLines(r io.Reader) error {
	decoder := newDecoder(r)
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
		return fmt.Errorf("it is no object: %w", err)
	}
	return k.addRow(row, document.ParseKeyJSON)
}

// newDecoder keeps numbers as they are written, since INT64 has more digits than a float.
func newDecoder(r io.Reader) *json.Decoder {
	decoder := json.NewDecoder(r)
	decoder.UseNumber()
	return decoder
}

// addRow takes the keys of one row, by column.
func (k *keyColumns) addRow(row map[string]any, parse func(any, plumbv1.Type) (any, error)) error {
	for name := range row {
		if _, err := k.Column(name); err != nil {
			return err
		}
	}
	for _, column := range k.Columns {
		value, ok := row[column.Name]
		if !ok {
			return fmt.Errorf("key %s is missing; where it is not known, give null", column.Name)
		}
		parsed, err := parse(value, column.Type)
		if err != nil {
			return fmt.Errorf("%s: %w", column.Name, err)
		}
		column.Values = append(column.Values, parsed)
	}
	return nil
}

func (k *keyColumns) addCSV(r io.Reader) error {
	reader := csv.NewReader(r)
	heading, err := reader.Read()
	if errors.Is(err, io.EOF) {
		return errors.New("it is empty; its first line names the columns")
	}
	for i, name := range heading {
		if slices.Contains(heading[:i], name) {
			return fmt.Errorf("column %q is there twice", name)
		}
	}
	for err == nil {
		var cells []string
		if cells, err = reader.Read(); err == nil {
			row := make(map[string]any, len(cells))
			for i, cell := range cells {
				row[heading[i]] = cell
			}
			err = k.addCSVRow(reader, row)
		}
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func (k *keyColumns) addCSVRow(reader *csv.Reader, row map[string]any) error {
	if err := k.addRow(row, parseKeyCell); err != nil {
		line, _ := reader.FieldPos(0)
		return fmt.Errorf("line %d: %w", line, err)
	}
	return nil
}

// parseKeyCell reads a CSV cell as a key. CSV cannot tell empty text from null, and null is what it mostly means.
func parseKeyCell(cell any, declared plumbv1.Type) (any, error) {
	if cell == "" {
		return nil, nil // A null key is a value.
	}
	return document.ParseKey(fmt.Sprint(cell), declared)
}
