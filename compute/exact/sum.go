package exact

import (
	"math/big"
	"math/bits"
)

// Sum is one exact sum of doubles.
type Sum struct {
	sums    *Sums
	addends int64
}

// NewSum is a sum without addends.
func NewSum() *Sum {
	s := &Sum{sums: NewSums()}
	s.sums.Grow(1)
	return s
}

// Reset takes all addends out.
func (s *Sum) Reset() {
	s.sums.Reset(0)
	s.addends = 0
}

// Add adds a double.
func (s *Sum) Add(x float64) {
	s.sums.Add(0, x)
	s.addends++
}

// Rounded is the double nearest to the sum, as that of Sums.
func (s *Sum) Rounded() float64 { return s.sums.Rounded(0, s.addends) }

// Int is a sum of integers: an integer of 128 bits in two's complement.
type Int struct {
	Low  uint64
	High int64
}

// Add adds an integer.
func (n *Int) Add(x int64) { n.Merge(Int{uint64(x), x >> 63}) }

// Merge adds the addends of another sum.
func (n *Int) Merge(other Int) {
	low, carry := bits.Add64(n.Low, other.Low, 0)
	n.Low = low
	n.High += other.High + int64(carry)
}

// Subtract takes out the addends of another sum.
func (n *Int) Subtract(other Int) {
	low, borrow := bits.Sub64(n.Low, other.Low, 0)
	n.Low = low
	n.High -= other.High + int64(borrow)
}

// Int64 is the sum, and whether it is within INT64.
func (n Int) Int64() (value int64, ok bool) {
	return int64(n.Low), n.High == int64(n.Low)>>63
}

// Rounded is the double nearest to the sum, the even one of two.
func (n Int) Rounded() float64 {
	if value, ok := n.Int64(); ok {
		return float64(value)
	}
	words := [2]uint64{n.Low, uint64(n.High)}
	if n.High >= 0 {
		return roundWords(words[:], 0)
	}
	negate(words[:])
	return -roundWords(words[:], 0)
}

// Big is the sum.
func (n Int) Big() *big.Int {
	value := new(big.Int).Lsh(big.NewInt(n.High), 64)
	return value.Or(value, new(big.Int).SetUint64(n.Low))
}
