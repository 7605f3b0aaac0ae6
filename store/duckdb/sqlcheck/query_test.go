package sqlcheck_test

import (
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store/duckdb/session/sessiontest"
	"github.com/plumbstore/plumb/store/duckdb/sqlcheck"
)

func TestMain(m *testing.M) { os.Exit(sessiontest.Main(m)) }

func parseQuery(t *testing.T, text string) (*sqlcheck.Query, error) {
	t.Helper()
	source := &feature.Source{Name: "mine", Kind: feature.Query{SQL: text}}
	return sqlcheck.Parse(t.Context(), sessiontest.Shared(t), source)
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
		// Names are those of a WITH clause only in places in which DuckDB looks them up there.
		"SELECT (SELECT count(*) FROM duckdb_views) FROM (WITH duckdb_views AS (SELECT 1) SELECT 1)": {
			"duckdb_views",
		},
		"WITH a AS (FROM duckdb_logs), duckdb_logs AS (SELECT 7) FROM a": {
			"duckdb_logs",
		},
		"WITH duckdb_tables AS (FROM duckdb_tables) FROM duckdb_tables": {
			"duckdb_tables",
		},
		"FROM b UNION ALL (WITH b AS (SELECT 1) FROM b)": {"b"},
		"WITH RECURSIVE r AS (SELECT sql FROM duckdb_views UNION ALL SELECT sql FROM r) FROM r": {
			"duckdb_views",
		},
		"WITH RECURSIVE b AS (SELECT x FROM b UNION ALL SELECT x FROM b) FROM b":                                 {"b"},
		"SELECT * FROM (WITH d AS (SELECT 1 z) FROM d) e, (SELECT z FROM d) f":                                   {"d"},
		"WITH w AS (FROM a) SELECT (SELECT max(x) FROM w), (WITH v AS (FROM w) FROM v)":                          {"a"},
		"SELECT lpad(h::VARCHAR, 2, '0'), printf('%02d', x), range(24), replace(z, ' ', '') FROM a":              {"a"},
		"SELECT age(t, u), user, extract(year FROM t), t AT TIME ZONE 'Asia/Tokyo', l[1], MAP {1: 2} FROM a":     {"a"},
		"SELECT h FROM generate_series(TIMESTAMP '2013-01-01', TIMESTAMP '2014-01-01', INTERVAL 1 HOUR) t(h), a": {"a"},
		"FROM range(1000000000000), a":                                     {"a"},
		"SELECT COLUMNS(c -> c LIKE 'x%') FROM a ASOF JOIN b USING (k, t)": {"a", "b"},
		"WITH w AS (SELECT replace(replace(x, ' ', ''), 'a', 'b') AS x, lpad(y, 9, '0') AS y FROM a), v AS (SELECT " +
			"regexp_replace(x, '[^0-9]', '', 'g') AS x, y || '-' || y AS y FROM w) SELECT printf('%s %s', x, y) FROM v": {"a"},
		"WITH RECURSIVE r AS (SELECT 1 i, '' p UNION ALL SELECT i + 1, p || '/' || i FROM r WHERE i < 3) FROM r, a": {"a"},
		"SELECT n, v FROM (UNPIVOT a ON x, y INTO NAME n VALUE v)":                                                  {"a"},
		"SELECT [v + 1 FOR v IN l IF v > 1], x IN (1, 2), if(x > 1, y, z), try(1 / x), INTERVAL (x) DAY FROM a":     {"a"},
	} {
		parsed, err := parseQuery(t, text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if diff := cmp.Diff(want, parsed.Tables); diff != "" {
			t.Errorf("%s: tables (-want +got):\n%s", text, diff)
		}
	}
}

// replaces is a text that puts 100 characters in the place of one, twice.
func replaces(column string) string {
	many := strings.Repeat("x", 100)
	return "replace(replace(" + column + ", 'x', '" + many + "'), 'x', '" + many + "')"
}

