package dataset

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/plumbstore/plumb/registry"
)

// Format is the version of the manifests that are written. One of a later version is refused.
const Format = 1

// Suffix is what a file's manifest has behind the file's name.
const Suffix = ".manifest"

// Manifest says what a training set was made of and what it holds: enough to tell later what has changed, and to make
// the same again. Paths are relative to the project's folder where they lie below it, with slashes.
type Manifest struct {
	Format  int    `json:"format"`
	Project string `json:"project"`
	// CreatedAt is when it was made.
	CreatedAt time.Time `json:"created_at"`
	// Plumb and Engine are the versions of the product and of its offline engine.
	Plumb  string `json:"plumb"`
	Engine string `json:"engine"`
	// Revision is the registry's, and Views are those of its views that are used, each once.
	Revision int64  `json:"revision"`
	Views    []View `json:"views"`
	// Selection and Options are what was asked for, and Uses is how the selection uses the views.
	Selection Selection `json:"selection"`
	Options   Options   `json:"options"`
	Uses      []Use     `json:"uses"`
	// Labels is the label file, and Sources are all files of the sources, by source and then in source order.
	Labels  File         `json:"labels"`
	Sources []SourceFile `json:"sources"`
	Output  Output       `json:"output"`
}

// View is a view that was used.
type View struct {
	Name string `json:"view"`
	// Hash is that of its definition, with the entities and sources that it rests on.
	Hash string `json:"hash"`
}

// Use is one use of a view.
type Use struct {
	// Alias is the name of the use; the view's, unless it was given another.
	Alias string `json:"name"`
	View  string `json:"view"`
	// Keys says for each join key of the view which label column it is read from, in the view's order.
	Keys []Key `json:"join_keys,omitempty"`
	// Matched is the number of rows that have a row of the view.
	Matched int64 `json:"matched"`
}

// Key is a join key of a view with the label column that it is read from.
type Key struct {
	Name   string `json:"name"`
	Column string `json:"column"`
}

// Selection says which features were asked for: a service, or references.
type Selection struct {
	Service   string   `json:"service,omitempty"`
	Features  []string `json:"features,omitempty"`
	FullNames bool     `json:"full_names,omitempty"`
}

// Options are those of the join.
type Options struct {
	TimestampColumn string `json:"timestamp_column"`
	Statuses        bool   `json:"statuses,omitempty"`
	EventTimestamps bool   `json:"event_timestamps,omitempty"`
	Provenance      bool   `json:"provenance,omitempty"`
	AsKnown         bool   `json:"as_known,omitempty"`
}

// File is a file by its content.
type File struct {
	Path     string    `json:"path"`
	Size     int64     `json:"size"`
	Modified time.Time `json:"modified"`
	// Digest is the SHA-256 of its bytes.
	Digest string `json:"digest"`
}

// SourceFile is a file of a source.
type SourceFile struct {
	Source string `json:"source"`
	File
}

// Output is what was written.
type Output struct {
	// Name is the file's, without its folder, which is no part of it.
	Name string `json:"name"`
	Rows int64  `json:"rows"`
	// Digest is that of the content: the same for the same rows in the same order, whatever the format's layout, the
	// number of threads, and the name.
	Digest  string   `json:"digest"`
	Columns []Column `json:"columns"`
}

// The kinds of columns.
const (
	LabelColumn   = "label"
	FeatureColumn = "feature"
	StatusColumn  = "status"
	TimeColumn    = "event_timestamp"
	// ProvenanceColumn is one of store.ProvenanceColumns.
	ProvenanceColumn = "provenance"
)

// Column is a column of the output.
type Column struct {
	Name string `json:"name"`
	// Kind is label, feature, status or event_timestamp; empty for any other.
	Kind string `json:"kind,omitempty"`
	// View and Feature are where a feature comes from, and the view alone where an event time does.
	View    string `json:"view,omitempty"`
	Feature string `json:"feature,omitempty"`
	// Type is the feature's declared type, or else how the values are held.
	Type string `json:"type"`
	// Digest is that of the column's values.
	Digest string `json:"digest"`
	Nulls  int64  `json:"nulls"`
	// Statuses counts those of a feature, where statuses were asked for.
	Statuses map[string]int64 `json:"statuses,omitempty"`
	// Sensitive columns have no distribution.
	Sensitive    bool          `json:"sensitive,omitempty"`
	Distribution *Distribution `json:"distribution,omitempty"`
}

