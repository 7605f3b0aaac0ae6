package aggregate

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"

	"github.com/cespare/xxhash/v2"

	"github.com/plumbstore/plumb/compute/exact"
	"github.com/plumbstore/plumb/compute/expression"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// distinct are HyperLogLogs: the first bits of a value's hash choose a register, and the register has the greatest
// number of zero bits before the first one among the others, plus one.
type distinct struct {
	column int
	of     plumbv1.Type
	places []registers
}

const (
	registerBits  = 12
	registerCount = 1 << registerBits
	// mostRank is the rank of a hash whose other bits are all zero.
	mostRank = 64 - registerBits + 1
	// Few registers are a list, and more than sparseMost are an array. Bytes have the same border.
	sparseMost = 512
)

// registers are those of one place that are not 0: a sorted list of the register's number times 64 plus its rank, or an
// array of ranks.
type registers struct {
	sparse []uint32
	dense  *[registerCount]uint8
}

func (s *distinct) Grow(places int) { s.places = grown(s.places, places) }

func (s *distinct) Add(place int, events *Events, row int) {
	if column := events.Columns[s.column]; column.States[row] == expression.Present {
		hash := s.hash(column, row)
		rank := bits.LeadingZeros64(hash<<registerBits|1<<(registerBits-1)) + 1
		s.places[place].raise(uint32(hash>>(64-registerBits)), uint8(rank))
	}
}

// hash is that of the canonical bytes of a value: a byte for BOOL, the bytes of a text, and eight bytes, the highest
// first, for all others: the integer, or the pattern of the double with one NaN.
func (s *distinct) hash(column *expression.Column, row int) uint64 {
	var word uint64
	switch {
	case isText(s.of):
		return xxhash.Sum64String(column.Texts[row])
	case isFloat(s.of):
		word = canonical(column.Floats[row])
	case s.of == plumbv1.Type_BOOL:
		if column.Bools[row] {
			word = 1
		}
		return xxhash.Sum64([]byte{byte(word)})
	default:
		word = uint64(column.Ints[row])
	}
	var canonicalBytes [8]byte
	binary.BigEndian.PutUint64(canonicalBytes[:], word)
	return xxhash.Sum64(canonicalBytes[:])
}

// raise makes the rank of a register at least as great.
func (r *registers) raise(register uint32, rank uint8) {
	if r.dense != nil {
		r.dense[register] = max(r.dense[register], rank)
		return
	}
	at, _ := slices.BinarySearch(r.sparse, register<<6)
	entry := register<<6 | uint32(rank)
	switch {
	case at < len(r.sparse) && r.sparse[at]>>6 == register:
		r.sparse[at] = max(r.sparse[at], entry)
	case len(r.sparse) < sparseMost:
		r.sparse = slices.Insert(r.sparse, at, entry)
	default:
		r.dense = new([registerCount]uint8)
		for _, each := range r.sparse {
			r.dense[each>>6] = uint8(each & 63)
		}
		r.dense[register] = rank
		r.sparse = nil
	}
}

func (s *distinct) Merge(place int, from States, at int) {
	to, other := &s.places[place], &from.(*distinct).places[at]
	if to.dense == nil && len(to.sparse) == 0 {
		to.copy(other)
		return
	}
	for _, each := range other.sparse {
		to.raise(each>>6, uint8(each&63))
	}
	if other.dense != nil {
		for register, rank := range other.dense {
			if rank > 0 {
				to.raise(uint32(register), rank)
			}
		}
	}
}

// copy makes empty registers those of another place.
func (r *registers) copy(other *registers) {
	r.sparse = append(r.sparse, other.sparse...)
	if other.dense != nil {
		dense := *other.dense
		r.dense = &dense
	}
}

// Subtract does not exist: the part is not invertible.
func (s *distinct) Subtract(int, States, int) {}

func (s *distinct) Reset(place int) {
	s.places[place] = registers{sparse: s.places[place].sparse[:0]}
}

func (s *distinct) Bytes() int64 {
	total := int64(32 * cap(s.places))
	for i := range s.places {
		total += int64(4 * cap(s.places[i].sparse))
		if s.places[i].dense != nil {
			total += registerCount
		}
	}
	return total
}

