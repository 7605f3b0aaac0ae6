package auditlog_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/plumbstore/plumb/audit/auditlog"
	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/storetest"
)

func TestTheShareOfEntitiesIsLogged_AndAlwaysTheSame(t *testing.T) {
	view := newView()
	layout := newLayout(t, view, nil)
	var tuples [][]any
	for i := range 20_000 {
		tuples = append(tuples, []any{fmt.Sprint("shop", i%100), int64(i)})
	}
	keys := storetest.KeyColumns(t, view.Keys, tuples...)
	swapped := []*plumbv1.KeyColumn{keys[1], keys[0]}
	before := []int32{}
	for _, rate := range []float64{0, 0.01, 0.25, 0.5, 0.999, 1} {
		sampler := auditlog.NewSampler(rate)
		picked := sampler.Sample(layout, keys, len(tuples), 1)
		if off := math.Abs(float64(len(picked))/float64(len(tuples)) - rate); off > 0.02 {
			t.Errorf("rate %v logs %d of %d", rate, len(picked), len(tuples))
		}
		if !slices.Equal(picked, sampler.Sample(layout, swapped, len(tuples), 2)) {
			t.Errorf("rate %v: another order of columns, or another time, logs others", rate)
		}
		for _, row := range before {
			if !slices.Contains(picked, row) {
				t.Fatalf("rate %v does not log row %d, which a lower one does", rate, row)
			}
		}
		if len(picked) < 1000 {
			before = picked
		}
	}
	sampler := auditlog.NewSampler(0.01)
	for _, at := range sampler.Sample(layout, keys, len(tuples), 3) {
		alone := storetest.KeyColumns(t, view.Keys, tuples[at])
		if got := sampler.Sample(layout, alone, 1, 4); len(got) != 1 {
			t.Errorf("row %d is logged beside others and not alone", at)
		}
	}
}

// The keys of a row are distinguished: ("a", null) is not (null, "a").
func TestKeysAreSampledAsTuples(t *testing.T) {
	text := func(name string) feature.Field { return feature.Field{Name: name, Type: plumbv1.Type_STRING} }
	view := newView()
	view.Keys = []feature.Field{text("x"), text("y")}
	layout := newLayout(t, view, nil)
	sampler := auditlog.NewSampler(0.5)
	differ := 0
	for i := range 200 {
		one, other := fmt.Sprint("a", i), fmt.Sprint("1", i)
		keys := storetest.KeyColumns(t, view.Keys, []any{one + other, ""}, []any{one, other}, []any{one + other, nil})
		if n := len(sampler.Sample(layout, keys, 3, 0)); n != 0 && n != 3 {
			differ++
		}
	}
	if differ < 100 {
		t.Errorf("tuples that run together are told apart in %d of 200 cases", differ)
	}
}

func TestR12_LookUpsWithoutKeysAreSampledByTurn(t *testing.T) {
	view := newView()
	view.Keys = nil
	layout, logged := newLayout(t, view, nil), 0
	sampler := auditlog.NewSampler(0.1)
	for turn := range uint64(10_000) {
		logged += len(sampler.Sample(layout, nil, 1, turn))
	}
	if logged < 800 || logged > 1200 {
		t.Errorf("%d of 10000 are logged", logged)
	}
}
