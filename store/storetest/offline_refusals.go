package storetest

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// refusal is a mistake of the user's that an engine must refuse, and what its message must say.
type refusal struct {
	name string
	// make turns the plain weather case into a wrong one. What it writes goes below folder, beside which lies outside.
	make func(t *testing.T, c *Case, folder, outside string)
	says []string
}

// Refusals checks that an engine refuses wrong labels and wrong sources with one clear sentence.
func (s Offline) Refusals(t *testing.T) {
	for _, refusal := range slices.Concat(labelRefusals, sourceRefusals) {
		t.Run(refusal.name, func(t *testing.T) {
			folder, outside := filepath.Join(t.TempDir(), "project"), t.TempDir()
			engine := s.Start(t, folder, 2)
			c := caseOf(t, folder, weather)
			refusal.make(t, c, folder, outside)
			join := c.Joins[0]
			join.Fails = refusal.says
			if err := c.holdJoin(t.Context(), engine, join); err != nil {
				t.Error(err)
			}
		})
	}
}

var labelRefusals = []refusal{
	{"R6 a label file without the key column", func(_ *testing.T, c *Case, _, _ string) {
		c.labels().stored[0].Name = "airprt"
	}, []string{`"airport"`, "airprt"}},
	{"R6 a label file without the time column", func(_ *testing.T, c *Case, _, _ string) {
		c.labels().stored[1].Name = "time"
	}, []string{`"event_timestamp"`}},
	{"R6 two label columns of one name", func(_ *testing.T, c *Case, _, _ string) {
		c.labels().stored = append(c.labels().stored, c.labels().stored[0])
	}, []string{`"airport"`}},
	{"R6 two label columns of one name in CSV", func(_ *testing.T, c *Case, _, _ string) {
		c.labels().stored = append(c.labels().stored, c.labels().stored[0])
		c.labelsAs(".csv")
	}, []string{`"airport"`}},
	{"R10 a label column named like a status", func(_ *testing.T, c *Case, _, _ string) {
		c.labels().stored = append(c.labels().stored, textColumn("temp__status", "x"))
	}, []string{`"temp__status"`}},
	{"R10 a label column named like an event timestamp", func(_ *testing.T, c *Case, _, _ string) {
		c.labels().stored = append(c.labels().stored, textColumn("weather__event_timestamp", "x"))
		c.Joins[0].Question.EventTimestamps = true
	}, []string{`"weather__event_timestamp"`}},
	{"R1 label rows without an instant are counted", func(_ *testing.T, c *Case, _, _ string) {
		stored := c.labels().stored
		for _, at := range []any{nil, nil, stored[1].Values[0]} {
			stored[0].Values, stored[1].Values = append(stored[0].Values, "EWR"), append(stored[1].Values, at)
		}
	}, []string{`"event_timestamp"`, "2 of 4 rows", "row 2"}},
	{"R1 text in the time column", func(_ *testing.T, c *Case, _, _ string) {
		c.labels().stored[1] = textColumn("event_timestamp", "yesterday")
	}, []string{`"event_timestamp"`}},
	{"R1 text in the time column of a CSV file", func(_ *testing.T, c *Case, _, _ string) {
		c.labels().stored[1] = textColumn("event_timestamp", "yesterday")
		c.labelsAs(".csv")
	}, []string{`"event_timestamp"`, "row 1", "yesterday"}},
	{"R1 numbers in the time column", func(_ *testing.T, c *Case, _, _ string) {
		c.labels().stored[1].Form, c.labels().stored[1].Values = arrow.PrimitiveTypes.Int64, []any{int64(1357020000)}
	}, []string{`"event_timestamp"`}},
	{"a label file that is not there", func(_ *testing.T, c *Case, _, _ string) {
		c.labels().Path = "data/nowhere.parquet"
		c.labels().unwritten = true
	}, []string{"nowhere.parquet"}},
	{"a label file of another kind", func(t *testing.T, c *Case, folder, _ string) {
		c.labels().Path = "data/labels.xlsx"
		writeText(t, filepath.Join(folder, "data/labels.xlsx"), "PK")
		c.labels().unwritten = true
	}, []string{"labels.xlsx", ".parquet"}},
	{"a label file of the wrong content", brokenLabels(".parquet", "not a parquet file"), []string{".parquet"}},
	{"an empty label file", brokenLabels(".parquet", ""), []string{".parquet"}},
	{"an empty CSV label file", brokenLabels(".csv", ""), []string{".csv"}},
	{"an Arrow label file of the wrong content", brokenLabels(".arrow", "not an arrow file"), []string{".arrow"}},
	{"a CSV label file with a line too long", brokenLabels(".csv", "airport,event_timestamp\nEWR,2013-01-01,x\n"),
		[]string{".csv"}},
}

