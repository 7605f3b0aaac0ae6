package materialize_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"pgregory.net/rapid"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/redistest"
	"github.com/plumbstore/plumb/materialize"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/duckdb"
	"github.com/plumbstore/plumb/store/offline"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/storetest"
)

// withLog is the definitions with a push log for the prices.
func withLog() *plumbv1.Definitions {
	changed := definitions()
	changed.FeatureViews[0].PushLog = &plumbv1.PushLog{Path: "data/pushed/price"}
	return changed
}

// pusher pushes into a store and into the logs of the project.
func (p *project) pusher(store online.Store, changes ...func(*materialize.PushConfig)) *materialize.Pusher {
	config := materialize.PushConfig{
		Online: store, Now: func() time.Time { return noon }, ClockSkew: materialize.DefaultClockSkew,
		LogFolder: p.logFolder,
	}
	for _, change := range changes {
		change(&config)
	}
	return materialize.NewPusher(config)
}

func (p *project) logFolder(path string) (string, error) {
	return duckdb.LogFolder(duckdb.Config{ProjectDir: p.folder, Roots: []string{"data"}}, path)
}

// rowsOf are prices to push. Of each, shop and known may be nil.
func rowsOf(t rapid.TB, prices ...price) materialize.Rows {
	columns := make([][]any, 4)
	for _, row := range prices {
		for i, value := range []any{row.shop, row.at, row.known, row.euros} {
			if instant, ok := value.(feature.Instant); ok {
				value = int64(instant)
			}
			columns[i] = append(columns[i], value)
		}
	}
	return materialize.Rows{
		Keys:     []arrow.Array{storetest.ArrowColumn(t, plumbv1.Type_STRING, columns[0]...)},
		Event:    storetest.ArrowColumn(t, plumbv1.Type_INT64, columns[1]...),
		Created:  storetest.ArrowColumn(t, plumbv1.Type_INT64, columns[2]...),
		Features: []arrow.Array{storetest.ArrowColumn(t, plumbv1.Type_FLOAT64, columns[3]...)},
	}
}

