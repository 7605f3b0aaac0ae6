package duckdb

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// plainRecords reads CSV with encoding/csv, which does not tell whether an empty field was quoted. So the bytes of each
// record are kept until it has been looked at.
func plainRecords(input io.Reader) (func() (plainRow, error), error) {
	var raw bytes.Buffer
	reader := csv.NewReader(io.TeeReader(input, &raw))
	names, err := reader.Read()
	if err != nil {
		return nil, err
	}
	for i, name := range names {
		names[i] = strings.ToLower(name)
	}
	var before int64
	take := func() []byte {
		record := raw.Next(int(reader.InputOffset() - before))
		before = reader.InputOffset()
		return bytes.TrimLeft(record, "\r\n") // Empty lines are passed over.
	}
	take()
	return func() (plainRow, error) {
		fields, err := reader.Read()
		if err != nil {
			return nil, err
		}
		record := take()
		row := plainRow{}
		first, _ := reader.FieldPos(0)
		for i, field := range fields {
			value := plainText{text: field}
			if field == "" {
				line, column := reader.FieldPos(i)
				value.null = !startsWithQuote(record, line-first, column-1)
			}
			if _, ok := row[names[i]]; !ok {
				row[names[i]] = value
			}
		}
		return row, nil
	}, nil
}

// startsWithQuote says whether a quote stands at a place of a record.
func startsWithQuote(record []byte, line, column int) bool {
	for range line {
		_, record, _ = bytes.Cut(record, []byte{'\n'})
	}
	return column < len(record) && record[column] == '"'
}

// plainObjects reads JSON lines with encoding/json.
func plainObjects(input *bufio.Reader) func() (plainRow, error) {
	return func() (plainRow, error) {
		for {
			line, err := input.ReadBytes('\n')
			if err != nil && !errors.Is(err, io.EOF) {
				return nil, err
			}
			if len(bytes.TrimSpace(line)) > 0 {
				return plainObject(line)
			}
			if err != nil {
				return nil, err
			}
		}
	}
}

func plainObject(line []byte) (plainRow, error) {
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.UseNumber()
	var members map[string]any
	if err := decoder.Decode(&members); err != nil {
		return nil, err
	}
	row := plainRow{}
	for name, value := range members {
		text, isText := value.(string)
		if !isText {
			text = fmt.Sprint(value)
		}
		row[strings.ToLower(name)] = plainText{text: text, null: value == nil}
	}
	return row, nil
}
