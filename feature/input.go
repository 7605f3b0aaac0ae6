package feature

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/plumbstore/plumb/internal/fault"
)

// Input is something that a source was read from, as the reader found it: a file or an object. It has a name, by which
// it is found again, and a version, which shows whether it is still the same.
//
//	Input{Source: "hourly", Name: "data/2013-01.parquet", Version: FileVersion{Size: 4096, Modified: …, Footer: "9f…"}}
//
// Runs and training sets record their inputs. So an audit can say that a file was rewritten since a run, and a training
// set that it cannot be rebuilt because an input has changed.
type Input struct {
	// Source is the name of the Source that it was listed for.
	Source string
	// Name is a path. It is relative to the project's folder if the file lies below it, and absolute otherwise; symbolic
	// links are resolved. That of an object is s3://BUCKET/KEY.
	Name    string
	Version Version
}

// Version says which content an input had. Each kind of input has its own: a file its size and times, an object an
// ETag, a table a snapshot, a log a position.
type Version interface {
	// ID identifies the content: inputs of one name whose versions have the same ID have the same content, as far as
	// versions show it. That of a file is "SIZE FOOTER"; that of another kind begins with the name of the kind.
	ID() string
	// Written is when the input got its content; zero if that is not known.
	Written() time.Time
	// String describes the version to people, such as "4096 bytes".
	String() string
}

// FileVersion is the version of a local file. Two that differ in size or footer differ in content. Two that do not
// differ in them hardly ever differ in content, since a Parquet footer has the size, place and statistics of every
// column.
type FileVersion struct {
	Size     int64
	Modified time.Time
	// Footer is the SHA-256 of the file's Parquet footer, in hexadecimal; empty if it cannot be read.
	Footer string
}

// ID leaves out the time of modification: a copy of a file has another.
func (v FileVersion) ID() string { return fmt.Sprintf("%d %s", v.Size, v.Footer) }

// Written is when the file was modified.
func (v FileVersion) Written() time.Time { return v.Modified }

func (v FileVersion) String() string { return fmt.Sprintf("%d bytes", v.Size) }

// ObjectVersion is the version of an object in an object store. The store gives another ETag to other content.
type ObjectVersion struct {
	Size     int64
	Modified time.Time
	ETag     string
}

// ID begins with the name of the kind.
func (v ObjectVersion) ID() string { return fmt.Sprintf("object %d %s", v.Size, v.ETag) }

// Written is when the object was written.
func (v ObjectVersion) Written() time.Time { return v.Modified }

func (v ObjectVersion) String() string { return fmt.Sprintf("%d bytes, ETag %s", v.Size, v.ETag) }

// TableVersion is the version of a table of a lake: a snapshot of it, read by one of the schemas it has had.
type TableVersion struct {
	// Table identifies the table, whatever it is called.
	Table    string
	Snapshot int64
	Schema   int
	// Kept are the ids of all snapshots that the table had when it was looked at, of which each can be read. They are no
	// part of the version, and are not recorded.
	Kept []int64
}

// ID begins with the name of the kind.
func (v TableVersion) ID() string {
	return fmt.Sprintf("table %s %d %d", v.Table, v.Snapshot, v.Schema)
}

// Written is not known.
func (v TableVersion) Written() time.Time { return time.Time{} }

func (v TableVersion) String() string {
	return fmt.Sprintf("snapshot %d, schema %d", v.Snapshot, v.Schema)
}

// tableInput is the form in which an Input that is a table is recorded. The id of a snapshot is a text, since many
// readers of JSON take numbers for doubles.
type tableInput struct {
	Source   string `json:"source"`
	Table    string `json:"table"`
	UUID     string `json:"uuid"`
	Snapshot int64  `json:"snapshot,string"`
	Schema   int    `json:"schema"`
}

// objectInput is the form in which an Input that is an object is recorded. It has no path, so that older versions know
// it for what they do not know.
type objectInput struct {
	Source   string    `json:"source"`
	Object   string    `json:"object"`
	Size     int64     `json:"size"`
	Modified time.Time `json:"modified"`
	ETag     string    `json:"etag"`
}

// fileInput is the form in which an Input that is a file is recorded.
type fileInput struct {
	Source   string    `json:"source"`
	Path     string    `json:"path"`
	Size     int64     `json:"size"`
	Modified time.Time `json:"modified"`
	Footer   string    `json:"footer,omitempty"`
}

// MarshalJSON is durable: registries keep it.
func (i Input) MarshalJSON() ([]byte, error) {
	switch version := i.Version.(type) {
	case FileVersion:
		return json.Marshal(fileInput{i.Source, i.Name, version.Size, version.Modified, version.Footer})
	case ObjectVersion:
		return json.Marshal(objectInput{i.Source, i.Name, version.Size, version.Modified, version.ETag})
	case TableVersion:
		return json.Marshal(tableInput{i.Source, i.Name, version.Table, version.Snapshot, version.Schema})
	}
	return nil, fmt.Errorf("input %s: a version of %T cannot be recorded", i.Name, i.Version)
}

// UnmarshalJSON reads what MarshalJSON wrote. An input without a path is of a kind that a newer version recorded: the
// error wraps fault.ErrNewer.
func (i *Input) UnmarshalJSON(text []byte) error {
	var file fileInput
	if err := json.Unmarshal(text, &file); err != nil {
		return err
	}
	var object objectInput
	if err := json.Unmarshal(text, &object); err == nil && object.Object != "" {
		*i = Input{object.Source, object.Object, ObjectVersion{object.Size, object.Modified, object.ETag}}
		return nil
	}
	var table tableInput
	if err := json.Unmarshal(text, &table); err == nil && table.Table != "" {
		*i = Input{table.Source, table.Table, TableVersion{Table: table.UUID, Snapshot: table.Snapshot, Schema: table.Schema}}
		return nil
	}
	if file.Path == "" {
		return fmt.Errorf("an input of source %q is not a file: %w", file.Source, fault.ErrNewer)
	}
	*i = Input{file.Source, file.Path, FileVersion{file.Size, file.Modified, file.Footer}}
	return nil
}
