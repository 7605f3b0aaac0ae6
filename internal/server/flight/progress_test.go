package flight_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/flight"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/plumbstore/plumb/internal/server"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/duckdb"
	"github.com/plumbstore/plumb/store/offline"
)

// observe gives the weather the given number of observations, all within what labels see, so that a join takes a while.
func (r *running) observe(rows int) {
	r.t.Helper()
	db := must(sql.Open("duckdb", ""))(r.t)
	defer db.Close()
	must(db.ExecContext(r.t.Context(), fmt.Sprintf(`COPY (
		SELECT ['EWR', 'JFK', 'LGA'][1 + i %% 3] AS airport,
			TIMESTAMP '2013-07-01 11:00:00' + to_microseconds(i * 86_400_000_000 // %[1]d) AS observed_at,
			i::DOUBLE AS temp, NULL::DOUBLE AS wind_speed, NULL::DOUBLE AS wind_gust, NULL::DOUBLE AS precip,
			NULL::DOUBLE AS visib
		FROM range(%[1]d) observations(i)
	) TO '%[2]s' (FORMAT parquet)`, rows, filepath.Join(r.folder, "data", "weather.parquet"))))(r.t)
}

// often makes a server tell progress more often than the engine does.
func often(t *testing.T) func(*server.Config) {
	ticker := time.NewTicker(10 * time.Millisecond)
	t.Cleanup(ticker.Stop)
	return func(c *server.Config) { c.JoinTicks = ticker.C }
}

// told reads an answer to its end, and calls each with the progress in its messages.
func told(from receiver, each func(*plumbv1.HistoricalProgress)) error {
	for {
		message, err := from.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		update := &plumbv1.HistoricalUpdate{}
		if metadata := message.GetAppMetadata(); metadata != nil {
			if err := protojson.Unmarshal(metadata, update); err != nil {
				return err
			}
		}
		if progress := update.GetProgress(); progress != nil {
			each(progress)
		}
	}
}

// endless is a view that takes hours to read: its source counts millions of millions of rows.
const endless = `
sources:
  - name: pairs
    sql:
      query: |
        SELECT a.origin AS airport, max(a.sched_dep) AS latest, count(*) AS pairs
        FROM flights a, flights b, flights c, flights d GROUP BY ALL
    event_timestamp: latest
feature_views:
  - name: endless
    entities: [airport]
    source: pairs
    features: [{name: pairs, type: INT64}]
`

func TestAClientThatGoesAwayInterruptsItsQueryBeforeThereAreRows(t *testing.T) {
	r := startWith(t, endless, duckdb.Config{}, often(t))
	ended, removed := make(chan error, 1), make(chan struct{}, 1)
	r.engine.onEnd = func(err error) { ended <- err }
	r.engine.onRemoved = func() { removed <- struct{}{} }
	r.engine.onRows = func() { t.Error("rows were sent") }
	features := map[string]any{"references": []string{"weather:*", "endless:*"}}
	c := r.exchange(r.with("features", features, "progress", true))
	c.send(labels(0, 10_000))
	err := told(c.stream, func(progress *plumbv1.HistoricalProgress) {
		if progress.GetRows() > 0 { // The weather is read; what is next does not end by itself.
			c.cancel()
		}
	})
	expect(t, err, "Canceled", context.Canceled.Error())
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the query ended with %v", err)
	}
	<-removed
	if left := must(os.ReadDir(r.temp))(t); len(left) > 0 {
		t.Errorf("there is still %v", left)
	}
}

func TestTheEngineTellsHowFarItIs(t *testing.T) {
	r := start(t, often(t))
	r.observe(3_000_000)
	r.write("data/labels.arrow", labels(0, 10_000))
	r.write("data/few.arrow", labels(0, 3))
	get := func(request any) receiver {
		return must(r.client.DoGet(t.Context(), &flight.Ticket{Ticket: encoded(request)}))(t)
	}
	for name, c := range map[string]struct {
		begin func() receiver
		steps []string
	}{
		"DoExchange": {func() receiver {
			c := r.exchange(r.with("progress", true))
			c.send(labels(0, 10_000))
			return c.stream
		}, []string{"reading view weather", "writing rows"}},
		"DoGet": {func() receiver {
			return get(r.with("progress", true, "labelsFile", "data/labels.arrow"))
		}, []string{"reading view weather", "writing rows"}},
		"a view over SQL, with more rows than there are labels": {func() receiver {
			hours := map[string]any{"references": []string{"airport_hour:*"}}
			return get(r.with("features", hours, "progress", true, "labelsFile", "data/few.arrow"))
		}, []string{"writing rows"}},
	} {
		t.Run(name, func(t *testing.T) {
			var last offline.Progress
			check := func(who string, progress offline.Progress) {
				if progress.Rows < last.Rows || progress.Rows > progress.Total {
					t.Errorf("%s tells %v after %v", who, progress, last)
				}
			}
			r.engine.onProgress = func(progress offline.Progress) { check("the engine", progress); last = progress }
			var steps []string
			ok(t, told(c.begin(), func(progress *plumbv1.HistoricalProgress) {
				if progress.GetRows() > progress.GetTotal() {
					t.Errorf("the client is told %v", progress)
				}
				steps = append(steps, progress.GetStep())
			}))
			for _, step := range c.steps {
				if !slices.Contains(steps, step) {
					t.Errorf("the client is not told that the engine is %s, but %v", step, steps)
				}
			}
		})
	}
}
