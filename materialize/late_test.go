package materialize_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/plumbstore/plumb/materialize"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/storetest"
)

func TestR5_ALookbackBringsRowsThatArrivedAfterTheirWindow(t *testing.T) {
	onStores(t, func(t *testing.T, store online.Store) {
		p := newProject(t, price{"a", at(1), nil, 1.0}, price{"b", at(1), nil, 2.0})
		p.Run(store, materialize.Request{To: at(4)})
		p.Write(price{"a", at(1), nil, 1.0}, price{"b", at(1), nil, 2.0},
			price{"a", at(3), nil, 9.0}, price{"b", at(0.5), nil, 8.0})
		p.Run(store, materialize.Request{To: at(5)})
		before := []storetest.Cell{present(1, at(1)), present(2, at(1))}
		if diff := cmp.Diff(before, p.Look(store, at(5), "a", "b")); diff != "" {
			t.Fatalf("without a lookback (-want +got):\n%s", diff)
		}
		report := p.Run(store, materialize.Request{To: at(5), Lookback: new(5 * time.Hour)})
		if report.Run.Written != 2 || report.Run.Older != 0 || *report.Run.Start != int64(at(0)) {
			t.Errorf("the run is %+v, want it to begin at the first hour, and the newest of each written", report.Run)
		}
		after := []storetest.Cell{present(9, at(3)), present(2, at(1))}
		if diff := cmp.Diff(after, p.Look(store, at(5), "a", "b")); diff != "" {
			t.Errorf("with a lookback (-want +got):\n%s", diff)
		}
		if end, _ := p.End(); end != at(5) {
			t.Errorf("the recorded end is %s, want %s", end, at(5))
		}
	})
}

func TestR5_AViewsOwnLookbackHoldsUnlessTheRequestHasOne(t *testing.T) {
	online := openSQLite(t, filepath.Join(t.TempDir(), "online.db"))
	p := newProject(t, price{"a", at(1), nil, 1.0})
	changed := definitions()
	changed.FeatureViews[0].Lookback = durationpb.New(2 * time.Hour)
	p.Apply(changed)
	p.Run(online, materialize.Request{To: at(4)})
	if run := p.Run(online, materialize.Request{To: at(5)}).Run; run.Start == nil || *run.Start != int64(at(2)) {
		t.Errorf("the run is %+v, want it to begin two hours before the recorded end", run)
	}
	run := p.Run(online, materialize.Request{To: at(6), Lookback: new(time.Duration(0))}).Run
	if run.Start == nil || *run.Start != int64(at(5)) {
		t.Errorf("the run is %+v, want it to begin at the recorded end", run)
	}
}

func TestASecondRunOfAViewSaysThatTheFirstHasNotEnded(t *testing.T) {
	onStores(t, func(t *testing.T, store online.Store) {
		prices, shops := manyPrices(50)
		p := newProject(t, prices...)
		var second materialize.Report
		first := p.Materializer(store, func(c *materialize.Config) {
			c.Progress = func(string, int64) {
				if second.Run.ID == 0 {
					second = p.Run(store, materialize.Request{To: at(4)})
				}
			}
		})
		report := must(first.Run(t.Context(), p.View("price"), materialize.Request{To: at(4)}))(t)
		if notes := strings.Join(report.Notes, "\n"); strings.Contains(notes, "has not ended") {
			t.Errorf("the first run says %q", notes)
		}
		if notes := strings.Join(second.Notes, "\n"); !strings.Contains(notes, `of view "price" began at `) ||
			!strings.Contains(notes, "has not ended") {
			t.Errorf("the second run says %q", notes)
		}
		p.expectComplete(store, shops)
	})
}
