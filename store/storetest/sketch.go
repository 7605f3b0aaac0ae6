package storetest

import (
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/plumbstore/plumb/feature"
)

// A sketch of distinct values has 2^places registers; the other bits of a hash give the rank.
const (
	places    = 12
	registers = 1 << places
	rankBits  = 64 - places
)

// distinctEstimate is what distinct says of values (R21): HyperLogLog with registers by the first 12 bits of a hash,
// and Ertl's improved estimator of them, rounded to the nearest integer.
func distinctEstimate(values []any) int64 {
	var ranks [registers]int
	for _, v := range values {
		hash := xxHash64(canonicalBytes(v))
		rank := rankBits + 1
		if others := hash << places; others != 0 {
			rank = bits.LeadingZeros64(others) + 1
		}
		at := hash >> rankBits
		ranks[at] = max(ranks[at], rank)
	}
	var counts [rankBits + 2]int
	for _, rank := range &ranks {
		counts[rank]++
	}
	return int64(math.Round(ertl(counts)))
}

// canonicalBytes are those that values of a type are hashed by. Equal values have equal bytes, and values of one type
// that differ have different ones; -0.0 and 0.0 differ, as in R3's order.
//
//   - BOOL is one byte, 0 or 1.
//   - INT32, INT64 and TIMESTAMP are 8 bytes, big-endian two's complement.
//   - FLOAT32 is widened to FLOAT64, which is 8 bytes, big-endian IEEE 754; every NaN is 0x7ff8000000000000.
//   - STRING and BYTES are the bytes themselves.
func canonicalBytes(v any) []byte {
	switch v := widen(v).(type) {
	case bool:
		if v {
			return []byte{1}
		}
		return []byte{0}
	case int64:
		return binary.BigEndian.AppendUint64(nil, uint64(v))
	case feature.Instant:
		return binary.BigEndian.AppendUint64(nil, uint64(v))
	case float64:
		return binary.BigEndian.AppendUint64(nil, math.Float64bits(Canonical(v).(float64)))
	case string:
		return []byte(v)
	default:
		return v.([]byte)
	}
}

// ertl is the improved raw estimator of Otmar Ertl, "New cardinality estimation algorithms for HyperLogLog sketches"
// (2017), algorithm 6, of how many registers have each rank. Each operation is rounded.
func ertl(counts [rankBits + 2]int) float64 {
	const m = float64(registers)
	z := float64(m * tau(1-float64(counts[rankBits+1])/m))
	for k := rankBits; k >= 1; k-- {
		z = float64(0.5 * float64(z+float64(counts[k])))
	}
	z += float64(m * sigma(float64(counts[0])/m))
	return float64(0.5/math.Ln2*m*m) / z
}

// sigma is x + Σ x^(2^k) 2^(k-1).
func sigma(x float64) float64 {
	if x == 1 {
		return math.Inf(1)
	}
	y, z := 1.0, x
	for before := math.NaN(); z != before; y += y {
		x = float64(x * x)
		before = z
		z += float64(x * y)
	}
	return z
}

// tau is (1 - x - Σ (1 - x^(2^-k))² 2^-k) / 3.
func tau(x float64) float64 {
	if x == 0 || x == 1 {
		return 0
	}
	y, z := 1.0, 1-x
	for before := math.NaN(); z != before; {
		x = math.Sqrt(x)
		before = z
		y = float64(0.5 * y)
		z -= float64(float64(float64(1-x)*float64(1-x)) * y)
	}
	return z / 3
}

// The primes of XXH64.
const (
	prime1 uint64 = 0x9E3779B185EBCA87
	prime2 uint64 = 0xC2B2AE3D27D4EB4F
	prime3 uint64 = 0x165667B19E3779F9
	prime4 uint64 = 0x85EBCA77C2B2AE63
	prime5 uint64 = 0x27D4EB2F165667C5
)

// xxHash64 is XXH64 with seed 0, as its specification writes it.
func xxHash64(b []byte) uint64 {
	hash, length := prime5, uint64(len(b))
	if len(b) >= 32 {
		lanes := [4]uint64{0, prime2, 0, 0}
		lanes[0] = lanes[1] + prime1
		lanes[3] -= prime1
		for ; len(b) >= 32; b = b[32:] {
			for i := range lanes {
				lanes[i] = xxRound(lanes[i], binary.LittleEndian.Uint64(b[8*i:]))
			}
		}
		hash = bits.RotateLeft64(lanes[0], 1) + bits.RotateLeft64(lanes[1], 7) + bits.RotateLeft64(lanes[2], 12) +
			bits.RotateLeft64(lanes[3], 18)
		for _, lane := range lanes {
			hash = (hash^xxRound(0, lane))*prime1 + prime4
		}
	}
	hash += length
	for ; len(b) >= 8; b = b[8:] {
		hash = bits.RotateLeft64(hash^xxRound(0, binary.LittleEndian.Uint64(b)), 27)*prime1 + prime4
	}
	if len(b) >= 4 {
		hash = bits.RotateLeft64(hash^uint64(binary.LittleEndian.Uint32(b))*prime1, 23)*prime2 + prime3
		b = b[4:]
	}
	for _, c := range b {
		hash = bits.RotateLeft64(hash^uint64(c)*prime5, 11) * prime1
	}
	hash = (hash ^ hash>>33) * prime2
	hash = (hash ^ hash>>29) * prime3
	return hash ^ hash>>32
}

func xxRound(lane, input uint64) uint64 { return bits.RotateLeft64(lane+input*prime2, 31) * prime1 }
