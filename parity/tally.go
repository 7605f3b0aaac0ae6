package parity

import (
	"bytes"
	"cmp"
	"math"
	"math/big"
	"strings"

	"github.com/plumbstore/plumb/compute/aggregate"
	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/offline"
)

// tally is what the witness makes of the values of a column, in the plainest way: by the rules (R20, R21) and with the
// numbers of math/big, which round nothing.
type tally struct {
	// values is how many are not null.
	values int64
	// misfit says that a value does not fit its type: both sides leave such rows to errors of their own.
	misfit bool
	// sum is that of the finite numbers. A sum of doubles has no more digits than digits, for far more events than fit a
	// source: an exponent goes from -1074 to 1023.
	sum *big.Float
	// nan, up and down say that there is a NaN or an infinity; other says that there is a number besides -0.0.
	nan, up, down, other bool
	least, greatest      any
}

const digits = 2200

func newSum() *big.Float { return new(big.Float).SetPrec(digits) }

// add counts a value: null, or one in its Go form.
func (t *tally) add(given any) {
	switch v := given.(type) {
	case nil:
		return
	case offline.Misfit:
		t.misfit = true
		return
	case []any:
		t.values++
		return
	case int32:
		t.addWhole(int64(v))
	case int64:
		t.addWhole(v)
	case float32:
		t.addFloat(float64(v))
		if v != v {
			given = math.Float32frombits(quietNaN32)
		}
	case float64:
		t.addFloat(v)
		if v != v {
			given = value.TextNaN()
		}
	case []byte:
		given = bytes.Clone(v)
	case string:
		given = strings.Clone(v)
	}
	t.values++
	t.widen(given, given)
}

// quietNaN32 has the bits of the one NaN that aggregates give, of a FLOAT32.
const quietNaN32 = 0x7fc0_0000

func (t *tally) addWhole(whole int64) {
	t.other = true
	t.addTo(newSum().SetInt64(whole))
}

func (t *tally) addTo(number *big.Float) {
	if t.sum == nil {
		t.sum = newSum()
	}
	t.sum.Add(t.sum, number)
}

func (t *tally) addFloat(float float64) {
	t.other = t.other || float != 0 || !math.Signbit(float)
	switch {
	case math.IsNaN(float):
		t.nan = true
	case math.IsInf(float, 1):
		t.up = true
	case math.IsInf(float, -1):
		t.down = true
	default:
		t.addTo(newSum().SetFloat64(float))
	}
}

// widen widens the range of values.
func (t *tally) widen(least, greatest any) {
	if t.least == nil || order(least, t.least) < 0 {
		t.least = least
	}
	if t.greatest == nil || order(greatest, t.greatest) > 0 {
		t.greatest = greatest
	}
}

// merge adds the values of another tally.
func (t *tally) merge(o *tally) {
	t.values += o.values
	t.misfit, t.nan, t.up, t.down, t.other = t.misfit || o.misfit, t.nan || o.nan, t.up || o.up, t.down || o.down,
		t.other || o.other
	if o.sum != nil {
		t.addTo(o.sum)
	}
	if o.least != nil {
		t.widen(o.least, o.greatest)
	}
}

// order is that of values of one type (R3): -0.0 is below 0.0, and a NaN above all.
func order(a, b any) int {
	switch a := a.(type) {
	case bool:
		return cmp.Compare(truth(a), truth(b.(bool)))
	case int32:
		return cmp.Compare(a, b.(int32))
	case int64:
		return cmp.Compare(a, b.(int64))
	case float32:
		return orderFloats(float64(a), float64(b.(float32)))
	case float64:
		return orderFloats(a, b.(float64))
	case string:
		return strings.Compare(a, b.(string))
	case []byte:
		return bytes.Compare(a, b.([]byte))
	}
	return cmp.Compare(a.(feature.Instant), b.(feature.Instant))
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

func orderFloats(a, b float64) int {
	switch {
	case math.IsNaN(a) || math.IsNaN(b):
		return cmp.Compare(truth(math.IsNaN(a)), truth(math.IsNaN(b)))
	case a == 0 && b == 0:
		return cmp.Compare(truth(math.Signbit(b)), truth(math.Signbit(a)))
	}
	return cmp.Compare(a, b)
}

// isTallied says whether the witness computes a function.
func isTallied(spec aggregate.Spec) bool {
	switch spec.Function {
	case aggregate.Rows, aggregate.Count, aggregate.Sum, aggregate.Mean, aggregate.Min, aggregate.Max:
		return spec.By == aggregate.None
	}
	return false
}

// result is what a function gives of the values (R21).
func (t *tally) result(spec aggregate.Spec) (*witnessed, error) {
	switch {
	case t.misfit:
		return &witnessed{misfit: true}, nil
	case spec.Function == aggregate.Count:
		return newWitnessed(t.values)
	case t.values == 0:
		return newWitnessed(nil)
	}
	switch spec.Function {
	case aggregate.Min:
		return newWitnessed(t.least)
	case aggregate.Max:
		return newWitnessed(t.greatest)
	case aggregate.Mean:
		mean := t.float() / float64(t.values)
		if mean != mean {
			mean = value.TextNaN()
		}
		return newWitnessed(mean)
	}
	if spec.Type == plumbv1.Type_FLOAT32 || spec.Type == plumbv1.Type_FLOAT64 {
		return newWitnessed(t.float())
	}
	whole, _ := t.sum.Int(nil)
	if !whole.IsInt64() {
		return &witnessed{isInvalid: true}, nil
	}
	return newWitnessed(whole.Int64())
}

// float is the sum as a double: rounded once, to the nearest, to an infinity beyond the greatest.
func (t *tally) float() float64 {
	switch {
	case t.nan || t.up && t.down:
		return value.TextNaN()
	case t.up:
		return math.Inf(1)
	case t.down:
		return math.Inf(-1)
	case t.sum.Sign() == 0 && !t.other:
		return math.Copysign(0, -1)
	case t.sum.Sign() == 0:
		return 0
	}
	float, _ := t.sum.Float64()
	return float
}
