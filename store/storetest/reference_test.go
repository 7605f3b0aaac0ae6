package storetest

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// TestReferenceFollowsTheCases checks the slow reference against every case that people wrote: R1 to R12.
func TestReferenceFollowsTheCases(t *testing.T) {
	for _, c := range readAllCases(t, t.TempDir()) {
		t.Run(c.Name, func(t *testing.T) {
			if err := c.verify(); err != nil {
				t.Error(err)
			}
			if len(c.Joins)+len(c.Windows) == 0 {
				t.Error("the case asks nothing")
			}
		})
	}
}

// drawHistory draws the history of one view.
func drawHistory(t *rapid.T) *History {
	world := DrawWorld(t, "", "data")
	name := rapid.SampledFrom(world.Definitions.GetFeatureViews()).Draw(t, "view").GetName()
	return world.Histories[name]
}

// Each row that can be served is read in exactly one of the windows that lead to its time, or is later than all.
func TestR5_ReferenceWindowsTile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		history := drawHistory(t)
		windows := DrawWindows(t, history)
		var read, want int64
		for _, window := range windows {
			_, report := history.Newest(window)
			read += report.Read
		}
		for _, row := range history.Rows {
			if row.Event != nil && !hasNull(row.Keys) && *row.Event <= windows[len(windows)-1].End {
				want++
			}
		}
		if read != want {
			t.Fatalf("the windows read %d rows of %d", read, want)
		}
	})
}

// What a store holds that keeps the newest of all windows' rows by event and created time is what the reference sees of
// the whole history at the last end: R17 follows from R3, R5 and R14.
func TestR17_ReferenceOfTheWindowsIsTheReferenceOfTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		history := drawHistory(t)
		kept := &History{TTL: history.TTL}
		windows := DrawWindows(t, history)
		end := windows[len(windows)-1].End
		for _, window := range windows {
			rows, _ := history.Newest(window)
			for _, row := range rows {
				row.File, row.Number = "", 0
				kept.Rows = kept.admit(kept.Rows, &row)
			}
		}
		for _, row := range history.Rows {
			want, got := history.At(row.Keys, end, false), kept.At(row.Keys, end, false)
			if want.Status != got.Status || want.Row != nil && !sameRow(*want.Row, *got.Row) {
				t.Fatalf("key %s: the windows show %+v, the whole %+v", Show(row.Keys), got, want)
			}
		}
	})
}

func TestR2_TTLReachesAcrossAllOfTime(t *testing.T) {
	const first, last = feature.Instant(math.MinInt64), feature.Instant(math.MaxInt64)
	longest := &History{TTL: time.Duration(math.MaxInt64).Truncate(time.Microsecond)}
	shortest := &History{TTL: time.Microsecond}
	unlimited := &History{}
	reach := feature.Instant(longest.TTL.Microseconds())
	for _, test := range []struct {
		history   *History
		event, at feature.Instant
		want      bool
	}{
		{longest, first, last, true},
		{longest, first, first + reach, false},
		{longest, first, first + reach + 1, true},
		{longest, last - reach, last, false},
		{longest, last - reach - 1, last, true},
		{shortest, -1, 0, false},
		{shortest, -1, 1, true},
		{shortest, first, first, false},
		{unlimited, first, last, false},
	} {
		if got := test.history.expired(test.event, test.at); got != test.want {
			t.Errorf("ttl %s, event %d at %d: expired is %t", test.history.TTL, test.event, test.at, got)
		}
	}
}

// The values of each line are in R3's order, lowest first.
func TestR3_ValuesAreOrdered(t *testing.T) {
	negative := math.Copysign(0, -1)
	for _, ascending := range [][]any{
		{nil, false, true},
		{nil, int32(math.MinInt32), int32(-1), int32(0), int32(11)},
		{nil, int64(math.MinInt64), int64(1), int64(math.MaxInt64)},
		{nil, math.Inf(-1), -1.5, negative, 0.0, 5e-324, math.Inf(1), math.NaN()},
		{nil, float32(math.Inf(-1)), float32(negative), float32(0), float32(math.NaN())},
		{nil, "", "A", "a", "a\x00", "a ", "b", "\u00e9"},
		{nil, []byte{}, []byte{0}, []byte{0, 0}, []byte{1}, []byte{0xff}},
		{nil, feature.Instant(-1), feature.Instant(0)},
		{nil, []any{}, []any{nil}, []any{nil, nil}, []any{negative}, []any{0.0}, []any{0.0, nil}, []any{1.0}},
	} {
		for i := range ascending {
			for j := range ascending {
				if got, want := compareValues(ascending[i], ascending[j]), compareInts(i, j); got != want {
					t.Errorf("%s and %s compare as %d", Show(ascending[i]), Show(ascending[j]), got)
				}
				if got := SameValue(ascending[i], ascending[j]); got != (i == j) {
					t.Errorf("%s and %s are the same: %t", Show(ascending[i]), Show(ascending[j]), got)
				}
			}
		}
	}
}

