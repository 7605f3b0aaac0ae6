package duckdb

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

func TestPartitionsAreThoseBelowTheSourceAlone(t *testing.T) {
	p := newProject(t, map[string]string{
		"env=prod/s/area=01/a.parquet": "SELECT 1 AS k, 10 AS x, TIMESTAMP '2013-01-01' AS at",
		"env=prod/s/area=02/a.parquet": "SELECT 1 AS k, 20 AS x, TIMESTAMP '2013-01-02' AS at",
	}, "data/env=prod/s", newFeature("area", plumbv1.Type_STRING), newFeature("x", plumbv1.Type_INT32))
	got, err := p.join(t, "l.csv", "k,t\n1,2013-01-01\n1,2013-01-03\n")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("k,t,area,x\n1,2013-01-01,01,10\n1,2013-01-03,02,20\n", got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	p.view.Features = append(p.view.Features, newFeature("env", plumbv1.Type_STRING))
	if _, err := p.join(t, "l.csv", "k,t\n1,2013-01-01\n"); err == nil || !strings.Contains(err.Error(), `"env"`) {
		t.Errorf("got error %v, want one that knows no column env", err)
	}
}

func TestFoldersWhoseNamesDoNotFitATypeAreToldBeforeTheyAreRead(t *testing.T) {
	p := newProject(t, map[string]string{
		"s/dt=20240101/a.parquet":   "SELECT 1 AS k, 10 AS x, TIMESTAMP '2013-01-01' AS at",
		"s/dt=2024-01-02/a.parquet": "SELECT 1 AS k, 10 AS x, TIMESTAMP '2013-01-01' AS at",
	}, "data/s")
	source, err := p.snapshot(t).Source("s")
	if err != nil {
		t.Fatal(err)
	}
	engine := p.open(t)
	columns, err := engine.Columns(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	partition := columns[len(columns)-1]
	if err := engine.CanBeTime(partition); err == nil || !strings.Contains(err.Error(), "dt=20240101 does not fit") {
		t.Errorf("as a time: %v", err)
	}
	if err := engine.CanBecome(partition, plumbv1.Type_INT64, false); err == nil ||
		!strings.Contains(err.Error(), "dt=2024-01-02 does not fit INT64") {
		t.Errorf("as a number: %v", err)
	}
	if err := engine.CanBecome(partition, plumbv1.Type_STRING, true); err != nil {
		t.Errorf("as text: %v", err)
	}
}
