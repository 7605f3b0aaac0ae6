package server

import (
	"fmt"
	"testing"
	"time"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/telemetry"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/storetest"
)

// wide is a revision with one service and one view of very many features.
func wide(t *testing.T, features int) *servedRevision {
	t.Helper()
	view := &plumbv1.FeatureView{Name: "wide", Source: "rows"}
	for i := range features {
		f := &plumbv1.Feature{Name: fmt.Sprintf("f%d", i), Type: plumbv1.Type_INT32}
		view.Features = append(view.Features, f)
	}
	snapshot, err := feature.NewSnapshot("shops", 1, storetest.StateOf(&plumbv1.Definitions{
		Sources:         []*plumbv1.Source{{Name: "rows", EventTimestamp: "at"}},
		FeatureViews:    []*plumbv1.FeatureView{view},
		FeatureServices: []*plumbv1.FeatureService{{Name: "all", Features: []*plumbv1.ViewReference{{View: "wide"}}}},
	}))
	if err != nil {
		t.Fatal(err)
	}
	return newServedRevision(snapshot, telemetry.New(func() time.Time { return time.Time{} }), nil)
}

func listed(references ...string) *plumbv1.GetOnlineFeaturesRequest {
	list := &plumbv1.FeatureList{References: references}
	return &plumbv1.GetOnlineFeaturesRequest{Selection: &plumbv1.GetOnlineFeaturesRequest_Features{Features: list}}
}

func TestPlansAreMadeOnceAndKeptUpToABound(t *testing.T) {
	e := wide(t, maxKept+50)
	first, err := e.lookup(listed("wide:f0"))
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := e.lookup(listed("wide:f0")); again != first {
		t.Errorf("the same list was planned twice")
	}
	for i := range maxKept + 50 {
		if _, err := e.lookup(listed(fmt.Sprintf("wide:f%d", i))); err != nil {
			t.Fatal(err)
		}
	}
	if len(e.kept) != maxKept {
		t.Errorf("%d plans are kept, want %d", len(e.kept), maxKept)
	}
	service := &plumbv1.GetOnlineFeaturesRequest{
		Selection: &plumbv1.GetOnlineFeaturesRequest_FeatureService{FeatureService: "all"},
	}
	if ready, _ := e.lookup(service); ready == nil || ready != e.services["all"] {
		t.Errorf("the plan of a service was not ready")
	}
}

func TestAReadyPlanIsFoundWithoutAllocating(t *testing.T) {
	e := wide(t, 50)
	service := &plumbv1.GetOnlineFeaturesRequest{
		Selection: &plumbv1.GetOnlineFeaturesRequest_FeatureService{FeatureService: "all"},
	}
	list := listed("wide:f0", "wide:f1")
	for name, request := range map[string]*plumbv1.GetOnlineFeaturesRequest{"a service": service, "a list": list} {
		find := func() {
			if _, err := e.lookup(request); err != nil {
				t.Fatal(err)
			}
		}
		find()
		if got := testing.AllocsPerRun(100, find); got > 1 {
			t.Errorf("%s: %v allocations, want at most one", name, got)
		}
	}
}

func TestSelectionsThatReadAlikeHaveTheirOwnPlans(t *testing.T) {
	requests := []*plumbv1.GetOnlineFeaturesRequest{
		listed("a:b", "c:d"), listed("a:b\x03c:d"), listed("a:bc:d"), listed("c:d", "a:b"), listed("a:b"), listed(),
		{Selection: &plumbv1.GetOnlineFeaturesRequest_FeatureService{FeatureService: "a:b"}},
		{Selection: listed("a:b").GetSelection(), FullNames: true},
	}
	seen := map[string]int{}
	for i, request := range requests {
		key := string(selectionKey(request))
		if before, ok := seen[key]; ok {
			t.Errorf("requests %d and %d share a plan", before, i)
		}
		seen[key] = i
	}
}
