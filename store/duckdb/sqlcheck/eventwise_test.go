package sqlcheck_test

import (
	"testing"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/store/duckdb/session"
	"github.com/plumbstore/plumb/store/duckdb/session/sessiontest"
	"github.com/plumbstore/plumb/store/duckdb/sqlcheck"
)

func TestRowsOfAQueryAreEventsIfEachComesOfOneRow(t *testing.T) {
	s := sessiontest.Open(t)
	for want, texts := range map[string][]string{
		"": {
			"FROM a",
			"SELECT * EXCLUDE (x) FROM a",
			"SELECT k, x * 2 AS x, CASE WHEN y > 0 THEN greatest(y, 1) END AS y, xs[1] FROM a WHERE x > 0 AND y IN (1, 2)",
			"SELECT list_max(xs), len(list_filter(xs, lambda e: e > 0)) FROM a",
			"SELECT k FROM (SELECT k, x FROM a WHERE x > 0) s WHERE x < 9 ORDER BY k",
			"WITH w AS (SELECT * FROM a WHERE x > 0) SELECT k FROM w",
			"SELECT k FROM a UNION ALL SELECT k FROM b UNION ALL BY NAME SELECT k FROM c",
		},
		"joins tables": {
			"SELECT k FROM a JOIN b USING (k)",
			"SELECT a.k FROM a, b",
			"FROM a SEMI JOIN b USING (k)",
			"SELECT k FROM (FROM a JOIN b USING (k))",
			"WITH w AS (FROM a JOIN b USING (k)) FROM w",
			"SELECT k FROM a, unnest(a.xs)",
		},
		"groups rows": {
			"SELECT k, sum(x) AS x FROM a GROUP BY k",
			"SELECT k, x FROM a GROUP BY ALL",
		},
		"aggregates rows by count_star()": {
			"SELECT count(*) FROM a",
		},
		"uses HAVING": {
			"SELECT max(x) AS x FROM a HAVING max(x) > 1",
		},
		"calls row_number() over a window of rows": {
			"SELECT row_number() OVER (ORDER BY k, x) FROM a",
		},
		"calls sum() over a window of rows": {
			"SELECT sum(x) OVER (PARTITION BY k) FROM a",
		},
		"uses QUALIFY": {
			"FROM a QUALIFY row_number() OVER (ORDER BY k) = 1",
		},
		"uses DISTINCT": {
			"SELECT DISTINCT k FROM a",
			"SELECT DISTINCT ON (k) k FROM a ORDER BY k, x",
		},
		"uses LIMIT or OFFSET": {
			"SELECT k FROM a ORDER BY k LIMIT 5",
			"SELECT k FROM a ORDER BY k LIMIT 5%",
			"SELECT k FROM a ORDER BY k OFFSET 5",
			"(SELECT k FROM a UNION ALL SELECT k FROM b) ORDER BY k LIMIT 2",
		},
		"compares rows by UNION (UNION ALL does not)": {
			"SELECT k FROM a UNION SELECT k FROM b",
		},
		"compares rows by EXCEPT": {
			"SELECT k FROM a EXCEPT ALL SELECT k FROM b",
		},
		"compares rows by INTERSECT": {
			"SELECT k FROM a INTERSECT SELECT k FROM b",
		},
		"makes several rows of one by unnest()": {
			"SELECT unnest(xs) FROM a",
		},
		"makes several rows of one by regexp_split_to_table()": {
			"SELECT regexp_split_to_table(s, ',') FROM a",
		},
		"has a subquery in an expression": {
			"SELECT k FROM a WHERE x > (SELECT max(x) FROM b)",
			"SELECT k FROM a WHERE k IN (SELECT k FROM b)",
		},
		"is recursive": {
			"WITH RECURSIVE r AS (SELECT k FROM a UNION ALL SELECT k FROM r) FROM r",
		},
		"reads no source": {
			"SELECT 1 AS k",
			"FROM (VALUES (1), (2)) v(k)",
			"FROM range(5)",
			"FROM a PIVOT (sum(x) FOR y IN (1, 2))",
			"FROM a UNPIVOT (v FOR n IN (x, y))",
			"SELECT k FROM a UNION ALL SELECT 1",
		},
		"aggregates rows by max()": {
			"SELECT k FROM a UNION ALL SELECT max(k) FROM b",
		},
	} {
		for _, text := range texts {
			checkEventWise(t, s, text, want)
		}
	}
}

func checkEventWise(t *testing.T, s *session.Session, text, want string) {
	t.Helper()
	const rest = "; aggregations count its rows as events, so each has to come of one row of one source: choose rows by " +
		"WHERE and compute within a row"
	source := &feature.Source{Name: "mine", Kind: feature.Query{SQL: text}}
	if _, err := sqlcheck.Parse(t.Context(), s, source); err != nil {
		t.Errorf("%s: %v", text, err)
		return
	}
	err := sqlcheck.CheckEventWise(t.Context(), s, source)
	switch {
	case want == "" && err != nil:
		t.Errorf("%s: got error %v, want none", text, err)
	case want != "" && (err == nil || err.Error() != "the query "+want+rest):
		t.Errorf("%s: got error %v, want that it %s", text, err, want)
	}
}
