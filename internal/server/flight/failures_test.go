package flight_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/internal/server"
	"github.com/plumbstore/plumb/store/duckdb"
)

// crowded is a view with a value that does not fit its type, which only a run finds.
const crowded = `
sources:
  - name: crowds
    sql:
      query: SELECT origin AS airport, min(sched_dep) AS seen, 5000000000 AS people FROM flights GROUP BY ALL
    event_timestamp: seen
feature_views:
  - name: crowded
    entities: [airport]
    source: crowds
    features: [{name: people, type: INT32}]
`

func TestR9_AValueThatDoesNotFitIsToldInTheWordsOfTheFileJoin(t *testing.T) {
	r := startWith(t, crowded, duckdb.Config{})
	r.request = r.with("features", map[string]any{"references": []string{"crowded:*"}})
	path := r.write("data/labels.arrow", labels(0, 100))
	planned := must(r.planned(path, "the labels"))(t)
	_, want := planned.WriteFile(t.Context(), filepath.Join(t.TempDir(), "out.arrow"))
	if want == nil || !strings.Contains(want.Error(), "5000000000") {
		t.Fatalf("the file join ends with %v", want)
	}
	_, _, err := r.join(r.request, labels(0, 100))
	expect(t, err, "InvalidArgument", want.Error())
	_, _, err = r.get(r.with("labelsFile", "data/labels.arrow"))
	expect(t, err, "InvalidArgument", want.Error())
}

func TestAFileThatVanishesOnceRowsAreOnTheWayIsTold(t *testing.T) {
	r := start(t)
	c := r.exchange(r.request)
	c.send(labels(0, 300_000))
	must(c.stream.Recv())(t) // It has the schema. What the client does not read holds the rest back.
	path := filepath.Join(r.folder, "data", "weather.parquet")
	ok(t, os.Remove(path))
	for {
		if _, err := c.stream.Recv(); err != nil {
			expect(t, err, "InvalidArgument", path+" was removed while it was in use; run again")
			return
		}
	}
}

func TestALimitOnTemporaryDiskIsTold(t *testing.T) {
	r := startWith(t, "", duckdb.Config{MemoryLimit: "80MB", TempLimit: "1MB", Threads: 1})
	path := r.write("data/labels.arrow", labels(0, 1_000_000))
	planned := must(r.planned(path, "the labels"))(t)
	_, want := planned.WriteFile(t.Context(), filepath.Join(t.TempDir(), "out.arrow"))
	if want == nil || !strings.Contains(want.Error(), "offline.temp_limit allows") {
		t.Fatalf("the file join ends with %v", want)
	}
	_, _, err := r.get(r.with("labelsFile", "data/labels.arrow"))
	expect(t, err, "Unavailable", want.Error())
}

func TestClientsAtOnceGetTheirOwnAnswersAndShareTheSlots(t *testing.T) {
	r := startWith(t, "", duckdb.Config{MemoryLimit: "200MB"}, func(c *server.Config) { c.Joins.Jobs = 2 })
	const clients, rows = 6, 70_000
	var wants, gots [clients]arrow.Table
	var calls [clients]call
	var errs [clients]error
	for i := range clients {
		calls[i] = r.exchange(r.request)
		wants[i] = r.fileJoin(r.write("data/labels.arrow", labels(i*rows, (i+1)*rows)))
	}
	var mu sync.Mutex
	running, most := 0, 0
	count := func(by int) {
		mu.Lock()
		defer mu.Unlock()
		running += by
		most = max(most, running)
	}
	r.engine.onRun = func() { count(1) }
	r.engine.onEnd = func(error) { count(-1) }
	var wait sync.WaitGroup
	for i := range clients {
		wait.Go(func() {
			c := calls[i]
			c.send(labels(i*rows, (i+1)*rows))
			gots[i], _, errs[i] = read(c.stream)
		})
	}
	wait.Wait()
	for i := range clients {
		ok(t, errs[i])
		equal(t, wants[i], gots[i])
	}
	if most != 2 {
		t.Errorf("%d joins ran at a time", most)
	}
}
