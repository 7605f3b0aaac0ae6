package dataset

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbstore/plumb/registry"
)

// sample is a manifest with something of everything.
func sample() *Manifest {
	at := time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC)
	return &Manifest{
		Format: Format, Project: "nycflights", CreatedAt: at, Plumb: "v1.0.0", Engine: "v1.5.6", Revision: 7,
		Views:     []View{{Name: "weather", Hash: "x"}},
		Selection: Selection{Features: []string{"weather:temp"}, FullNames: true},
		Options:   Options{TimestampColumn: "event_timestamp", Statuses: true},
		Uses: []Use{{Alias: "weather", View: "weather", Matched: 2,
			Keys: []Key{{Name: "airport", Column: "origin"}}}},
		Labels: File{Path: "data/labels.parquet", Size: 10, Modified: at, Digest: "sha256:l"},
		Sources: []SourceFile{
			{Source: "weather_hourly", File: File{Path: "data/weather.parquet", Size: 30, Modified: at, Digest: "sha256:w"}},
			{Source: "flights", File: File{Path: "data/1.parquet", Size: 20, Modified: at, Digest: "sha256:1"}},
		},
		Output: Output{Name: "training.parquet", Rows: 3, Digest: "sha256:c", Columns: []Column{
			{Name: "origin", Kind: LabelColumn, Type: "text", Digest: "sha256:d", Sensitive: true},
			{Name: "event_timestamp", Kind: LabelColumn, Type: "timestamp[us, UTC]", Digest: "sha256:e"},
			{Name: "temp", Kind: FeatureColumn, View: "weather", Feature: "temp", Type: "FLOAT64", Digest: "sha256:f",
				Nulls: 1, Statuses: map[string]int64{"PRESENT": 2, "NOT_FOUND": 1},
				Distribution: &Distribution{NaNs: 1, Min: number(1.5), Max: number(1.5), Mean: number(1.5),
					Percentiles: slices.Repeat([]Number{1.5}, percentiles)}},
			{Name: "temp__status", Kind: StatusColumn, View: "weather", Feature: "temp", Type: "text", Digest: "sha256:g"},
		}},
	}
}

func marshalled(t *testing.T, m *Manifest) []byte {
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
	if diff := cmp.Diff(sample(), got); diff != "" {
		t.Error(diff)
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
		strings.Replace(text, `"format":1`, `"format":2`, 1):            "its format 2 is written by a newer version",
		strings.Replace(text, `"project"`, `"purpose":"","project"`, 1): `unknown field "purpose"`,
		`{"a":1}`:   "it is no manifest: it has no format",
		`text`:      "it is no manifest: invalid character",
		text[1:]:    "it is no manifest",
		text + "{}": "it is no manifest",
	} {
		if _, err := Parse([]byte(wrong)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("it says %v, and should say %q", err, want)
		}
	}
	if _, err := Parse([]byte(`{"format":2}`)); !errors.Is(err, registry.ErrNewer) {
		t.Errorf("a newer format is %v", err)
	}
}

func TestFinding_TakesTheManifestBesideAndSaysInWhatItWasEdited(t *testing.T) {
	path := filepath.Join(t.TempDir(), "training.csv")
	if _, err := Find(path); err == nil || !strings.Contains(err.Error(), "has no manifest") {
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
	put(strings.Replace(text, `"format":1`, `"format":9`, 1))
	if _, err := Find(path); !errors.Is(err, registry.ErrNewer) || !strings.Contains(err.Error(), path+Suffix) {
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
	other.Sources[1].Digest = "sha256:2"
	got, err := Differences(sample(), other)
	want := []string{"options.statuses", "output.columns.temp.nulls", "sources.data/1.parquet.digest"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("they are %v, %v", got, err)
	}
	if got, err := Differences(sample(), sample()); err != nil || len(got) > 0 {
		t.Errorf("between two that are the same: %v, %v", got, err)
	}
}
