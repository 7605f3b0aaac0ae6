package storetest

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// manyEvents is more events than a window is likely to meet before an accumulator has to carry or spill.
const manyEvents = 6_000

// everyFunction is a view of which each function has long runs of events, in three files.
const everyFunction = `
windows run (k STRING): x FLOAT64, y FLOAT32, i INT64, small INT32, s STRING
  rows count sum mean variance variance_samp stddev stddev_samp min max of x over 1h 1d
  percentile(0 0.01 0.5 0.99 1 error 0.001) of x over 1h
  first last last_n(100) distinct of x over 1h
  sum mean distinct of y over 1h
  sum mean variance distinct min max of i over 1h 1d
  percentile(0.5 error 0.01) of i over 1d
  top_k(7) histogram last_n(3) of small over 1h 1d
  histogram(max 50) of i over 1h
  sum mean max distinct of x over 1h by s largest 5
load run
  k event created x y i small s
load run
  k event created x y i small s
load run
  k event created x y i small s
join run
  k     event_timestamp
  "hot" 07:00
  "hot" 06:30
  "hot" 06:00:00.000001
  "hot" 2013-01-02T06:00:00Z
  "two" 07:00
  "two" 06:59:59.999999
  "no"  07:00
`

// runValues are those of the n-th event of a long run. Doubles are of all magnitudes and both signs, so that a sum that
// is not exact shows, whatever its order.
func runValues(n int) []any {
	x := math.Ldexp(float64(n*7919%10_007)-5_000.5, n*31%1_900-1_000)
	if n%5 == 0 {
		x = -math.Ldexp(float64((n-1)*7919%10_007)-5_000.5, (n-1)*31%1_900-1_000)
	}
	var y any = float32(n%1_000) * 0.1
	if n%97 == 0 {
		y = nil
	}
	key := "hot"
	if n%11 == 0 {
		key = "two"
	}
	return []any{key, x, y, int64(n) * 1_000_003 * 1_000_003, int32(n * n % 23), string(rune('a' + n%9))}
}

// addRuns adds that many events to the files of a view, dealt in an order of its own for each seed.
func addRuns(c *Case, view string, events, seed int, start feature.Instant) {
	history := c.World.Histories[view]
	for n := range events {
		// Events come in an order that is neither that of time nor that of files. Multiplying by a prime permutes.
		at := (n*7 + seed) % events
		file := &c.World.Files[(n*seed+n/13)%len(c.World.Files)]
		file.RowGroup = 500
		event := start + feature.Instant(at/3)*1_000_000
		row := SourceRow{Event: &event, File: file.Path, Number: len(file.Columns[0].Values)}
		if at%4 > 0 {
			created := event + feature.Instant(at%5)
			row.Created = &created
		}
		values := runValues(at)
		row.Keys, row.Features = values[:1], values[1:]
		history.Rows = append(history.Rows, row)
		for i, v := range slices.Concat([]any{values[0], event, valueOf(row.Created)}, values[1:]) {
			file.Columns[i].Values = append(file.Columns[i].Values, v)
		}
	}
}

// longRuns deals thousands of events of one window to files in several ways, and asks with several numbers of threads.
func longRuns(t *testing.T, suite Offline) {
	for seed, threads := range map[int]int{1: 7, 5: 1} {
		folder := t.TempDir()
		c := caseOf(t, folder, everyFunction)
		addRuns(c, "run", manyEvents, seed, *instantOf(t, "06:00")+1)
		if err := c.World.Write(); err != nil {
			t.Fatal(err)
		}
		holdAll(t, suite.Start(t, folder, threads), c)
	}
}

// cancellingRuns are sums that are nothing but what a naive sum forgets.
func cancellingRuns(t *testing.T, suite Offline) {
	folder := t.TempDir()
	engine := suite.Start(t, folder, 2)
	c := caseOf(t, folder, `
windows run (): x FLOAT64
  sum mean variance count of x over 1h lifetime
load run
  event x
join run
  event_timestamp
  07:00
  06:59
  06:30
  08:30
`)
	history, file := c.World.Histories["run"], &c.World.Files[0]
	hour := *instantOf(t, "06:00")
	for n := range 3 * manyEvents {
		event := hour + feature.Instant(n)*100_000
		x := []float64{math.MaxFloat64, 1e-300, -math.MaxFloat64, 5e-324, 1e16, -1e16, math.MaxFloat64, -math.MaxFloat64}[n%8]
		history.Rows = append(history.Rows, SourceRow{Event: &event, Features: []any{x}, File: file.Path, Number: n})
		file.Columns[0].Values = append(file.Columns[0].Values, event)
		file.Columns[1].Values = append(file.Columns[1].Values, x)
	}
	if err := c.World.Write(); err != nil {
		t.Fatal(err)
	}
	holdAll(t, engine, c)
}