// New begins the manifest of a join: Labels, Sources and Output are not there yet.
func New(made Made) *Manifest {
	m := &Manifest{
		Format: Format, Project: made.Snapshot.Project, CreatedAt: made.At.UTC(), Plumb: made.Plumb, Engine: made.Engine,
		Revision: made.Snapshot.Revision, Selection: made.Selection, Options: made.Options, Uses: usesOf(made.Selected),
	}
	for _, reference := range made.Selected.References {
		view := View{Name: reference.View.Name, Hash: reference.View.Hash.String()}
		if !slices.Contains(m.Views, view) {
			m.Views = append(m.Views, view)
		}
	}
	return m
}

// Made is what is known of a join before it runs.
type Made struct {
	At            time.Time
	Plumb, Engine string
	Snapshot      *registry.Snapshot
	Selection     Selection
	// Selected is what the selection means at the snapshot.
	Selected *registry.Selection
	Options  Options
}

// sealed is a manifest as it is written: the digest, the last member, is of all text before it.
type sealed struct {
	Manifest
	Digest string `json:"digest"`
}

const sealMember = `,"digest":"`

// Marshal writes a manifest as one line of JSON, ending with the digest of what is before it.
func (m *Manifest) Marshal() ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(m); err != nil {
		return nil, fmt.Errorf("write manifest: %w", err)
	}
	open := bytes.TrimSuffix(text.Bytes(), []byte("}\n"))
	return seal(open), nil
}

// seal ends an open object with its digest.
func seal(open []byte) []byte {
	digest := sha256.Sum256(open)
	return fmt.Appendf(nil, `%s%s%s"}`, open, sealMember, named(digest[:]))
}

// ErrEdited says that a manifest is not as it was written.
var ErrEdited = errors.New("it was changed by hand: its digest is not that of its content")

// Parse reads a manifest. The error wraps ErrEdited where the manifest can be read and its digest is wrong, and then
// the manifest is returned too; it wraps registry.ErrNewer where a newer version of Plumb wrote it.
func Parse(text []byte) (*Manifest, error) {
	var version struct{ Format int }
	if err := json.Unmarshal(text, &version); err != nil {
		return nil, fmt.Errorf("it is no manifest: %w", err)
	}
	switch {
	case version.Format > Format:
		return nil, fmt.Errorf("its format %d is %w", version.Format, registry.ErrNewer)
	case version.Format < 1:
		return nil, errors.New("it is no manifest: it has no format")
	}
	var content sealed
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&content); err != nil {
		return nil, fmt.Errorf("it is damaged: %w", err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, text); err != nil {
		return nil, fmt.Errorf("it is damaged: %w", err)
	}
	at := max(bytes.LastIndex(compact.Bytes(), []byte(sealMember)), 0)
	open := compact.Bytes()[:at]
	if !bytes.Equal(compact.Bytes(), seal(open)) {
		return &content.Manifest, ErrEdited
	}
	return &content.Manifest, nil
}

// unusable is the *registry.InputError that names the manifest which an error of Parse is about, and wraps that too.
func unusable(path string, err error) error {
	return &manifestError{input: registry.Inputf("", "cannot use manifest %s: %v", path, err), cause: err}
}

// manifestError is an InputError that also is its cause.
type manifestError struct {
	input *registry.InputError
	cause error
}

func (e *manifestError) Error() string   { return e.input.Error() }
func (e *manifestError) Unwrap() []error { return []error{e.input, e.cause} }

// reason is a file error without the path, which the message has said already.
func reason(err error) error {
	if path, ok := errors.AsType[*os.PathError](err); ok {
		return path.Err
	}
	return err
}
