package lineage_test

import (
	"errors"
	"testing"

	"github.com/plumbstore/plumb/internal/lineage"
)

func TestAPullNamesItsDatabaseAndItsQuery(t *testing.T) {
	request := lineage.PullRequest{Source: "sales", Query: "SELECT * FROM sales", Path: "data/sales",
		Database: "postgres://db.example.com:5433/shop"}
	events := recorded(t, func(r *lineage.Recorder) {
		r.StartPull(request).End(t.Context(), 7, nil)
		request.Database = "postgres:///shop"
		r.StartPull(request).End(t.Context(), 0, errors.New("the database is unavailable"))
	})
	for i, want := range []string{"START", "COMPLETE", "START", "FAIL"} {
		if got := at(t, events[i], "eventType"); got != want {
			t.Errorf("event %d is %s, not %s", i, got, want)
		}
		if got := at(t, events[i], "job", "facets", "sql", "query"); got != "SELECT * FROM sales" {
			t.Errorf("the query is %s", got)
		}
		if got := at(t, events[i], "outputs", 0, "name"); got != "/project/data/sales" {
			t.Errorf("the output is %s", got)
		}
	}
	database := at(t, events[1], "inputs", 0)
	if at(t, database, "namespace") != "postgres://db.example.com:5433" || at(t, database, "name") != "shop" {
		t.Errorf("the database is %v", database)
	}
	if got := at(t, events[1], "outputs", 0, "outputFacets", "outputStatistics", "rowCount"); got != 7.0 {
		t.Errorf("%v rows", got)
	}
	var none *lineage.Recorder
	none.StartPull(request).End(t.Context(), 0, nil)
}
