package storetest

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"
	"google.golang.org/protobuf/types/known/durationpb"
	"pgregory.net/rapid"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// The reference derives names and types by itself, and finds what the loader of definitions fills in.
func TestR21_ReferenceDerivesTheFeaturesOfAggregations(t *testing.T) {
	columns := []*plumbv1.SourceColumn{
		{Name: "eur", Type: plumbv1.Type_FLOAT64}, {Name: "n", Type: plumbv1.Type_INT32},
		{Name: "shop_", Type: plumbv1.Type_STRING}, {Name: "small", Type: plumbv1.Type_FLOAT32},
	}
	var fields []feature.Field
	for _, column := range columns {
		fields = append(fields, feature.Field{Name: column.Name, Type: column.Type})
	}
	for text, want := range map[string]string{
		"sum mean of eur over 1h 36h lifetime": "sum_eur_1h FLOAT64, sum_eur_1d12h FLOAT64, sum_eur_lifetime FLOAT64, " +
			"mean_eur_1h FLOAT64, mean_eur_1d12h FLOAT64, mean_eur_lifetime FLOAT64",
		"sum min of n over 7d offset 25h":     "sum_n_7d_offset_1d1h INT64, min_n_7d_offset_1d1h INT32",
		"rows over 1500us":                    "rows_1ms500us INT64",
		"distinct last_n(5) of shop_ over 1d": "distinct_shop_1d INT64, last_5_shop_1d STRING_ARRAY",
		"top_k(3) histogram of small over 90m": "top_3_small_1h30m FLOAT32_ARRAY, top_3_small_1h30m_counts INT64_ARRAY, " +
			"histogram_small_1h30m FLOAT32_ARRAY, histogram_small_1h30m_counts INT64_ARRAY",
		"percentile(0.5 0.999 1 error 0.01) of eur over 1h": "p50_eur_1h FLOAT64, p99_9_eur_1h FLOAT64, p100_eur_1h FLOAT64",
		"max of n over 1h by shop_ largest 2": "max_n_by_shop_1h INT32_ARRAY, " +
			"max_n_by_shop_1h_groups STRING_ARRAY",
		"stddev of eur over 1h as spread": "spread FLOAT64",
		"sum of small over 1h":            "sum_small_1h FLOAT64",
	} {
		aggregation, err := readAggregation(words(text))
		if err != nil {
			t.Fatal(err)
		}
		aggregated, err := newAggregated(columns, nil, nil, []*plumbv1.Aggregation{aggregation})
		if err != nil {
			t.Fatal(err)
		}
		if got := showFields(aggregated.features()); got != want {
			t.Errorf("%s makes %s, want %s", text, got, want)
		}
		planned, outputs, problems := feature.PlanAggregation(aggregation, fields)
		if len(problems) > 0 {
			t.Errorf("%s: %v", text, problems)
			continue
		}
		var loaded []*plumbv1.Feature
		for i, output := range outputs {
			loaded = append(loaded, &plumbv1.Feature{Name: output.Name, Type: output.Type})
			span, own := planned[output.Aggregate].Span, aggregated.outputs[i].window
			if micros(own.length) != span.Length || micros(own.hop) != span.Hop || micros(own.offset) != span.Offset {
				t.Errorf("%s is planned over %+v, and the reference has %v", output.Name, span, own)
			}
		}
		if got := showFields(loaded); got != want {
			t.Errorf("%s is loaded as %s, want %s", text, got, want)
		}
	}
}

func micros(span *big.Int) int64 {
	if span == nil {
		return 0
	}
	return span.Int64()
}

func showFields(features []*plumbv1.Feature) string {
	var fields []string
	for _, f := range features {
		fields = append(fields, fmt.Sprintf("%s %s", f.Name, f.Type))
	}
	return strings.Join(fields, ", ")
}

// Names have decimals: 0.29 is the 29th percentile, although 0.29 times 100 is less than 29 in doubles. Ranks are of
// the product of doubles: 0.07 times 100 is more than 7.
func TestR21_QuantilesAndRanks(t *testing.T) {
	for quantile, want := range map[float64]string{
		0: "p0", 0.07: "p7", 0.29: "p29", 0.55: "p55", 0.999: "p99_9", 1: "p100",
	} {
		aggregation := &plumbv1.Aggregation{Of: "x", Windows: []string{"1h"}, Functions: []*plumbv1.AggregateFunction{
			{Name: "percentile", Quantiles: []float64{quantile}, Error: 0.01},
		}}
		columns := []*plumbv1.SourceColumn{{Name: "x", Type: plumbv1.Type_FLOAT64}}
		aggregated, err := newAggregated(columns, nil, nil, []*plumbv1.Aggregation{aggregation})
		if err != nil {
			t.Fatal(err)
		}
		if got := aggregated.outputs[0].name; got != want+"_x_1h" {
			t.Errorf("%v is called %s, want %s_x_1h", quantile, got, want)
		}
	}
	hundred := []any{}
	for i := range 100 {
		hundred = append(hundred, float64(i+1))
	}
	for quantile, want := range map[float64]float64{
		0: 1, 0.001: 1, 0.07: 8, 0.29: 29, 0.5: 50, 0.501: 51, 0.999: 100, 1: 100,
	} {
		if got := percentileOf(hundred, quantile, 0.01); got.Value != want {
			t.Errorf("the rank of %v of 100 is %v, want %v", quantile, got.Value, want)
		}
	}
}

