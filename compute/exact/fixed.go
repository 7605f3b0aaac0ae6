package exact

import (
	"encoding/binary"
	"math/bits"
)

// Fixed is a form in which several sums are written with the same number of bytes each, which is read faster than what
// Append writes: integers of that width in two's complement, the lowest byte first, times 2^zeros.
type Fixed struct{ Width, Zeros int }

// MostWidth is the greatest width.
const MostWidth = 16

// Fixed is the form that the sums of some places need. It is false if there is none, since the sums need more bytes, or
// have special addends.
func (s *Sums) Fixed(places []int) (f Fixed, ok bool) {
	// The bits of all sums lie from least on and below most.
	least, most := 64*s.words, 0
	for _, place := range places {
		if s.Specials(place) != (Specials{}) {
			return Fixed{}, false
		}
		if n := s.number(place).trimmed(); !n.isZero() {
			from, to := n.extent()
			least, most = min(least, from), max(most, to)
		}
	}
	if most == 0 {
		return Fixed{Width: 1}, true
	}
	f = Fixed{Width: (most - least + 7) / 8, Zeros: least}
	return f, s.Holds(f)
}

// extent is where the bits of a number that is trimmed and not 0 lie, with one for its sign.
func (n number) extent() (from, to int) {
	last := len(n.words) - 1
	if last < 0 {
		return 64 * n.at, 64*n.at + 1
	}
	return 64*n.at + bits.TrailingZeros64(n.words[0]), 64*(n.at+last) + bits.Len64(n.words[last]^n.sign) + 1
}

// Holds says whether numbers of a form are sums, as MergeBytes bounds them.
func (s *Sums) Holds(f Fixed) bool {
	return f.Width >= 1 && f.Width <= MostWidth && f.Zeros >= 0 && f.Zeros+8*f.Width <= 64*s.words-8
}

// AppendFixed appends a sum in a form that Fixed has found for it.
func (s *Sums) AppendFixed(dst []byte, place int, f Fixed) []byte {
	n := s.number(place)
	for i := range f.Width {
		bit := f.Zeros + 8*i
		at, by := bit>>6, bit&63
		dst = append(dst, byte(n.word(at)>>by|n.word(at+1)<<1<<(63-by)))
	}
	return dst
}

// MergeFixed adds a number of sums that AppendFixed has written, which src begins with. Holds is true of their form. It
// is false, and adds nothing, if they are not such sums.
func (s *Sums) MergeFixed(place int, f Fixed, src []byte, count int) bool {
	sum := SumFixed(src, f.Width, count)
	sign, at, by := -(sum[2] >> 63), f.Zeros>>6, uint(f.Zeros&63)
	if s.square && sign != 0 {
		return false
	}
	value := [4]uint64{sum[0] << by, sum[0]>>1>>(63-by) | sum[1]<<by, sum[1]>>1>>(63-by) | sum[2]<<by,
		sum[2]>>1>>(63-by) | sign<<by}
	if s.square || !s.addToWindow(place, at, &value, sign) {
		s.size = append(s.size[:0], value[:]...)
		s.add(place, number{at: at, words: s.size, sign: sign})
	}
	return true
}

// addToWindow adds a number, of which the lowest word has the position at, to the window of a sum of doubles, which it
// begins if there is none. It is false, and adds nothing, if the number does not begin with the first word of the
// window or the second one, or goes beyond the last one.
func (s *Sums) addToWindow(place, at int, value *[4]uint64, sign uint64) bool {
	words := (*[4]uint64)(s.flat[place*4:])
	begins := int(uint32(words[3]))
	if begins == 0 {
		begins = windowAt + s.windowBelow(64*at+bitLength(value, sign))
	}
	x, y, z := value[0], value[1], value[2]
	switch at + windowAt - begins {
	case 0:
	case 1:
		if z != sign {
			return false
		}
		x, y, z = 0, x, y
	default:
		return false
	}
	if value[3] != sign {
		return false
	}
	a, carry := bits.Add64(words[0], x, 0)
	b, carry := bits.Add64(words[1], y, carry)
	c, _ := bits.Add64(words[2], z, carry)
	if (c^words[2])&(c^z)>>63 != 0 || (z^sign)>>63 != 0 {
		return false
	}
	words[0], words[1], words[2], words[3] = a, b, c, words[3]&^0xffffffff|uint64(begins)
	return true
}

// bitLength is how many bits a number has without those that are as its sign.
func bitLength(value *[4]uint64, sign uint64) int {
	for i := len(value) - 1; i > 0; i-- {
		if word := value[i] ^ sign; word != 0 {
			return 64*i + bits.Len64(word)
		}
	}
	return bits.Len64(value[0] ^ sign)
}

// SumFixed is the sum of integers of a width in two's complement. src has at least as many as are to be added.
func SumFixed(src []byte, width, count int) (sum [3]uint64) {
	var a, b, c, carry uint64
	at, end := 0, width*count
	if width <= 8 {
		sign := uint64(1) << (8*width - 1)
		mask := sign<<1 - 1
		for ; at < end && at <= len(src)-8; at += width {
			signed := (binary.LittleEndian.Uint64(src[at:])&mask ^ sign) - sign
			a, carry = bits.Add64(a, signed, 0)
			b, _ = bits.Add64(b, uint64(int64(signed)>>63), carry)
		}
		c = uint64(int64(b) >> 63)
	}
	unused := uint(8 * (MostWidth - width))
	for ; at < end; at += width {
		low, high := sixteen(src, at)
		if unused >= 64 {
			signed := int64(low<<(unused&63)) >> (unused & 63)
			low, high = uint64(signed), uint64(signed>>63)
		} else {
			high = uint64(int64(high<<(unused&63)) >> (unused & 63))
		}
		a, carry = bits.Add64(a, low, 0)
		b, carry = bits.Add64(b, high, carry)
		c, _ = bits.Add64(c, uint64(int64(high)>>63), carry)
	}
	return [3]uint64{a, b, c}
}

// sixteen are the bytes from one on, and zeros if there are fewer.
func sixteen(src []byte, at int) (low, high uint64) {
	if len(src)-at >= MostWidth {
		return binary.LittleEndian.Uint64(src[at:]), binary.LittleEndian.Uint64(src[at+8:])
	}
	var padded [MostWidth]byte
	copy(padded[:], src[at:])
	return binary.LittleEndian.Uint64(padded[:]), binary.LittleEndian.Uint64(padded[8:])
}
