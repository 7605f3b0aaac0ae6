package dataset

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbstore/plumb/feature"
)

func ofTables(t *testing.T) *Manifest {
	t.Helper()
	m := sample()
	sources := slices.Clone(m.Sources)
	sources[0].File = File{Path: "data/weather/metadata/v1.metadata.json",
		Table: &TableVersion{UUID: "c9cc1dac-a1a0-4b5d-8a3b-4f4bbd8e5f3a", Snapshot: 7000000000000000007, Schema: 2}}
	m.MadeOf(m.Labels, sources)
	within, err := m.MarshalWithin()
	if err != nil {
		t.Fatal(err)
	}
	m.Within = sealOf(within)
	return m
}

func TestAManifest_OfFormat6MayHaveTables(t *testing.T) {
	text, err := os.ReadFile("../testdata/compat/manifest-v6.json")
	if err != nil {
		t.Fatal(err)
	}
	got, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(ofTables(t), got); diff != "" {
		t.Error(diff)
	}
	if written := string(marshalled(t, ofTables(t))); written != strings.TrimSuffix(string(text), "\n") {
		t.Errorf("it is written as\n%s", written)
	}
	if why := got.contradictedFiles(); why != "" {
		t.Error(why)
	}
	for name, spoil := range map[string]func(*Manifest){
		"a table with a digest":      func(m *Manifest) { m.Sources[0].Digest = m.Sources[1].Digest },
		"a table with a size":        func(m *Manifest) { m.Sources[0].Size = 7 },
		"a table with an ETag":       func(m *Manifest) { m.Sources[0].ETag = "e" },
		"a table without a name":     func(m *Manifest) { m.Sources[0].Path = "" },
		"a table in an older format": func(m *Manifest) { m.Format = withoutTables },
		"labels that are of a table": func(m *Manifest) { m.Labels.File = m.Sources[0].File },
	} {
		spoilt := ofTables(t)
		spoil(spoilt)
		if spoilt.contradictedFiles() == "" {
			t.Errorf("%s contradicts nothing", name)
		}
	}
}

func TestTablesAreComparedByTheirSnapshots(t *testing.T) {
	was := ofTables(t).Sources[0]
	at := func(table string, snapshot int64, kept ...int64) []feature.Input {
		return []feature.Input{{Source: was.Source, Name: was.Path,
			Version: feature.TableVersion{Table: table, Snapshot: snapshot, Schema: 2, Kept: kept}}}
	}
	uuid, id := was.Table.UUID, was.Table.Snapshot
	for _, test := range []struct {
		in    inputs
		now   []feature.Input
		want  State
		added int
	}{
		{inputs{}, at(uuid, id, id), Same, 0},
		{inputs{}, at(uuid, 8, id, 8), Same, 1},
		{inputs{}, at(uuid, 8, 8), Missing, 0},
		{inputs{}, at("another", id, id), Changed, 0},
		{inputs{}, nil, Missing, 0},
		{inputs{further: &Check{Detail: "its metadata cannot be read"}}, nil, NotCompared, 0},
	} {
		found := test.in.versioned(was, test.now, "/p")
		if found.State != test.want || (found.Path == "/p/"+was.Path) != (test.want == Same) ||
			len(test.in.added) != test.added {
			t.Errorf("%v is %+v, and not %v; added %v", test.now, found, test.want, test.in.added)
		}
	}
}

func TestManifestsOfObjectsAndTablesDifferByTheirVersions(t *testing.T) {
	table, object := ofTables(t), ofObjects(t)
	later, other := ofTables(t), ofObjects(t)
	later.Sources[0].Table.Snapshot++
	other.Sources[0].ETag = "other"
	if cmp.Equal(sources(table), sources(later)) || cmp.Equal(sources(object), sources(other)) {
		t.Error("another version is the same source")
	}
}