func TestR21_NearValuesAreOfOneSignAndWithinTheError(t *testing.T) {
	zero := math.Copysign(0, -1)
	for _, test := range []struct {
		near Near
		got  any
		want bool
	}{
		{Near{100, 0.01}, 101.0, true},
		{Near{100, 0.01}, 101.01, false},
		{Near{100, 0.01}, 99.0, true},
		{Near{-100, 0.01}, -101.0, true},
		{Near{-100, 0.01}, 100.0, false},
		{Near{100, 0.01}, nil, false},
		{Near{100, 0.01}, math.NaN(), false},
		{Near{0, 0.01}, 0.0, true},
		{Near{0, 0.01}, zero, false},
		{Near{zero, 0.01}, zero, true},
		{Near{0, 0.01}, 5e-324, false},
		{Near{math.Inf(1), 0.01}, math.Inf(1), true},
		{Near{math.Inf(1), 0.01}, math.MaxFloat64, false},
		{Near{math.MaxFloat64, 0.01}, math.Inf(1), false},
		{Near{math.NaN(), 0.01}, math.Float64frombits(0x7ff8000000000000), true},
	} {
		if got := SameValue(test.got, test.near); got != test.want {
			t.Errorf("%v is near %v: %t", test.got, test.near, got)
		}
		if got := SameValue(test.near, test.got); got != test.want {
			t.Errorf("%v is near %v: %t", test.near, test.got, got)
		}
	}
}

