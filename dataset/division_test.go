package dataset

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/store/offline"
)

// division divides the sample into two parts.
func division() *Division {
	begun := sample()
	begun.Sources, begun.Output, begun.File, begun.Within, begun.Outside = nil, Output{}, nil, "", nil
	begun.Uses[0].Matched = 0
	between := feature.Instant(5)
	inputs := []feature.Input{
		{Source: "weather_hourly", Name: "data/weather.parquet", Version: feature.FileVersion{Size: 30, Footer: "f"}},
		{Source: "flights", Name: "/lake/1.parquet", Version: feature.FileVersion{Size: 20, Footer: "g"}},
	}
	return Divide(begun, []offline.LabelShard{
		{Window: offline.Window{End: between}, Rows: 3, Inputs: inputs},
		{Window: offline.Window{Start: &between, End: 9}, Rows: 3, Inputs: inputs},
	})
}

// partOf is the manifest of a part that holds what the sample holds.
func partOf(t *testing.T, d *Division, number int) *Manifest {
	t.Helper()
	part, err := d.Begin(number)
	if err != nil {
		t.Fatal(err)
	}
	part.Sources, part.Output = sample().Sources[number:number+1], sample().Output
	part.Uses[0].Matched = 2
	return part
}

// folder is the manifest of a training set in two files.
func folder(t *testing.T) *Manifest {
	t.Helper()
	d := division()
	whole, err := d.Whole([]*Manifest{partOf(t, d, 0), partOf(t, d, 1)})
	if err != nil {
		t.Fatal(err)
	}
	return whole
}

func TestAManifest_OfFormat7MayHaveParts(t *testing.T) {
	text, err := os.ReadFile("../testdata/compat/manifest-v7.json")
	if err != nil {
		t.Fatal(err)
	}
	if written := string(marshalled(t, folder(t))); written != strings.TrimSuffix(string(text), "\n") {
		t.Errorf("it is written as\n%s", written)
	}
	got, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if got.Output.Rows != 6 || got.Output.Columns[2].Nulls != 2 || got.Output.Columns[2].Statuses["PRESENT"] != 4 ||
		got.Uses[0].Matched != 4 || got.Output.Columns[2].Distribution.NaNs != 2 {
		t.Errorf("its parts do not add up: %+v", got)
	}
	if diff := cmp.Diff(sample().Sources, got.Sources); diff != "" {
		t.Error(diff)
	}
	if why := got.contradictedParts() + got.contradictedFiles() + got.Output.contradicted(); why != "" {
		t.Error(why)
	}
	for name, spoil := range map[string]func(*Manifest){
		"rows that do not add up": func(m *Manifest) { m.Parts[0].Rows++ },
		"a file elsewhere":        func(m *Manifest) { m.Parts[0].Name = "../part-00000-of-00002.parquet" },
		"a file less":             func(m *Manifest) { m.Parts = m.Parts[:1] },
		"a file without a digest": func(m *Manifest) { m.Parts[1].Digest = "" },
		"a part of a part":        func(m *Manifest) { m.Shard = &Shard{} },
	} {
		spoilt := folder(t)
		spoil(spoilt)
		if spoilt.contradictedParts() == "" {
			t.Errorf("%s contradicts nothing", name)
		}
	}
}

func TestADivision_IsReadAsItWasWrittenAndAskedForByItsRequestAlone(t *testing.T) {
	text, err := os.ReadFile("../testdata/compat/division-v1.json")
	if err != nil {
		t.Fatal(err)
	}
	written, err := division().Marshal()
	if err != nil || string(written) != strings.TrimSuffix(string(text), "\n") {
		t.Errorf("it is written as\n%s, %v", written, err)
	}
	read, err := ParseDivision(text)
	if err != nil {
		t.Fatal(err)
	}
	was, err := division().ID()
	if is, failed := read.ID(); err != nil || failed != nil || was != is {
		t.Errorf("its ID is %s and was %s, %v", is, was, failed)
	}
	if others := read.Asks(&division().Begun, 2); others != "" {
		t.Errorf("its own request asks for %s", others)
	}
	for want, change := range map[string]func(*Manifest){
		"statuses: false in the place of true": func(m *Manifest) { m.Options.Statuses = false },
		"features: ":                           func(m *Manifest) { m.Selection.Features = []string{"weather:gust"} },
		"labels: ":                             func(m *Manifest) { m.Labels.Digest = sampleDigest("other") },
		"definition of weather: ":              func(m *Manifest) { m.Views = []View{{Name: "weather", Hash: "y"}} },
		"project: ":                            func(m *Manifest) { m.Project = "test" },
	} {
		other := division().Begun
		change(&other)
		if others := read.Asks(&other, 2); !strings.HasPrefix(others, want) {
			t.Errorf("another request asks for %q, want %q", others, want)
		}
	}
	if others := read.Asks(&division().Begun, 3); others != "shards: 3 in the place of 2" {
		t.Errorf("three shards ask for %q", others)
	}
	for name, damage := range map[string]string{
		"is damaged": "{", "it is damaged": `{"format":1}`, "its format 2 is written by a newer version": `{"format":2}`,
	} {
		if _, err := ParseDivision([]byte(damage)); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s is %v", damage, err)
		}
	}
}

