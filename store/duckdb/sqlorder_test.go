package duckdb

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/store/duckdb/quote"
	"github.com/plumbstore/plumb/store/duckdb/sqlcheck"
	"github.com/plumbstore/plumb/store/storetest"
)

// A SQL source gives the same bits however many threads there are and however its rows lie in files: otherwise what is
// materialized may differ in its last bit from what is joined (R17).
func TestR17_AggregatesDoNotDependOnThreadsOrFiles(t *testing.T) {
	const rows = 30_000
	queries := map[string]string{
		"sums": "SELECT k, sum(x) AS a, avg(x) AS b, stddev(x) AS c, corr(x, y) AS d, sum(x) FILTER (WHERE y > 0) AS e, " +
			"sum(DISTINCT y) AS f, fsum(x) AS g, product(1 + y) AS h, skewness(x) AS i, regr_slope(x, y) AS j FROM f GROUP BY k",
		"choices": "SELECT k, any_value(x) AS a, arg_max(x, t) AS b, mode(t) AS c, first(x ORDER BY t) AS d, " +
			"list(x ORDER BY t)[1:5] AS e, string_agg(x::VARCHAR, ',' ORDER BY t)[1:50] AS g FROM f GROUP BY k",
		"nested": "WITH w AS (SELECT k, t, sum(x) AS s FROM f GROUP BY k, t) SELECT k, avg(s) AS a, max(s) AS b, (SELECT " +
			"sum(x) FROM f) AS c FROM w GROUP BY ALL",
		"constants": "SELECT k, sum(x * 1e6) AS a, avg(x * 1e-3) FILTER (WHERE (y > 0) IS TRUE) AS b, sum(x * 5.) FROM f " +
			"GROUP BY k HAVING (sum(x) IS NULL) IS NOT TRUE",
		"windows": "SELECT DISTINCT k, sum(x) OVER (PARTITION BY k) AS a, avg(y) OVER (PARTITION BY k, t) AS b, " +
			"any_value(x) OVER (PARTITION BY k) AS c FROM f",
	}
	results := map[string]string{}
	for _, layout := range []struct {
		files, group int
		threads      []int
	}{{1, 0, []int{1}}, {1, 2048, []int{2, 8}}, {3, 5000, []int{8}}, {7, 0, []int{2, 8}}} {
		folder := t.TempDir()
		writeSplit(t, folder, rows, layout.files, layout.group)
		for _, threads := range layout.threads {
			for name, text := range queries {
				bits := runSource(t, folder, threads, text)
				if want, ok := results[name]; ok && bits != want {
					t.Errorf("%s with %d threads, %d files: the rows differ from those before", name, threads, layout.files)
				}
				results[name] = bits
			}
		}
	}
}

// writeSplit writes the same rows into the given number of files.
func writeSplit(t *testing.T, folder string, rows, files, group int) {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	for file := range files {
		columns := []storetest.Column{
			{Name: "k", Form: arrow.PrimitiveTypes.Int64}, {Name: "t", Form: arrow.PrimitiveTypes.Int64},
			{Name: "x", Form: arrow.PrimitiveTypes.Float64}, {Name: "y", Form: arrow.PrimitiveTypes.Float64},
		}
		for range rows*(file+1)/files - rows*file/files {
			columns[0].Values = append(columns[0].Values, random.Int64N(5))
			columns[1].Values = append(columns[1].Values, random.Int64N(20))
			columns[2].Values = append(columns[2].Values, random.NormFloat64()*1e6)
			columns[3].Values = append(columns[3].Values, random.NormFloat64()/1e3)
		}
		path := filepath.Join(folder, "f", fmt.Sprintf("%d.parquet", file))
		if err := (storetest.File{Path: path, Columns: columns, RowGroup: group}).Write(); err != nil {
			t.Fatal(err)
		}
	}
}

// runSource is the rows of a SQL source with all their bits.
func runSource(t *testing.T, folder string, threads int, text string) string {
	t.Helper()
	engine, err := Open(Config{ProjectDir: folder, Roots: []string{"."}, Threads: threads})
	if err != nil {
		t.Fatal(err)
	}
	s, err := engine.newSession(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	parsed, err := sqlcheck.Parse(t.Context(), s, &feature.Source{Name: "q", Kind: feature.Query{SQL: text}})
	if err != nil {
		t.Fatal(err)
	}
	if parsed.Text == text {
		t.Fatalf("%s: nothing was given an order", text)
	}
	read := "CREATE VIEW f AS FROM read_parquet(" + quote.Literal(filepath.Join(folder, "f", "*.parquet")) + ")"
	if err := s.Exec(t.Context(), read); err != nil {
		t.Fatal(err)
	}
	var bits string
	query := "SELECT string_agg(r::VARCHAR, ';' ORDER BY r) FROM (" + parsed.Text + ") r"
	if err := s.QueryRow(t.Context(), query, &bits); err != nil {
		t.Fatal(err)
	}
	return bits
}
