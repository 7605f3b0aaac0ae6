package dataset

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/plumbstore/plumb/internal/value"
)

// Distribution says how the values of a column are distributed.
//
// Numbers stand as they are, booleans are 0 and 1, instants are microseconds since the epoch, and of an array the
// number of its elements counts. Min, Max and Mean are of all values that are neither null nor NaN; the mean is absent
// if an infinity leaves it undefined. Texts and bytes have Buckets instead, and columns of other types neither.
type Distribution struct {
	// NaNs counts values that are no number, which are not null.
	NaNs int64   `json:"nans,omitempty"`
	Min  *Number `json:"min,omitempty"`
	Max  *Number `json:"max,omitempty"`
	Mean *Number `json:"mean,omitempty"`
	// Percentiles are the values at 0, 1, … 100 hundredths of the way through the sorted values: of n values the k-th is
	// at ⌈k·n/100⌉, and at least the first.
	Percentiles []Number `json:"percentiles,omitempty"`
	// Sampled is 0 if the percentiles are of all values. Otherwise they are of a sample: of each row whose number's hash
	// is in the least 2^-Sampled of all hashes, so that any number of rows makes at most about sampleRows of them.
	Sampled int `json:"sampled,omitempty"`
	// Buckets counts texts by the lowest 6 bits of their FNV-1a hash. It shows whether texts are distributed as they were
	// without revealing any of them.
	Buckets []int64 `json:"buckets,omitempty"`
}

const (
	percentiles = 101
	textBuckets = 64
	// sampleRows bounds what percentiles are made of. Those of a sample, which has at least half as many rows, are off by
	// at most 0.6 of a percentile at 19 times in 20 (Dvoretzky, Kiefer, Wolfowitz).
	sampleRows = 1 << 17
)

// Number is a number that JSON can hold: what has no form there is "NaN", "Infinity" or "-Infinity".
type Number float64

// MarshalJSON implements json.Marshaler.
func (n Number) MarshalJSON() ([]byte, error) {
	if text, ok := value.NoNumber(float64(n)); ok {
		return json.Marshal(text)
	}
	return json.Marshal(float64(n))
}

// UnmarshalJSON implements json.Unmarshaler.
func (n *Number) UnmarshalJSON(text []byte) error {
	value, err := strconv.ParseFloat(string(unquoted(text)), 64)
	if err != nil {
		return fmt.Errorf("%s is not a number", text)
	}
	*n = Number(value)
	return nil
}

func unquoted(text []byte) []byte {
	if len(text) > 2 && text[0] == '"' {
		return text[1 : len(text)-1]
	}
	return text
}

// sampleOf chooses the rows that percentiles of a table of that many rows are made of: sampled is 0 for all of them.
func sampleOf(rows int64) (sampled int) {
	for ; rows>>sampled > sampleRows; sampled++ {
	}
	return sampled
}

// sampledRow is a row that is in the sample: its number in the table, and the hash of that.
type sampledRow struct {
	row  int64
	hash uint64
}

// appendSample appends those of the rows [from, to) of a table that are in a sample. It goes by a hash of each row's
// number, since rows that follow each other at regular distances may be alike.
func appendSample(rows []sampledRow, from, to int64, sampled int) []sampledRow {
	for row := from; row < to; row++ {
		hash := uint64(row) + 0x9e3779b97f4a7c15 // SplitMix64.
		hash = (hash ^ hash>>30) * 0xbf58476d1ce4e5b9
		hash = (hash ^ hash>>27) * 0x94d049bb133111eb
		if hash ^= hash >> 31; inSample(hash, sampled) {
			rows = append(rows, sampledRow{row, hash})
		}
	}
	return rows
}

func inSample(hash uint64, sampled int) bool { return hash>>(64-sampled) == 0 }

