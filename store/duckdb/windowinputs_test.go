package duckdb

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/offline"
)

func TestR26_WhatReadsAnInvalidWindowIsInvalid(t *testing.T) {
	p := newEvents(t, flow, exactly("sum", "2d"))
	state := p.state()
	state.Definitions.OnDemandViews = []*plumbv1.OnDemandView{{Name: "o",
		Views: []*plumbv1.ViewInput{{View: "v"}},
		Features: []*plumbv1.ComputedFeature{
			{Name: "more", Type: plumbv1.Type_INT64, Expression: "v.sum_x_2d + 1"},
			{Name: "some", Type: plumbv1.Type_INT64, Expression: "coalesce(v.sum_x_2d, 7)"},
		}}}
	snapshot, err := feature.NewSnapshot("p", 1, state)
	if err != nil {
		t.Fatal(err)
	}
	selection, err := snapshot.SelectFeatures([]string{"o:*"}, false)
	if err != nil {
		t.Fatal(err)
	}
	report := p.wants(t, "k,t\n1,2026-01-01T09:00:00Z\n1,2026-01-02T10:00:00Z\n1,2026-01-03T10:00:00Z\n",
		`k,t,more,more__status,some,some__status
1,2026-01-01T09:00:00Z,,NULL,7,PRESENT
1,2026-01-02T10:00:00Z,,INVALID,,INVALID
1,2026-01-03T10:00:00Z,2,PRESENT,1,PRESENT
`, func(r *offline.JoinRequest, _ *Engine) { r.Selection, r.Statuses = selection, true })
	want := []offline.ComputedReport{
		{Alias: "o", Invalid: []offline.InvalidValues{{Feature: "more", Rows: 1}, {Feature: "some", Rows: 1}}},
		{Alias: "o__v", Invalid: []offline.InvalidValues{{Feature: "sum_x_2d", Rows: 1}}},
	}
	if diff := cmp.Diff(want, report.Computed); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}