func TestQueryMayBeNothingButASelectOverSources(t *testing.T) {
	for text, want := range map[string]string{
		"SELECT k,\n  sum(é wrong here) FROM " +
			"a": `at its line 2, column 9, where it says "wrong here) FROM a": syntax error`,
		"SELECT x FROM":              "at the end of its line 1, column 14",
		"SELEC 1":                    "does not parse",
		"":                           "statements",
		"SELECT 1; SELECT 2":         "2 statements",
		"CREATE TABLE x (a INT)":     "not a SELECT",
		"COPY (SELECT 1) TO 'x.csv'": "not a SELECT",
		"ATTACH 'x.db'":              "not a SELECT",
		"SET threads = 1":            "not a SELECT",
		"SELECT CAST(x AS ENUM('a', 'b')[]) FROM a": "cannot be checked: Cannot serialize",
		"INSTALL httpfs":                                                   "not a SELECT",
		"SELECT * FROM read_csv('/etc/passwd')":                            "read_csv()",
		"SELECT * FROM read_text('/etc/passwd')":                           "read_text()",
		"SELECT * FROM glob('/*')":                                         "glob()",
		"SELECT * FROM duckdb_settings()":                                  "duckdb_settings()",
		"SELECT * FROM query('SELECT 1')":                                  "query()",
		"SELECT * FROM information_schema.tables":                          "schema or catalog",
		"SELECT * FROM _plumb.labels":                                      "schema or catalog",
		"DESCRIBE a":                                                       "SHOW_REF",
		"SELECT * FROM (SUMMARIZE a)":                                      "SHOW_REF",
		"SELECT * FROM a, (SHOW TABLES)":                                   "SHOW_REF",
		"SELECT now() FROM a":                                              "now()",
		"SELECT current_date FROM a":                                       "current_date",
		"SELECT CURRENT_TIMESTAMP FROM a":                                  "current_timestamp",
		"SELECT random() FROM a":                                           "random()",
		"SELECT uuid() FROM a":                                             "uuid()",
		"SELECT current_setting('threads')":                                "current_setting()",
		"SELECT x FROM a WHERE y > (SELECT now())":                         "now()",
		"SELECT * FROM a USING SAMPLE 5 ROWS":                              "sample",
		"SELECT * FROM a USING SAMPLE 10% (bernoulli, 7)":                  "sample",
		"SELECT * FROM a TABLESAMPLE reservoir(10 ROWS)":                   "sample",
		"SELECT * FROM a JOIN b TABLESAMPLE 50% USING (k)":                 "sample",
		"SELECT * FROM (SELECT * FROM a) TABLESAMPLE system(3%)":           "sample",
		"SELECT * FROM (FROM a USING SAMPLE 1%) UNION ALL FROM b":          "sample",
		"WITH w AS (FROM a TABLESAMPLE 1 ROWS) FROM w":                     "sample",
		"SELECT x FROM a WHERE x IN (SELECT y FROM b USING SAMPLE 2 ROWS)": "sample",
		"SELECT * FROM range(5) TABLESAMPLE 2 ROWS":                        "sample",
		"FROM a TABLESAMPLE 2 ROWS PIVOT (sum(x) FOR y IN (1, 2))":         "sample",
		"SELECT age(t) FROM a":                                             "age() with one argument",
		"SELECT list_transform(ts, lambda t: age(t)) FROM a":               "age() with one argument",
		"SELECT current_localtimestamp() FROM a":                           "current_localtimestamp()",
		"SELECT current_localtime() FROM a":                                "current_localtime()",
		"SELECT localtimestamp, x FROM a":                                  "localtimestamp",
		"SELECT LocalTime FROM a":                                          "localtime",
		"SELECT current_time FROM a":                                       "current_time",
		"SELECT get_current_time() FROM a":                                 "get_current_time()",
		"SELECT get_current_timestamp() FROM a":                            "get_current_timestamp()",
		"SELECT main.now() FROM a":                                         "now()",
		"SELECT pg_catalog.now() FROM a":                                   "now()",
		"SELECT system.main.today() FROM a":                                "today()",
		"SELECT transaction_timestamp() FROM a":                            "transaction_timestamp()",
		"SELECT pg_postmaster_start_time() FROM a":                         "pg_postmaster_start_time()",
		"SELECT pg_conf_load_time() FROM a":                                "pg_conf_load_time()",
		"SELECT ago(INTERVAL 1 DAY) FROM a":                                "ago()",
		"SELECT x FROM a ORDER BY random()":                                "random()",
		"SELECT x FROM a GROUP BY x HAVING max(y) > random()":              "random()",
		"SELECT sum(x) FILTER (WHERE random() < 0.5) FROM a":               "random()",
		"SELECT rank() OVER (ORDER BY random()) FROM a":                    "random()",
		"SELECT nextval('s') FROM a":                                       "nextval()",
		"SELECT txid_current() FROM a":                                     "txid_current()",
		"SELECT vector_type(x) FROM a":                                     "vector_type()",
		"SELECT stats(x) FROM a":                                           "stats()",
		"SELECT pg_sleep(10) FROM a":                                       "pg_sleep()",
		"SELECT getenv('HOME') FROM a":                                     "getenv()",
		"SELECT getvariable('x') FROM a":                                   "getvariable()",
		"SELECT current_schemas(true) FROM a":                              "current_schemas()",
		"SELECT current_user FROM a":                                       "current_user",
		"SELECT json_serialize_plan('SELECT 1') FROM a":                    "json_serialize_plan()",
		"SELECT json_serialize_sql('SELECT 1') FROM a":                     "json_serialize_sql()",
		"SELECT list_aggregate([1, 2], 'approx_quantile', 0.5) FROM a":     "list_aggregate()",
		"SELECT approx_count_distinct(x) FROM a":                           "count(DISTINCT",
		"SELECT reservoir_quantile(x, 0.5) FROM a":                         "quantile_cont",
		"SELECT no_such_function(x) FROM a":                                "no_such_function()",
		"SELECT x FROM a POSITIONAL JOIN b":                                "POSITIONAL",
		"SELECT x COLLATE NOCASE FROM a":                                   "COLLATE",
		"SELECT x FROM a WHERE y = ?":                                      "parameter",
		"SELECT x FROM a AT (VERSION => 1)":                                "as it was",
		"SELECT * FROM duckdb_views()":                                     "duckdb_views()",
		"SELECT * FROM pragma_database_list()":                             "pragma_database_list()",
		"SELECT * FROM query_table('duckdb_views')":                        "query_table()",
		"SELECT * FROM json_execute_serialized_sql('x')":                   "json_execute_serialized_sql()",
		"SELECT * FROM sniff_csv('x.csv')":                                 "sniff_csv()",
		"SELECT * FROM parquet_metadata('x.parquet')":                      "parquet_metadata()",
		"SELECT * FROM test_all_types()":                                   "test_all_types()",
		"SELECT list(x) FROM a":                                            "list(… ORDER BY …)",
		"SELECT string_agg(x, ',') FROM a":                                 "string_agg(… ORDER BY …)",
		"SELECT k, first(x) FROM a GROUP BY k":                             "first(… ORDER BY …)",
		"SELECT x FROM a LIMIT 5":                                          "LIMIT without ORDER BY",
		"SELECT x FROM a WHERE x IN (SELECT y FROM b LIMIT 3)":             "LIMIT without ORDER BY",
		"SELECT DISTINCT ON (k) k, x FROM a":                               "DISTINCT ON without ORDER BY",
		"SELECT repeat('x', 3000000000)":                                   "repeat()",
		"SELECT lpad('x', 2000000000, 'y')":                                "lpad()",
		"SELECT rpad('x', 1000 * 1000000, 'y')":                            "rpad()",
		"SELECT lpad(x, y, 'y') FROM a":                                    "lpad()",
		"SELECT range(1000000000000)":                                      "range()",
		"SELECT unnest(generate_series(1, y)) FROM a":                      "generate_series()",
		"SELECT * FROM unnest(range(1000000000))":                          "range()",
		"SELECT * FROM range(len(lpad('x', 2000000000, 'y')))":             "lpad()",
		"SELECT list_resize([1], 1000000000)":                              "list_resize()",
		"SELECT bitstring('1', 2000000000)":                                "bitstring()",
		"SELECT printf('%2000000000d', 1)":                                 "printf()",
		"SELECT printf('%*d', 2000000000, 1)":                              "printf()",
		"SELECT format('{:2000000000}', 1)":                                "format()",
		"SELECT format('{:{}}', 1, 2000000000)":                            "format()",
		"SELECT replace(x, 'a', y) FROM a":                                 "replace()",
		"SELECT replace(replace(replace(replace('x', 'x', 'xxxx'), 'x', 'xxxx'), 'x', 'xxxx'), 'x', 'xxxx')": "replace()",
		"WITH w AS (SELECT " + replaces("x") + " AS x FROM a), v AS (FROM w) SELECT " + replaces("x") +
			" FROM v": "16384 times",
		"SELECT " + replaces("x") + " FROM (SELECT replace(x, 'x', 'xx') AS x FROM a)": "16384 times",
		"SELECT x || x FROM " + strings.Repeat("(SELECT x || x AS x FROM ", 20) + "a" +
			strings.Repeat(")", 20): "16384 times",
		"WITH RECURSIVE r AS (SELECT 'x' AS x UNION ALL SELECT x || x FROM r) FROM r":                "in each round",
		"WITH RECURSIVE r AS (SELECT 'x' AS x UNION ALL SELECT replace(x, 'x', 'xx') FROM r) FROM r": "in each round",
		`WITH "/etc/passwd.csv" AS (SELECT 1) FROM a`:                                                "WITH clause",
	} {
		_, err := parseQuery(t, text)
		var input *fault.InputError
		if !errors.As(err, &input) || !strings.Contains(input.Message, want) {
			t.Errorf("%s: got error %v, want an input error with %q", text, err, want)
		}
	}
}