func TestR21_ReferenceHashesAsXXH64Does(t *testing.T) {
	for text, want := range map[string]uint64{
		"": 0xef46db3751d8e999, "a": 0xd24ec4f1a98c6e5b, "abc": 0x44bc2cf5ad770999,
	} {
		if got := xxHash64([]byte(text)); got != want {
			t.Errorf("%q has the hash %x, want %x", text, got, want)
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for length := range 200 {
		b := make([]byte, length)
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		if got, want := xxHash64(b), xxhash.Sum64(b); got != want {
			t.Errorf("%x has the hash %x, want %x", b, got, want)
		}
	}
}

func TestR21_ValuesHaveOneCanonicalForm(t *testing.T) {
	for _, test := range []struct {
		value any
		want  string
	}{
		{false, "00"}, {true, "01"},
		{int32(-2), "fffffffffffffffe"}, {int64(258), "0000000000000102"}, {feature.Instant(-1), "ffffffffffffffff"},
		{1.0, "3ff0000000000000"}, {float32(1), "3ff0000000000000"}, {float32(0.1), "3fb99999a0000000"},
		{0.0, "0000000000000000"}, {math.Copysign(0, -1), "8000000000000000"},
		{math.Float64frombits(0xfff8000000000001), "7ff8000000000000"},
		{math.Float32frombits(0xffc00001), "7ff8000000000000"},
		{"a\x00", "6100"}, {[]byte{0xff}, "ff"}, {"", ""},
	} {
		if got := fmt.Sprintf("%x", canonicalBytes(test.value)); got != test.want {
			t.Errorf("%s has the bytes %s, want %s", Show(test.value), got, test.want)
		}
	}
}

// Sets of few values are counted exactly, and of many within about four times the standard error, 1.04/64.
func TestR21_DistinctEstimatesItsValues(t *testing.T) {
	for _, n := range []int{0, 1, 2, 10, 100, 1_000, 10_000, 100_000, 1_000_000} {
		values := make([]any, n)
		for i := range values {
			values[i] = int64(i) * 7919
		}
		off := math.Abs(float64(distinctEstimate(values)) - float64(n))
		if off > 0.065*float64(n) || n <= 10 && off > 0 {
			t.Errorf("%d values are estimated as %d", n, distinctEstimate(values))
		}
	}
}

// If every register is empty, or full, there are no values, or more than can be counted.
func TestR21_ErtlsEstimatorAtItsEnds(t *testing.T) {
	var none, full, one [rankBits + 2]int
	none[0], full[rankBits+1] = registers, registers
	one[0], one[1] = registers-1, 1
	if got := ertl(none); got != 0 {
		t.Errorf("no value is estimated as %v", got)
	}
	if got := ertl(full); !math.IsInf(got, 1) {
		t.Errorf("full registers are estimated as %v", got)
	}
	if got := ertl(one); math.Round(got) != 1 {
		t.Errorf("a value is estimated as %v", got)
	}
}

// Sums of thousands of doubles are exact, also where floating point is not.
func TestR21_ReferenceSumsLongRuns(t *testing.T) {
	var values []any
	for range 5_000 {
		values = append(values, 1e16, 1.0, -1e16, 1e-3)
	}
	if got := realSum(values); got != 5005.0 {
		t.Errorf("the sum is %v, want 5005", got)
	}
	// A half, a third of the values, has the variance of 2 in 9 of its square.
	values = nil
	for range 2_000 {
		values = append(values, 0.0, 0.5, 0.0)
	}
	if got := varianceOf(values, false); got.Value != 1.0/18 {
		t.Errorf("the variance is %v, want 1/18", got.Value)
	}
}

func TestR18_ReferenceWindowsReachAcrossAllOfTime(t *testing.T) {
	const first, last = feature.Instant(math.MinInt64), feature.Instant(math.MaxInt64)
	day := &plumbv1.Aggregation{Offset: durationpb.New(24 * time.Hour)}
	for _, test := range []struct {
		window    string
		event, at feature.Instant
		want      bool
	}{
		{"lifetime", first, first, false}, // The offset puts the end before all of time.
		{"lifetime", first, last, true},
		{"366d", first, first + 24*60*aMinute, true},
		{"366d", last, last, false},
		{"1m", last - 24*60*aMinute, last, true},
		{"1m", last - 24*60*aMinute + 1, last, false},
	} {
		window, err := windowOf(day, test.window)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(window.counted([]countedEvent{{at: test.event}}, test.at)) == 1; got != test.want {
			t.Errorf("%s at %d counts %d: %t", test.window, test.at, test.event, got)
		}
	}
}

// Worlds with aggregations are well formed: every question can be asked, and the loader would derive the features as
// the reference does. The answers do not depend on the order of the rows (R20).
func TestR20_ReferenceAnswersDoNotDependOnTheOrderOfRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		world := DrawWindowedWorld(t, "", "data", false)
		question := DrawQuestion(t, world, "data")
		selection, err := world.Select(question)
		if err != nil {
			t.Fatalf("%v\n%s", err, world.Describe(&question))
		}
		want, _, err := world.Answer(selection, question)
		if err != nil {
			t.Fatal(err)
		}
		for _, history := range world.Histories {
			if history.Aggregated != nil {
				slices.Reverse(history.Rows)
			}
		}
		got, _, err := world.Answer(selection, question)
		if err != nil {
			t.Fatal(err)
		}
		if err := differ(differences(got, &Table{Rows: make([][]any, len(want.Rows))}, want)); err != nil {
			t.Fatalf("%v\n%s", err, world.Describe(&question))
		}
	})
}

// Random worlds reach what they are for.
func TestWindowedWorldsReachEveryStatusOfEveryFunction(t *testing.T) {
	seen := map[string]int{}
	for seed := range 800 {
		world := rapid.Custom(func(t *rapid.T) *World { return DrawWindowedWorld(t, "", "data", false) }).Example(seed)
		for _, history := range world.Histories {
			if history.Aggregated == nil {
				continue
			}
			for _, row := range history.Rows {
				if row.Event == nil {
					continue
				}
				sighting := history.At(row.Keys, *row.Event, false)
				for i, output := range history.Aggregated.outputs {
					_, status := sighting.Value(i)
					seen[output.function.GetName()+" "+status.String()]++
					if output.by >= 0 {
						seen["by "+status.String()]++
					}
				}
			}
		}
	}
	for _, function := range []string{
		"rows", "count", "sum", "mean", "min", "max", "variance", "variance_samp", "stddev", "stddev_samp", "first", "last",
		"last_n", "distinct", "percentile", "top_k", "histogram", "by",
	} {
		for _, status := range []string{"PRESENT", "NULL", "NOT_FOUND", "INVALID"} {
			never := status == "INVALID" && function == "rows" ||
				status == "NULL" && (function == "rows" || function == "count" || function == "distinct")
			if name := function + " " + status; seen[name] == 0 && !never {
				t.Errorf("no world has %s; there are %v", name, seen)
			}
		}
	}
}
