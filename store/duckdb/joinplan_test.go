package duckdb

import (
	"os"
	"path/filepath"
	"testing"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/duckdb/session"
)

// plannedOver plans a join with a view of a Parquet file, or of a query over one.
func plannedOver(t *testing.T, query bool) (*join, *project) {
	t.Helper()
	p := newProject(t, map[string]string{"a.parquet": "SELECT 1 AS k, 10 AS x, TIMESTAMP '2013-01-01' AS at"},
		"data/a.parquet", newFeature("x", plumbv1.Type_INT32))
	if query {
		p.more, p.source = []*plumbv1.Source{p.source}, &plumbv1.Source{Name: "q", EventTimestamp: "at",
			Kind: &plumbv1.Source_Sql{Sql: &plumbv1.SqlSource{Query: "FROM s"}}}
		p.view.Source = "q"
	}
	planned, err := p.plan(t, "l.parquet", "SELECT 1 AS k, TIMESTAMP '2013-01-02' AS t")
	if err != nil {
		t.Fatal(err)
	}
	j, ok := planned.(*join)
	if !ok {
		t.Fatalf("a plan is a %T", planned)
	}
	return j, p
}

func TestEachRunIsConfinedAndTheFirstOneMayTakeTheSessionOfThePlan(t *testing.T) {
	for _, query := range []bool{false, true} {
		j, p := plannedOver(t, query)
		secret := filepath.Join(p.folder, "data", "secret.csv")
		if err := os.WriteFile(secret, []byte("x\n1\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		first := j.ready.Load()
		if (first == nil) != query {
			t.Errorf("over a query %t: the plan has left the session %v", query, first)
		}
		ran := map[*session.Session]bool{}
		for range 2 {
			if err := j.open(t.Context(), nil, func(run *joinRun) error {
				ran[run.session] = true
				for _, statement := range []string{
					"SELECT * FROM read_csv('" + secret + "')", "COPY (SELECT 1) TO '" + secret + "'", "SET threads = 1",
				} {
					if err := run.session.Exec(t.Context(), statement); err == nil {
						t.Errorf("over a query %t: a run may do %s", query, statement)
					}
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
		if len(ran) != 2 || ran[first] == query {
			t.Errorf("over a query %t: the runs had the sessions %v, and the plan %v", query, ran, first)
		}
	}
}

func TestAPlanThatNeverRunsLeavesNothing(t *testing.T) {
	j, p := plannedOver(t, false)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(filepath.Join(p.folder, "plumb-spill-*")); err != nil || len(left) > 0 {
		t.Errorf("there are %q, %v", left, err)
	}
}
