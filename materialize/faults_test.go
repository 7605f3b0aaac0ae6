package materialize_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/redistest"
	"github.com/plumbstore/plumb/materialize"
	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/store/online"
)

// manyPrices are two rows for each of some shops.
func manyPrices(shops int) (prices []price, names []string) {
	for i := range shops {
		name := fmt.Sprintf("shop %d", i)
		names = append(names, name)
		prices = append(prices, price{name, at(1), at(2), float64(i)}, price{name, at(3), nil, float64(-i)})
	}
	return prices, names
}

// expectFailed checks that the latest run is recorded as failed, and that the recorded end has not changed.
func (p *project) expectFailed(part string) {
	p.T.Helper()
	run := must(p.Registry.LastRuns(context.Background(), "shops"))(p.T)["price"]
	if run.Outcome != registry.Failed || !strings.Contains(run.Error, part) || !run.FinishedAt.Equal(noon) {
		p.T.Errorf("the run is recorded as %+v, want failed with %q", run, part)
	}
	if end, ok := p.End(); ok {
		p.T.Errorf("the end moved to %s although the run failed", end)
	}
}

// expectComplete materializes, and checks that what is stored is what an undisturbed run stores.
func (p *project) expectComplete(store online.Store, shops []string) {
	p.T.Helper()
	p.Run(store, materialize.Request{To: at(4)})
	if end, _ := p.End(); end != at(4) {
		p.T.Errorf("after a complete run the end is %s, want %s", end, at(4))
	}
	undisturbed := openSQLite(p.T, filepath.Join(p.T.TempDir(), "undisturbed.db"))
	p.Run(undisturbed, materialize.Request{To: at(4), Full: true})
	if !sameRows(p.Stored(undisturbed, shops), p.Stored(store, shops)) {
		p.T.Errorf("what is stored differs from what an undisturbed run stores")
	}
}

func TestARedisThatIsKilledInTheMiddleLeavesTheEndAndALaterRunCompletes(t *testing.T) {
	prices, shops := manyPrices(200)
	p := newProject(t, prices...)
	cache := redistest.Start(t)
	online := openRedis(t, cache.URL)
	m := p.Materializer(online, func(c *materialize.Config) {
		c.BatchRows = 10
		c.Progress = func(_ string, rows int64) {
			if rows == 50 {
				cache.Kill()
			}
		}
	})
	report, err := m.Run(t.Context(), p.View("price"), materialize.Request{To: at(4)})
	if !errors.Is(err, fault.ErrUnavailable) {
		t.Fatalf("want an error that wraps ErrUnavailable, got %v", err)
	}
	// A second batch was on its way when the server was killed, and may have been written or not.
	if written := report.Run.Written; report.Run.Outcome != registry.Failed || written != 50 && written != 60 {
		t.Errorf("reported as %+v, want failed after 50 rows, or 60", report.Run)
	}
	p.expectFailed("no Redis answers")
	cache.Restart()
	p.expectComplete(online, shops)
}

func TestACancelledRunIsRecordedAsFailedAndALaterOneCompletes(t *testing.T) {
	prices, shops := manyPrices(200)
	p := newProject(t, prices...)
	online := openSQLite(t, filepath.Join(t.TempDir(), "online.db"))
	ctx, cancel := context.WithCancel(t.Context())
	m := p.Materializer(online, func(c *materialize.Config) {
		c.BatchRows = 10
		c.Progress = func(string, int64) { cancel() }
	})
	_, err := m.Run(ctx, p.View("price"), materialize.Request{To: at(4)})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("want an error that wraps context.Canceled, got %v", err)
	}
	p.expectFailed("context canceled")
	p.expectComplete(online, shops)
}

func TestASourceThatCannotBeReadFailsTheRun(t *testing.T) {
	p := newProject(t)
	definitions := definitions()
	definitions.FeatureViews[0].Features[0].Column = "pounds"
	p.Apply(definitions)
	_, err := p.Materializer(openSQLite(t, filepath.Join(t.TempDir(), "online.db"))).Run(t.Context(), p.View("price"),
		materialize.Request{To: at(4)})
	var input *fault.InputError
	if !errors.As(err, &input) || !strings.Contains(err.Error(), "pounds") {
		t.Fatalf("want an InputError that names the column, got %v", err)
	}
	p.expectFailed("pounds")
}
