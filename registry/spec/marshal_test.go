package spec_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"
	"pgregory.net/rapid"

	"github.com/plumbstore/plumb/compute/aggregate"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry/spec"
)

func TestDefinitionsAreWrittenAsPeopleWriteThem(t *testing.T) {
	set, err := spec.Load(nycflights, []string{"features"})
	if err != nil {
		t.Fatal(err)
	}
	weather := set.Definitions.GetFeatureViews()[0]
	text, err := spec.Marshal(&plumbv1.Definitions{FeatureViews: []*plumbv1.FeatureView{weather}})
	if err != nil {
		t.Fatal(err)
	}
	compareGolden(t, "testdata/weather.yaml", string(text))
	text, err = spec.Marshal(weather)
	if err != nil || !strings.HasPrefix(string(text), "name: weather\nentities: [airport]\n") {
		t.Errorf("a single view is written as %v\n%s", err, text)
	}
}

func TestDurationsThatLoadNeverReadsAreNotWritten(t *testing.T) {
	view := &plumbv1.FeatureView{Name: "weather", Ttl: durationpb.New(time.Nanosecond)}
	if text, err := spec.Marshal(view); err == nil {
		t.Errorf("a ttl of a nanosecond is written as\n%s", text)
	}
}

func TestDefinitionsReadBackAsTheyWereWritten(t *testing.T) {
	folder := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		want := drawDefinitions(rt)
		text, err := spec.Marshal(want)
		if err != nil {
			rt.Fatal(err)
		}
		if err := os.WriteFile(folder+"/a.yaml", text, 0o644); err != nil {
			rt.Fatal(err)
		}
		set, err := spec.Load(folder, []string{"a.yaml"})
		if err != nil {
			rt.Fatalf("%v\n%s", err, text)
		}
		if diff := cmp.Diff(want, set.Definitions, protocmp.Transform()); diff != "" {
			rt.Fatalf("%s\n%s", diff, text)
		}
	})
}

// oddTexts are what YAML writers get wrong.
var oddTexts = []string{
	"", "~", "5", "1e3", "0x1f", "null", "true", "2013-01-01", "<<", "=", "%a", "...", "---", "---\na\n---\nb", "- a",
	"a: b", "# a", "|", "'", `"`, " a ", "\ta", "a\nb\n", "a\n  b\n\n\n", "a\n\tb", "\n\n a", "a\r\nb", "é\u00a0",
	"😀\n\nb \nc", "a\u2028b", "a\u0085", "\ufeffa", "\x7f", "\x00",
}

// drawDefinitions draws definitions that obey the field rules, with texts that YAML could take for something else.
func drawDefinitions(t *rapid.T) *plumbv1.Definitions {
	name := rapid.OneOf(rapid.StringMatching(`[a-z][a-z0-9]{0,5}(_[a-z0-9]{1,3}){0,2}_?`),
		rapid.SampledFrom([]string{"yes", "no", "null", "true", "off", "y"}))
	text := rapid.OneOf(rapid.SampledFrom(oddTexts), rapid.StringMatching(`[ -~\n]{1,30}`))
	texts := rapid.MapOfN(rapid.StringMatching(`[ -~]{1,5}`), text, 0, 2)
	parquet := &plumbv1.Source{Name: name.Draw(t, "source"), Kind: &plumbv1.Source_Parquet{Parquet: &plumbv1.ParquetSource{
		Path: "x" + text.Draw(t, "path"),
	}}, EventTimestamp: text.Draw(t, "column"), Tags: texts.Draw(t, "tags")}
	query := &plumbv1.Source{Name: name.Draw(t, "source"), Kind: &plumbv1.Source_Sql{Sql: &plumbv1.SqlSource{
		Query: "SELECT 1" + text.Draw(t, "query"),
	}}}
	view := &plumbv1.FeatureView{
		Name: name.Draw(t, "view"), Source: "s" + text.Draw(t, "source"), Description: text.Draw(t, "description"),
		Features: []*plumbv1.Feature{{Name: name.Draw(t, "feature"), Type: drawType(t), Column: text.Draw(t, "column")}},
	}
	if microseconds := rapid.Int64Range(0, 1<<53).Draw(t, "ttl"); microseconds > 0 {
		view.Ttl = durationpb.New(time.Duration(microseconds/1000) * time.Millisecond)
		if view.GetTtl().AsDuration() == 0 {
			view.Ttl = nil
		}
	}
	if rapid.Bool().Draw(t, "says online") {
		view.Online = new(rapid.Bool().Draw(t, "online"))
	}
	reference := &plumbv1.ViewReference{View: "v" + text.Draw(t, "view"), As: name.Draw(t, "as"),
		Features: []string{"f" + text.Draw(t, "feature")}}
	for key, value := range texts.Draw(t, "join keys") {
		reference.JoinKeys = map[string]string{key: "c" + value}
	}
	return &plumbv1.Definitions{
		Sources:      []*plumbv1.Source{parquet, query},
		FeatureViews: []*plumbv1.FeatureView{view, drawAggregated(t)},
		FeatureServices: []*plumbv1.FeatureService{{
			Name: name.Draw(t, "service"), FullNames: rapid.Bool().Draw(t, "full"),
			Features: []*plumbv1.ViewReference{reference},
		}},
	}
}

// drawAggregated draws a view with aggregations, of which only the form is right.
func drawAggregated(t *rapid.T) *plumbv1.FeatureView {
	window := rapid.SampledFrom([]string{"1h", "30d", "lifetime", "1.5s", "90m"})
	view := &plumbv1.FeatureView{Name: "aggregated", Source: "s"}
	for range rapid.IntRange(1, 3).Draw(t, "aggregations") {
		view.Aggregations = append(view.Aggregations, &plumbv1.Aggregation{
			Of:        rapid.SampledFrom(oddTexts).Draw(t, "of"),
			By:        rapid.SampledFrom(oddTexts).Draw(t, "by"),
			Largest:   rapid.Uint32().Draw(t, "largest"),
			Hop:       rapid.SampledFrom([]string{"", "exact", "5m"}).Draw(t, "hop"),
			As:        rapid.SampledFrom([]string{"", "yes", "total"}).Draw(t, "as"),
			Windows:   rapid.SliceOfN(window, 1, 4).Draw(t, "windows"),
			Functions: rapid.SliceOfN(rapid.Custom(drawFunction), 1, 4).Draw(t, "functions"),
		})
	}
	return view
}

func drawFunction(t *rapid.T) *plumbv1.AggregateFunction {
	f := &plumbv1.AggregateFunction{Name: string(rapid.SampledFrom(aggregate.Functions).Draw(t, "function"))}
	switch f.GetName() {
	case "last_n":
		f.N = rapid.Uint32().Draw(t, "n")
	case "percentile":
		f.Quantiles = rapid.SliceOf(rapid.Float64()).Draw(t, "quantiles")
		f.Error = rapid.SampledFrom([]float64{0, 1, 0.01, 5e-324, 1e300}).Draw(t, "error")
	case "top_k":
		f.N = rapid.Uint32().Draw(t, "n")
		fallthrough
	default:
		f.MaxValues = rapid.Uint32().Draw(t, "max values")
	}
	return f
}

func drawType(t *rapid.T) plumbv1.Type {
	return plumbv1.Type(rapid.Int32Range(1, int32(plumbv1.Type_TIMESTAMP_ARRAY)).Draw(t, "type"))
}
