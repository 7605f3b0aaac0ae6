package aggregate_test

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/plumbstore/plumb/compute/aggregate"
	"github.com/plumbstore/plumb/internal/hostiletest"
)

// columnKinds are values of doubles whose sums take few bytes, or many, or lie far apart, or have no fixed width.
var columnKinds = []func(*rand.Rand) any{
	func(r *rand.Rand) any { return float64(r.IntN(100_000)) / 100 },
	func(r *rand.Rand) any { return -float64(r.IntN(10)) },
	func(r *rand.Rand) any { return r.NormFloat64() * 1e15 },
	func(r *rand.Rand) any { return math.Ldexp(r.NormFloat64(), r.IntN(2000)-1000) },
	func(r *rand.Rand) any {
		return []any{math.Inf(1), math.NaN(), math.Copysign(0, -1), 5e-324, nil}[r.IntN(5)]
	},
	func(r *rand.Rand) any { return math.MaxFloat64 * float64(r.IntN(3)-1) },
}

// columnOfStates returns nine states of each part. In most rounds all values are of one kind.
func columnOfStates(random *rand.Rand) (*world, []int) {
	w := newWorld(aggregate.NewPlan(allSpecs()), 12)
	kind, other := columnKinds[random.IntN(len(columnKinds))], columnKinds[random.IntN(len(columnKinds))]
	var events []event
	for range 40 {
		number := kind(random)
		if random.IntN(10) == 0 {
			number = other(random)
		}
		small, _ := number.(float64)
		long := random.Int64() >> random.IntN(64)
		e := event{int64(random.IntN(100)), aggregate.NoCreated, []any{random.IntN(2) == 0, int64(int32(long)), long,
			float64(float32(small)), number, "a", "b", -long}}
		if random.IntN(20) == 0 {
			e.values[random.IntN(len(e.values))] = nil
		}
		events = append(events, e)
	}
	columns := eventsOf(events)
	for row := range events {
		w.add(row%9, columns, row)
	}
	return w, []int{0, 1, 2, 3, 4, 5, 6, 7, 8}
}

// The states of a column are added as each of them alone would be, and those that are passed over are not.
func TestR20_AColumnAddsWhatItsStatesAddOneByOne(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	runs := []aggregate.Run{{Place: 11, Count: 2}, {Place: 9, Count: 3}, {Place: 10, Count: 1}, {Place: 9, Count: 3}}
	targets := []int{11, 11, 9, 9, 9, 10, 9, 9, 9}
	fixed := 0
	for range 15 {
		w, places := columnOfStates(random)
		for i, states := range w.parts {
			column := aggregate.AppendColumn(nil, states, places)
			if column[0] != 0 {
				fixed++
			}
			rest, err := aggregate.MergeColumn(states, runs, 11, append(column, 1, 2))
			if err != nil || !bytes.Equal(rest, []byte{1, 2}) {
				t.Fatalf("%+v: %v, rest %x of %x", w.plan.Parts()[i], err, rest, column)
			}
			got9, got10 := states.Append(nil, 9), states.Append(nil, 10)
			states.Reset(9)
			states.Reset(10)
			for at, target := range targets {
				if target != 11 {
					states.Merge(target, states, at)
				}
			}
			if !bytes.Equal(got9, states.Append(nil, 9)) || !bytes.Equal(got10, states.Append(nil, 10)) {
				t.Fatalf("%+v: the column %x is read as %x and %x", w.plan.Parts()[i], column, got9, got10)
			}
		}
	}
	if fixed < 150 {
		t.Errorf("only %d columns had states of one width", fixed)
	}
}

// TestDamagedColumns damages columns of each part in many ways. They are errors or columns, and each that is cut off is
// an error.
func TestDamagedColumns(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for range 3 {
		w, places := columnOfStates(random)
		for i, states := range w.parts {
			part := w.plan.Parts()[i]
			if part.By != aggregate.None && part.By != part.Column {
				continue
			}
			column := aggregate.AppendColumn(nil, states, places)
			read := func(src []byte) error {
				of := aggregate.NewStates(part)
				of.Grow(2)
				_, err := aggregate.MergeColumn(of, []aggregate.Run{{Place: 1, Count: 2}, {Place: 0, Count: 7}}, 1, src)
				of.Append(nil, 0)
				return err
			}
			for length := range column {
				if read(column[:length]) == nil {
					t.Errorf("%+v reads %x, which is cut off", part, column[:length])
				}
			}
			for n := range 25 {
				_ = read(hostiletest.Mutation(column, n)) // Not to panic is enough.
			}
		}
	}
}
