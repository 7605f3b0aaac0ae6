package duckdb

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbstore/plumb/registry"
)

func parseQuery(t *testing.T, text string) (*query, error) {
	t.Helper()
	return newTestSession(t).parse(t.Context(), &registry.Source{Name: "mine", Query: text})
}

func TestQueryNamesTheSourcesThatItReads(t *testing.T) {
	for text, want := range map[string][]string{
		"SELECT 1":              nil,
		"SELECT * FROM Flights": {"flights"},
		"FROM a JOIN b USING (k) WHERE x IN (SELECT y FROM c)":                                 {"a", "b", "c"},
		"WITH w AS (SELECT * FROM a) SELECT * FROM w, b":                                       {"a", "b"},
		"SELECT * FROM (VALUES (1), (2)) v(x), range(3), b":                                    {"b"},
		"SELECT unnest(xs) FROM a UNION ALL SELECT y FROM b;":                                  {"a", "b"},
		"FROM a PIVOT (sum(x) FOR y IN (1, 2))":                                                {"a"},
		"SELECT sum(x) OVER (PARTITION BY y ORDER BY z) FROM a":                                {"a"},
		"SELECT (SELECT max(x) FROM b WHERE b.k = a.k) FROM a":                                 {"a", "b"},
		"WITH RECURSIVE r AS (SELECT 1 i UNION ALL SELECT i + 1 FROM r WHERE i < 3) FROM r, a": {"a"},
	} {
		parsed, err := parseQuery(t, text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if diff := cmp.Diff(want, parsed.tables); diff != "" {
			t.Errorf("%s: tables (-want +got):\n%s", text, diff)
		}
	}
}

func TestQueryMayBeNothingButASelectOverSources(t *testing.T) {
	for text, want := range map[string]string{
		"SELEC 1":                                     "does not parse",
		"":                                            "statements",
		"SELECT 1; SELECT 2":                          "2 statements",
		"CREATE TABLE x (a INT)":                      "not a SELECT",
		"COPY (SELECT 1) TO 'x.csv'":                  "not a SELECT",
		"ATTACH 'x.db'":                               "not a SELECT",
		"SET threads = 1":                             "not a SELECT",
		"INSTALL httpfs":                              "not a SELECT",
		"SELECT * FROM read_csv('/etc/passwd')":       "read_csv()",
		"SELECT * FROM read_text('/etc/passwd')":      "read_text()",
		"SELECT * FROM glob('/*')":                    "glob()",
		"SELECT * FROM duckdb_settings()":             "duckdb_settings()",
		"SELECT * FROM query('SELECT 1')":             "query()",
		"SELECT * FROM information_schema.tables":     "schema or catalog",
		"SELECT * FROM _plumb.labels":                 "schema or catalog",
		"DESCRIBE a":                                  "SHOW_REF",
		"SELECT * FROM (SUMMARIZE a)":                 "SHOW_REF",
		"SELECT * FROM a, (SHOW TABLES)":              "SHOW_REF",
		"SELECT now() FROM a":                         "now()",
		"SELECT current_date FROM a":                  "current_date",
		"SELECT CURRENT_TIMESTAMP FROM a":             "current_timestamp",
		"SELECT random() FROM a":                      "random()",
		"SELECT uuid() FROM a":                        "uuid()",
		"SELECT current_setting('threads')":           "current_setting()",
		"SELECT x FROM a WHERE y > (SELECT now())":    "now()",
		`WITH "/etc/passwd.csv" AS (SELECT 1) FROM a`: "WITH clause",
	} {
		_, err := parseQuery(t, text)
		var input *registry.InputError
		if !errors.As(err, &input) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got error %v, want an input error with %q", text, err, want)
		}
	}
}

// Were a query to get past the parser, the instance itself would still refuse.
func TestSessionTouchesNothingButTheFilesAllowed(t *testing.T) {
	s := newTestSession(t)
	if err := s.confine(t.Context(), []string{"/somewhere/allowed.parquet"}); err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		"SELECT * FROM read_text('/etc/hostname')",
		"SELECT * FROM '/etc/passwd.csv'",
		"COPY (SELECT 1) TO '/tmp/plumb-escape.csv'",
		"SELECT * FROM read_parquet('http://127.0.0.1:1/x.parquet')",
		"INSTALL httpfs",
		"LOAD httpfs",
		"ATTACH '/tmp/plumb-escape.db'",
		"SET enable_external_access = true",
		"SET threads = 1",
		"SET TimeZone = 'Asia/Kolkata'",
	} {
		if err := s.exec(t.Context(), statement); err == nil {
			t.Errorf("%s: want an error", statement)
		}
	}
}
