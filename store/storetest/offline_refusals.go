package storetest

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/offline"
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
			engine := s.open(t, folder, 2)
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

// queryRefusals are queries that a SQL source may not be: they read something besides sources, or are no query.
var queryRefusals = []string{
	`SELECT * FROM read_parquet('data/other.parquet')`,
	`SELECT * FROM 'data/other.parquet'`,
	`SELECT * FROM "data/other.parquet"`,
	`SELECT * FROM parquet_scan('data/other.parquet')`,
	`SELECT * FROM read_csv('/etc/passwd')`,
	`SELECT * FROM read_text('/etc/passwd')`,
	`SELECT * FROM read_blob('/etc/passwd')`,
	`SELECT * FROM read_json('https://example.com/x.json')`,
	`SELECT * FROM 'https://example.com/x.parquet'`,
	`SELECT * FROM glob('/*')`,
	`SELECT * FROM parquet_metadata('data/other.parquet')`,
	`SELECT *, (SELECT content FROM read_text('/etc/passwd')) AS leak FROM files`,
	`WITH leak AS (SELECT * FROM read_text('/etc/passwd')) SELECT * FROM files, leak`,
	`SELECT *, getenv('HOME') AS leak FROM files`,
	`SELECT *, current_setting('temp_directory') AS leak FROM files`,
	`SELECT * FROM duckdb_settings()`,
	`SELECT * FROM duckdb_secrets()`,
	`SELECT * FROM duckdb_tables()`,
	`SELECT * FROM information_schema.tables`,
	`SELECT * FROM pg_catalog.pg_tables`,
	`SELECT * FROM sqlite_master`,
	`SELECT * FROM query('SELECT 1')`,
	`SELECT * FROM query_table('files')`,
	`PRAGMA database_list`,
	`SET memory_limit = '1TB'`,
	`ATTACH 'data/other.db'`,
	`INSTALL httpfs`,
	`LOAD httpfs`,
	`COPY files TO 'data/leak.parquet'`,
	`EXPORT DATABASE 'data/leak'`,
	`CREATE TABLE leak AS SELECT 1`,
	`SELECT * FROM files; SELECT * FROM read_text('/etc/passwd')`,
	`SELECT * FROM files) TO '/tmp/leak.parquet'; --`,
	`SELECT * FROM nothing_of_that_name`,
	`SELECT * FROM main.files, other.files`,
	`SELECT * FROM weather`,
	`SELECT * FROM through`,
	`SELECT FROM WHERE`,
	`;`,
}

// QueryRefusals checks that an engine runs nothing for a SQL source but a query over the project's sources: no files,
// no network, no settings, nothing of the engine's own, nothing that refers to itself.
func (s Offline) QueryRefusals(t *testing.T) {
	folder := t.TempDir()
	engine := s.open(t, folder, 2)
	c := caseOf(t, folder, weather)
	content, err := os.ReadFile(filepath.Join(folder, c.World.Files[0].Path))
	if err != nil {
		t.Fatal(err)
	}
	writeText(t, filepath.Join(folder, "data/other.parquet"), string(content))
	files := c.World.Definitions.Sources[0]
	view := c.World.Definitions.FeatureViews[0]
	files.Name = "files"
	for _, query := range queryRefusals {
		t.Run(query, func(t *testing.T) {
			c.World.Definitions.Sources = []*plumbv1.Source{
				files, sqlSource(view.Source, query), sqlSource("through", "SELECT * FROM "+view.Source),
			}
			if err := c.refuseQuery(t, engine); err != nil {
				t.Error(err)
			}
		})
	}
	if left := listFolder(t, filepath.Join(folder, "data")); slices.ContainsFunc(left, func(name string) bool {
		return strings.Contains(name, "leak")
	}) {
		t.Errorf("a query wrote %q", left)
	}
}

func sqlSource(name, query string) *plumbv1.Source {
	return &plumbv1.Source{
		Name: name, EventTimestamp: "event", Kind: &plumbv1.Source_Sql{Sql: &plumbv1.SqlSource{Query: query}},
	}
}

func (c *Case) refuseQuery(t *testing.T, engine offline.Store) error {
	snapshot, err := c.World.Snapshot()
	if err != nil {
		return err
	}
	source, err := snapshot.Source(c.World.Definitions.FeatureViews[0].Source)
	if err != nil {
		return err
	}
	_, err = engine.Columns(t.Context(), source)
	if err := refused(err); err != nil {
		return fmt.Errorf("to tell its columns: %w", err)
	}
	join := c.Joins[0]
	join.Fails = []string{""}
	return c.holdJoin(t.Context(), engine, join)
}

