package feature_test

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

func hash(t *testing.T, state *plumbv1.State, view string) string {
	t.Helper()
	snapshot, err := feature.NewSnapshot("flights", 3, state)
	if err != nil {
		t.Fatal(err)
	}
	resolved, err := snapshot.View(view)
	if err != nil {
		t.Fatal(err)
	}
	return resolved.Hash.String()
}

// Each hash can be had with sha256sum from the lines that the documentation of DefinitionHash gives.
func TestTheHashesOfDefinitionsArePinned(t *testing.T) {
	s := state()
	s.Definitions.FeatureViews[1].PushLog = &plumbv1.PushLog{Path: "data/pushed/route"}
	for view, want := range map[string]string{
		"weather":  "7537d19347846a665263e52713df8c0fb958c641b6af5150e0d445737efd38a8",
		"route":    "cd1a2aa6359c744c76abfe40c5f208f8f3c3d5cbcbdb5158ec55fa3dd33b38e5",
		"calendar": "89d0cdcb872748369c12af3588e250e36584678d5834cfe37793dabb520d3452",
	} {
		if got := hash(t, s, view); got != want {
			t.Errorf("%s has the hash %s, want %s: what was noted under it can no longer be compared. Where that is meant, "+
				"raise the number in the first line.", view, got, want)
		}
	}
}

// The hash of a view over CSV and that over JSON lines can be had as those of the others.
func TestTheHashesOfViewsOverTextArePinned(t *testing.T) {
	s := state()
	for _, c := range []struct {
		kind *plumbv1.Source
		want string
	}{
		{&plumbv1.Source{Kind: &plumbv1.Source_Postgres{Postgres: &plumbv1.PostgresSource{
			Connection: "warehouse", Query: "SELECT 1", Path: "data/hourly", Overlap: durationpb.New(time.Minute)}}},
			"95fcd9918d35dbe7233e79fc3f7810e8dceae128a0a88b6da25b054d75e9be16"},
		{&plumbv1.Source{Kind: &plumbv1.Source_Csv{Csv: &plumbv1.CsvSource{Path: "data/hourly.csv"}}},
			"36d9851f4dc608663947f98e0a1926346bfa1e8bbe0f2371e5255610159cd7db"},
		{&plumbv1.Source{Kind: &plumbv1.Source_Jsonl{Jsonl: &plumbv1.JsonLinesSource{Path: "data/hourly.jsonl"}}},
			"52dad4e0858a9e4d3c005ecd6771ccd6df765ff51ac87e7fb7b98d7e0e034526"},
	} {
		s.Definitions.Sources[0].Kind = c.kind.Kind
		if got := hash(t, s, "weather"); got != c.want {
			t.Errorf("%v: got %s, want %s", c.kind, got, c.want)
		}
	}
}