// offlineAnswer is what a training set has for shops at an instant.
func (p *project) offlineAnswer(t rapid.TB, now feature.Instant, shops ...string) []storetest.Cell {
	t.Helper()
	labels := filepath.Join(p.folder, "labels.csv")
	text := "shop,event_timestamp\n"
	for _, shop := range shops {
		text += shop + "," + now.String() + "\n"
	}
	if err := os.WriteFile(labels, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	snapshot, err := p.registry.Current(context.Background(), "shops")
	if err != nil {
		t.Fatal(err)
	}
	selection, err := snapshot.SelectFeatures([]string{"price:euros"}, false)
	if err != nil {
		t.Fatal(err)
	}
	join, err := p.offline.PlanJoin(context.Background(), offline.JoinRequest{Selection: selection, Labels: labels,
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

// sameCells compares bit for bit.
func sameCells(a, b []storetest.Cell) bool {
	return slices.EqualFunc(a, b, func(x, y storetest.Cell) bool {
		left, isFloat := x.Value.(float64)
		right, areFloats := y.Value.(float64)
		return isFloat == areFloats && math.Float64bits(left) == math.Float64bits(right) && x.Status == y.Status &&
			x.Event == y.Event
	})
}

// drawPrice has few instants, so that rows tie.
func drawPrice(random *rand.Rand, shops []string) price {
	pick := func(values ...any) any { return values[random.IntN(len(values))] }
	return price{
		shop:  shops[random.IntN(len(shops))],
		at:    pick(at(4), at(5.5), at(6), at(8), at(8)+1, at(12)),
		known: pick(nil, at(3), at(9)),
		euros: pick(1.0, 2.0, 3.0, math.Copysign(0, -1), math.NaN(), math.Inf(1), nil),
	}
}

func drawPrices(random *rand.Rand, shops []string) []price {
	prices := make([]price, 1+random.IntN(4))
	for i := range prices {
		prices[i] = drawPrice(random, shops)
	}
	return prices
}

// What is served after pushes and materializations is what a training set has: for late pushes, for ties of the event
// time and of both times, for nulls and at the edge of the ttl.
func TestR17_OnlineEqualsOfflineAcrossPushes(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	onStores(t, func(t *testing.T, store online.Store) {
		random := rand.New(rand.NewPCG(seed, 0))
		p := newProject(t)
		p.apply(withLog())
		for world := range 8 {
			shops := []string{fmt.Sprint("a", world), fmt.Sprint("b", world), fmt.Sprint("c", world)}
			p.write(drawPrices(random, shops)...)
			p.pushSome(random, store, shops)
			p.run(store, materialize.Request{To: at(12), Full: true})
			p.pushSome(random, store, shops)
			served, trained := p.look(store, at(12), shops...), p.offlineAnswer(t, at(12), shops...)
			if !sameCells(served, trained) {
				t.Fatalf("world %d: online has %v, offline %v", world, served, trained)
			}
		}
	})
}

// pushSome pushes a few times, by one pusher or several, which become Parquet files at the end or in between.
func (p *project) pushSome(random *rand.Rand, store online.Store, shops []string) {
	p.t.Helper()
	for range random.IntN(3) {
		pusher := p.pusher(store, func(c *materialize.PushConfig) { c.Retention = 24 * time.Hour })
		for range 1 + random.IntN(3) {
			must(pusher.Push(p.t.Context(), p.view("price"), rowsOf(p.t, drawPrices(random, shops)...), false))(p.t)
		}
		if err := pusher.Close(); err != nil {
			p.t.Fatal(err)
		}
	}
}

// Of pushes with one key and one version the last to be stored wins, which has to be the last in the log.
func TestR17_PushesAtOnceOfOneVersionHaveOneWinner(t *testing.T) {
	onStores(t, func(t *testing.T, store online.Store) {
		p := newProject(t)
		p.apply(withLog())
		pusher, view := p.pusher(store), p.view("price")
		var pushing sync.WaitGroup
		for caller := range 8 {
			pushing.Go(func() {
				for i := range 10 {
					row := price{shop: "a", at: at(11), euros: float64(100*caller + i)}
					if _, err := pusher.Push(context.Background(), view, rowsOf(t, row), false); err != nil {
						t.Error(err)
					}
				}
			})
		}
		pushing.Wait()
		if err := pusher.Close(); err != nil {
			t.Fatal(err)
		}
		served, trained := p.look(store, at(12), "a"), p.offlineAnswer(t, at(12), "a")
		if !sameCells(served, trained) {
			t.Errorf("online has %v, offline %v", served, trained)
		}
	})
}

func TestARowThatIsRefusedIsNotInTheLog(t *testing.T) {
	p := newProject(t)
	p.apply(withLog())
	online := openSQLite(t, filepath.Join(t.TempDir(), "online.db"))
	pusher := p.pusher(online)
	rows := rowsOf(t, price{shop: "a", at: at(11), euros: 1.0}, price{shop: nil, at: at(11), euros: 2.0},
		price{shop: "b", at: at(13), euros: 3.0}, price{shop: "c", at: at(11), euros: 4.0})
	report := must(pusher.Push(t.Context(), p.view("price"), rows, false))(t)
	if report.Written != 2 || len(report.Refused) != 2 {
		t.Errorf("report is %+v", report)
	}
	if err := pusher.Close(); err != nil {
		t.Fatal(err)
	}
	if got := p.logged(); len(got) != 2 || got["a"] != 1 || got["c"] != 1 {
		t.Errorf("the log has %v", got)
	}
}

// logged counts the rows of the log's Parquet files by shop.
func (p *project) logged() map[string]int {
	p.t.Helper()
	counts := map[string]int{}
	paths := must(filepath.Glob(filepath.Join(p.folder, "data/pushed/price/*.parquet")))(p.t)
	for _, path := range paths {
		reader := must(file.OpenParquetFile(path, false))(p.t)
		rows := must(pqarrow.NewFileReader(reader, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator))(p.t)
		table := must(rows.ReadTable(context.Background()))(p.t)
		for _, chunk := range table.Column(table.Schema().FieldIndices("shop")[0]).Data().Chunks() {
			for row := range chunk.Len() {
				counts[chunk.(*array.String).Value(row)]++
			}
		}
		reader.Close()
	}
	return counts
}

// childPushes names, in the environment, the project that this process pushes to instead of running tests, and
// childStore the Redis that it pushes to instead of a SQLite file of the project; childFirst is the number of its first
// row.
const (
	childPushes = "PLUMB_TEST_PUSH"
	childStore  = "PLUMB_TEST_STORE"
	childFirst  = "PLUMB_TEST_FIRST"
)

// acknowledged precedes the number of a row in what a child prints.
const acknowledged = "acknowledged "

// pushers is how many push at once.
const pushers = 4

// TestPushingChildProcess is no test of its own: it is what the test below runs in another process. It pushes until it
// is killed: the rows of its callers are those whose number has the same rest.
func TestPushingChildProcess(t *testing.T) {
	folder, ok := os.LookupEnv(childPushes)
	if !ok {
		return
	}
	p := openProject(t, folder)
	pusher, view := p.pusher(p.childStore(os.Getenv(childStore)), smallFiles), p.view("price")
	first := must(strconv.Atoi(os.Getenv(childFirst)))(t)
	if err := pusher.Recover(t.Context(), must(p.registry.Current(t.Context(), "shops"))(t).Views()); err != nil {
		t.Fatal(err)
	}
	var pushing sync.WaitGroup
	for caller := range pushers {
		pushing.Go(func() {
			for number := first + caller; ; number += pushers {
				row := price{shop: fmt.Sprint("s", number), at: at(11), euros: float64(number)}
				if _, err := pusher.Push(context.Background(), view, rowsOf(t, row), false); err != nil {
					fmt.Println("failed:", err)
					return
				}
				fmt.Printf("%s%d\n", acknowledged, number)
				if err := pusher.RollDue(t.Context()); err != nil {
					fmt.Println("failed:", err)
					return
				}
			}
		})
	}
	pushing.Wait()
}

// smallFiles makes a Parquet file of the log after a few pushes.
func smallFiles(c *materialize.PushConfig) { c.LogBytes, c.LogInterval = 4000, time.Hour }

// childStore is the Redis of a URL, or else the SQLite file of the project.
func (p *project) childStore(url string) online.Store {
	if url != "" {
		return openRedis(p.t, url)
	}
	return openSQLite(p.t, filepath.Join(p.folder, "online.db"))
}

// pushAndKill lets a child push, kills it after that many acknowledgements, and returns all acknowledgements that there
// were.
func (p *project) pushAndKill(url string, first, after int) []int {
	p.t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^TestPushingChildProcess$", "-test.v")
	child.Env = append(os.Environ(), childPushes+"="+p.folder, childStore+"="+url, fmt.Sprintf("%s=%d", childFirst, first))
	output := must(child.StdoutPipe())(p.t)
	if err := child.Start(); err != nil {
		p.t.Fatal(err)
	}
	var numbers []int
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		text, ok := strings.CutPrefix(lines.Text(), acknowledged)
		if number, err := strconv.Atoi(text); ok && err == nil {
			numbers = append(numbers, number)
		} else if strings.HasPrefix(lines.Text(), "failed:") {
			p.t.Error(lines.Text())
		}
		if len(numbers) == after {
			if err := child.Process.Kill(); err != nil {
				p.t.Fatal(err)
			}
		}
	}
	_ = child.Wait() // It says that the child was killed.
	if status, ok := child.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
		p.t.Fatalf("the child ended with %s, and was to be killed", child.ProcessState)
	}
	return numbers
}

// A process that is killed in the middle of pushes leaves every row that it acknowledged in the store, and exactly once
// in the log; and what it did not acknowledge is in both or in neither, once the log has been opened again.
func TestR17_AcknowledgedRowsAreServedAndLoggedOnceHoweverOftenAProcessIsKilled(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for name, url := range map[string]string{"sqlite": "", "redis": redistest.Start(t).URL} {
		t.Run(name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0))
			p := newProject(t)
			p.apply(withLog())
			var numbers []int
			const kills, apart = 12, 100_000
			for round := range kills {
				numbers = append(numbers, p.pushAndKill(url, round*apart, 1+random.IntN(40))...)
			}
			online := p.childStore(url)
			pusher := p.pusher(online)
			if err := pusher.Recover(t.Context(), []*feature.View{p.view("price")}); err != nil {
				t.Fatal(err)
			}
			if err := pusher.Close(); err != nil {
				t.Fatal(err)
			}
			logged := p.logged()
			for _, number := range numbers {
				if count := logged[fmt.Sprint("s", number)]; count != 1 {
					t.Errorf("row %d was acknowledged and is in the log %d times", number, count)
				}
			}
			shops := slices.Sorted(maps.Keys(logged))
			served, trained := p.look(online, at(12), shops...), p.offlineAnswer(t, at(12), shops...)
			if !sameCells(served, trained) {
				t.Errorf("online has %v, offline %v", served, trained)
			}
			for i, shop := range shops {
				number := must(strconv.Atoi(shop[1:]))(t)
				if served[i].Value != float64(number) || logged[shop] != 1 {
					t.Errorf("%s is %v, %d times in the log", shop, served[i], logged[shop])
				}
			}
			t.Logf("%d rows acknowledged, %d logged", len(numbers), len(logged))
		})
	}
}

