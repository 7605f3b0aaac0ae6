package push_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/pricetest"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/push"
	"github.com/plumbstore/plumb/store/offline"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/storetest"
)

// project is a project of prices that are pushed, too.
type project struct{ *pricetest.Project }

func newProject(t testing.TB, prices ...price) *project {
	return &project{pricetest.New(t, asPrices(prices)...)}
}

func openProject(t testing.TB, folder string) *project { return &project{pricetest.Open(t, folder)} }

// price is a pricetest.Price that can be written without the names of its fields.
type price struct{ Shop, At, Known, Euros any }

func asPrices(prices []price) []pricetest.Price {
	as := make([]pricetest.Price, len(prices))
	for i, each := range prices {
		as[i] = pricetest.Price(each)
	}
	return as
}

// Write replaces the source's file.
func (p *project) Write(prices ...price) {
	p.T.Helper()
	p.Project.Write(asPrices(prices)...)
}

// What tests write often.
var (
	noon       = pricetest.Noon
	at         = pricetest.At
	present    = pricetest.Present
	onStores   = pricetest.OnStores
	openSQLite = pricetest.OpenSQLite
	openRedis  = pricetest.OpenRedis
	sameRows   = pricetest.SameRows
	sameCells  = pricetest.SameCells
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// withLog is the definitions with a push log for the prices.
func withLog() *plumbv1.Definitions {
	changed := pricetest.Definitions()
	changed.FeatureViews[0].PushLog = &plumbv1.PushLog{Path: "data/pushed/price"}
	return changed
}

// pusher pushes into a store and into the logs of the project.
func (p *project) pusher(store online.Store, changes ...func(*push.Config)) *push.Pusher {
	config := push.Config{
		Online: store, Now: func() time.Time { return noon }, ClockSkew: push.DefaultClockSkew,
		LogFolder: p.LogFolder,
	}
	for _, change := range changes {
		change(&config)
	}
	return push.New(config)
}

// rowsOf are prices to push. Of each, shop and known may be nil.
func rowsOf(t rapid.TB, prices ...price) push.Rows {
	columns := make([][]any, 4)
	for _, row := range prices {
		for i, value := range []any{row.Shop, row.At, row.Known, row.Euros} {
			if instant, ok := value.(feature.Instant); ok {
				value = int64(instant)
			}
			columns[i] = append(columns[i], value)
		}
	}
	return push.Rows{
		Keys:     []arrow.Array{storetest.ArrowColumn(t, plumbv1.Type_STRING, columns[0]...)},
		Event:    storetest.ArrowColumn(t, plumbv1.Type_INT64, columns[1]...),
		Created:  storetest.ArrowColumn(t, plumbv1.Type_INT64, columns[2]...),
		Features: []arrow.Array{storetest.ArrowColumn(t, plumbv1.Type_FLOAT64, columns[3]...)},
	}
}

// offlineAnswer is what a training set has for shops at an instant.
func (p *project) offlineAnswer(t rapid.TB, now feature.Instant, shops ...string) []storetest.Cell {
	t.Helper()
	labels := filepath.Join(p.Folder, "labels.csv")
	text := "shop,event_timestamp\n"
	for _, shop := range shops {
		text += shop + "," + now.String() + "\n"
	}
	if err := os.WriteFile(labels, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	snapshot, err := p.Registry.Current(context.Background(), "shops")
	if err != nil {
		t.Fatal(err)
	}
	selection, err := snapshot.SelectFeatures([]string{"price:euros"}, false)
	if err != nil {
		t.Fatal(err)
	}
	join, err := p.Offline.PlanJoin(context.Background(), offline.JoinRequest{Selection: selection, Labels: labels,
		TimestampColumn: "event_timestamp", Statuses: true, EventTimestamps: true})
	if err != nil {
		t.Fatal(err)
	}
	defer join.Close()
	var cells []storetest.Cell
	_, err = join.Stream(context.Background(), func(batch arrow.RecordBatch) error {
		euros, status := batch.Column(2).(*array.Float64), batch.Column(3).(*array.String)
		event := batch.Column(4).(*array.Timestamp)
		for row := range int(batch.NumRows()) {
			cell := storetest.Cell{Status: plumbv1.Status(plumbv1.Status_value[status.Value(row)])}
			if euros.IsValid(row) {
				cell.Value = euros.Value(row)
			}
			if event.IsValid(row) {
				cell.Event = feature.Instant(event.Value(row))
			}
			cells = append(cells, cell)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return cells
}

// must returns the value of a call that has to succeed: must(call())(t).
func must[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}
