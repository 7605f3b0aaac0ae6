package duckdb

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/google/go-cmp/cmp"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/offline"
)

// divided is a project whose source is a folder, and an engine and a view of it.
func divided(t *testing.T, files map[string]string) (*project, *Engine, *feature.View) {
	t.Helper()
	p := newProject(t, files, "data", newFeature("x", plumbv1.Type_INT32))
	view, err := p.snapshot(t).View("v")
	if err != nil {
		t.Fatal(err)
	}
	return p, p.open(t), view
}

func partsOf(t *testing.T, e *Engine, view *feature.View, shards int) []*offline.Part {
	t.Helper()
	inputs, err := e.Inputs(t.Context(), []*feature.Source{view.Source})
	if err != nil {
		t.Fatal(err)
	}
	var parts []*offline.Part
	for shard := range shards {
		parts = append(parts, &offline.Part{Shard: shard, Shards: shards, Division: e.Division(), Inputs: inputs})
	}
	return parts
}

// newestIn counts the rows that come out.
func newestIn(t *testing.T, from offline.Windowed, view *feature.View, part *offline.Part) (
	int64, offline.NewestReport, error,
) {
	t.Helper()
	rows := int64(0)
	report, err := from.Newest(t.Context(), offline.NewestRequest{View: view, Part: part, MaxFailed: 100,
		Window: offline.Window{End: math.MaxInt64 - 1}}, func(batch arrow.RecordBatch) error {
		rows += batch.NumRows()
		return nil
	})
	return rows, report, err
}

// Keys that are null or do not fit are of no entity, and in one shard each all the same.
func TestRowsThatCannotBeServedAreCountedInOneShard(t *testing.T) {
	_, engine, view := divided(t, map[string]string{
		"a.parquet": `SELECT CASE WHEN i % 7 = 0 THEN NULL WHEN i % 5 = 0 THEN i + 0.5 ELSE i END::DOUBLE AS k,
			i * 300000000 AS x, make_timestamp(i) AS at FROM range(20) t(i)`,
		"b.parquet": "SELECT i::DOUBLE AS k, i AS x, NULL::TIMESTAMP AS at FROM range(6) t(i)",
	})
	wholeRows, whole, err := newestIn(t, engine, view, nil)
	if err != nil {
		t.Fatal(err)
	}
	var rows int64
	var sum offline.NewestReport
	for _, part := range partsOf(t, engine, view, 3) {
		found, report, err := newestIn(t, engine, view, part)
		if err != nil {
			t.Fatal(err)
		}
		rows, sum.Read, sum.Failed = rows+found, sum.Read+report.Read, sum.Failed+report.Failed
		sum.NullKeys, sum.NullTimes = sum.NullKeys+report.NullKeys, sum.NullTimes+report.NullTimes
	}
	whole.Failures, whole.Inputs = nil, nil
	if diff := cmp.Diff(whole, sum); diff != "" || rows != wholeRows || whole.Failed == 0 || whole.NullKeys == 0 {
		t.Errorf("%d rows of %d (-whole +shards):\n%s", rows, wholeRows, diff)
	}
}

func TestAPartIsReadFromItsInputs(t *testing.T) {
	const some = "SELECT i AS k, i AS x, make_timestamp(i) AS at FROM range(%) t(i)"
	of := func(rows string) string { return strings.ReplaceAll(some, "%", rows) }
	p, engine, view := divided(t, map[string]string{"a.parquet": of("10"), "b.parquet": of("20")})
	part := partsOf(t, engine, view, 1)[0]
	p.write(t, "data/c.parquet", of("30"))
	if rows, report, err := newestIn(t, engine, view, part); rows != 20 || len(report.Inputs) != 2 || err != nil {
		t.Errorf("beside a new file %d rows come of %v: %v", rows, report.Inputs, err)
	}
	changed := func(why string) {
		t.Helper()
		_, _, err := newestIn(t, engine, view, part)
		if found, ok := errors.AsType[*offline.ChangedInputError](err); !ok || found.Input != "data/b.parquet" ||
			!strings.HasPrefix(found.Why, why) {
			t.Errorf("got error %v, want that it %s", err, why)
		}
	}
	p.write(t, "data/b.parquet", of("21"))
	changed("has changed")
	if err := os.Remove(filepath.Join(p.folder, "data", "b.parquet")); err != nil {
		t.Fatal(err)
	}
	changed("is not there")
}

func TestAPartOfAnotherDivisionIsRefused(t *testing.T) {
	_, engine, view := divided(t, map[string]string{"a.parquet": misfits})
	part := partsOf(t, engine, view, 2)[0]
	other := *part
	other.Division = "duckdb v0.1 hash"
	var refused *fault.PreconditionError
	if _, _, err := newestIn(t, engine, view, &other); !errors.As(err, &refused) ||
		!strings.Contains(err.Error(), "the run was divided by duckdb v0.1 hash") {
		t.Errorf("another division gives %v", err)
	}
	for _, shard := range []int{-1, 2} {
		other := *part
		other.Shard = shard
		if _, _, err := newestIn(t, engine, view, &other); err == nil {
			t.Errorf("shard %d of 2 is read", shard)
		}
	}
	reading, err := engine.Read(t.Context(), []*feature.View{view})
	if err != nil {
		t.Fatal(err)
	}
	defer reading.Close()
	if _, _, err := newestIn(t, reading, view, part); err == nil {
		t.Error("a reading of many windows reads a part")
	}
}
