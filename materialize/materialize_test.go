package materialize_test

import (
	"errors"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/sync/errgroup"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/materialize"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/storetest"
)

func TestR5_ConsecutiveWindowsTile(t *testing.T) {
	onStores(t, func(t *testing.T, store online.Store) {
		micro := 1.0 / 3600e6
		p := newProject(t,
			price{"a", at(1), nil, 1.0}, price{"b", at(2), nil, 2.0},
			price{"c", at(2 + micro), nil, 3.0}, price{"a", at(3), nil, 4.0},
		)
		first := p.Run(store, materialize.Request{To: at(2)}).Run
		if first.Read != 2 || first.Written != 2 || first.Start != nil {
			t.Errorf("the first window read %d and wrote %d rows, want 2 and 2, from no beginning", first.Read, first.Written)
		}
		if got := p.Look(store, at(3), "c")[0].Status; got != plumbv1.Status_NOT_FOUND {
			t.Errorf("a row a microsecond after the end is %s, want NOT_FOUND", got)
		}
		second := p.Run(store, materialize.Request{To: at(3)}).Run
		if second.Read != 2 || *second.Start != int64(at(2)) {
			t.Errorf("the second window read %d rows from %d, want 2 from the first one's end", second.Read, *second.Start)
		}
		want := []storetest.Cell{present(4, at(3)), present(2, at(2)), present(3, at(2+micro))}
		if diff := cmp.Diff(want, p.Look(store, at(3), "a", "b", "c")); diff != "" {
			t.Errorf("after both (-want +got):\n%s", diff)
		}
		if end, _ := p.End(); end != at(3) {
			t.Errorf("the recorded end is %s, want %s", end, at(3))
		}
	})
}

func TestR5_AWindowThatWasDoneIsNothingToDo(t *testing.T) {
	online := openSQLite(t, filepath.Join(t.TempDir(), "online.db"))
	p := newProject(t, price{"a", at(1), nil, 1.0})
	p.Run(online, materialize.Request{To: at(2)})
	again := p.Run(online, materialize.Request{To: at(2)})
	if again.Run.ID != 0 || again.Done == nil || again.Done.End != int64(at(2)) {
		t.Errorf("want nothing to do, since all is done up to %s; got %+v", at(2), again)
	}
}

func TestR5_AGapIsSaidAndClosedByTheNextRun(t *testing.T) {
	online := openSQLite(t, filepath.Join(t.TempDir(), "online.db"))
	p := newProject(t, price{"a", at(1), nil, 1.0}, price{"b", at(3), nil, 2.0}, price{"c", at(5), nil, 3.0})
	p.Run(online, materialize.Request{To: at(2)})
	from := at(4)
	gap := p.Run(online, materialize.Request{From: &from, To: at(6)})
	if !strings.Contains(strings.Join(gap.Notes, "\n"), "still missing") {
		t.Errorf("the gap is not said: %q", gap.Notes)
	}
	if end, _ := p.End(); end != at(2) {
		t.Errorf("what is complete ends at %s, want the end before the gap", end)
	}
	if diff := cmp.Diff(present(3, at(5)), p.Look(online, at(6), "c")[0]); diff != "" {
		t.Errorf("the row behind the gap (-want +got):\n%s", diff)
	}
	p.Run(online, materialize.Request{To: at(6)})
	if diff := cmp.Diff(present(2, at(3)), p.Look(online, at(6), "b")[0]); diff != "" {
		t.Errorf("the row in the gap, after the next run (-want +got):\n%s", diff)
	}
	if end, _ := p.End(); end != at(6) {
		t.Errorf("what is complete ends at %s, want %s", end, at(6))
	}
}

