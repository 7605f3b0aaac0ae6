package relation

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/store/duckdb/session"
	"github.com/plumbstore/plumb/store/duckdb/session/sessiontest"
	"github.com/plumbstore/plumb/store/duckdb/sqlcheck"
)

// rewritable are queries with an aggregate that needs an order, one for each construct of SQL whose text DuckDB makes
// anew. f has the columns k, t, x, y, b, s (a text), d (a time), l (a list) and r (a struct).
var rewritable = []string{
	"SELECT sum(x) FROM f",
	"SELECT k, Sum(X), sum(f.x), sum(\"x\") FROM f GROUP BY k",
	"SELECT sum(x * 1e3), sum(x * 1e-3), sum(x) / 1E2, 5e-324, 1.7976931348623157e308, -1e0 FROM f",
	"SELECT sum(x * 1.5), .5, 5., 12345678901234567890123, 123456789012345678901234567890123456789012345678901 FROM f",
	"SELECT sum(x) FROM f WHERE b IS TRUE",
	"SELECT sum(x) FROM f WHERE b IS NOT TRUE OR b IS FALSE OR b IS NOT FALSE OR b IS UNKNOWN OR b IS NOT UNKNOWN",
	"SELECT sum(x), b IS TRUE, b = false, TRUE, FALSE::BOOLEAN, NULL, NULL::INTEGER FROM f GROUP BY b",
	"SELECT sum(x::DOUBLE), sum(TRY_CAST(s AS DECIMAL(10,2))::DOUBLE), avg(CAST(x AS FLOAT)) FROM f",
	"SELECT sum(x), [1, 2]::INT[], CAST([1] AS INTEGER[1]), '1'::UTINYINT, {'a': 1}::STRUCT(a BIGINT), MAP {1: 2} FROM f",
	"SELECT sum(x) FROM f WHERE d > TIMESTAMP '2013-01-01' - INTERVAL 1 DAY AND d > DATE '2013-01-01' - INTERVAL '2 h'",
	"SELECT sum(x), d + INTERVAL (k) DAY, d - '1 day'::INTERVAL, TIME '12:00', TIMESTAMPTZ '2013-01-01 00:00:00+00' " +
		"FROM f GROUP BY ALL",
	"SELECT sum(extract(year FROM d)::DOUBLE), date_trunc('hour', d), d AT TIME ZONE 'UTC' FROM f GROUP BY ALL",
	"SELECT sum(l[1]), sum(r.a), avg(r['a']), sum((r).a), count(*), any_value(l[1:2]), any_value(l[-1]) FROM f",
	"SELECT sum(list_sum(list_transform(l, lambda v: v + 1e0))) FROM f",
	"SELECT sum(list_sum([v + 1 FOR v IN l IF v > 1])) FROM f",
	"SELECT sum(x), {'a': sum(y), 'b': 1}, ROW(1, avg(x)), (1, avg(y)), struct_pack(sum(x)), [sum(x), 2e0] FROM f",
	"SELECT k, sum(sum(x)) OVER (ORDER BY k), sum(max(x)) OVER w FROM f GROUP BY k WINDOW w AS (ORDER BY k)",
	"SELECT k, sum(x), row_number() OVER (PARTITION BY k ORDER BY k DESC NULLS LAST) FROM f GROUP BY k",
	"SELECT DISTINCT k, sum(x) OVER (PARTITION BY k), avg(y) FILTER (WHERE b) OVER (PARTITION BY k) FROM f",
	"SELECT sum(x), sum(max(y)) OVER (ORDER BY k ROWS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE TIES) FROM f GROUP BY k",
	"WITH w AS (SELECT k, sum(x) FROM f GROUP BY k) SELECT k, \"sum(x)\" FROM w",
	"WITH w AS MATERIALIZED (SELECT 1 AS k), v(q) AS NOT MATERIALIZED (FROM w) SELECT sum(x) FROM f, v WHERE k = q",
	"WITH RECURSIVE r AS (SELECT 1 i UNION ALL SELECT i + 1 FROM r WHERE i < 3) SELECT sum(x * i) FROM r, f",
	"SELECT sum(x) FILTER (WHERE y > 1e0), sum(x) FILTER (b) FROM f",
	"SELECT sum(DISTINCT x), avg(ALL y), arg_max(x, t), arg_max(x, t, 2), corr(x, y) FROM f",
	"SELECT sum(x) AS \"a \"\"b\"\"\", sum(x) AS \"select\", sum(z.\"x\") AS é FROM f AS z",
	"SELECT sum(x) /* in the middle */ -- to the end\n, 'it''s', E'a\\nb', $$dollar$$, '--no', 'é' FROM f -- last",
	"SELECT CASE WHEN k > 1 THEN sum(y) ELSE 0 END, CASE sum(x) WHEN 1 THEN 2 WHEN 2 THEN 3 END FROM f GROUP BY k",
	"SELECT sum(x) FROM f WHERE k BETWEEN 1 AND 2 OR k NOT BETWEEN 1 AND 3",
	"SELECT sum(x) FROM f WHERE k IN (1, 2) OR k NOT IN (SELECT 1) OR s IN ('a') OR k = ANY([1, 2]) OR k > ALL(SELECT 1)",
	"SELECT sum(x) FROM f WHERE EXISTS (SELECT 1) AND NOT EXISTS (FROM g WHERE g.k = f.k) OR (k, t) IN ((1, 2))",
	"SELECT sum(x), s LIKE 'a%', s NOT LIKE 'b', s ILIKE 'c', s SIMILAR TO 'd', s GLOB 'e', s LIKE 'a' ESCAPE '!' " +
		"FROM f GROUP BY ALL",
	"SELECT sum(x), s || 'b', k // 2, k ** 2, k ^ 2, -k, +k, ~k, k % 2, NOT b, k & 1, k << 1, @k FROM f GROUP BY ALL",
	"SELECT sum(x), k IS DISTINCT FROM 1, k IS NOT DISTINCT FROM 1, k IS NULL, k NOTNULL, coalesce(k, 1), nullif(k, 0), " +
		"if(k > 1, 2, 3) FROM f GROUP BY ALL",
	"SELECT k, b, sum(x), grouping(k) FROM f GROUP BY GROUPING SETS ((k), (b), ())",
	"SELECT k, b, sum(x) FROM f GROUP BY ROLLUP (k, b)",
	"SELECT k, b, sum(x) FROM f GROUP BY CUBE (k, b)",
	"SELECT k, sum(x) FROM f GROUP BY 1 HAVING sum(x) > 1e0 AND avg(x) < 1e300 ORDER BY sum(x) DESC, 1 LIMIT 3 OFFSET 1",
	"SELECT k, sum(x) FROM f GROUP BY ALL ORDER BY ALL DESC NULLS FIRST LIMIT 10%",
	"SELECT k, sum(x) FROM f GROUP BY k QUALIFY row_number() OVER (ORDER BY k) = 1",
	"SELECT DISTINCT ON (k) k, t, sum(x) FROM f GROUP BY k, t ORDER BY k, t",
	"SELECT sum(f.x) FROM f JOIN g USING (k) LEFT JOIN f h ON f.k = h.k AND f.t = h.t",
	"SELECT sum(f.x) FROM f ASOF LEFT JOIN g ON f.k = g.k AND f.t >= g.t",
	"SELECT sum(x) FROM f SEMI JOIN g USING (k) ANTI JOIN (SELECT -1 AS k) h USING (k)",
	"SELECT sum(x) FROM f NATURAL JOIN g CROSS JOIN (SELECT 1)",
	"SELECT sum(x + n) FROM f, LATERAL (SELECT f.k AS n) h",
	"SELECT sum(v.x) FROM (VALUES (1, 1e0), (2, 2.5e0)) v(k, x)",
	"WITH w(k, x) AS (VALUES (1, 1e0), (2, 2.5e0)) SELECT sum(x) FROM w WHERE k IN (VALUES (1), (2))",
	"SELECT sum(i::DOUBLE) FROM range(3) r(i)",
	"SELECT sum(x) FROM f UNION ALL SELECT avg(y) FROM f",
	"SELECT sum(x) FROM f UNION ALL BY NAME SELECT avg(y) FROM f",
	"(SELECT k, sum(x) FROM f GROUP BY k ORDER BY ALL LIMIT 1) EXCEPT ALL SELECT 1, avg(y) FROM f INTERSECT SELECT 1, 2e0",
	"SELECT * EXCLUDE (a) FROM (SELECT k, sum(x) a, avg(x) FROM f GROUP BY k)",
	"SELECT * REPLACE (a + 1 AS a), COLUMNS('a') FROM (SELECT sum(x) a FROM f)",
	"SELECT * RENAME (a AS c) FROM (SELECT sum(x) a FROM f)",
	"SELECT sum(COLUMNS(['x', 'y'])), avg(COLUMNS('[xy]')), product(COLUMNS(* EXCLUDE (k, t, b, s, d, l, r))) FROM f",
	"FROM f SELECT sum(x)",
	"FROM (FROM f SELECT sum(x))",
	"FROM (SELECT k, x, y, b FROM f) PIVOT (sum(x) FOR b IN (true, false))",
	"FROM (SELECT k, x, y, b FROM f) PIVOT (sum(x), avg(y) AS m, avg(x) FOR b IN (true AS yes, false) GROUP BY k)",
	"SELECT * FROM (PIVOT f ON b IN (true, false) USING sum(x) GROUP BY k)",
	"SELECT n, sum(v) FROM (UNPIVOT f ON x, y INTO NAME n VALUE v) GROUP BY n",
	"SELECT sum(v) FROM f UNPIVOT INCLUDE NULLS (v FOR n IN (x, y))",
	"SELECT main.sum(x), try(1 / 2) FROM f",
	"SELECT sum(x ORDER BY t DESC), list(x ORDER BY t DESC NULLS LAST, y), string_agg(s, ',' ORDER BY t) FROM f",
	"SELECT sum(x), #1 FROM f GROUP BY ALL",
	"SELECT sum(x) AS total, total + 1 FROM f",
	"SELECT total: sum(x) FROM f",
	"SELECT k, sum(x), (SELECT avg(y) FROM g WHERE g.k = f.k) FROM f GROUP BY k",
	"SELECT sum((SELECT sum(y) FROM g WHERE g.k = f.k)) FROM f",
	"SELECT sum(x), unnest([1, 2]), unnest({'a': 1, 'b': 2}), unnest([{'c': 1e0}], recursive := true) FROM f",
	"SELECT sum(x), position('a' IN s), substring(s FROM 1 FOR 2), trim(BOTH ' ' FROM s), '\\x41'::BLOB FROM f " +
		"GROUP BY ALL",
	"SELECT any_value('{\"a\": {\"b\": 1}}'::JSON->'a'->>'b'), any_value(s::JSON->'$.a.b') FROM f WHERE s LIKE '{%'",
}