// manyWindowedLabels asks for windows of more label rows than fit a batch.
func manyWindowedLabels(t *testing.T, suite Offline) {
	folder := t.TempDir()
	c := caseOf(t, folder, `
windows spend (card STRING): x FLOAT64
  sum max of x over 10m hop 1m
  rows over 1h
load spend
  card  event                 x
  "a"   06:00                 0.1
  "b"   06:00                 0.2
  "a"   06:01                 NaN
  "a"   06:01:00.000001       0.3
  "b"   06:30                 1e300
  "b"   06:30                 -1e300
join spend
  card  event_timestamp | sum_x_10m  max_x_10m  rows_1h
  "a"   06:00           | 0.1        0.1        1
`)
	labels := &c.Joins[0].Question.Labels
	labels.stored, labels.RowGroup = nil, 1_000
	number := Column{Name: "number", Form: arrow.PrimitiveTypes.Int64, Values: []any{int64(-1)}}
	cards := []any{"a", nil, "z", "b"}
	six := *instantOf(t, "06:00")
	for i := range 20_000 {
		labels.Columns[0].Values = append(labels.Columns[0].Values, cards[i%len(cards)])
		labels.Columns[1].Values = append(labels.Columns[1].Values, six+feature.Instant(i*7919%8_000)*1_000_000+
			feature.Instant(i%3)-1)
		number.Values = append(number.Values, int64(i))
	}
	labels.Columns = append(labels.Columns, number)
	for _, threads := range []int{1, 4} {
		holdAll(t, suite.Start(t, folder, threads), c)
	}
}

// windowsOfManyKinds keeps the same events in files of each kind, and behind a query.
func windowsOfManyKinds(t *testing.T, suite Offline) {
	const view = `
windows spend (card STRING)%s: x FLOAT64, n INT32, s STRING
  column eur FLOAT64 = x * 1.5
  filter s != "void"
  sum mean of eur over 1h 1d
  last_n(2) top_k(2) of s over 1h
  sum of n over 1h by s largest 2
  rows over lifetime
load spend
  card  event            created          x     n     s
  "a"   06:00            06:10            0.1   1     "s"
  "a"   06:20            null             0.2   null  "t"
  "b"   06:00:00.000001  06:00:00.000002  null  3     "void"
load spend
  card  event            created          x     n     s
  "a"   06:20            06:20            0.3   2     "s"
  "b"   06:30            06:30            NaN   4     null
  "b"   06:40            06:40            -0.0  5     ""
join spend
  card  event_timestamp
  "a"   06:30
  "b"   07:00
  "b"   06:20
join as_known spend
  card  event_timestamp
  "a"   06:30
  "a"   06:09:59.999999
`
	for _, ending := range []string{".parquet", ".csv", ".jsonl", "sql"} {
		t.Run(ending, func(t *testing.T) {
			folder := t.TempDir()
			engine := suite.Start(t, folder, 2)
			over := ""
			if ending == "sql" {
				over = " sql"
			}
			c := caseOf(t, folder, strings.Replace(view, "%s", over, 1))
			if ending == ".csv" || ending == ".jsonl" {
				c.sourceAs(ending)
				if err := c.World.Write(); err != nil {
					t.Fatal(err)
				}
			}
			holdAll(t, engine, c)
		})
	}
}

// sourceAs keeps the files of the case's one view in another format.
func (c *Case) sourceAs(ending string) {
	as := func(file string) string { return strings.TrimSuffix(file, ".parquet") + ending }
	for i := range c.World.Files {
		c.World.Files[i].Path = as(c.World.Files[i].Path)
	}
	for _, history := range c.World.Histories {
		for i := range history.Rows {
			history.Rows[i].File = as(history.Rows[i].File)
		}
	}
	source, pattern := c.World.Definitions.Sources[0], as(c.pathOf().Path)
	if ending == ".csv" {
		source.Kind = &plumbv1.Source_Csv{Csv: &plumbv1.CsvSource{Path: pattern}}
	} else {
		source.Kind = &plumbv1.Source_Jsonl{Jsonl: &plumbv1.JsonLinesSource{Path: pattern}}
	}
}
