package dataset

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
)

// Format is the latest version of manifests. One of a later version is refused.
//
// Format 1 had one text for both places: what it said of the making, and the times of files, stood in the file too.
// Format 2 had the registry's revision within the file, which grows with definitions that the training set does not
// use. Format 4 may have on-demand views, which are in views and have columns and no use; a manifest without any has
// format 3. Format 5 may have objects as labels and among the sources' files, which have an ETag in the place of a
// digest; a manifest without any has format 3 or 4. Format 6 may have tables of a lake among the sources' files, which
// have a snapshot in the place of a digest and a size. Format 7 is of a training set in several files, which are parts,
// and of each of these.
const (
	Format          = 7
	withoutParts    = 6
	withoutTables   = 5
	withoutObjects  = 4
	withoutOnDemand = 3
)

// revisionWithin is the last format that has the revision within the file.
const revisionWithin = 2

// Suffix is what a file's manifest has behind the file's name.
const Suffix = ".manifest"

// Manifest says what a training set was made of and what it holds: enough to tell later what has changed, and to make
// the same again.
//
// It is kept in two places. The one within the training set has only what is the same whenever and wherever the same
// training set is made, so that the file's bytes are the same too. The one beside the file also says when, with what
// and from where it was made, in the members from Within on.
type Manifest struct {
	Format  int    `json:"format"`
	Project string `json:"project"`
	// Views are those that are used, each once.
	Views []View `json:"views"`
	// Selection and Options are what was asked for, and Uses is how the selection uses the views.
	Selection Selection `json:"selection"`
	Options   Options   `json:"options"`
	Uses      []Use     `json:"uses"`
	// Labels are the label rows, and Sources are all files of the sources, by source and then in source order.
	Labels  Labels       `json:"labels"`
	Sources []SourceFile `json:"sources"`
	Output  Output       `json:"output"`
	// Parts are the files of a training set that is a folder, in the order of their label rows' instants; none if it is
	// one file.
	Parts []Part `json:"parts,omitempty"`
	// Shard says which part of a folder a file is, if the manifest is the one within that; nil otherwise.
	Shard *Shard `json:"shard,omitempty"`

	// Within is the digest of the manifest within the file; empty if the format has no room for one.
	Within string `json:"within,omitempty"`
	// Revision is the registry's. If it is 0, any with these views will do.
	Revision int64 `json:"revision,omitempty"`
	// CreatedAt is when it was made, Plumb and Engine are the versions of the product and of its offline engine.
	CreatedAt time.Time `json:"created_at,omitzero"`
	Plumb     string    `json:"plumb,omitempty"`
	Engine    string    `json:"engine,omitempty"`
	// Outside has the absolute paths of the files that are Outside, the labels' first and then in the order of Sources.
	Outside []string `json:"outside,omitempty"`
	// File is the training set as a file. A client that writes the file itself adds it.
	File *Written `json:"file,omitempty"`
}

// Written is a file that was written.
type Written struct {
	// Name is the file's, without its folder.
	Name string `json:"name"`
	Size int64  `json:"size"`
	// Digest is the SHA-256 of its bytes.
	Digest string `json:"digest"`
}

// View is a feature view or an on-demand view that was used.
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
	// Path is relative to the project's folder, with slashes. Of a file that is Outside of that it is the name alone.
	Path    string `json:"path,omitempty"`
	Outside bool   `json:"outside,omitempty"`
	Size    int64  `json:"size,omitempty"`
	// Digest is the SHA-256 of its bytes.
	Digest string `json:"digest,omitempty"`
	// ETag is the version of an object, whose Path is s3://BUCKET/KEY; empty for a file.
	ETag string `json:"etag,omitempty"`
	// Table is the version of a table, whose Path is that of its metadata; nil for a file.
	Table *TableVersion `json:"table,omitempty"`
	// Modified is kept by format 1 alone.
	Modified time.Time `json:"modified,omitzero"`
	// At is the absolute path of a file that is Outside, if it is known.
	At string `json:"-"`
}

// Labels are the label rows: a file, or rows that came from a program and that Content is the digest of.
type Labels struct {
	File
	// Content is the content digest of the rows, which are the label columns of the training set.
	Content string `json:"content,omitempty"`
}

// SourceFile is a file of a source.
type SourceFile struct {
	Source string `json:"source"`
	File
}

// Output is what was written.
type Output struct {
	// Name is that of the file, in format 1 alone.
	Name string `json:"name,omitempty"`
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
	// ProvenanceColumn is one of offline.ProvenanceOf.
	ProvenanceColumn = "provenance"
)

// Column is a column of the output.
type Column struct {
	Name string `json:"name"`
	// Kind is label, feature, status or event_timestamp; empty for any other.
	Kind string `json:"kind,omitempty"`
	// View and Feature are where a feature comes from. For an event time, only View is set.
	View    string `json:"view,omitempty"`
	Feature string `json:"feature,omitempty"`
	// Type is the feature's declared type, or else how the values are held.
	Type string `json:"type"`
	// Digest is that of the column's values.
	Digest string `json:"digest"`
	Nulls  int64  `json:"nulls"`
	// Statuses counts those of a feature, if statuses were asked for.
	Statuses map[string]int64 `json:"statuses,omitempty"`
	// Sensitive columns have no distribution.
	Sensitive    bool          `json:"sensitive,omitempty"`
	Distribution *Distribution `json:"distribution,omitempty"`
}