// spread is the running distribution of a column. It is exact up to sampleRows and depends on the rows alone, since
// manifests of one training set have to be equal: sketches that bound the error of a rank draw by chance, and those
// that bound the error of a value, as audits do for durations, would tell instants of our time to a day or so.
//
// How many rows there will be is not known, so it keeps the sample of those that it has seen: samples of more rows lie
// within those of fewer. Which rows these are is the same for all columns of a table, so add is told.
type spread struct {
	rows    int64
	sampled int
	nans    int64
	// numbers are the values [from, to), in the given memory if they are not numbers as they are; nil if there are none.
	numbers func(into []float64, values arrow.Array, from, to int) []float64
	// read is used again for each stretch of values.
	read    []float64
	count   int64
	min     float64
	max     float64
	sum     float64
	lost    float64
	kept    []keptValue
	buckets []int64
}

// keptValue is a value in the sample with the hash of its row.
type keptValue struct {
	hash  uint64
	value float64
}

func newSpread(t arrow.DataType) *spread {
	s := &spread{min: math.Inf(1), max: math.Inf(-1), numbers: numbersOf(t)}
	switch typeName(t) {
	case "text", "bytes":
		s.buckets = make([]int64, textBuckets)
	}
	return s
}

// numbersOf returns how values of a type are read as numbers; nil if they are none.
func numbersOf(t arrow.DataType) func([]float64, arrow.Array, int, int) []float64 {
	switch t := t.(type) {
	case *arrow.Float64Type:
		return func(_ []float64, v arrow.Array, from, to int) []float64 {
			return v.(*array.Float64).Float64Values()[from:to]
		}
	case *arrow.Float32Type:
		return func(into []float64, v arrow.Array, from, to int) []float64 {
			return appendNumbers(into, v.(*array.Float32).Float32Values()[from:to])
		}
	case *arrow.Int64Type:
		return func(into []float64, v arrow.Array, from, to int) []float64 {
			return appendNumbers(into, v.(*array.Int64).Int64Values()[from:to])
		}
	case *arrow.Int32Type:
		return func(into []float64, v arrow.Array, from, to int) []float64 {
			return appendNumbers(into, v.(*array.Int32).Int32Values()[from:to])
		}
	case *arrow.BooleanType:
		return eachOf(func(v arrow.Array, i int) float64 {
			if v.(*array.Boolean).Value(i) {
				return 1
			}
			return 0
		})
	case *arrow.TimestampType:
		micros := float64(t.Unit.Multiplier()) / 1000
		return func(into []float64, v arrow.Array, from, to int) []float64 {
			for _, value := range v.(*array.Timestamp).TimestampValues()[from:to] {
				into = append(into, float64(value)*micros)
			}
			return into
		}
	case arrow.ListLikeType:
		return eachOf(func(v arrow.Array, i int) float64 {
			start, end := v.(array.ListLike).ValueOffsets(i)
			return float64(end - start)
		})
	}
	return otherNumbersOf(t)
}

// otherNumbersOf reads the integers that labels alone may have.
func otherNumbersOf(t arrow.DataType) func([]float64, arrow.Array, int, int) []float64 {
	switch t.ID() {
	case arrow.INT8:
		return eachOf(func(v arrow.Array, i int) float64 { return float64(v.(*array.Int8).Value(i)) })
	case arrow.INT16:
		return eachOf(func(v arrow.Array, i int) float64 { return float64(v.(*array.Int16).Value(i)) })
	case arrow.UINT8:
		return eachOf(func(v arrow.Array, i int) float64 { return float64(v.(*array.Uint8).Value(i)) })
	case arrow.UINT16:
		return eachOf(func(v arrow.Array, i int) float64 { return float64(v.(*array.Uint16).Value(i)) })
	case arrow.UINT32:
		return eachOf(func(v arrow.Array, i int) float64 { return float64(v.(*array.Uint32).Value(i)) })
	case arrow.UINT64:
		return eachOf(func(v arrow.Array, i int) float64 { return float64(v.(*array.Uint64).Value(i)) })
	}
	return nil
}

func appendNumbers[T int64 | int32 | float32](into []float64, values []T) []float64 {
	for _, value := range values {
		into = append(into, float64(value))
	}
	return into
}

func eachOf(number func(arrow.Array, int) float64) func([]float64, arrow.Array, int, int) []float64 {
	return func(into []float64, values arrow.Array, from, to int) []float64 {
		for i := from; i < to; i++ {
			into = append(into, number(values, i))
		}
		return into
	}
}

