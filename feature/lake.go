package feature

import (
	"fmt"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// Iceberg says which snapshot of a table is read: that of the id, the tag or the instant that is given, or else the
// current one.
type Iceberg struct {
	// Snapshot is the id of one; 0 if none is given.
	Snapshot int64
	// Tag is the name of a tag or a branch.
	Tag string
	// AsOf is nil if none is given.
	AsOf *Instant
	// Schema is the id of the schema that a pinned Snapshot is read by; nil if the table is not pinned.
	Schema *int
}

// Delta says which version of a table is read: the one that is given, or of an instant, or else the latest one.
type Delta struct {
	// Version is nil if none is given.
	Version *int64
	// AsOf is nil if none is given.
	AsOf *Instant
}

// IsTable says whether the files are those of a table of a lake.
func (f Files) IsTable() bool { return f.Iceberg != nil || f.Delta != nil }

// PinnedTo returns the source as it reads a table at a version of it that was read before.
func (s *Source) PinnedTo(version TableVersion) *Source {
	files, _ := s.Files()
	pinned := *s
	if files.Delta != nil {
		files.Delta = &Delta{Version: &version.Snapshot}
	} else {
		files.Iceberg = &Iceberg{Snapshot: version.Snapshot, Schema: &version.Schema}
	}
	pinned.Kind = files
	return &pinned
}

func icebergOf(source *plumbv1.IcebergSource) *Iceberg {
	table := &Iceberg{Snapshot: source.GetSnapshot(), Tag: source.GetTag()}
	if asOf, ok := ParseInstant(source.GetAsOf()); ok {
		table.AsOf = &asOf
	}
	return table
}

func deltaOf(source *plumbv1.DeltaSource) *Delta {
	table := &Delta{}
	if at, ok := source.GetAt().(*plumbv1.DeltaSource_Version); ok {
		table.Version = &at.Version
	}
	if asOf, ok := ParseInstant(source.GetAsOf()); ok {
		table.AsOf = &asOf
	}
	return table
}

// describe is the line of the table in the text that is hashed of a definition.
func (t *Iceberg) describe(path string) string {
	asOf := ""
	if t.AsOf != nil {
		asOf = t.AsOf.String()
	}
	return fmt.Sprintf("iceberg %+q %d %+q %+q\n", path, t.Snapshot, t.Tag, asOf)
}

// describe is the line of the table in the text that is hashed of a definition.
func (t *Delta) describe(path string) string {
	version, asOf := int64(-1), ""
	if t.Version != nil {
		version = *t.Version
	}
	if t.AsOf != nil {
		asOf = t.AsOf.String()
	}
	return fmt.Sprintf("delta %+q %d %+q\n", path, version, asOf)
}
