package registrytest

import (
	"errors"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbstore/plumb/registry"
)

func bornProgress(t *testing.T, open Database) {
	of := func(birth, mark int64, intervals ...[2]int64) registry.Progress {
		p := done("weather", 2, intervals...)
		p.Birth, p.Mark = birth, mark
		return p
	}
	first, second, both := [2]int64{none, 5}, [2]int64{5, 9}, [2]int64{none, 9}
	older := of(7, 8, second)
	older.Rebuild = 1
	replacing := of(3, 5, second)
	replacing.Replace = true
	replaced := replacing
	replaced.Replace = false
	tests := map[string]struct{ recorded, finished, want registry.Progress }{
		"of one table it is united":                         {of(3, 4, first), of(3, 5, second), of(3, 5, both)},
		"of runs that end out of order the last mark stays": {of(3, 5, first), of(3, 4, second), of(3, 5, both)},
		"a table that was born later replaces":              {of(3, 9, first), of(4, 6, second), of(4, 6, second)},
		"a table that was born before does not":             {of(4, 6, first), of(3, 9, second), of(4, 6, first)},
		"without a birth it is of the table that is there":  {of(0, 0, first), of(3, 4, second), of(3, 4, both)},
		"a replacement has its own birth and mark":          {of(3, 4, first), replacing, replaced},
		"an older rebuild is left out whatever its birth":   {of(3, 4, first), older, of(3, 4, first)},
	}
	engine := open(t)
	for name, test := range tests {
		apply(t, engine, name, 0, stateOf(view{"weather", 1, 2}))
		record(t, engine, name, test.recorded)
		record(t, engine, name, test.finished)
		if diff := cmp.Diff(test.want, progress(t, engine, name)["weather"]); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func recorded(t *testing.T, engine Engine, project string) map[string]registry.Progress {
	t.Helper()
	found, err := engine.Recorded(t.Context(), project)
	if err != nil {
		t.Fatalf("Recorded: %v", err)
	}
	return found
}

func recordedProgress(t *testing.T, open Database) {
	engine := open(t)
	if found := recorded(t, engine, "test"); len(found) != 0 {
		t.Errorf("before any run: %v", found)
	}
	apply(t, engine, "test", 0, stateOf(view{"weather", 1, 1}, view{"plane", 1, 1}))
	if _, err := engine.NextMark(t.Context(), "test", "plane", 0); err != nil {
		t.Fatal(err)
	}
	if found := recorded(t, engine, "test"); len(found) != 0 {
		t.Errorf("before any run has finished: %v", found)
	}
	weather := done("weather", 1, [2]int64{none, 5})
	weather.Birth, weather.Mark = 3, 4
	record(t, engine, "test", weather)
	apply(t, engine, "test", 1, stateOf(view{"weather", 1, 2}))
	want := map[string]registry.Progress{"weather": weather}
	if diff := cmp.Diff(want, recorded(t, open(t), "test")); diff != "" {
		t.Error(diff)
	}
	if found := recorded(t, engine, "mytest"); len(found) != 0 { // R16
		t.Errorf("another project has %v", found)
	}
	if err := engine.Forget(t.Context(), "test", "weather"); err != nil {
		t.Fatal(err)
	}
	if found := recorded(t, engine, "test"); len(found) != 0 {
		t.Errorf("after it was forgotten: %v", found)
	}
}

func ascendingMarks(t *testing.T, open Database) {
	engine := open(t)
	apply(t, engine, "test", 0, stateOf(view{"weather", 1, 1}))
	last := int64(0)
	next := func(above int64) {
		t.Helper()
		mark, err := open(t).NextMark(t.Context(), "test", "weather", above)
		if err != nil || mark <= last || mark <= above {
			t.Fatalf("the mark is %d, %v, after %d, and wanted above %d", mark, err, last, above)
		}
		last = mark
	}
	next(0)
	next(0)
	next(1 << 40)
	record(t, engine, "test", done("weather", 1, [2]int64{none, 5}))
	next(7)
	if err := engine.Forget(t.Context(), "test", "weather"); err != nil {
		t.Fatal(err)
	}
	next(0)
	if mark, err := engine.NextMark(t.Context(), "test", "plane", 0); err != nil || mark != 1 {
		t.Errorf("the first mark of another view is %d, %v", mark, err)
	}
}

func concurrentMarks(t *testing.T, open Database) {
	handles := []Engine{open(t), open(t), open(t)}
	const count = 24
	var group sync.WaitGroup
	marks, errs := make([]int64, count), make([]error, count)
	for i := range count {
		group.Go(func() { marks[i], errs[i] = handles[i%len(handles)].NextMark(t.Context(), "test", "weather", 0) })
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	seen := map[int64]bool{}
	for _, mark := range marks {
		seen[mark] = true
	}
	if len(seen) != count {
		t.Errorf("%d runs have the marks %v", count, marks)
	}
}
