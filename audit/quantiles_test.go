package audit

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestAQuantileIsWithinAPartOfItself(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Int64Range(0, math.MaxInt64/2000), 1, 200).Draw(t, "microseconds")
		var s spread
		for _, value := range values {
			s.add(value)
		}
		slices.Sort(values)
		for _, part := range []float64{0.01, 0.5, 0.99, 1} {
			want := float64(values[max(int(math.Ceil(part*float64(len(values)))), 1)-1])
			got, ok := s.quantile(part)
			if !ok || float64(got.Microseconds()) < want || float64(got.Microseconds()) > want*(1+1.0/4096) {
				t.Fatalf("the %v quantile is %v, want %v µs", part, got, want)
			}
		}
	})
}

func TestQuantilesOfNothing_OfWhatIsLaterAndOfAllOfTime(t *testing.T) {
	var none, s spread
	if _, ok := none.quantile(0.5); ok || none.report() != nil {
		t.Error("nothing has a quantile")
	}
	s.add(-5)
	if got, _ := s.quantile(0.5); got != 0 {
		t.Errorf("an age below none is %v", got)
	}
	s.add(math.MaxInt64)
	if got, _ := s.quantile(1); got != time.Duration(math.MaxInt64) {
		t.Errorf("the longest age is %v", got)
	}
	rows := int64(0)
	for _, bin := range s.report().Bins {
		rows += bin.Rows
	}
	if rows != 2 {
		t.Errorf("the bins have %d rows", rows)
	}
}
