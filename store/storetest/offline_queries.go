package storetest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/offline"
)

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
	engine := s.Start(t, folder, 2)
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
	engine := s.Start(t, folder, 2)
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

// tiesByValue are views over a query that makes other types of the columns, which order otherwise than the features do.
var tiesByValue = []struct{ query, text string }{
	{"SELECT event, make_timestamp_ns(epoch_us(t) * 1000 + 100 - x) AS t, x FROM files", `
view weather (): t TIMESTAMP, x INT64
load weather
  event  t                     x
  06:00  1969-12-31T23:59:59Z  7
  06:00  1969-12-31T23:59:59Z  11
  06:00  1969-12-31T23:59:59Z  9
join weather
  event_timestamp | t                     x
  06:00           | 1969-12-31T23:59:59Z  11
`},
	{"SELECT event, [make_timestamp_ns(epoch_us(ts[1]) * 1000 + 100 - x)] AS ts, x FROM files", `
view weather (): ts TIMESTAMP_ARRAY, x INT64
load weather
  event  ts       x
  06:00  [05:00]  7
  06:00  [05:00]  11
  06:00  [05:00]  9
join weather
  event_timestamp | ts       x
  06:00           | [05:00]  11
`},
	{"SELECT event, [CAST(skies[1] AS ENUM('snow', 'clear', 'rain'))] AS skies FROM files", `
view weather (): skies STRING_ARRAY
load weather
  event  skies
  06:00  ["rain"]
  06:00  ["snow"]
  06:00  ["clear"]
join weather
  event_timestamp | skies
  06:00           | ["snow"]
`},
	{"SELECT event, CAST(id AS UUID) AS id FROM files", `
view weather (): id STRING
load weather
  event  id
  06:00  "7fffffff-ffff-ffff-ffff-ffffffffffff"
  06:00  "ffffffff-0000-0000-0000-000000000000"
  06:00  "00000000-0000-0000-0000-000000000000"
join weather
  event_timestamp | id
  06:00           | "ffffffff-0000-0000-0000-000000000000"
`},
	{"SELECT event, CAST(sky AS ENUM('snow', 'clear', 'rain')) AS sky FROM files", `
view weather (): sky STRING
load weather
  event  sky
  06:00  "rain"
  06:00  "snow"
  06:00  null
  06:00  "clear"
join weather
  event_timestamp | sky
  06:00           | "snow"
`},
}

// queriesTieByValue checks that rows of a SQL source tie by the values of the features, not by what they are made of.
func queriesTieByValue(t *testing.T, s Offline) {
	folder := t.TempDir()
	engine := s.Start(t, folder, 2)
	for _, tie := range tiesByValue {
		c := caseOf(t, folder, tie.text)
		files := c.World.Definitions.Sources[0]
		files.Name = "files"
		c.World.Definitions.Sources = []*plumbv1.Source{sqlSource("weather", tie.query), files}
		c.World.Histories["weather"].ByValue = true
		holdAll(t, engine, c)
	}
	// A time that no feature can have is not passed over for the row that it ties with.
	c := caseOf(t, folder, tiesByValue[0].text)
	files := c.World.Definitions.Sources[0]
	files.Name = "files"
	c.World.Definitions.Sources = []*plumbv1.Source{files, sqlSource("weather",
		"SELECT event, CAST(CASE x WHEN 7 THEN 'infinity' ELSE '2024-01-01' END AS TIMESTAMP_NS) AS t, x FROM files")}
	c.Joins[0].Fails = []string{"infinity"}
	holdAll(t, engine, c)
}