func compareInts(a, b int) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func TestFilesAreReadBackAsTheyWereWritten(t *testing.T) {
	folder := t.TempDir()
	for _, ending := range []string{".parquet", ".arrow"} {
		rapid.Check(t, func(t *rapid.T) {
			declared := plumbv1.Type(rapid.IntRange(1, 16).Draw(t, "type"))
			form := value.ArrowType(declared)
			file := File{Path: folder + "/file" + ending, RowGroup: rapid.IntRange(0, 3).Draw(t, "row group")}
			column := Column{Name: "a", Form: form}
			for range rapid.IntRange(0, 9).Draw(t, "rows") {
				column.Values = append(column.Values, DrawNullable(t, declared, 4))
			}
			file.Columns = []Column{column}
			if err := file.Write(); err != nil {
				t.Fatal(err)
			}
			table, err := readTable(file.Path)
			if err != nil {
				t.Fatal(err)
			}
			for row, v := range column.Values {
				if !SameValue(table.Rows[row][0], v) {
					t.Fatalf("row %d is %s, want %s", row, Show(table.Rows[row][0]), Show(v))
				}
			}
		})
	}
}

func TestCSVTellsNullFromTheEmptyText(t *testing.T) {
	got := csvLines("a,\"b\"\"c\"\n,\"\"\n\"x\ny\",1\n")
	want := [][]any{{"a", `b"c`}, {nil, ""}, {"x\ny", "1"}}
	if !slices.EqualFunc(got, want, func(a, b []any) bool { return SameValue(a, b) }) {
		t.Errorf("read %q, want %q", got, want)
	}
}

func TestMistakesInCaseFilesAreTold(t *testing.T) {
	const view = "case x\nview weather (airport STRING) ttl 3h: temp FLOAT64\n"
	for text, want := range map[string]string{
		"view weather (): temp FLOAT64":                              "cases:1: \"view weather (): temp FLOAT64\" comes",
		"case x\nfetch weather":                                      "cases:2: \"fetch\" is no command",
		"case x\nview weather":                                       "cases:2: \"weather\" is not of the form name (keys)",
		"case x\nview weather (): temp":                              "cases:2: \" temp\" is not of the form name TYPE",
		"case x\nload weather":                                       "cases:2: no view is named \"weather\"",
		view + "load weather\n  airport event temp\n  \"EWR\" 06:00": "cases:3: [\"\\\"EWR\\\"\" \"06:00\"] has 2 cells",
		view + "load weather\n  airport event temp\n  \"EWR\" 6 1":   "cases:3: column event: ",
		view + "newest weather 06:00":                                "cases:3: \"06:00\" is not of the form (start, end]",
		view + "join weather":                                        "cases:3: the join has no labels",
	} {
		_, err := parseCases(text, "cases", t.TempDir())
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// documented are the values that the examples of docs/expressions.md are evaluated with, and their kinds.
var documented = map[string]any{
	"amount": 12.5, "count": int64(3), "name": "Zürich", "tags": []any{"a", "b"}, "prices": []any{0.1, 0.2, 0.3},
	"paid": true, "opened": feature.InstantOf(time.Date(2026, 11, 29, 18, 30, 0, 0, time.UTC)), "spend.mean_30d": nil,
	"request_time": feature.InstantOf(time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)),
}

var documentedKinds = map[string]plumbv1.Type{
	"amount": aDouble, "count": anInt, "name": aText, "tags": value.ArrayType(aText), "prices": value.ArrayType(aDouble),
	"paid": aBool, "opened": aTime, "spend.mean_30d": aDouble, "request_time": aTime,
}

// The reference says of the documentation's examples what is written there, as far as it has their operators.
func TestR25_ReferenceFollowsTheDocumentation(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(repository(t), "docs", "expressions.md"))
	if err != nil {
		t.Fatal(err)
	}
	known, example, gives := 0, -1, -1
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.ReplaceAll(strings.TrimSpace(line), `\|`, "\x00"), "|")
		for i := range cells {
			cells[i] = strings.ReplaceAll(strings.TrimSpace(cells[i]), "\x00", "|")
		}
		if at := slices.Index(cells, "Example"); at > 0 {
			example, gives = at, slices.Index(cells, "Gives")
			continue
		}
		if gives < 0 || gives >= len(cells) || !strings.HasPrefix(cells[example], "`") {
			continue
		}
		e, err := parseExpression(strings.Trim(cells[example], "`"), documentedKinds)
		if err != nil {
			continue
		}
		known++
		outcome := e.Evaluate(func(name string) Outcome { return Outcome{Value: documented[name]} })
		if got := documentedText(outcome); got != cells[gives] {
			t.Errorf("%s gives %s, and %s is documented", e, got, cells[gives])
		}
	}
	if known < 64 {
		t.Errorf("the reference knows %d of the examples", known)
	}
}

func documentedText(o Outcome) string {
	switch v := o.Value.(type) {
	case nil:
		if o.Invalid {
			return "INVALID"
		}
		return "null"
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return fmt.Sprint(o.Value)
}
