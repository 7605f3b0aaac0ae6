package exact

import "math/bits"

// number is an integer in two's complement: words, of which the lowest one has the position at, and above them words
// that are all sign, which is 0 or all ones.
type number struct {
	at    int
	words []uint64
	sign  uint64
}

// trimmed leaves out words that say nothing.
func (n number) trimmed() number {
	for len(n.words) > 0 && n.words[len(n.words)-1] == n.sign {
		n.words = n.words[:len(n.words)-1]
	}
	for len(n.words) > 0 && n.words[0] == 0 {
		n.words = n.words[1:]
		n.at++
	}
	return n
}

// isZero is for a number that is trimmed.
func (n number) isZero() bool { return len(n.words) == 0 && n.sign == 0 }

// word is that of a position.
func (n number) word(at int) uint64 {
	switch i := at - n.at; {
	case i < 0:
		return 0
	case i < len(n.words):
		return n.words[i]
	}
	return n.sign
}

// fits says whether words from a position on hold the number with its sign.
func (n number) fits(at, words int) bool {
	last := len(n.words) - 1
	top := n.at + last - at
	return n.at >= at && (top < words-1 || top == words-1 && last >= 0 && n.words[last]>>63 == n.sign&1)
}

// addTo adds a number that fits to words, of which the lowest one has the position at. It returns false and changes
// nothing if the sum does not fit.
func (n number) addTo(words []uint64, at int) bool {
	top := len(words) - 1
	before := words[top]
	var carry uint64
	for i := n.at - at; i <= top; i++ {
		words[i], carry = bits.Add64(words[i], n.word(at+i), carry)
	}
	if (words[top]^before)&(words[top]^n.sign)>>63 == 0 {
		return true
	}
	carry = 0
	for i := n.at - at; i <= top; i++ {
		words[i], carry = bits.Sub64(words[i], n.word(at+i), carry)
	}
	return false
}

// negate makes words in two's complement those of the negative number.
func negate(words []uint64) {
	carry := uint64(1)
	for i, word := range words {
		words[i], carry = bits.Add64(^word, 0, carry)
	}
}

// magnitude appends the words of the magnitude of a number, without zeros at the top.
func (n number) magnitude(dst []uint64) []uint64 {
	from := len(dst)
	dst = append(dst, n.words...)
	if n.sign != 0 {
		dst = append(dst, n.sign)
		negate(dst[from:])
	}
	for len(dst) > from && dst[len(dst)-1] == 0 {
		dst = dst[:len(dst)-1]
	}
	return dst
}