// A scheduler that catches up runs several windows at a time, and one that failed again later.
func TestR5_WindowsThatAreDoneInAnyOrderAreOne(t *testing.T) {
	online := openSQLite(t, filepath.Join(t.TempDir(), "online.db"))
	p := newProject(t, price{"a", at(1), nil, 1.0}, price{"b", at(3), nil, 2.0}, price{"c", at(5), nil, 3.0})
	for _, start := range []float64{1, 3, 2, 4} {
		from := at(start)
		p.Run(online, materialize.Request{From: &from, To: at(start + 1)})
	}
	progress := must(p.Registry.Progress(t.Context(), "shops"))(t)["price"]
	start := int64(at(1))
	if diff := cmp.Diff([]registry.Interval{{Start: &start, End: int64(at(5))}}, progress.Intervals); diff != "" {
		t.Error(diff)
	}
	var group errgroup.Group
	for i := range 7 {
		group.Go(func() error {
			from := at(float64(5 + i*3%7)) // Each window once, in another order.
			_, err := p.Materializer(online).Run(t.Context(), p.View("price"),
				materialize.Request{From: &from, To: from + at(1) - at(0)})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	if end, _ := p.End(); end != at(12) {
		t.Errorf("after windows that ended at once what is complete ends at %s", end)
	}
}

func TestR5_RowsBeforeAFirstWindowAreCounted(t *testing.T) {
	online := openSQLite(t, filepath.Join(t.TempDir(), "online.db"))
	p := newProject(t, price{"a", at(1), nil, 1.0}, price{"b", at(2), nil, 2.0}, price{nil, at(1), nil, 2.0},
		price{"b", nil, nil, 2.0}, price{"c", at(5), nil, 3.0})
	from := at(2)
	for i, want := range []int64{3, 0} { // The second time the record says where it begins.
		report := p.Run(online, materialize.Request{From: &from, To: at(6)})
		if report.Before != want {
			t.Errorf("run %d counts %d rows before its window, want %d", i, report.Before, want)
		}
	}
	if report := p.Run(online, materialize.Request{From: &from, To: at(6), Full: true}); report.Before != 3 {
		t.Errorf("a run that starts over there counts %d rows before its window, want 3", report.Before)
	}
}

func TestR7_ANewerNullReplacesAnOlderValue(t *testing.T) {
	onStores(t, func(t *testing.T, store online.Store) {
		p := newProject(t, price{"a", at(1), nil, 1.0}, price{"a", at(2), nil, nil})
		p.Run(store, materialize.Request{To: at(1)})
		p.Run(store, materialize.Request{To: at(2)})
		want := []storetest.Cell{{Status: plumbv1.Status_NULL, Event: at(2)}}
		if diff := cmp.Diff(want, p.Look(store, at(2), "a")); diff != "" {
			t.Errorf("answer (-want +got):\n%s", diff)
		}
	})
}

func TestR8_RowsWithANullKeyOrTimeAreCountedAndNeverServed(t *testing.T) {
	onStores(t, func(t *testing.T, store online.Store) {
		p := newProject(t, price{nil, at(1), nil, 1.0}, price{"a", nil, nil, 2.0}, price{"", at(1), nil, 3.0})
		run := p.Run(store, materialize.Request{To: at(2)}).Run
		if run.NullKeys != 1 || run.NullTimes != 1 || run.Read != 1 || run.Written != 1 {
			t.Errorf("counts are %+v, want 1 null key, 1 null time, 1 read, 1 written", run)
		}
		recorded := must(p.Registry.Runs(t.Context(), "shops", "price"))(t)[0]
		if diff := cmp.Diff(run, recorded, cmpopts.EquateApproxTime(0)); diff != "" {
			t.Errorf("what is recorded (-reported +recorded):\n%s", diff)
		}
		want := []storetest.Cell{present(3, at(1)), {Status: plumbv1.Status_NOT_FOUND}}
		if diff := cmp.Diff(want, p.Look(store, at(2), "", "a")); diff != "" {
			t.Errorf("answer (-want +got):\n%s", diff)
		}
	})
}

func TestR13_StatusesFollowFromWhatWasMaterialized(t *testing.T) {
	onStores(t, func(t *testing.T, store online.Store) {
		p := newProject(t,
			price{"here", at(9), nil, math.NaN()}, price{"null", at(9), nil, nil}, price{"edge", at(6), nil, math.Inf(1)},
			price{"old", at(5), nil, 1.0},
		)
		p.Run(store, materialize.Request{To: at(12)})
		want := []storetest.Cell{
			present(math.NaN(), at(9)), {Status: plumbv1.Status_NULL, Event: at(9)}, present(math.Inf(1), at(6)),
			{Status: plumbv1.Status_EXPIRED, Event: at(5)}, {Status: plumbv1.Status_NOT_FOUND},
		}
		got := p.Look(store, at(12), "here", "null", "edge", "old", "nowhere")
		if diff := cmp.Diff(want, got, cmpopts.EquateNaNs()); diff != "" {
			t.Errorf("answer (-want +got):\n%s", diff)
		}
	})
}

func TestR14_ACorrectionWithALaterCreatedTimeReachesServing(t *testing.T) {
	onStores(t, func(t *testing.T, store online.Store) {
		p := newProject(t, price{"a", at(1), at(1), 1.0})
		p.Run(store, materialize.Request{To: at(2)})
		p.Write(price{"a", at(1), at(1), 1.0}, price{"a", at(1), at(3), 9.0})
		from := at(0)
		p.Run(store, materialize.Request{From: &from, To: at(2)})
		if diff := cmp.Diff([]storetest.Cell{present(9, at(1))}, p.Look(store, at(4), "a")); diff != "" {
			t.Errorf("after the correction (-want +got):\n%s", diff)
		}
		p.Write(price{"a", at(1), at(1), 1.0})
		report := p.Run(store, materialize.Request{From: &from, To: at(2)})
		if report.Run.Older != 1 || report.Run.Written != 0 {
			t.Errorf("the row before the correction counts as %+v, want 1 older and none written", report.Run)
		}
		if diff := cmp.Diff([]storetest.Cell{present(9, at(1))}, p.Look(store, at(4), "a")); diff != "" {
			t.Errorf("after the row before the correction came again (-want +got):\n%s", diff)
		}
	})
}

func TestR14_RunningAWindowAgainChangesNothing(t *testing.T) {
	onStores(t, func(t *testing.T, store online.Store) {
		p := newProject(t, price{"a", at(1), nil, 1.0}, price{"a", at(2), nil, 2.0}, price{"b", at(1), at(1), 3.0})
		shops := []string{"a", "b"}
		p.Run(store, materialize.Request{To: at(3)})
		before := p.Stored(store, shops)
		for _, request := range []materialize.Request{
			{From: new(at(0)), To: at(3)}, {From: new(at(0)), To: at(1)}, {To: at(3), Full: true},
		} {
			p.Run(store, request)
			if !sameRows(before, p.Stored(store, shops)) {
				t.Errorf("%+v changed what is stored", request)
			}
		}
	})
}

func TestR15_RowsLaterThanNowAreLeftForALaterWindow(t *testing.T) {
	onStores(t, func(t *testing.T, store online.Store) {
		p := newProject(t, price{"a", at(12), nil, 1.0}, price{"a", at(12.5), nil, 2.0})
		report := p.Run(store, materialize.Request{To: at(24)})
		if report.Run.End != int64(at(12)) || !strings.Contains(strings.Join(report.Notes, "\n"), "left for a later window") {
			t.Errorf("want a window that ends now and a note, got %+v", report)
		}
		if diff := cmp.Diff([]storetest.Cell{present(1, at(12))}, p.Look(store, at(13), "a")); diff != "" {
			t.Errorf("now (-want +got):\n%s", diff)
		}
		later := p.Materializer(store, func(c *materialize.Config) { c.Now = func() time.Time { return at(13).Time() } })
		must(later.Run(t.Context(), p.View("price"), materialize.Request{To: at(24)}))(t)
		if diff := cmp.Diff([]storetest.Cell{present(2, at(12.5))}, p.Look(store, at(13), "a")); diff != "" {
			t.Errorf("an hour later (-want +got):\n%s", diff)
		}
	})
}

func TestR16_AProjectOfALikeNameIsNotTouched(t *testing.T) {
	onStores(t, func(t *testing.T, store online.Store) {
		p := newProject(t, price{"a", at(1), nil, 1.0})
		p.Run(store, materialize.Request{To: at(2)})
		other := *p.View("price")
		other.Project = "myshops"
		must(p.Materializer(store).Run(t.Context(), &other, materialize.Request{To: at(2)}))(t)
		p.Write(price{"a", at(1), nil, 7.0})
		must(p.Materializer(store).Run(t.Context(), &other, materialize.Request{To: at(2), Full: true}))(t)
		if diff := cmp.Diff([]storetest.Cell{present(1, at(1))}, p.Look(store, at(2), "a")); diff != "" {
			t.Errorf("after a run of myshops (-want +got):\n%s", diff)
		}
	})
}

func TestAFullRunBringsBackWhatTheStoreLost(t *testing.T) {
	p := newProject(t, price{"a", at(1), nil, 1.0}, price{"b", at(5), nil, 2.0})
	p.Run(openSQLite(t, filepath.Join(t.TempDir(), "lost.db")), materialize.Request{To: at(6)})
	online := openSQLite(t, filepath.Join(t.TempDir(), "online.db"))
	p.Run(online, materialize.Request{To: at(2), Full: true})
	if end, _ := p.End(); end != at(2) {
		t.Errorf("the recorded end is %s, want that of the rebuilt window", end)
	}
	p.Run(online, materialize.Request{To: at(6)})
	want := []storetest.Cell{present(1, at(1)), present(2, at(5))}
	if diff := cmp.Diff(want, p.Look(online, at(6), "a", "b")); diff != "" {
		t.Errorf("after the rebuild and the next run (-want +got):\n%s", diff)
	}
}

func TestRunsSideBySideLoseNothing(t *testing.T) {
	onStores(t, func(t *testing.T, store online.Store) {
		prices, shops := manyPrices(50)
		p := newProject(t, prices...)
		view := p.View("price")
		var runs errgroup.Group
		for hour := 1; hour <= 4; hour++ {
			runs.Go(func() error {
				_, err := p.Materializer(store).Run(t.Context(), view, materialize.Request{To: at(float64(hour))})
				return err
			})
		}
		if err := runs.Wait(); err != nil {
			t.Fatal(err)
		}
		p.expectComplete(store, shops)
	})
}

func TestAViewThatChangedIsMaterializedFromTheBeginning(t *testing.T) {
	for name, change := range map[string]func(*plumbv1.RegisteredView){
		"its rows mean something else":      func(v *plumbv1.RegisteredView) { v.Generation = 2 },
		"its rows have to be written again": func(v *plumbv1.RegisteredView) { v.Rebuild = 2 },
	} {
		t.Run(name, func(t *testing.T) {
			online := openSQLite(t, filepath.Join(t.TempDir(), "online.db"))
			p := newProject(t, price{"a", at(1), nil, 1.0}, price{"a", at(3), nil, 2.0})
			p.Run(online, materialize.Request{To: at(2)})
			stale := p.View("price")
			state := storetest.StateOf(definitions())
			change(state.Views[0])
			p.ApplyState(state)
			again := p.Run(online, materialize.Request{To: at(2)})
			if again.Run.Start != nil || again.Run.Read != 1 {
				t.Errorf("the run after the change is %+v, want one from the beginning", again.Run)
			}
			_, err := p.Materializer(online).Run(t.Context(), stale, materialize.Request{To: at(4)})
			if !errors.Is(err, fault.ErrConflict) {
				t.Errorf("a run of the view as it was gives %v, want a conflict", err)
			}
			if end, _ := p.End(); end != at(2) {
				t.Errorf("a run of the view as it was moved the end to %s", end)
			}
		})
	}
}

func TestABatchHasNoMoreRowsThanAllowedAndProgressIsTold(t *testing.T) {
	online := openSQLite(t, filepath.Join(t.TempDir(), "online.db"))
	var prices []price
	for i := range 25 {
		prices = append(prices, price{string(rune('a' + i)), at(1), nil, float64(i)})
	}
	p := newProject(t, prices...)
	var told []int64
	m := p.Materializer(online, func(c *materialize.Config) {
		c.BatchRows = 10
		c.Progress = func(_ string, rows int64) { told = append(told, rows) }
	})
	must(m.Run(t.Context(), p.View("price"), materialize.Request{To: at(2)}))(t)
	if diff := cmp.Diff([]int64{10, 20, 25}, told); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
}

func TestOnlyOnlineViewsAreMaterialized(t *testing.T) {
	p := newProject(t)
	snapshot := must(p.Registry.Current(t.Context(), "shops"))(t)
	all := must(materialize.Views(snapshot, nil))(t)
	if len(all) != 1 || all[0].Name != "price" {
		t.Errorf("all views are %v, want price alone", all)
	}
	var precondition *fault.PreconditionError
	if _, err := materialize.Views(snapshot, []string{"price", "archive"}); !errors.As(err, &precondition) {
		t.Errorf("naming one that is not online: want a PreconditionError, got %v", err)
	}
	_, err := p.Materializer(nil).Run(t.Context(), p.View("archive"), materialize.Request{To: at(1)})
	if !errors.As(err, &precondition) {
		t.Errorf("running it: want a PreconditionError, got %v", err)
	}
	_, err = materialize.Views(snapshot, []string{"prize"})
	if missing, ok := errors.AsType[*fault.NotFoundError](err); !ok || missing.Suggestion != "price" {
		t.Errorf("naming one that is not there: want a NotFoundError with a suggestion, got %v", err)
	}
	twice := must(materialize.Views(snapshot, []string{"price", "price"}))(t)
	if len(twice) != 1 {
		t.Errorf("naming one twice gives it %d times", len(twice))
	}
}