var sourceRefusals = []refusal{
	{"a source that is not there", func(t *testing.T, c *Case, folder, _ string) {
		remove(t, filepath.Join(folder, c.World.Files[0].Path))
		c.pathOf().Path = c.World.Files[0].Path
	}, []string{"0.parquet"}},
	{"a glob that finds nothing", func(t *testing.T, c *Case, folder, _ string) {
		remove(t, filepath.Join(folder, c.World.Files[0].Path))
	}, []string{"*.parquet"}},
	{"a source of the wrong content", func(t *testing.T, c *Case, folder, _ string) {
		writeText(t, filepath.Join(folder, c.World.Files[0].Path), strings.Repeat("not a parquet file ", 10))
	}, []string{"0.parquet"}},
	{"an empty source file", func(t *testing.T, c *Case, folder, _ string) {
		writeText(t, filepath.Join(folder, c.World.Files[0].Path), "")
	}, []string{"0.parquet"}},
	{"a truncated source file", func(t *testing.T, c *Case, folder, _ string) {
		path := filepath.Join(folder, c.World.Files[0].Path)
		if err := os.Truncate(path, size(t, path)/2); err != nil {
			t.Fatal(err)
		}
	}, []string{"0.parquet"}},
	{"a source file with damage in its middle", func(t *testing.T, c *Case, folder, _ string) {
		path := filepath.Join(folder, c.World.Files[0].Path)
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		writeText(t, path, string(content[:4])+strings.Repeat("\xff", len(content)/4)+string(content[4+len(content)/4:]))
	}, []string{"0.parquet"}},
	{"one broken file among good ones", func(t *testing.T, c *Case, folder, _ string) {
		writeText(t, filepath.Join(folder, filepath.Dir(c.World.Files[0].Path), "9.parquet"), "PAR1")
	}, []string{"9.parquet"}},
	{"a source without the event column", func(_ *testing.T, c *Case, _, _ string) {
		c.World.Definitions.Sources[0].EventTimestamp = "evnt"
	}, []string{`"evnt"`}},
	{"a source without a feature's column", func(_ *testing.T, c *Case, _, _ string) {
		c.World.Definitions.FeatureViews[0].Features[0].Column = "tmp"
	}, []string{`"tmp"`}},
	{"a path outside the roots", func(t *testing.T, c *Case, folder, outside string) {
		c.pathOf().Path = moved(t, filepath.Join(folder, c.World.Files[0].Path), outside)
	}, []string{"secret.parquet"}},
	{"a path that climbs out of the roots", func(t *testing.T, c *Case, folder, _ string) {
		moved(t, filepath.Join(folder, c.World.Files[0].Path), filepath.Dir(folder))
		c.pathOf().Path = "data/../../secret.parquet"
	}, []string{"secret.parquet"}},
	{"a path beside the roots", func(t *testing.T, c *Case, folder, _ string) {
		moved(t, filepath.Join(folder, c.World.Files[0].Path), folder)
		c.pathOf().Path = "secret.parquet"
	}, []string{"secret.parquet"}},
	{"a folder whose name begins like a root's", func(t *testing.T, c *Case, folder, _ string) {
		if err := os.Mkdir(filepath.Join(folder, "database"), 0o755); err != nil {
			t.Fatal(err)
		}
		moved(t, filepath.Join(folder, c.World.Files[0].Path), filepath.Join(folder, "database"))
		c.pathOf().Path = "database/secret.parquet"
	}, []string{"secret.parquet"}},
	{"a link to a file outside", func(t *testing.T, c *Case, folder, outside string) {
		from := moved(t, filepath.Join(folder, c.World.Files[0].Path), outside)
		c.pathOf().Path = "data/link.parquet"
		link(t, from, filepath.Join(folder, "data/link.parquet"))
	}, []string{"link.parquet"}},
	{"a link to a folder outside", func(t *testing.T, c *Case, folder, outside string) {
		moved(t, filepath.Join(folder, c.World.Files[0].Path), outside)
		c.pathOf().Path = "data/link/*.parquet"
		link(t, outside, filepath.Join(folder, "data/link"))
	}, []string{"link"}},
	{"a link to a file outside, within a folder of good ones", func(t *testing.T, c *Case, folder, outside string) {
		content, err := os.ReadFile(filepath.Join(folder, c.World.Files[0].Path))
		if err != nil {
			t.Fatal(err)
		}
		writeText(t, filepath.Join(outside, "secret.parquet"), string(content))
		among := filepath.Join(folder, filepath.Dir(c.World.Files[0].Path))
		link(t, filepath.Join(outside, "secret.parquet"), filepath.Join(among, "1.parquet"))
	}, []string{"outside"}},
	{"a URL", func(_ *testing.T, c *Case, _, _ string) {
		c.pathOf().Path = "https://example.com/data.parquet"
	}, []string{"example.com"}},
}

// labels and pathOf are the label file and the source path of a case that asks once of one view.
func (c *Case) labels() *File { return &c.Joins[0].Question.Labels }

func (c *Case) pathOf() *plumbv1.ParquetSource { return c.World.Definitions.Sources[0].GetParquet() }

func (c *Case) labelsAs(extension string) {
	c.labels().Path = strings.TrimSuffix(c.labels().Path, filepath.Ext(c.labels().Path)) + extension
}

func textColumn(name string, values ...any) Column {
	return Column{Name: name, Form: arrow.BinaryTypes.String, Values: values}
}

func brokenLabels(extension, content string) func(*testing.T, *Case, string, string) {
	return func(t *testing.T, c *Case, folder, _ string) {
		c.labelsAs(extension)
		c.labels().unwritten = true
		writeText(t, filepath.Join(folder, c.labels().Path), content)
	}
}

func writeText(t *testing.T, path, content string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o644)); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func size(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func moved(t *testing.T, path, folder string) string {
	t.Helper()
	to := filepath.Join(folder, "secret.parquet")
	if err := os.Rename(path, to); err != nil {
		t.Fatal(err)
	}
	return to
}

func link(t *testing.T, to, path string) {
	t.Helper()
	if err := os.Symlink(to, path); err != nil {
		t.Fatal(err)
	}
}
