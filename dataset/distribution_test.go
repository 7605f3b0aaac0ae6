package dataset

import (
	"encoding/json"
	"math"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func floats(values ...float64) arrow.Array {
	builder := array.NewFloat64Builder(memory.DefaultAllocator)
	builder.AppendValues(values, nil)
	return builder.NewArray()
}

func distributionOf(batches ...arrow.Array) *Distribution {
	s := newSpread(batches[0].DataType())
	for _, batch := range batches {
		end := s.rows + int64(batch.Len())
		s.add(batch, appendSample(nil, s.rows, end, sampleOf(end)))
	}
	return s.distribution()
}

func TestADistribution_IsThatOfAllValuesThatAreNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Float64Range(-1000, 1000), 1, 300).Draw(t, "values")
		cut := rapid.IntRange(0, len(values)).Draw(t, "cut")
		got := distributionOf(floats(append(slices.Clone(values[:cut]), math.NaN())...), floats(values[cut:]...))
		sorted, sum := slices.Sorted(slices.Values(values)), 0.0
		for _, value := range values {
			sum += value
		}
		if got.NaNs != 1 || float64(*got.Min) != sorted[0] || float64(*got.Max) != sorted[len(sorted)-1] {
			t.Errorf("it has %d NaNs, least %v, greatest %v of %v", got.NaNs, *got.Min, *got.Max, sorted)
		}
		if mean := sum / float64(len(values)); math.Abs(float64(*got.Mean)-mean) > 1e-9 {
			t.Errorf("the mean is %v, and should be %v", *got.Mean, mean)
		}
		for k, value := range got.Percentiles {
			atMost := 0
			for _, each := range values {
				if each <= float64(value) {
					atMost++
				}
			}
			// The least value that at least k hundredths of the values are at most.
			at := slices.Index(sorted, float64(value))
			if atMost*100 < k*len(values) || (at > 0 && at*100 >= k*len(values)) {
				t.Errorf("percentile %d of %v is %v", k, sorted, value)
			}
		}
	})
}

func TestADistribution_CountsWhatStandsForValues(t *testing.T) {
	for name, c := range map[string]struct {
		of       arrow.DataType
		values   string
		min, max Number
		mean     float64
	}{
		"booleans as 0 and 1":         {arrow.FixedWidthTypes.Boolean, `[true, false, null, true, true]`, 0, 1, 0.75},
		"instants as microseconds":    {arrow.FixedWidthTypes.Timestamp_us, `[-1, 1001]`, -1, 1001, 500},
		"nanoseconds as microseconds": {&arrow.TimestampType{Unit: arrow.Nanosecond}, `[1000, 3000]`, 1, 3, 2},
		"arrays by their length": {arrow.ListOf(arrow.BinaryTypes.String), `[["a"], [], null, ["a", null, "b"]]`, 0, 3,
			4.0 / 3},
		"small integers": {arrow.PrimitiveTypes.Uint8, `[1, 255]`, 1, 255, 128},
	} {
		got := distributionOf(fromText(t, c.of, c.values))
		if *got.Min != c.min || *got.Max != c.max || math.Abs(float64(*got.Mean)-c.mean) > 1e-12 {
			t.Errorf("%s: least %v, greatest %v, mean %v", name, *got.Min, *got.Max, *got.Mean)
		}
	}
	texts := distributionOf(fromText(t, arrow.BinaryTypes.String, `["JFK", "LGA", "JFK", null]`))
	counts := slices.Sorted(slices.Values(texts.Buckets))
	if len(counts) != textBuckets || !slices.Equal(counts[textBuckets-3:], []int64{0, 1, 2}) {
		t.Errorf("texts are counted as %v", texts.Buckets)
	}
	if nothing := distributionOf(fromText(t, arrow.PrimitiveTypes.Int64, `[null]`)); nothing != nil {
		t.Errorf("of nulls alone it is %+v", nothing)
	}
}

func TestADistribution_WithInfinitiesHasNoMeanAndFitsIntoJSON(t *testing.T) {
	got := distributionOf(floats(math.Inf(-1), 1, math.Inf(1), math.NaN()))
	if got.Mean != nil || got.NaNs != 1 {
		t.Errorf("it is %+v", got)
	}
	text, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	var again Distribution
	if err := json.Unmarshal(text, &again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(*got, again); diff != "" {
		t.Errorf("JSON makes another of it: %s", diff)
	}
}

// The sum of many equal values has no rounding to speak of, however many they are.
func TestAMean_IsThatOfTheValues(t *testing.T) {
	values := make([]float64, 1_000_000)
	for i := range values {
		values[i] = 0.1
	}
	if got := distributionOf(floats(values...)); *got.Mean != 0.1 {
		t.Errorf("the mean of many 0.1 is %v", *got.Mean)
	}
}

func TestASample_IsBoundedAndCloseToAllValues(t *testing.T) {
	const rows = 3 * sampleRows
	sampled := sampleOf(rows)
	if sampled != 2 || sampleOf(sampleRows) != 0 || sampleOf(sampleRows+1) != 1 {
		t.Fatalf("%d rows are sampled by 2^-%d", rows, sampled)
	}
	values := make([]float64, rows)
	for i := range values {
		values[i] = float64(i*7919%rows) / rows // Every share of rows once, in an order of no account.
	}
	got := distributionOf(floats(values[:rows/3]...), floats(values[rows/3:]...))
	if got.Sampled != sampled {
		t.Errorf("it says that %d are sampled", got.Sampled)
	}
	for k, value := range got.Percentiles {
		if math.Abs(float64(value)-float64(k)/100) > 0.006 {
			t.Errorf("percentile %d is %v", k, value)
		}
	}
	if whole := distributionOf(floats(values...)); !cmp.Equal(whole, got) {
		t.Error("batches make another sample")
	}
}
