package exact

import "math/bits"

// number is the sum at a place. Its words are those of the place and not a copy.
func (s *Sums) number(place int) number {
	words := s.at(place)
	n := number{words: words[:s.width]}
	switch begins := int(uint32(words[s.width])); begins {
	case 0:
		return number{}
	case isWhole:
		n.words = s.extras[words[s.width]>>32-1].whole
	default:
		n.at = begins - windowAt
	}
	n.sign = -(n.words[len(n.words)-1] >> 63)
	return n
}

// add adds a number at a place.
func (s *Sums) add(place int, n number) {
	n = n.trimmed()
	if n.isZero() {
		return
	}
	words := s.at(place)
	begins := int(uint32(words[s.width]))
	if begins == isWhole {
		n.addTo(s.extras[words[s.width]>>32-1].whole, 0)
		return
	}
	if begins == 0 {
		begins = windowAt + s.windowOf(n)
	}
	if at := begins - windowAt; n.fits(at, s.width) && n.addTo(words[:s.width], at) {
		s.describe(place, begins)
		return
	}
	s.move(place, n)
}

// windowOf is where a window for a number begins, with room above it.
func (s *Sums) windowOf(n number) int {
	top := 64 * n.at
	if last := len(n.words) - 1; last >= 0 {
		top += 64*last + bits.Len64(n.words[last]^n.sign)
	}
	return s.windowBelow(top)
}

// windowBelow is where a window begins for a number whose bits lie below top.
func (s *Sums) windowBelow(top int) int {
	return min(max((top+s.room)/64-(s.width-1), 0), s.words-s.width)
}

func (s *Sums) describe(place, begins int) {
	word := &s.at(place)[s.width]
	*word = *word&^0xffffffff | uint64(begins)
}

// move adds a number that does not fit into the window of a place: the window moves, or the sum is kept whole.
func (s *Sums) move(place int, n number) {
	if s.whole == nil {
		s.whole = make([]uint64, s.words)
	}
	clear(s.whole)
	s.number(place).addTo(s.whole, 0)
	n.addTo(s.whole, 0)
	sum := number{words: s.whole, sign: -(s.whole[s.words-1] >> 63)}.trimmed()
	words := s.at(place)
	clear(words[:s.width])
	if sum.isZero() {
		s.describe(place, 0)
		return
	}
	at := s.windowOf(sum)
	for !sum.fits(at, s.width) && at > 0 && sum.at < at {
		at--
	}
	if sum.fits(at, s.width) {
		sum.addTo(words[:s.width], at)
		s.describe(place, windowAt+at)
		return
	}
	e := s.extra(place)
	e.whole = append([]uint64(nil), s.whole...)
	s.describe(place, isWhole)
}

// Merge adds the addends of another sum of the same kind.
func (s *Sums) Merge(place int, from *Sums, at int) {
	if words := from.at(at); words[from.width]>>32 > 0 {
		s.extra(place).add(from.Specials(at), 1)
	}
	if s.width == 3 && s.mergeWindow(s.at(place), from.at(at)) {
		return
	}
	s.add(place, from.number(at))
}

// mergeWindow adds a window to one at the same place of the sum, if it can.
func (s *Sums) mergeWindow(to, from []uint64) bool {
	if begins := to[3] & 0xffffffff; begins != from[3]&0xffffffff || begins < windowAt || begins == isWhole {
		return false
	}
	a, carry := bits.Add64(to[0], from[0], 0)
	b, carry := bits.Add64(to[1], from[1], carry)
	c, _ := bits.Add64(to[2], from[2], carry)
	if (c^to[2])&(c^from[2])>>63 != 0 {
		return false
	}
	to[0], to[1], to[2] = a, b, c
	return true
}

// Subtract takes out the addends of another sum of the same kind, which must have been added.
func (s *Sums) Subtract(place int, from *Sums, at int) {
	if words := from.at(at); words[from.width]>>32 > 0 {
		s.extra(place).add(from.Specials(at), -1)
	}
	to, of := s.at(place), from.at(at)
	begins := to[s.width] & 0xffffffff
	if s.width == 3 && begins == of[3]&0xffffffff && begins >= windowAt && begins != isWhole {
		a, borrow := bits.Sub64(to[0], of[0], 0)
		b, borrow := bits.Sub64(to[1], of[1], borrow)
		c, _ := bits.Sub64(to[2], of[2], borrow)
		if (c^to[2])&(to[2]^of[2])>>63 == 0 {
			to[0], to[1], to[2] = a, b, c
			return
		}
	}
	n := from.number(at)
	s.size = append(s.size[:0], n.words...)
	s.size = append(s.size, n.sign)
	negate(s.size)
	s.add(place, number{n.at, s.size, -(s.size[len(s.size)-1] >> 63)})
}
