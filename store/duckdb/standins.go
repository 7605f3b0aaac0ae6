package duckdb

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// standIns are names of a result's columns that SQL cannot have: none at all, and names that differ from another by
// case alone. DuckDB writes random names in their place, which are exchanged once the file is written.
type standIns map[string]string

// namesForSQL gives the columns' names as DuckDB can write them.
func namesForSQL(names []string) ([]string, standIns, error) {
	given, seen, found := slices.Clone(names), map[string]bool{}, standIns{}
	for i, name := range names {
		folded := strings.ToLower(name)
		if name == "" || seen[folded] {
			random := make([]byte, 16)
			if _, err := rand.Read(random); err != nil {
				return nil, nil, fmt.Errorf("name a column: %w", err)
			}
			given[i] = fmt.Sprintf("%x", random)
			found[given[i]] = name
		}
		seen[folded] = true
	}
	return given, found, nil
}

// exchange puts the names into a Parquet file in the place of their stand-ins. A stand-in is 32 random characters, so
// nothing else in the footer is the same text, and all places that name the column are found.
func (s standIns) exchange(path string) error {
	if len(s) == 0 {
		return nil
	}
	return editFooter(path, func(footer []byte) ([]byte, error) {
		for standIn, name := range s {
			footer = bytes.ReplaceAll(footer, thriftText(standIn), thriftText(name))
		}
		return footer, nil
	})
}

// editFooter changes the texts in a Parquet file's footer. Such a file ends with its footer, the footer's length in 4
// bytes, and 4 more. In the footer, Thrift writes a text as its length and its bytes and says nowhere how long what is
// around it is, so that one text can be exchanged for another and everything else stays byte for byte.
func editFooter(path string, edit func([]byte) ([]byte, error)) (err error) {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	const tail = 8
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	var end [tail]byte
	if _, err := file.ReadAt(end[:], size-tail); err != nil {
		return err
	}
	footer := make([]byte, binary.LittleEndian.Uint32(end[:]))
	start := size - tail - int64(len(footer))
	if _, err := file.ReadAt(footer, start); err != nil {
		return err
	}
	if footer, err = edit(footer); err != nil {
		return err
	}
	binary.LittleEndian.PutUint32(end[:], uint32(len(footer)))
	if _, err = file.WriteAt(slices.Concat(footer, end[:]), start); err != nil {
		return err
	}
	return file.Truncate(start + int64(len(footer)) + tail)
}
