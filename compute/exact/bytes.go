package exact

import (
	"encoding/binary"
	"errors"
	"math/bits"
)

var errDamaged = errors.New("the bytes are not those of an exact sum")

// MostCount is the greatest count that stored bytes may have. More events than that are not possible, and sums of
// counts stay far from overflow.
const MostCount = 1 << 48

// Append appends the bytes of a sum. They depend on its value and on the counts of its special addends alone: a header
// that has the number of bytes of the magnitude, whether it is negative and whether there are special addends; the
// number of zero bits below the magnitude, and its bytes, the lowest first; the counts.
func (s *Sums) Append(dst []byte, place int) []byte {
	n := s.number(place)
	s.size = n.magnitude(s.size[:0])
	words, zeros := s.size, 64*n.at
	for len(words) > 0 && words[0] == 0 {
		words = words[1:]
		zeros += 64
	}
	length := 0
	if len(words) > 0 {
		by := bits.TrailingZeros64(words[0])
		zeros += by
		words = shiftRight(words, by)
		length = (64*len(words) - bits.LeadingZeros64(words[len(words)-1]) + 7) / 8
	}
	special := s.Specials(place)
	header := uint64(length)<<2 | n.sign&2
	if special != (Specials{}) {
		header |= 1
	}
	dst = binary.AppendUvarint(dst, header)
	if length > 0 {
		dst = binary.AppendUvarint(dst, uint64(zeros))
		for i := range length {
			dst = append(dst, byte(words[i/8]>>(i%8*8)))
		}
	}
	if special != (Specials{}) {
		for _, count := range []int64{special.NaN, special.Plus, special.Minus, special.NegativeZero} {
			dst = binary.AppendUvarint(dst, uint64(count))
		}
	}
	return dst
}

// shiftRight shifts words by fewer than 64 bits, in place.
func shiftRight(words []uint64, by int) []uint64 {
	for i := range words {
		words[i] >>= by
		if i+1 < len(words) {
			words[i] |= words[i+1] << (64 - by)
		}
	}
	if last := len(words) - 1; words[last] == 0 {
		words = words[:last]
	}
	return words
}

// MergeBytes adds the addends of a sum that Append has written, and returns what comes after it. An error leaves the
// sum as it was.
func (s *Sums) MergeBytes(place int, src []byte) (rest []byte, err error) {
	header, src, ok := Uvarint(src)
	length := int(header >> 2)
	// Counts of up to 2^48 leave the highest bits of the greatest sums unused.
	if !ok || header > 0xffff || s.square && header&3 != 0 || length == 0 && header&2 != 0 {
		return nil, errDamaged
	}
	var value number
	if length > 0 {
		if value, src, ok = s.readMagnitude(length, header&2 != 0, src); !ok {
			return nil, errDamaged
		}
	}
	if header&1 != 0 {
		var counts [4]int64
		for i := range counts {
			if counts[i], src, ok = Count(src); !ok {
				return nil, errDamaged
			}
		}
		special := Specials{counts[0], counts[1], counts[2], counts[3]}
		if special == (Specials{}) {
			return nil, errDamaged
		}
		s.extra(place).add(special, 1)
	}
	s.add(place, value)
	return src, nil
}

func (s *Sums) readMagnitude(length int, negative bool, src []byte) (n number, rest []byte, ok bool) {
	zeros, src, ok := Uvarint(src)
	if !ok || zeros > uint64(64*s.words) || int(zeros)+8*length > 64*s.words-8 || length > len(src) {
		return number{}, nil, false
	}
	if src[0]&1 == 0 || src[length-1] == 0 {
		return number{}, nil, false
	}
	at, by := int(zeros>>6), zeros&63
	s.size = append(s.size[:0], make([]uint64, (int(by)+8*length)/64+2)...)
	for i, b := range src[:length] {
		bit := int(by) + 8*i
		s.size[bit/64] |= uint64(b) << (bit % 64)
		s.size[bit/64+1] |= uint64(b) >> 1 >> (63 - bit%64)
	}
	n = number{at: at, words: s.size}
	if negative {
		negate(s.size)
		n.sign = ^uint64(0)
	}
	return n, src[length:], true
}

// Uvarint reads an unsigned integer as binary.AppendUvarint writes it. A longer form of it is not ok.
func Uvarint(src []byte) (value uint64, rest []byte, ok bool) {
	value, n := binary.Uvarint(src)
	if n <= 0 || n > 1 && src[n-1] == 0 {
		return 0, nil, false
	}
	return value, src[n:], true
}

// Count reads a number of events.
func Count(src []byte) (count int64, rest []byte, ok bool) {
	value, rest, ok := Uvarint(src)
	return int64(value), rest, ok && value <= MostCount
}
