package dataset

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
)

// sampleDigest is some digest.
func sampleDigest(of string) string {
	sum := sha256.Sum256([]byte(of))
	return named(sum[:])
}

// sample is a manifest with something of everything.
func sample() *Manifest {
	m := &Manifest{
		Format: withoutOnDemand, Project: "nycflights", Revision: 7,
		Views:     []View{{Name: "weather", Hash: "x"}},
		Selection: Selection{Features: []string{"weather:temp"}, FullNames: true},
		Options:   Options{TimestampColumn: "event_timestamp", Statuses: true},
		Uses: []Use{{Alias: "weather", View: "weather", Matched: 2,
			Keys: []Key{{Name: "airport", Column: "origin"}}}},
		Labels: Labels{File: File{Path: "data/labels.parquet", Size: 10, Digest: sampleDigest("l")}},
		Sources: []SourceFile{
			{Source: "weather_hourly", File: File{Path: "data/weather.parquet", Size: 30, Digest: sampleDigest("w")}},
			{Source: "flights", File: File{Path: "1.parquet", Outside: true, At: "/lake/1.parquet", Size: 20,
				Digest: sampleDigest("1")}},
		},
		Output:    Output{Rows: 3, Columns: sampleColumns()},
		CreatedAt: time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC), Plumb: "v1.0.0", Engine: "v1.5.6",
		Outside: []string{"/lake/1.parquet"},
		File:    &Written{Name: "training.parquet", Size: 40, Digest: sampleDigest("t")},
	}
	m.Output.Digest = contentDigest(m.Output.Rows, m.Output.Columns)
	within, err := m.MarshalWithin()
	if err != nil {
		panic(err) //nolint:forbidigo // A sample that cannot be written is a mistake in the tests.
	}
	m.Within = sealOf(within)
	return m
}

func sampleColumns() []Column {
	return []Column{
		{Name: "origin", Kind: LabelColumn, Type: "text", Digest: sampleDigest("d"), Sensitive: true},
		{Name: "event_timestamp", Kind: LabelColumn, Type: "timestamp[us, UTC]", Digest: sampleDigest("e")},
		{Name: "temp", Kind: FeatureColumn, View: "weather", Feature: "temp", Type: "FLOAT64", Digest: sampleDigest("f"),
			Nulls: 1, Statuses: map[string]int64{"PRESENT": 2, "NOT_FOUND": 1},
			Distribution: &Distribution{NaNs: 1, Min: number(1.5), Max: number(1.5), Mean: number(1.5),
				Percentiles: slices.Repeat([]Number{1.5}, percentiles)}},
		{Name: "temp__status", Kind: StatusColumn, View: "weather", Feature: "temp", Type: "text",
			Digest: sampleDigest("g")},
	}
}

// firstSample is what ../testdata/compat/manifest-v1.json says: it was the sample of format 1.
func firstSample() *Manifest {
	m := sample()
	at := m.CreatedAt
	m.Format, m.Within, m.Outside, m.File, m.Output.Name = 1, "", nil, nil, "training.parquet"
	m.Labels.Digest, m.Labels.Modified = "sha256:l", at
	m.Sources[0].Digest, m.Sources[0].Modified = "sha256:w", at
	m.Sources[1].File = File{Path: "data/1.parquet", Size: 20, Modified: at, Digest: "sha256:1"}
	m.Output.Digest = "sha256:c"
	for i, digest := range []string{"sha256:d", "sha256:e", "sha256:f", "sha256:g"} {
		m.Output.Columns[i].Digest = digest
	}
	return m
}

