package iceberg

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/source/lake"
)

// newestFormat is the latest version of Iceberg's format that is read.
const newestFormat = 3

// maxMetadata is the size of the largest metadata file that is read, unpacked.
const maxMetadata = 128 << 20

// metadata is a metadata file of a table, as far as reading needs it.
type metadata struct {
	FormatVersion   int             `json:"format-version"`
	UUID            string          `json:"table-uuid"`
	Location        string          `json:"location"`
	Schemas         []schema        `json:"schemas"`
	CurrentSchema   *int            `json:"current-schema-id"`
	OnlySchema      *schema         `json:"schema"`
	Specs           []partitionSpec `json:"partition-specs"`
	CurrentSnapshot *int64          `json:"current-snapshot-id"`
	Snapshots       []snapshot      `json:"snapshots"`
	Log             []logEntry      `json:"snapshot-log"`
	Refs            map[string]ref  `json:"refs"`
}

type partitionSpec struct {
	ID     int              `json:"spec-id"`
	Fields []partitionField `json:"fields"`
}

type partitionField struct {
	Source    int    `json:"source-id"`
	Transform string `json:"transform"`
}

type snapshot struct {
	ID           int64  `json:"snapshot-id"`
	ManifestList string `json:"manifest-list"`
	Schema       *int   `json:"schema-id"`
}

type logEntry struct {
	Milliseconds int64 `json:"timestamp-ms"`
	Snapshot     int64 `json:"snapshot-id"`
}

type ref struct {
	Snapshot int64  `json:"snapshot-id"`
	Type     string `json:"type"`
}

// At says which snapshot of a table is read: the current one, or the one that a field names. One field is set at most,
// but for Schema, which goes with Snapshot.
type At struct {
	// Snapshot is the id of one; 0 for none.
	Snapshot int64
	// Schema is the id of the schema that the snapshot is read by; nil for the one it was written with.
	Schema *int
	Tag    string
	// AsOf is an instant in microseconds: the snapshot that was current then is read. Nil for none.
	AsOf *int64
}

// readMetadata reads and checks a metadata file. name is how messages call it.
func readMetadata(ctx context.Context, read lake.Reader, place, name string) (*metadata, error) {
	text, err := read(ctx, place, maxMetadata)
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(text, []byte{0x1f, 0x8b}) {
		if text, err = unpack(text); err != nil {
			return nil, lake.Damaged(name, err)
		}
	}
	var m metadata
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, fault.Inputf("", "cannot read %s: it is not the metadata of an Iceberg table: %v", name, err)
	}
	switch {
	case m.FormatVersion < 1 || m.Location == "":
		return nil, fault.Inputf("", "cannot read %s: it is not the metadata of an Iceberg table: it has no "+
			"format-version or no location", name)
	case m.FormatVersion > newestFormat:
		return nil, fault.Inputf("", "cannot read %s: its format-version is %d, and this version of Plumb reads 1 to %d; "+
			"upgrade it", name, m.FormatVersion, newestFormat)
	}
	if m.OnlySchema != nil && m.Schemas == nil {
		m.Schemas = []schema{*m.OnlySchema}
		m.CurrentSchema = &m.OnlySchema.ID
	}
	return &m, nil
}

func unpack(packed []byte) ([]byte, error) {
	reader, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(reader, maxMetadata+1))
	if err == nil && len(text) > maxMetadata {
		err = fmt.Errorf("it unpacks to more than %d bytes", maxMetadata)
	}
	return text, err
}

// choose finds the snapshot that is read, and the schema that its rows are read by: of the current snapshot the
// table's, and of any other the one that it was written with.
func (m *metadata) choose(at At) (snapshot, schema, error) {
	id, err := m.chosen(at)
	if err != nil {
		return snapshot{}, schema{}, err
	}
	for _, s := range m.Snapshots {
		if s.ID != id {
			continue
		}
		by := m.CurrentSchema
		switch {
		case at.Schema != nil:
			by = at.Schema
		case at != At{} && s.Schema != nil:
			by = s.Schema
		}
		found, err := m.schema(by)
		return s, found, err
	}
	return snapshot{}, schema{}, fault.Inputf("", "the table has no snapshot %d any more; it has %s", id, m.listed())
}

// chosen is the id of the snapshot that is read.
func (m *metadata) chosen(at At) (int64, error) {
	switch {
	case at.Snapshot != 0:
		return at.Snapshot, nil
	case at.Tag != "":
		found, ok := m.Refs[at.Tag]
		if !ok {
			return 0, fault.Inputf("", "the table has no tag or branch %q; it has %s", at.Tag, m.listedRefs())
		}
		return found.Snapshot, nil
	case at.AsOf != nil:
		return m.asOf(*at.AsOf)
	case m.CurrentSnapshot == nil || *m.CurrentSnapshot == -1:
		return 0, fault.Inputf("", "the table has no snapshot yet: nothing was written to it")
	}
	return *m.CurrentSnapshot, nil
}

// asOf is the snapshot that was current at an instant.
func (m *metadata) asOf(instant int64) (int64, error) {
	var found *logEntry
	for i, entry := range m.Log {
		// Division, since the product of a forged time might overflow.
		before := entry.Milliseconds <= lake.Milliseconds(instant)
		if before && (found == nil || entry.Milliseconds >= found.Milliseconds) {
			found = &m.Log[i]
		}
	}
	if found == nil {
		return 0, fault.Inputf("", "the table has no snapshot of as_of or before")
	}
	return found.Snapshot, nil
}

// schema finds a schema by its id.
func (m *metadata) schema(id *int) (schema, error) {
	for _, s := range m.Schemas {
		if id != nil && s.ID == *id {
			return s, nil
		}
	}
	return schema{}, fault.Inputf("", "the table's metadata lacks the schema of the snapshot")
}

func (m *metadata) listed() string {
	ids := make([]string, 0, len(m.Snapshots))
	for _, s := range m.Snapshots {
		ids = append(ids, fmt.Sprint(s.ID))
	}
	return lake.Listed(ids)
}

func (m *metadata) listedRefs() string { return lake.Listed(slices.Sorted(maps.Keys(m.Refs))) }
