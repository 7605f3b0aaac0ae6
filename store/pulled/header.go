package pulled

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/apache/arrow-go/v18/parquet/file"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/parquetfile"
)

// headerKey is where a file's metadata has its header.
const headerKey = "plumb.pull"

// version is that of the header. It changes whenever an older version would take a header for what it is not.
const version = 1

// header is what a file says of the pull that made it. It is durable.
type header struct {
	Version int `json:"version"`
	// Source and Database are for people: the source that was pulled, and the address of the database.
	Source   string `json:"source"`
	Database string `json:"database"`
	// Identity distinguishes databases, whatever they are reached by; empty if the database does not say.
	Identity string `json:"identity,omitempty"`
	// By is the column of the times; empty if there is none.
	By      string   `json:"by,omitempty"`
	Columns []Column `json:"columns"`
	// At is the database's instant, up to which rows were pulled, in microseconds.
	At feature.Instant `json:"at"`
	// Rows, Latest and Timeless are of this file alone: how many rows it has, their latest time, nil if no row has one,
	// and how many have none.
	Rows     int64            `json:"rows"`
	Latest   *feature.Instant `json:"latest,omitempty"`
	Timeless int64            `json:"timeless,omitempty"`
}

// Column is a column of a query.
type Column struct {
	Name string `json:"name"`
	// Type is what the database calls it, such as "timestamp with time zone".
	Type string `json:"type"`
}

// readHeader reads the header of a file that is there.
func readHeader(path string) (header, error) {
	reader, err := parquetfile.Open(path)
	if err != nil {
		return header{}, fault.Inputf("", "cannot read %s: %v", path, disk.Reason(err))
	}
	defer reader.Close()
	h, err := parseHeader(reader)
	if errors.Is(err, fault.ErrNewer) {
		return header{}, fmt.Errorf("%s was %w", path, err)
	}
	if err != nil {
		return header{}, fault.Inputf("", "cannot go on from %s: %v; pull all rows again with plumb pull --full", path, err)
	}
	return h, nil
}

func parseHeader(reader *file.Reader) (h header, err error) {
	text := reader.MetaData().KeyValueMetadata().FindValue(headerKey)
	if text == nil {
		return h, errors.New("it was not made by plumb pull")
	}
	var written struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal([]byte(*text), &written); err == nil && written.Version > version {
		return h, fault.ErrNewer
	}
	err = json.Unmarshal([]byte(*text), &h)
	if err != nil || h.Version < 1 || h.Rows != reader.NumRows() || h.Timeless < 0 || h.Timeless > h.Rows ||
		h.Latest == nil && h.By != "" && h.Timeless != h.Rows {
		return h, errors.New("what it says of its pull is damaged")
	}
	return h, nil
}

// State is what a folder has.
type State struct {
	// Rows are those of all files, and Timeless those of them without a time.
	Rows, Timeless int64
	// Files is how many files count.
	Files int
	// Latest is the latest time of a row; nil if no row has one.
	Latest *feature.Instant
	// At is the database's instant at the last pull that brought rows.
	At feature.Instant
	// Database is the address of the database that the last of them came from.
	Database string

	generation, sequence int
	identity             string
	columns              []Column
	files                []pulledFile
}

type pulledFile struct {
	path string
	header
}

// Read returns what was pulled to a folder, or nil if nothing was.
func Read(folder string) (*State, error) {
	names, _, err := list(folder)
	if err != nil || len(names) == 0 {
		return nil, err
	}
	s := &State{Files: len(names), generation: names[0].generation, sequence: len(names)}
	for _, n := range names {
		path := filepath.Join(folder, n.String())
		h, err := readHeader(path)
		if err != nil {
			return nil, err
		}
		s.files = append(s.files, pulledFile{path, h})
		s.Rows, s.Timeless = s.Rows+h.Rows, s.Timeless+h.Timeless
		if h.Latest != nil && (s.Latest == nil || *h.Latest > *s.Latest) {
			s.Latest = h.Latest
		}
		s.At, s.Database, s.identity, s.columns = h.At, h.Database, h.Identity, h.Columns
	}
	return s, nil
}
