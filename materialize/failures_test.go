package materialize_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/materialize"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/store/offline"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/storetest"
)

// inWholeEuros is a project whose prices are declared as whole numbers, though the file may have others.
func inWholeEuros(t *testing.T, prices ...price) *project {
	t.Helper()
	p := openProject(t, t.TempDir())
	p.Write(prices...)
	whole := definitions()
	whole.FeatureViews[0].Features[0].Type = plumbv1.Type_INT32
	p.Apply(whole)
	return p
}

// The key of the row that fails keeps what it had: an older row of the window would pass for the newest.
func TestR17_ARowThatFailsIsLeftOutWithoutAnOlderOneInItsPlace(t *testing.T) {
	onStores(t, func(t *testing.T, store online.Store) {
		p := inWholeEuros(t, price{"a", at(1), nil, 1.0}, price{"a", at(2), nil, 2.0}, price{"a", at(3), nil, 2.5},
			price{"b", at(3), nil, 3.0})
		p.Run(store, materialize.Request{To: at(1)})
		report := p.Run(store, materialize.Request{To: at(4), MaxFailed: 1})
		whole := func(euros int32, event feature.Instant) storetest.Cell {
			return storetest.Cell{Value: euros, Status: plumbv1.Status_PRESENT, Event: event}
		}
		if diff := cmp.Diff([]storetest.Cell{whole(1, at(1)), whole(3, at(3))}, p.Look(store, at(4), "a", "b")); diff != "" {
			t.Errorf("answer (-want +got):\n%s", diff)
		}
		want := []offline.FailedRow{{File: filepath.Join(p.Folder, "data", "prices.parquet"), Row: 3, Column: "euros",
			Value: "2.5", Reason: "does not fit INT32 exactly"}}
		if diff := cmp.Diff(want, report.Failures); diff != "" {
			t.Errorf("failures (-want +got):\n%s", diff)
		}
		if run := report.Run; run.Read != 3 || run.Skipped != 1 || run.Written != 1 || run.Bytes == 0 {
			t.Errorf("counts are %+v, want 3 read, 1 skipped, 1 written and its bytes", run)
		}
		if end, ok := p.End(); !ok || end != at(4) {
			t.Errorf("the recorded end is %s (%v), want %s", end, ok, at(4))
		}
	})
}

func TestWhereMoreRowsFailThanMayNothingIsWrittenAndTheEndStays(t *testing.T) {
	onStores(t, func(t *testing.T, store online.Store) {
		p := inWholeEuros(t, price{"a", at(2), nil, 2.5}, price{"b", at(2), nil, 3.0}, price{"c", at(2), nil, 3.5})
		report, err := p.Materializer(store).Run(t.Context(), p.View("price"), materialize.Request{To: at(3), MaxFailed: 1})
		var input *fault.InputError
		if !errors.As(err, &input) || !strings.Contains(err.Error(), "2 rows cannot be stored, where --max-failed-rows "+
			"allows 1: column \"euros\", row 1 of") {
			t.Fatalf("want an input error that names the rows, got %v", err)
		}
		if report.Run.Skipped != 2 || len(report.Failures) != 2 || report.Run.Outcome != registry.Failed {
			t.Errorf("report is %+v, want a failed run with both rows", report)
		}
		notFound := storetest.Cell{Status: plumbv1.Status_NOT_FOUND}
		if diff := cmp.Diff([]storetest.Cell{notFound, notFound}, p.Look(store, at(3), "a", "b")); diff != "" {
			t.Errorf("answer (-want +got):\n%s", diff)
		}
		if end, ok := p.End(); ok {
			t.Errorf("the end %s is recorded", end)
		}
	})
}

// meeting is a store in which each write of rows waits for another.
type meeting struct {
	online.Store
	door chan struct{}
}

func (m meeting) Write(ctx context.Context, table online.Table, rows []online.Row) (online.WriteReport, error) {
	if online.IsMark(rows[0].Key) {
		return m.Store.Write(ctx, table, rows)
	}
	select {
	case m.door <- struct{}{}:
	case <-m.door:
	case <-ctx.Done():
		return online.WriteReport{}, ctx.Err()
	}
	return m.Store.Write(ctx, table, rows)
}

func TestTwoBatchesAreWrittenAtATime(t *testing.T) {
	online := openSQLite(t, filepath.Join(t.TempDir(), "online.db"))
	var prices []price
	for i := range 8 {
		prices = append(prices, price{fmt.Sprint(i), at(1), nil, 1.0})
	}
	p := newProject(t, prices...)
	config := func(c *materialize.Config) {
		c.Online, c.BatchRows = meeting{online, make(chan struct{})}, 1
	}
	report := must(p.Materializer(online, config).Run(t.Context(), p.View("price"), materialize.Request{To: at(2)}))(t)
	if report.Run.Written != 8 {
		t.Errorf("%d rows written, want 8", report.Run.Written)
	}
}
