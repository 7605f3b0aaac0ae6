package expression

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/cespare/xxhash/v2"

	"github.com/plumbstore/plumb/compute/expression/elementary"
)

// least and greatest take -0.0 for less than 0.0, and are NaN if an operand is. The built-in functions do just that.

func leastFloat(x, y float64) float64    { return min(x, y) }
func greatestFloat(x, y float64) float64 { return max(x, y) }
func leastInt(x, y int64) int64          { return min(x, y) }
func greatestInt(x, y int64) int64       { return max(x, y) }

func signInt(x int64) int64 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	default:
		return 0
	}
}

// signFloat is 1, -1, or for zeros and NaN the operand.
func signFloat(x float64) float64 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	default:
		return x
	}
}

// clamp makes a kernel of clamp(x, low, high). Bounds in the wrong order have no value between them.
func clamp[T int64 | float64](of values[T]) kernel {
	return func(c *call, rows int) {
		x, low, high, out := of(c.args[0])[:rows], of(c.args[1])[:rows], of(c.args[2])[:rows], of(c.out)[:rows]
		for i := range out {
			if low[i] > high[i] {
				c.invalid(i, rows)
				continue
			}
			out[i] = min(max(x[i], low[i]), high[i])
		}
	}
}

// hashInt hashes the eight bytes of an integer, the least significant first. The hash is xxHash64 with seed 0, and its
// bits are an INT64's.
func hashInt(x int64) int64 {
	var bytes [8]byte
	binary.LittleEndian.PutUint64(bytes[:], uint64(x))
	return int64(xxhash.Sum64(bytes[:]))
}

func hashText(text string) int64 { return int64(xxhash.Sum64String(text)) }

func hashBool(x bool) int64 {
	if x {
		return int64(xxhash.Sum64([]byte{1}))
	}
	return int64(xxhash.Sum64([]byte{0}))
}

// bucketize makes the kernel of bucketize(x, [b0, b1, ...]): the number of boundaries that are at most x.
func bucketize[T int64 | float64](of values[T]) func(site) (kernel, error) {
	return func(s site) (kernel, error) {
		if s.constants[1] == nil || !s.constants[1].elements.present {
			return nil, errors.New("the boundaries of bucketize have to be literal numbers")
		}
		boundaries := of(s.constants[1].elements)[s.constants[1].begins[0]:s.constants[1].ends[0]]
		for i, b := range boundaries {
			if math.IsNaN(float64(b)) || i > 0 && b <= boundaries[i-1] {
				return nil, errors.New("the boundaries of bucketize have to ascend; write them from least to greatest")
			}
		}
		return tryOne(of, intsOf, func(x T) (int64, bool) { return countAtMost(boundaries, x), !math.IsNaN(float64(x)) }), nil
	}
}

func countAtMost[T int64 | float64](boundaries []T, x T) int64 {
	from, to := 0, len(boundaries)
	for from < to {
		middle := (from + to) / 2
		if boundaries[middle] <= x {
			from = middle + 1
		} else {
			to = middle
		}
	}
	return int64(from)
}

// haversine is the distance in kilometres of two points in degrees on a sphere.
func haversine(c *call, rows int) {
	for i := range rows {
		c.out.floats[i] = elementary.Haversine(
			c.args[0].floats[i], c.args[1].floats[i], c.args[2].floats[i], c.args[3].floats[i])
	}
}

// ofDouble makes a function of one double.
func ofDouble(name string, f func(float64) float64) function {
	return function{name: name, overloads: []overload{on(mapOne(floatsOf, floatsOf, f), doubleT, doubleT)}}
}

func numeric() []function {
	isInf := func(x float64) bool { return math.IsInf(x, 0) }
	return []function{
		{name: "abs", overloads: []overload{
			on(tryOne(intsOf, intsOf, absInt), intT, intT), on(mapOne(floatsOf, floatsOf, math.Abs), doubleT, doubleT),
		}},
		{name: "sign", overloads: []overload{
			on(mapOne(intsOf, intsOf, signInt), intT, intT), on(mapOne(floatsOf, floatsOf, signFloat), doubleT, doubleT),
		}},
		ofDouble("ceil", math.Ceil), ofDouble("floor", math.Floor), ofDouble("round", math.Round),
		ofDouble("trunc", math.Trunc), ofDouble("sqrt", math.Sqrt),
		ofDouble("log", elementary.Log), ofDouble("log10", elementary.Log10), ofDouble("log1p", elementary.Log1p),
		ofDouble("exp", elementary.Exp), ofDouble("sind", elementary.Sind), ofDouble("cosd", elementary.Cosd),
		{name: "pow", overloads: []overload{
			on(mapTwo(floatsOf, floatsOf, floatsOf, elementary.Pow), doubleT, doubleT, doubleT),
		}},
		{name: "least", overloads: []overload{
			on(mapTwo(intsOf, intsOf, intsOf, leastInt), intT, intT, intT),
			on(mapTwo(floatsOf, floatsOf, floatsOf, leastFloat), doubleT, doubleT, doubleT),
		}},
		{name: "greatest", overloads: []overload{
			on(mapTwo(intsOf, intsOf, intsOf, greatestInt), intT, intT, intT),
			on(mapTwo(floatsOf, floatsOf, floatsOf, greatestFloat), doubleT, doubleT, doubleT),
		}},
		{name: "clamp", overloads: []overload{
			on(clamp(intsOf), intT, intT, intT, intT), on(clamp(floatsOf), doubleT, doubleT, doubleT, doubleT),
		}},
		{name: "is_nan", overloads: []overload{on(mapOne(floatsOf, boolsOf, math.IsNaN), boolT, doubleT)}},
		{name: "is_inf", overloads: []overload{on(mapOne(floatsOf, boolsOf, isInf), boolT, doubleT)}},
		{name: "hash64", overloads: []overload{
			on(mapOne(textsOf, intsOf, hashText), intT, stringT), on(mapOne(textsOf, intsOf, hashText), intT, bytesT),
			on(mapOne(intsOf, intsOf, hashInt), intT, intT), on(mapOne(boolsOf, intsOf, hashBool), intT, boolT),
		}},
		{name: "bucketize", overloads: []overload{
			chosen(bucketize(intsOf), intT, intT, intsT), chosen(bucketize(floatsOf), intT, doubleT, doublesT),
		}},
		{name: "haversine", overloads: []overload{on(haversine, doubleT, doubleT, doubleT, doubleT, doubleT)}},
	}
}