// New begins the manifest of a join: Labels, Sources and Output are not there yet.
func New(made Made) *Manifest {
	m := &Manifest{
		Format: withoutOnDemand, Project: made.Snapshot.Project, CreatedAt: made.At.UTC(), Plumb: made.Plumb,
		Engine:   made.Engine,
		Revision: made.Snapshot.Revision, Selection: made.Selection, Options: made.Options, Uses: usesOf(made.Selected),
	}
	for _, reference := range made.Selected.References {
		view := View{Name: reference.View.Name, Hash: reference.View.Hash.String()}
		if !slices.Contains(m.Views, view) {
			m.Views = append(m.Views, view)
		}
	}
	for _, computation := range made.Selected.Computations {
		m.Format = withoutObjects
		view := View{Name: computation.View.Name, Hash: computation.View.Hash.String()}
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
	Snapshot      *feature.Snapshot
	Selection     Selection
	// Selected is what the selection means at the snapshot.
	Selected *feature.Selection
	Options  Options
}

// sealed is a manifest as it is written: the digest, the last member, is of all text before it.
type sealed struct {
	Manifest
	Digest string `json:"digest"`
}

const sealMember = `,"digest":"`

// MarshalWithin writes the manifest that a training set holds: one line of JSON that ends with the digest of what is
// before it. The same training set has the same one, whenever and wherever it is made.
func (m *Manifest) MarshalWithin() ([]byte, error) { return m.common().marshal() }

// Marshal writes the manifest that goes beside a training set: the one within, and then what may differ from one
// making to the next.
func (m *Manifest) Marshal() ([]byte, error) {
	within, err := m.MarshalWithin()
	if err != nil {
		return nil, err
	}
	beside := *m
	beside.Within = sealOf(within)
	beside.Outside = nil
	for _, file := range m.files() {
		if file.Outside && file.At != "" {
			beside.Outside = append(beside.Outside, file.At)
		}
	}
	return beside.marshal()
}

// BesideFile is Marshal with the file that was written.
func (m *Manifest) BesideFile(ctx context.Context, path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	digest, err := digestOf(ctx, path, info)
	if err != nil {
		return nil, err
	}
	m.File = &Written{Name: filepath.Base(path), Size: info.Size(), Digest: digest}
	return m.Marshal()
}

// Unplaced removes where files outside of the project are, which readers over the network need not know.
func (m *Manifest) Unplaced() {
	for _, file := range m.files() {
		file.At = ""
	}
}

// common is the manifest without what may differ from one making to the next.
func (m *Manifest) common() *Manifest {
	common := *m
	if m.Format > revisionWithin {
		common.Revision = 0
	}
	common.Within, common.CreatedAt, common.Plumb, common.Engine = "", time.Time{}, "", ""
	common.Outside, common.File = nil, nil
	return &common
}

// files are those of the labels and of the sources.
func (m *Manifest) files() []*File {
	files := []*File{&m.Labels.File}
	for i := range m.Sources {
		files = append(files, &m.Sources[i].File)
	}
	return files
}

// locate gives the files that are Outside their places.
func (m *Manifest) locate() {
	left := m.Outside
	for _, file := range m.files() {
		if file.Outside && len(left) > 0 {
			file.At, left = left[0], left[1:]
		}
	}
}

// FileName is the name of the training set's file, as far as the manifest says.
func (m *Manifest) FileName() string {
	if m.File != nil {
		return m.File.Name
	}
	return m.Output.Name
}

func (m *Manifest) marshal() ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(m); err != nil {
		return nil, fmt.Errorf("write manifest: %w", err)
	}
	return seal(bytes.TrimSuffix(text.Bytes(), []byte("}\n"))), nil
}

// sealOf is the digest that a manifest ends with.
func sealOf(text []byte) string {
	at := bytes.LastIndex(text, []byte(sealMember))
	return string(bytes.TrimSuffix(text[at+len(sealMember):], []byte(`"}`)))
}

// seal ends an open object with its digest.
func seal(open []byte) []byte {
	digest := sha256.Sum256(open)
	return fmt.Appendf(nil, `%s%s%s"}`, open, sealMember, named(digest[:]))
}

// ErrEdited says that a manifest is not as it was written.
var ErrEdited = errors.New("it was changed by hand: its digest is not that of its content")

// Parse reads a manifest. The error wraps ErrEdited if the manifest can be read and its digest is wrong, and then the
// manifest is returned too; it wraps fault.ErrNewer if a newer version of Plumb wrote it.
func Parse(text []byte) (*Manifest, error) {
	var version struct{ Format int }
	if err := json.Unmarshal(text, &version); err != nil {
		return nil, fmt.Errorf("it is not a manifest: %w", err)
	}
	switch {
	case version.Format > Format:
		return nil, fmt.Errorf("its format %d is %w", version.Format, fault.ErrNewer)
	case version.Format < 1:
		return nil, errors.New("it is not a manifest: it has no format")
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
	content.locate()
	if !bytes.Equal(compact.Bytes(), seal(open)) {
		return &content.Manifest, ErrEdited
	}
	return &content.Manifest, nil
}
