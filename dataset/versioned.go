package dataset

import (
	"fmt"
	"slices"
)

// TableVersion is the snapshot that was read of a table of a lake, and the schema by which.
type TableVersion struct {
	UUID string `json:"uuid"`
	// Snapshot is a text in JSON, since many readers take numbers for doubles.
	Snapshot int64 `json:"snapshot,string"`
	Schema   int   `json:"schema"`
}

// isVersioned says whether the version of an input is recorded in the place of a digest, so that no bytes of it are
// compared.
func (f File) isVersioned() bool { return f.ETag != "" || f.Table != nil }

// content is what tells the content of a file from that of others.
func (f File) content() string {
	switch {
	case f.Table != nil:
		return fmt.Sprintf("table %s, snapshot %d, schema %d", f.Table.UUID, f.Table.Snapshot, f.Table.Schema)
	case f.ETag != "":
		return "ETag " + f.ETag
	}
	return f.Digest
}

// MadeOf adds the inputs.
func (m *Manifest) MadeOf(labels Labels, sources []SourceFile) {
	m.Labels, m.Sources = labels, sources
	switch {
	case m.Format == Format:
	case slices.ContainsFunc(sources, func(s SourceFile) bool { return s.Table != nil }):
		m.Format = withoutParts
	case labels.ETag != "" || slices.ContainsFunc(sources, func(s SourceFile) bool { return s.ETag != "" }):
		m.Format = withoutTables
	}
}