func TestAPart_CountsOnlyForItsOwnDivisionAndNumber(t *testing.T) {
	d := division()
	part := partOf(t, d, 1)
	if is, err := d.IsPart(1, part); err != nil || !is {
		t.Errorf("it is not its part, %v", err)
	}
	other := division()
	other.Inputs[0].Version = feature.FileVersion{Size: 31, Footer: "f"}
	fewer := *part
	fewer.Output.Rows = 2
	for name, is := range map[string]func() (bool, error){
		"another number":              func() (bool, error) { return d.IsPart(0, part) },
		"other inputs":                func() (bool, error) { return other.IsPart(1, part) },
		"fewer rows":                  func() (bool, error) { return d.IsPart(1, &fewer) },
		"a training set in one file":  func() (bool, error) { return d.IsPart(1, sample()) },
		"no manifest":                 func() (bool, error) { return d.IsPart(1, nil) },
		"the manifest of the folder ": func() (bool, error) { return d.IsPart(1, folder(t)) },
	} {
		if counts, err := is(); err != nil || counts {
			t.Errorf("%s: it counts, %v", name, err)
		}
	}
}

func TestFinding_AFileOfSeveralLeadsToTheFolder(t *testing.T) {
	at := t.TempDir()
	write := func(text []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(at, FolderManifest), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Find(at); err == nil || !strings.Contains(err.Error(), "has no manifest _plumb.manifest") {
		t.Errorf("without one: %v", err)
	}
	write(marshalled(t, folder(t)))
	for _, path := range []string{at, at + "/", filepath.Join(at, FolderManifest)} {
		found, err := Find(path)
		if err != nil || found.Check.State != Same || len(found.Manifest.Parts) != 2 {
			t.Errorf("%s: %+v, %v", path, found, err)
		}
	}
	write([]byte(strings.Replace(string(marshalled(t, folder(t))), `"rows":6`, `"rows":7`, 1)))
	if found, err := Find(at); err != nil || found.Manifest != nil || found.Check.State != Changed {
		t.Errorf("edited: %+v, %v", found, err)
	}
	write(marshalled(t, sample()))
	if _, err := Find(at); err == nil || !strings.Contains(err.Error(), "it is not that of a folder") {
		t.Errorf("of one file: %v", err)
	}
}

// The percentiles of a column in several files are those of its values, to about two percentiles.
func TestTheDistributionOfSeveralFilesIsThatOfTheirRows(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	var all []Number
	var columns []Column
	var parts []Output
	for part := range 4 {
		values := make([]Number, 2000*part)
		for i := range values {
			values[i] = Number(random.NormFloat64()*float64(part) + 3*float64(part))
		}
		all = append(all, values...)
		slices.Sort(values)
		d := &Distribution{}
		if len(values) > 0 {
			d.Min, d.Max, d.Mean = &values[0], &values[len(values)-1], number(mean(values))
			for k := range percentiles {
				d.Percentiles = append(d.Percentiles, values[max(int(math.Ceil(float64(k*len(values))/100))-1, 0)])
			}
		}
		columns = append(columns, Column{Name: "x", Type: "FLOAT64", Nulls: 7, Distribution: d})
		parts = append(parts, Output{Rows: int64(len(values)) + 7})
	}
	columns[0].Distribution = nil // As of a column without values.
	whole := joinedDistribution(columns, parts)
	slices.Sort(all)
	if *whole.Min != all[0] || *whole.Max != all[len(all)-1] || math.Abs(float64(*whole.Mean)-mean(all)) > 1e-9 {
		t.Errorf("it has %v, %v and %v", *whole.Min, *whole.Mean, *whole.Max)
	}
	for k, value := range whole.Percentiles {
		if share := 100 * shareUpTo(all, value); math.Abs(share-float64(k)) > 2 {
			t.Errorf("percentile %d is at %.1f", k, share)
		}
	}
	if why := whole.contradicted(int64(len(all))); why != "" {
		t.Error(why)
	}
	columns[1].Distribution = nil
	if joinedDistribution(columns, parts) != nil {
		t.Error("a column with a file that says nothing has a distribution")
	}
}

func mean(values []Number) float64 {
	sum := 0.0
	for _, value := range values {
		sum += float64(value)
	}
	return sum / float64(len(values))
}