// Append writes the number of registers that are not 0. Up to sparseMost of them follow each as an integer: how many
// registers are passed over, times 64, plus the rank. More of them follow as all the ranks, six bits each.
func (s *distinct) Append(dst []byte, place int) []byte {
	r := &s.places[place]
	if r.dense != nil {
		return appendDense(dst, r.dense)
	}
	dst = binary.AppendUvarint(dst, uint64(len(r.sparse)))
	next := uint32(0)
	for _, each := range r.sparse {
		dst = binary.AppendUvarint(dst, uint64(each-next<<6))
		next = each>>6 + 1
	}
	return dst
}

func appendDense(dst []byte, ranks *[registerCount]uint8) []byte {
	used := 0
	for _, rank := range ranks {
		if rank > 0 {
			used++
		}
	}
	dst = binary.AppendUvarint(dst, uint64(used))
	for i := 0; i < registerCount; i += 4 {
		four := uint32(ranks[i]) | uint32(ranks[i+1])<<6 | uint32(ranks[i+2])<<12 | uint32(ranks[i+3])<<18
		dst = append(dst, byte(four), byte(four>>8), byte(four>>16))
	}
	return dst
}

func (s *distinct) MergeBytes(place int, src []byte) (rest []byte, err error) {
	used, src, ok := exact.Uvarint(src)
	if !ok || used > registerCount {
		return nil, errDamaged
	}
	to := &s.places[place]
	if used > sparseMost {
		return to.mergeDense(int(used), src)
	}
	next := uint64(0)
	for range used {
		var each uint64
		if each, src, ok = exact.Uvarint(src); !ok || each > registerCount<<6 {
			return nil, errDamaged
		}
		register, rank := next+each>>6, each&63
		if register >= registerCount || rank == 0 || rank > mostRank {
			return nil, errDamaged
		}
		to.raise(uint32(register), uint8(rank))
		next = register + 1
	}
	return src, nil
}

func (r *registers) mergeDense(used int, src []byte) (rest []byte, err error) {
	const length = registerCount * 6 / 8
	if len(src) < length {
		return nil, errDamaged
	}
	for i := range registerCount {
		at := i / 4 * 3
		four := uint32(src[at]) | uint32(src[at+1])<<8 | uint32(src[at+2])<<16
		rank := four >> (i % 4 * 6) & 63
		if rank > mostRank {
			return nil, errDamaged
		}
		if rank > 0 {
			r.raise(uint32(i), uint8(rank))
			used--
		}
	}
	if used != 0 {
		return nil, errDamaged
	}
	return src[length:], nil
}

// estimate is how many different values there were: the improved estimator of Otmar Ertl, "New cardinality estimation
// algorithms for HyperLogLog sketches" (2017), of the histogram of the ranks, rounded to an integer. Every operation is
// rounded on its own, and there is none but those of IEEE 754, so the bits are the same on every machine.
func (r *registers) estimate() int64 {
	var histogram [mostRank + 1]int
	if r.dense != nil {
		for _, rank := range r.dense {
			histogram[rank]++
		}
	} else {
		for _, each := range r.sparse {
			histogram[each&63]++
		}
		histogram[0] = registerCount - len(r.sparse)
	}
	const m = float64(registerCount)
	z := float64(m * tau(1-float64(histogram[mostRank])/m))
	for rank := mostRank - 1; rank >= 1; rank-- {
		z = float64(0.5 * (z + float64(histogram[rank])))
	}
	z += float64(m * sigma(float64(histogram[0])/m))
	const perTwoLn2 = 0.72134752044448170367996234050095
	return int64(math.Round(perTwoLn2 * m * m / z))
}

func sigma(x float64) float64 {
	if x == 1 {
		return math.Inf(1)
	}
	y, z := 1.0, x
	for {
		x = float64(x * x)
		before := z
		z += float64(x * y)
		y += y
		if z == before {
			return z
		}
	}
}

func tau(x float64) float64 {
	if x == 0 || x == 1 {
		return 0
	}
	y, z := 1.0, 1-x
	for {
		x = math.Sqrt(x)
		before := z
		y = float64(y * 0.5)
		rest := float64(1 - x)
		z -= float64(float64(rest*rest) * y)
		if z == before {
			return z / 3
		}
	}
}