// QueriesOverQueries checks that an engine reads sources through each other, whatever their columns are called.
func (s Offline) QueriesOverQueries(t *testing.T) {
	folder := t.TempDir()
	engine := s.open(t, folder, 2)
	c := caseOf(t, folder, weather)
	files := c.World.Definitions.Sources[0]
	files.Name = "select"
	c.World.Definitions.Sources = []*plumbv1.Source{
		sqlSource("weather", `SELECT airport, event, temp AS "te""mp;--", gust FROM middle`),
		sqlSource("middle", `WITH "with" AS (SELECT * FROM "select") SELECT * FROM "with" -- no semicolon`), files,
	}
	c.World.Definitions.FeatureViews[0].Features[0].Column = `te"mp;--`
	c.World.Histories["weather"].ByValue = true
	holdAll(t, engine, c)
}

// UnwritableResultsLeaveNothing checks that an engine that cannot write the result leaves no file behind, and leaves
// what was there unchanged.
func (s Offline) UnwritableResultsLeaveNothing(t *testing.T) {
	folder := t.TempDir()
	engine := s.open(t, folder, 2)
	c := caseOf(t, folder, weather)
	if err := writeLabels(c); err != nil {
		t.Fatal(err)
	}
	join, _, err := c.World.plan(t.Context(), engine, c.Joins[0].Question)
	if err != nil {
		t.Fatal(err)
	}
	defer join.Close()
	readOnly := unwritable(t)
	for _, path := range []string{
		filepath.Join(readOnly, "result.parquet"), filepath.Join(readOnly, "result.csv"),
		filepath.Join(readOnly, "result.arrow"), filepath.Join(folder, "nowhere", "result.parquet"),
		filepath.Join(folder, "data"), filepath.Join(folder, "result.txt"),
	} {
		before := listFolder(t, folder)
		if _, err := join.WriteFile(t.Context(), path); err == nil || !strings.Contains(err.Error(), filepath.Base(path)) {
			t.Errorf("writing %s: %v, want an error that names it", path, err)
		}
		if after := listFolder(t, folder); !slices.Equal(before, after) {
			t.Errorf("writing %s left %q", path, after)
		}
		if left := listFolder(t, readOnly); slices.ContainsFunc(left, func(name string) bool {
			return strings.Contains(name, "result")
		}) {
			t.Errorf("writing %s left %q", path, left)
		}
	}
}

// unwritable is a folder in which nobody can make files; permissions alone do not stop root.
func unwritable(t *testing.T) string {
	t.Helper()
	if os.Geteuid() == 0 {
		return "/sys"
	}
	folder := t.TempDir()
	if err := os.Chmod(folder, 0o555); err != nil {
		t.Fatal(err)
	}
	return folder
}

// FailedRunsKeepWhatWasThere checks that an engine replaces an older result only with a whole one: a value that does
// not fit is found only while the join runs.
func (s Offline) FailedRunsKeepWhatWasThere(t *testing.T) {
	folder := t.TempDir()
	engine := s.open(t, folder, 2)
	c := caseOf(t, folder, `
view weather (airport STRING): temp INT32
load weather
  airport  event  temp:FLOAT64
  "EWR"    06:00  39.02
join weather
  airport  event_timestamp
  "EWR"    06:59
`)
	if err := writeLabels(c); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"old.parquet", "old.arrow", "old.csv"} {
		out := filepath.Join(folder, "out", name)
		writeText(t, out, "what was there")
		_, _, err := c.World.ask(t.Context(), engine, c.Joins[0].Question, filepath.Join("out", name))
		if err := refused(err, "temp", "39.02", "row 1", "0.parquet"); err != nil {
			t.Error(err)
		}
		if content, err := os.ReadFile(out); err != nil || string(content) != "what was there" {
			t.Errorf("%s is now %q, %v", name, content, err)
		}
	}
	if err := c.refuseWindow(t, engine); err != nil {
		t.Error(err)
	}
	if left := listFolder(t, filepath.Join(folder, "out")); len(left) != 3 {
		t.Errorf("the folder holds %q", left)
	}
}

// refuseWindow expects that materialization refuses the value too.
func (c *Case) refuseWindow(t *testing.T, engine offline.Store) error {
	snapshot, err := c.World.Snapshot()
	if err != nil {
		return err
	}
	_, _, err = newest(t.Context(), engine, snapshot.Views()[0], offline.Window{End: math.MaxInt64 - 1})
	return refused(err, "temp", "39.02", "row 1", "0.parquet")
}