// gone is a store that cannot be reached.
type gone struct{ online.Store }

func (gone) Write(context.Context, online.Table, []online.Row) (online.WriteReport, error) {
	return online.WriteReport{}, fault.ErrUnavailable
}

// A push that fails for the store's sake is not acknowledged; pushed again it is served, and wins nothing twice.
func TestR17_APushThatFailedIsRightOnceItIsRepeated(t *testing.T) {
	p := newProject(t)
	p.apply(withLog())
	online := openSQLite(t, filepath.Join(t.TempDir(), "online.db"))
	row := price{shop: "a", at: at(11), euros: 1.0}
	failing := p.pusher(gone{online})
	_, err := failing.Push(t.Context(), p.view("price"), rowsOf(t, row), false)
	if !errors.Is(err, fault.ErrUnavailable) {
		t.Fatalf("error is %v", err)
	}
	working := p.pusher(online)
	must(working.Push(t.Context(), p.view("price"), rowsOf(t, row), false))(t)
	if err := errors.Join(failing.Close(), working.Close()); err != nil {
		t.Fatal(err)
	}
	served, trained := p.look(online, at(12), "a"), p.offlineAnswer(t, at(12), "a")
	if want := []storetest.Cell{present(1, at(11))}; !sameCells(served, want) || !sameCells(trained, want) {
		t.Errorf("online has %v, offline %v", served, trained)
	}
}

// If the clock is set back, rows that are then in the future are refused, and the log goes on in order.
func TestR15_AClockThatIsSetBackLosesNothing(t *testing.T) {
	p := newProject(t)
	p.apply(withLog())
	online := openSQLite(t, filepath.Join(t.TempDir(), "online.db"))
	for i, now := range []time.Time{noon, at(10).Time(), at(10).Time()} {
		pusher := p.pusher(online, func(c *materialize.PushConfig) { c.Now = func() time.Time { return now } })
		rows := rowsOf(t, price{shop: "a", at: at(9), euros: float64(i)}, price{shop: "b", at: at(11), euros: float64(i)})
		report := must(pusher.Push(t.Context(), p.view("price"), rows, false))(t)
		if want := min(i, 1); len(report.Refused) != want {
			t.Errorf("at %s %v are refused", now, report.Refused)
		}
		if err := pusher.Close(); err != nil {
			t.Fatal(err)
		}
	}
	served, trained := p.look(online, at(12), "a", "b"), p.offlineAnswer(t, at(12), "a", "b")
	want := []storetest.Cell{present(2, at(9)), present(0, at(11))}
	if !sameCells(served, want) || !sameCells(trained, want) {
		t.Errorf("online has %v, offline %v", served, trained)
	}
}
