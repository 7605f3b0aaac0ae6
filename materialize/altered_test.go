package materialize_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/materialize"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry/plan"
	"github.com/plumbstore/plumb/store/lookup"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/storetest"
)

// alter applies the definitions as plumb apply does, by a plan.
func (p *project) alter(desired *plumbv1.Definitions) {
	p.T.Helper()
	current := must(p.Registry.Current(p.T.Context(), "shops"))(p.T)
	must(p.Registry.Apply(p.T.Context(), plan.New(current, desired).Commit("test", noon)))(p.T)
}

// cells looks up all features of the prices of one shop, in their order.
func (p *project) cells(store online.Store, now feature.Instant) []storetest.Cell {
	p.T.Helper()
	snapshot := must(p.Registry.Current(p.T.Context(), "shops"))(p.T)
	prepared := must(lookup.New(must(snapshot.SelectFeatures([]string{"price:*"}, false))(p.T)))(p.T)
	columns := must(prepared.Get(p.T.Context(), store, lookup.Request{
		Keys: storetest.KeyColumns(p.T, prepared.Keys(), []any{"a"}), At: now, EventTimestamps: true,
	}))(p.T)
	var cells []storetest.Cell
	for _, column := range columns {
		cells = append(cells, storetest.Cells(column)[0])
	}
	return cells
}

func TestRowsFromBeforeAViewWasAlteredAreReadRightUntilTheyAreRewritten(t *testing.T) {
	notFound := storetest.Cell{Status: plumbv1.Status_NOT_FOUND}
	expired := storetest.Cell{Status: plumbv1.Status_EXPIRED, Event: at(1)}
	single := storetest.Cell{Value: float32(1.5), Status: plumbv1.Status_PRESENT, Event: at(1)}
	rate := &plumbv1.Feature{Name: "rate", Type: plumbv1.Type_FLOAT64, Column: "euros"}
	type change = func(*plumbv1.FeatureView)
	for name, c := range map[string]struct {
		changes []change
		// before and after are what is read once the changes are applied, and once the view was materialized again.
		before, after []storetest.Cell
	}{
		"a feature is added": {
			[]change{func(v *plumbv1.FeatureView) { v.Features = append(v.Features, rate) }},
			[]storetest.Cell{present(1.5, at(1)), notFound}, []storetest.Cell{present(1.5, at(1)), present(1.5, at(1))},
		},
		"a feature is added before the others": {
			[]change{func(v *plumbv1.FeatureView) { v.Features = []*plumbv1.Feature{rate, v.Features[0]} }},
			[]storetest.Cell{notFound, present(1.5, at(1))}, []storetest.Cell{present(1.5, at(1)), present(1.5, at(1))},
		},
		"a feature is replaced by another": {
			[]change{func(v *plumbv1.FeatureView) { v.Features = []*plumbv1.Feature{rate} }},
			[]storetest.Cell{notFound}, []storetest.Cell{present(1.5, at(1))},
		},
		"a feature's type changes": {
			[]change{func(v *plumbv1.FeatureView) { v.Features[0].Type = plumbv1.Type_FLOAT32 }},
			[]storetest.Cell{notFound}, []storetest.Cell{single},
		},
		"a feature's type changes and changes back": {
			[]change{
				func(v *plumbv1.FeatureView) { v.Features[0].Type = plumbv1.Type_FLOAT32 },
				func(v *plumbv1.FeatureView) { v.Features[0].Type = plumbv1.Type_FLOAT64 },
			},
			[]storetest.Cell{notFound}, []storetest.Cell{present(1.5, at(1))},
		},
		"the ttl is shortened": {
			[]change{func(v *plumbv1.FeatureView) { v.Ttl = durationpb.New(time.Hour) }},
			[]storetest.Cell{expired}, []storetest.Cell{expired},
		},
		"the ttl is lifted": {
			[]change{func(v *plumbv1.FeatureView) { v.Ttl = nil }},
			[]storetest.Cell{present(1.5, at(1))}, []storetest.Cell{present(1.5, at(1))},
		},
		"a lookback is given": {
			[]change{func(v *plumbv1.FeatureView) { v.Lookback = durationpb.New(time.Hour) }},
			[]storetest.Cell{present(1.5, at(1))}, []storetest.Cell{present(1.5, at(1))},
		},
	} {
		t.Run(name, func(t *testing.T) {
			onStores(t, func(t *testing.T, store online.Store) {
				p := newProject(t, price{"a", at(1), nil, 1.5})
				p.Run(store, materialize.Request{To: at(3)})
				desired := definitions()
				for _, change := range c.changes {
					desired = proto.CloneOf(desired)
					change(desired.FeatureViews[0])
					p.alter(desired)
				}
				if diff := cmp.Diff(c.before, p.cells(store, at(3))); diff != "" {
					t.Errorf("before it is rewritten (-want +got):\n%s", diff)
				}
				p.Run(store, materialize.Request{To: at(4)})
				if diff := cmp.Diff(c.after, p.cells(store, at(4))); diff != "" {
					t.Errorf("after (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestR15_AClockThatWasSetBackLosesNothing(t *testing.T) {
	onStores(t, func(t *testing.T, store online.Store) {
		p := newProject(t, price{"a", at(1), nil, 1.0}, price{"a", at(3), nil, 2.0})
		p.Run(store, materialize.Request{To: at(4)})
		before := p.Stored(store, []string{"a"})
		back := p.Materializer(store, func(c *materialize.Config) {
			c.Now = func() time.Time { return noon.Add(-10 * time.Hour) } // The second hour.
		})
		for _, request := range []materialize.Request{
			{To: at(5)}, {To: at(5), Lookback: new(3 * time.Hour)}, {To: at(5), From: new(at(0))},
		} {
			if _, err := back.Run(t.Context(), p.View("price"), request); err == nil ||
				!strings.Contains(err.Error(), "the clock was ahead when that was recorded, or this one is behind") {
				t.Errorf("%+v: want an error that says why and what to do, got %v", request, err)
			}
			if end, _ := p.End(); end != at(4) {
				t.Errorf("%+v moved the recorded end to %s", request, end)
			}
		}
		if !sameRows(before, p.Stored(store, []string{"a"})) {
			t.Error("what is stored changed")
		}
		if diff := cmp.Diff([]storetest.Cell{present(2, at(3))}, p.Look(store, at(4), "a")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