// A query whose aggregates are given an order has the same columns and rows as the one that was written.
func TestR17_AnOrderChangesNothingElse(t *testing.T) {
	s := sessiontest.Open(t)
	for _, statement := range []string{
		"CREATE TABLE f AS SELECT i % 4 AS k, i AS t, i * 2.0::DOUBLE AS x, (i % 3)::DOUBLE AS y, CASE i % 3 " +
			"WHEN 0 THEN true WHEN 1 THEN false END AS b, i::VARCHAR AS s, " +
			"TIMESTAMP '2013-01-01' + INTERVAL (i) HOUR AS d, [i::DOUBLE, 2] AS l, {'a': i::DOUBLE} AS r FROM range(20) q(i)",
		"CREATE TABLE g AS SELECT k, t, y FROM f WHERE k > 1",
	} {
		if err := s.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	for at, text := range rewritable {
		source := &feature.Source{Name: fmt.Sprint("q", at), Kind: feature.Query{SQL: text}}
		parsed, err := sqlcheck.Parse(t.Context(), s, source)
		if err == nil {
			err = (&Set{session: s}).createQuery(t.Context(), source, parsed)
		}
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if parsed.Text == text {
			t.Errorf("%s: nothing was given an order", text)
		}
		if diff := cmp.Diff(resultOf(t, s, text), resultOf(t, s, "FROM "+source.Name)); diff != "" {
			t.Errorf("%s\nruns as %s\n(-written +run):\n%s", text, parsed.Text, diff)
		}
	}
}

// resultOf is the columns of a query with their types, and its rows, sorted.
func resultOf(t *testing.T, s *session.Session, text string) []string {
	t.Helper()
	var found []string
	read := func(query string) {
		err := s.QueryRows(t.Context(), query, func(rows *sql.Rows) error {
			var row string
			defer func() { found = append(found, row) }()
			return rows.Scan(&row)
		})
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	read("SELECT column_name || ' ' || column_type FROM (DESCRIBE FROM (" + text + "\n))")
	read("SELECT q::VARCHAR AS row FROM (" + text + "\n) q ORDER BY ALL")
	return found
}

// What only fails once it is bound is refused too.
func TestR17_AnOrderThatDoesNotBindIsRefused(t *testing.T) {
	s := sessiontest.Open(t)
	if err := s.Exec(t.Context(), "CREATE TABLE f AS SELECT 1e0 AS x"); err != nil {
		t.Fatal(err)
	}
	source := &feature.Source{Name: "mine", Kind: feature.Query{SQL: "SELECT avg(COLUMNS(c -> c LIKE 'x%')) FROM f"}}
	parsed, err := sqlcheck.Parse(t.Context(), s, source)
	if err == nil {
		err = (&Set{session: s}).createQuery(t.Context(), source, parsed)
	}
	if want := "write it, as in avg(x ORDER BY x), and write a call for each column"; err == nil ||
		!strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}
