package dataset

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func uniform(from, to float64) Distribution {
	values := make([]float64, 1000)
	for i := range values {
		values[i] = from + (to-from)*float64(i)/999
	}
	return *distributionOf(floats(values...))
}

func TestKolmogorovSmirnov_IsTheGreatestDistance(t *testing.T) {
	for _, c := range []struct {
		name string
		a, b Distribution
		want float64
	}{
		{"the same", uniform(0, 1), uniform(0, 1), 0},
		{"apart", uniform(0, 1), uniform(2, 3), 1},
		{"half over", uniform(0, 1), uniform(0.5, 1.5), 0.5},
		{"within", uniform(0, 1), uniform(0.25, 0.75), 0.25},
		{"one value and another", *distributionOf(floats(1, 1, 1)), *distributionOf(floats(2)), 1},
	} {
		got, ok := KolmogorovSmirnov(c.a, c.b)
		if !ok || math.Abs(got-c.want) > 0.011 {
			t.Errorf("%s: it is %v, and should be %v", c.name, got, c.want)
		}
		if back, _ := KolmogorovSmirnov(c.b, c.a); back != got {
			t.Errorf("%s: it is %v one way and %v the other", c.name, got, back)
		}
	}
	if _, ok := KolmogorovSmirnov(uniform(0, 1), Distribution{}); ok {
		t.Error("it tells a distance from nothing")
	}
}

func TestPopulationStability_IsTheSumOverDeciles(t *testing.T) {
	a := uniform(0, 1)
	if got, ok := PopulationStability(a, a); !ok || got != 0 {
		t.Errorf("from itself it is %v", got)
	}
	// Half of the bins lose all of their tenth, so that it counts as a thousandth, and the others get twice as much.
	want := 5*(leastShare-0.1)*math.Log(leastShare/0.1) + 5*(0.2-0.1)*math.Log(2)
	if got, _ := PopulationStability(a, uniform(0.5, 1)); math.Abs(got-want) > 0.05 {
		t.Errorf("it is %v, and should be about %v", got, want)
	}
	if got, _ := PopulationStability(a, uniform(0.01, 1.01)); got > 0.05 {
		t.Errorf("of a shift by a hundredth it is %v", got)
	}
	texts := func(first, second int64) Distribution { return Distribution{Buckets: []int64{first, second}} }
	want = (0.25-0.5)*math.Log(0.5) + (0.75-0.5)*math.Log(1.5)
	if got, ok := PopulationStability(texts(5, 5), texts(1, 3)); !ok || math.Abs(got-want) > 1e-12 {
		t.Errorf("of texts it is %v, and should be %v", got, want)
	}
	if _, ok := PopulationStability(a, texts(1, 1)); ok {
		t.Error("it compares numbers with texts")
	}
}

func TestComparing_NamesEachDifference(t *testing.T) {
	a, b := sample(), sample()
	b.Revision, b.Views[0].Hash = 8, "y"
	b.Options.AsKnown, b.Options.Provenance = true, true
	b.Sources[1] = SourceFile{Source: "flights", File: File{Path: "data/2.parquet", Digest: "sha256:2"}}
	b.Labels.Digest = "sha256:other"
	b.Uses[0].Keys[0].Column = "dest"
	b.Output.Digest = "sha256:other"
	b.Output.Columns[2].Digest, b.Output.Columns[2].Nulls = "sha256:o", 1
	b.Output.Columns = append(b.Output.Columns[:3:3], Column{Name: "new", Type: "INT64"})
	got := Compare(a, b)
	want := []Entry{
		{"revision", "", Changed, "7", "8"},
		{"definition", "weather", Changed, "x", "y"},
		{"use", "weather", Changed, "weather, airport from origin", "weather, airport from dest"},
		{"option", "as_known", Changed, "false", "true"},
		{"option", "provenance", Changed, "false", "true"},
		{"labels", "", Changed, "10 bytes, " + sampleDigest("l"), "10 bytes, sha256:other"},
		{"source", "flights: 1.parquet", Missing, sampleDigest("1"), ""},
		{"source", "flights: data/2.parquet", Added, "", "sha256:2"},
	}
	if diff := cmp.Diff(want, got.Entries); diff != "" || got.Same {
		t.Errorf("the entries: %s", diff)
	}
	states := map[string]State{}
	for _, column := range got.Columns {
		states[column.Name] = column.State
	}
	if diff := cmp.Diff(map[string]State{"origin": Same, "event_timestamp": Same, "temp": Changed,
		"temp__status": Missing, "new": Added}, states); diff != "" {
		t.Errorf("the columns: %s", diff)
	}
	if same := Compare(a, sample()); !same.Same || len(same.Entries) > 0 {
		t.Errorf("two that are the same differ in %v", same.Entries)
	}
}