func marshalled(t testing.TB, m *Manifest) []byte {
	t.Helper()
	text, err := m.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestAManifest_IsReadAsItWasWritten(t *testing.T) {
	text := marshalled(t, sample())
	var indented bytes.Buffer
	if err := json.Indent(&indented, text, "", "  "); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{"as it is": text, "on many lines": indented.Bytes()} {
		got, err := Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(sample(), got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// What older versions wrote stays readable.
func TestAManifest_OfFormat1IsRead(t *testing.T) {
	text, err := os.ReadFile("../testdata/compat/manifest-v1.json")
	if err != nil {
		t.Fatal(err)
	}
	got, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(firstSample(), got); diff != "" {
		t.Error(diff)
	}
}

func TestAManifest_OfFormat2IsRead(t *testing.T) {
	text, err := os.ReadFile("../testdata/compat/manifest-v2.json")
	if err != nil {
		t.Fatal(err)
	}
	got, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	want := sample()
	want.Format, want.Within = 2, got.Within
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got.common().Revision != want.Revision {
		t.Error("the manifest within a file of format 2 has the revision")
	}
}

func TestAManifest_OfFormat3IsReadAndWritten(t *testing.T) {
	text, err := os.ReadFile("../testdata/compat/manifest-v3.json")
	if err != nil {
		t.Fatal(err)
	}
	got, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sample(), got); diff != "" {
		t.Error(diff)
	}
	if written := string(marshalled(t, sample())); written != strings.TrimSuffix(string(text), "\n") {
		t.Errorf("it is written as\n%s", written)
	}
}

// onDemand is the sample with a computed feature.
func onDemand(t *testing.T) *Manifest {
	t.Helper()
	m := sample()
	m.Format, m.Views = withoutObjects, append(m.Views, View{Name: "trip", Hash: "y"})
	m.Output.Columns = append(m.Output.Columns, Column{Name: "ratio", Kind: FeatureColumn, View: "trip", Feature: "ratio",
		Type: "INT64", Digest: sampleDigest("r"), Nulls: 2, Statuses: map[string]int64{"PRESENT": 1, "INVALID": 2}})
	m.Output.Digest = contentDigest(m.Output.Rows, m.Output.Columns)
	within, err := m.MarshalWithin()
	if err != nil {
		t.Fatal(err)
	}
	m.Within = sealOf(within)
	return m
}

func TestAManifest_OfFormat4MayHaveOnDemandViews(t *testing.T) {
	text, err := os.ReadFile("../testdata/compat/manifest-v4.json")
	if err != nil {
		t.Fatal(err)
	}
	got, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(onDemand(t), got); diff != "" {
		t.Error(diff)
	}
	if written := string(marshalled(t, onDemand(t))); written != strings.TrimSuffix(string(text), "\n") {
		t.Errorf("it is written as\n%s", written)
	}
}

// ofObjects is the sample with an object among the sources.
func ofObjects(t *testing.T) *Manifest {
	t.Helper()
	m := sample()
	sources := slices.Clone(m.Sources)
	sources[0].File = File{Path: "s3://lake/weather.parquet", Size: 30, ETag: "c2ca56175ed64d0737da859e0205ab80-3"}
	m.MadeOf(m.Labels, sources)
	within, err := m.MarshalWithin()
	if err != nil {
		t.Fatal(err)
	}
	m.Within = sealOf(within)
	return m
}

func TestAManifest_OfFormat5MayHaveObjects(t *testing.T) {
	text, err := os.ReadFile("../testdata/compat/manifest-v5.json")
	if err != nil {
		t.Fatal(err)
	}
	got, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(ofObjects(t), got); diff != "" {
		t.Error(diff)
	}
	if written := string(marshalled(t, ofObjects(t))); written != strings.TrimSuffix(string(text), "\n") {
		t.Errorf("it is written as\n%s", written)
	}
	if why := got.contradictedFiles(); why != "" {
		t.Error(why)
	}
	for name, spoil := range map[string]func(*SourceFile){
		"an object without a version": func(s *SourceFile) { s.ETag = "" },
		"an object with a digest":     func(s *SourceFile) { s.Digest = "sha256:" },
		"a file with an ETag":         func(s *SourceFile) { s.Path = "data/weather.parquet" },
	} {
		spoilt := ofObjects(t)
		spoil(&spoilt.Sources[0])
		if spoilt.contradictedFiles() == "" {
			t.Errorf("%s contradicts nothing", name)
		}
	}
}

func TestObjectsAreComparedByTheirVersions(t *testing.T) {
	was := ofObjects(t).Sources[0]
	same := feature.Input{Source: was.Source, Name: was.Path,
		Version: feature.ObjectVersion{Size: was.Size, ETag: was.ETag}}
	other := same
	other.Version = feature.ObjectVersion{Size: was.Size, ETag: "other"}
	for _, test := range []struct {
		in   inputs
		now  []feature.Input
		want State
	}{
		{inputs{}, []feature.Input{same}, Same},
		{inputs{}, []feature.Input{other}, Changed},
		{inputs{}, nil, Missing},
		{inputs{further: &Check{Detail: "the server is not there"}}, nil, NotCompared},
	} {
		found := test.in.versioned(was, test.now, "/p")
		if found.State != test.want || (found.Path != "") != (test.want == Same) {
			t.Errorf("%v is %+v, and not %v", test.now, found, test.want)
		}
	}
	made := ofObjects(t)
	made.Sources = slices.Clone(made.Sources)
	made.Sources[0].ETag = "other"
	if err := made.Reproduces(ofObjects(t), nil); err == nil || !strings.Contains(err.Error(), was.Path) {
		t.Errorf("made of another version: %v", err)
	}
}

func TestTheManifestWithin_HasNothingThatVaries(t *testing.T) {
	varied := sample()
	varied.Revision++
	varied.CreatedAt, varied.Plumb, varied.Engine = varied.CreatedAt.Add(time.Hour), "v2", "v3"
	varied.File = &Written{Name: "other.parquet", Size: 1, Digest: sampleDigest("o")}
	varied.Sources[1].At, varied.Within = "/elsewhere/1.parquet", ""
	one, err := sample().MarshalWithin()
	if err != nil {
		t.Fatal(err)
	}
	other, err := varied.MarshalWithin()
	if err != nil || !bytes.Equal(one, other) {
		t.Errorf("%s\nis not\n%s, %v", other, one, err)
	}
	within, err := Parse(one)
	if err != nil || within.Sources[1].At != "" || within.Sources[1].Path != "1.parquet" {
		t.Errorf("it is read as %+v, %v", within, err)
	}
}

func TestAManifest_ThatWasEditedIsKnownByItsDigest(t *testing.T) {
	text := string(marshalled(t, sample()))
	for name, edited := range map[string]string{
		"an option":      strings.Replace(text, `"statuses":true`, `"statuses":false`, 1),
		"a number":       strings.Replace(text, `"rows":3`, `"rows":4`, 1),
		"a member less":  strings.Replace(text, `"full_names":true`, `"features":["weather:temp"]`, 1),
		"a member twice": strings.Replace(text, `"rows":3`, `"rows":4,"rows":3`, 1),
		"the digest":     text[:len(text)-3] + `x"}`,
		"no digest":      text[:strings.LastIndex(text, sealMember)] + "}",
		"after the seal": strings.TrimSuffix(text, "}") + `,"project":"other"}`,
	} {
		if got, err := Parse([]byte(edited)); !errors.Is(err, ErrEdited) || got == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAManifest_ThatCannotBeReadSaysWhy(t *testing.T) {
	text := string(marshalled(t, sample()))
	for wrong, want := range map[string]string{
		strings.Replace(text, `"format":3`, `"format":8`, 1):            "its format 8 is written by a newer version",
		strings.Replace(text, `"project"`, `"purpose":"","project"`, 1): `unknown field "purpose"`,
		`{"a":1}`:   "it is not a manifest: it has no format",
		`text`:      "it is not a manifest: invalid character",
		text[1:]:    "it is not a manifest",
		text + "{}": "it is not a manifest",
	} {
		if _, err := Parse([]byte(wrong)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("it says %v, and should say %q", err, want)
		}
	}
	if _, err := Parse([]byte(`{"format":8}`)); !errors.Is(err, fault.ErrNewer) {
		t.Errorf("a newer format is %v", err)
	}
}

func TestFinding_TakesTheManifestBesideAndSaysInWhatItWasEdited(t *testing.T) {
	path := filepath.Join(t.TempDir(), "training.csv")
	if _, err := Find(path); err == nil || !strings.Contains(err.Error(), "there is no "+path+", and no manifest") {
		t.Errorf("without one: %v", err)
	}
	put := func(text string) {
		if err := os.WriteFile(path+Suffix, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text := string(marshalled(t, sample()))
	put(text)
	for _, name := range []string{path, path + Suffix} {
		found, err := Find(name)
		if err != nil || found.Output != path || found.Check.State != Same || !cmp.Equal(found.Manifest, sample()) {
			t.Errorf("by %s: %+v, %v", name, found, err)
		}
	}
	put(strings.Replace(text, `"rows":3`, `"rows":4`, 1))
	if found, err := Find(path); err != nil || found.Manifest != nil || found.Check.State != Changed {
		t.Errorf("edited: %+v, %v", found, err)
	}
	put(strings.Replace(text, `"format":3`, `"format":9`, 1))
	if _, err := Find(path); !errors.Is(err, fault.ErrNewer) || !strings.Contains(err.Error(), path+Suffix) {
		t.Errorf("newer: %v", err)
	}
	if _, err := Find(path + ".gone" + Suffix); err == nil {
		t.Error("a manifest that is not there is found")
	}
}

func TestDifferences_AreNamedByTheWayThatLeadsToThem(t *testing.T) {
	other := sample()
	other.Options.Statuses = false
	other.Output.Columns[2].Nulls = 2
	other.Sources[0].Digest = "sha256:2"
	got, err := Differences(sample(), other)
	want := []string{"options.statuses", "output.columns.temp.nulls", "sources.data/weather.parquet.digest"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("they are %v, %v", got, err)
	}
	if got, err := Differences(sample(), sample()); err != nil || len(got) > 0 {
		t.Errorf("between two that are the same: %v, %v", got, err)
	}
}