// add takes the next values, with the sample of the table from their first row on.
func (s *spread) add(values arrow.Array, sample []sampledRow) {
	if s.kept == nil && s.numbers != nil {
		s.kept = make([]keptValue, 0, len(sample))
	}
	for from, to := range validRuns(values) {
		switch {
		case s.numbers != nil:
			s.read = s.numbers(s.read[:0], values, from, to)
			s.addNumbers(s.read)
			sample = s.keep(s.read, from, sample)
		case s.buckets != nil:
			for i := from; i < to; i++ {
				hashed := fnv.New64a()
				_, _ = hashed.Write([]byte(textOf(values, i))) // A hash takes everything.
				s.buckets[hashed.Sum64()%textBuckets]++
			}
		}
	}
	s.rows += int64(values.Len())
	if sampled := sampleOf(s.rows); sampled > s.sampled {
		s.sampled = sampled
		s.thin()
	}
}

// thin keeps what is still in the sample. That is as good as random, so it is no branch.
func (s *spread) thin() {
	left := 0
	for _, each := range s.kept {
		s.kept[left] = each
		left += int((each.hash>>(64-s.sampled) - 1) >> 63)
	}
	s.kept = s.kept[:left]
}

// addNumbers takes values.
func (s *spread) addNumbers(values []float64) {
	least, greatest, sum, lost, nans := s.min, s.max, s.sum, s.lost, int64(0)
	for _, value := range values {
		if value != value {
			nans++
			continue
		}
		// The built-in functions know that -0.0 is below 0.0, and take longer.
		if value <= least {
			least = min(least, value)
		}
		if value >= greatest {
			greatest = max(greatest, value)
		}
		// lost is the sum of what each addition rounds away, which no addition waits for.
		next := sum + value
		added := next - sum
		lost += (sum - (next - added)) + (value - added)
		sum = next
	}
	s.min, s.max, s.sum, s.lost = least, greatest, sum, lost
	s.nans += nans
	s.count += int64(len(values)) - nans
}

// keep keeps those of the values from a position on that are in the sample, and returns the sample behind them.
func (s *spread) keep(values []float64, from int, sample []sampledRow) []sampledRow {
	first := s.rows + int64(from)
	end := first + int64(len(values))
	for len(sample) > 0 && sample[0].row < end {
		if at := sample[0].row - first; at >= 0 && values[at] == values[at] {
			s.kept = append(s.kept, keptValue{sample[0].hash, values[at]})
		}
		sample = sample[1:]
	}
	return sample
}

// distribution returns nil if there is nothing to report.
func (s *spread) distribution() *Distribution {
	d := &Distribution{NaNs: s.nans, Buckets: s.buckets}
	if s.count == 0 {
		if s.nans == 0 && s.buckets == nil {
			return nil
		}
		return d
	}
	d.Min, d.Max = number(s.min), number(s.max)
	if mean := (s.sum + s.lost) / float64(s.count); !math.IsNaN(mean) && !math.IsInf(mean, 0) {
		d.Mean = number(mean)
	}
	if len(s.kept) == 0 {
		return d
	}
	sorted := s.sorted()
	d.Sampled = s.sampled
	for k := range percentiles {
		at := (k*len(sorted) + 99) / 100
		d.Percentiles = append(d.Percentiles, Number(sorted[max(at, 1)-1]))
	}
	return d
}

// sorted are the values in the sample, in their order, in which -0.0 comes before 0.0: manifests of one training set
// have to be equal.
func (s *spread) sorted() []float64 {
	keys := make([]uint64, len(s.kept))
	for i, each := range s.kept {
		key := math.Float64bits(each.value)
		keys[i] = key ^ (uint64(int64(key)>>63) | 1<<63)
	}
	slices.Sort(keys)
	values := make([]float64, len(keys))
	for i, key := range keys {
		values[i] = math.Float64frombits(key ^ (^uint64(int64(key)>>63) | 1<<63))
	}
	return values
}

func number(value float64) *Number {
	n := Number(value)
	return &n
}