// What is decided about a function is in sqlcheck/functions.go, or in testdata/refused-functions.txt.
func TestEveryFunctionOfDuckDBIsDecidedUpon(t *testing.T) {
	text, err := os.ReadFile("testdata/refused-functions.txt")
	if err != nil {
		t.Fatal(err)
	}
	refused := map[string]bool{}
	for name := range strings.FieldsSeq(string(text)) {
		refused[name] = true
	}
	known := map[string]bool{}
	query := "SELECT DISTINCT lower(function_name), function_type LIKE 'table%' FROM duckdb_functions() " +
		"WHERE function_type <> 'pragma' AND NOT regexp_matches(function_name, '^(_plumb|__internal_|icu_collate_)') " +
		"ORDER BY ALL"
	err = sessiontest.Open(t).QueryRows(t.Context(), query, func(rows *sql.Rows) error {
		var name string
		var isTable bool
		if err := rows.Scan(&name, &isTable); err != nil {
			return err
		}
		known[name] = true
		allowed := sqlcheck.MayCall(name) || isTable && sqlcheck.MayRead(name)
		if allowed && refused[name] && !sqlcheck.MayRead(name) {
			t.Errorf("%s is allowed and refused", name)
		}
		if !allowed && !refused[name] {
			t.Errorf("DuckDB has a function %s; decide whether SQL sources may call it", name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(sqlcheck.Named(), slices.Collect(maps.Keys(refused))...) {
		if !known[name] {
			t.Errorf("DuckDB has no function %s any more; take it off the list", name)
		}
	}
}

// Were the work doubled by each level, or each column compared with each term of the order, this would take minutes.
func TestLargeQueriesAreCheckedInTime(t *testing.T) {
	levels := "SELECT 1 AS x"
	for range 60 {
		levels = "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL (" + levels + ")) SELECT x FROM r"
	}
	var columns, order []string
	for i := range 3000 {
		columns = append(columns, fmt.Sprintf("x + %d AS c%d", i, i))
		order = append(order, fmt.Sprintf("x + %d", i))
	}
	slices.Reverse(order)
	ordered := "SELECT " + strings.Join(columns, ", ") + " FROM f ORDER BY " + strings.Join(order, ", ") + " LIMIT 3"
	for _, text := range []string{levels, ordered} {
		parsed, err := parseQuery(t, text)
		if err != nil || len(parsed.Ties) > 0 {
			t.Errorf("%.60s…: got %v, ties %v", text, err, parsed)
		}
	}
}