func TestAHashChangesWithWhatDecidesValuesAndWithNothingElse(t *testing.T) {
	weather := func(s *plumbv1.State) *plumbv1.FeatureView { return s.Definitions.FeatureViews[0] }
	for _, c := range []struct {
		name string
		edit func(s *plumbv1.State)
		// changed are the views whose hash changes: calendar reads the source of the others by a query.
		changed string
	}{
		{"a description", func(s *plumbv1.State) { weather(s).Description = "hourly" }, ""},
		{"a tag", func(s *plumbv1.State) { weather(s).Features[0].Tags = map[string]string{"unit": "F"} }, ""},
		{"an entity's name", func(s *plumbv1.State) {
			s.Definitions.Entities[1].Name, s.Definitions.FeatureViews[1].Entities[0] = "leg", "leg"
		}, ""},
		{"what is online", func(s *plumbv1.State) { weather(s).Online = new(false) }, ""},
		{"a lookback", func(s *plumbv1.State) { weather(s).Lookback = durationpb.New(time.Hour) }, ""},
		{"what is sensitive", func(s *plumbv1.State) { weather(s).Features[0].Sensitive = true }, ""},
		{"the order of features over files", func(s *plumbv1.State) {
			features := weather(s).Features
			features[0], features[1] = features[1], features[0]
		}, ""},
		{"a column that is spelled out", func(s *plumbv1.State) { weather(s).Features[0].Column = "temp" }, ""},
		{"a generation", func(s *plumbv1.State) { s.Views[0].Generation = 3 }, ""},
		{"a source that is not read", func(s *plumbv1.State) {
			s.Definitions.Sources = append(s.Definitions.Sources, &plumbv1.Source{Name: "daily"})
		}, ""},
		{"a ttl", func(s *plumbv1.State) { weather(s).Ttl = durationpb.New(3*time.Hour + time.Microsecond) }, "weather"},
		{"no ttl", func(s *plumbv1.State) { weather(s).Ttl = nil }, "weather"},
		{"a column", func(s *plumbv1.State) { weather(s).Features[0].Column = "dewpoint" }, "weather"},
		{"a type", func(s *plumbv1.State) { weather(s).Features[0].Type = plumbv1.Type_FLOAT32 }, "weather"},
		{"a feature's name", func(s *plumbv1.State) { weather(s).Features[1].Name = "wind" }, "weather"},
		{"another feature", func(s *plumbv1.State) {
			weather(s).Features = append(weather(s).Features, newFeature("visib", plumbv1.Type_FLOAT64))
		}, "weather"},
		{"a push log", func(s *plumbv1.State) { weather(s).PushLog = &plumbv1.PushLog{Path: "pushed"} }, "weather"},
		{"a key's type", func(s *plumbv1.State) {
			s.Definitions.Entities[1].JoinKeys[1].Type = plumbv1.Type_INT64
		}, "route"},
		{"a key's column", func(s *plumbv1.State) { s.Definitions.Entities[1].JoinKeys[1].Column = "flight no" }, "route"},
		{"a key's column that is spelled out", func(s *plumbv1.State) {
			key := s.Definitions.Entities[1].JoinKeys[1]
			key.Column = key.GetName()
		}, ""},
		{"an owner", func(s *plumbv1.State) { weather(s).Owner = "ops" }, ""},
		{"the order of keys", func(s *plumbv1.State) {
			s.Definitions.FeatureViews[1].Entities = []string{"airport", "flight"}
		}, "route"},
		{"CSV in the place of Parquet", func(s *plumbv1.State) {
			s.Definitions.Sources[0].Kind = &plumbv1.Source_Csv{Csv: &plumbv1.CsvSource{Path: "data/hourly.parquet"}}
		}, "weather route calendar"},
		{"JSON lines in the place of Parquet", func(s *plumbv1.State) {
			s.Definitions.Sources[0].Kind = &plumbv1.Source_Jsonl{Jsonl: &plumbv1.JsonLinesSource{Path: "data/hourly.parquet"}}
		}, "weather route calendar"},
		{"a path", func(s *plumbv1.State) {
			s.Definitions.Sources[0].GetParquet().Path = "data/daily.parquet"
		}, "weather route calendar"},
		{"an event time", func(s *plumbv1.State) { s.Definitions.Sources[0].EventTimestamp = "noon" },
			"weather route calendar"},
		{"no created time", func(s *plumbv1.State) { s.Definitions.Sources[0].CreatedTimestamp = "" },
			"weather route calendar"},
		{"a query", func(s *plumbv1.State) {
			s.Definitions.Sources[1].GetSql().Query = "SELECT day FROM Hourly"
		}, "calendar"},
		{"a query for Spark", func(s *plumbv1.State) {
			s.Definitions.Sources[1].GetSql().Spark = "SELECT day FROM hourly"
		}, "calendar"},
	} {
		t.Run(c.name, func(t *testing.T) {
			edited := state()
			c.edit(edited)
			var changed []string
			for _, view := range []string{"weather", "route", "calendar"} {
				if hash(t, edited, view) != hash(t, state(), view) {
					changed = append(changed, view)
				}
			}
			if got := strings.Join(changed, " "); got != c.changed {
				t.Errorf("the hash changes of %q, want of %q", got, c.changed)
			}
		})
	}
}

// Over SQL the features in declared order decide between rows of one instant (R3).
func TestR3_TheOrderOfFeaturesOverAQueryIsPartOfTheHash(t *testing.T) {
	one, other := state(), state()
	for _, s := range []*plumbv1.State{one, other} {
		calendar := s.Definitions.FeatureViews[2]
		calendar.Features = append(calendar.Features, newFeature("season", plumbv1.Type_STRING))
	}
	features := other.Definitions.FeatureViews[2].Features
	features[0], features[1] = features[1], features[0]
	if hash(t, one, "calendar") == hash(t, other, "calendar") {
		t.Error("the hash is the same")
	}
}

// A query is followed through the queries that it reads, even if two read each other, which validation refuses.
func TestAHashFollowsQueriesThroughOthers(t *testing.T) {
	build := func(path string) *plumbv1.State {
		s := state()
		s.Definitions.Sources[0].GetParquet().Path = path
		s.Definitions.Sources[1].GetSql().Query = "SELECT * FROM weeks, days"
		s.Definitions.Sources = append(s.Definitions.Sources, &plumbv1.Source{Name: "weeks", EventTimestamp: "week",
			Kind: &plumbv1.Source_Sql{Sql: &plumbv1.SqlSource{Query: `SELECT * FROM "HOURLY", days`}}})
		return s
	}
	if hash(t, build("a"), "calendar") == hash(t, build("b"), "calendar") {
		t.Error("the hash does not follow a file that is read by way of another query")
	}
}

func TestTheRevisionOfADefinitionIsKnownWhereTheHashIsTheOneThatWasKept(t *testing.T) {
	revision := func(s *plumbv1.State) int64 {
		snapshot, err := feature.NewSnapshot("flights", 3, s)
		if err != nil {
			t.Fatal(err)
		}
		view, err := snapshot.View("weather")
		if err != nil {
			t.Fatal(err)
		}
		return view.Revision
	}
	s := state()
	if got := revision(s); got != 0 {
		t.Errorf("where none was kept the revision is %d, want 0", got)
	}
	snapshot, err := feature.NewSnapshot("flights", 3, s)
	if err != nil {
		t.Fatal(err)
	}
	view, err := snapshot.View("weather")
	if err != nil {
		t.Fatal(err)
	}
	s.Views[0].DefinitionHash, s.Views[0].DefinitionRevision = view.Hash[:], 2
	if got := revision(s); got != 2 {
		t.Errorf("the revision is %d, want the one that was kept", got)
	}
	s.Definitions.FeatureViews[0].Ttl = nil
	if got := revision(s); got != 0 {
		t.Errorf("where an older version changed the view the revision is %d, want 0", got)
	}
}
