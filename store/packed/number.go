package packed

import "math/bits"

// A number is written in one byte up to 247. A greater one is a byte that says how many bytes follow, and those,
// big-endian, without leading zeros: 247 is f7, 248 is f8 f8, 1000 is f9 03 e8. So the bytes of numbers compare as the
// numbers do, and no number begins with another.
const (
	greatestShort = 0xf7
	maxNumberSize = 9
)

func appendNumber(dst []byte, n uint64) []byte {
	if n <= greatestShort {
		return append(dst, byte(n))
	}
	size := bytesOf(n)
	return appendBytes(append(dst, greatestShort+byte(size)), n, size)
}

// cutNumber cuts a number off the beginning of some bytes. It returns false for bytes that no number has.
func cutNumber(src []byte) (n uint64, rest []byte, ok bool) {
	size := numberSize(src)
	switch size {
	case 0:
		return 0, nil, false
	case 1:
		return uint64(src[0]), src[1:], true
	}
	n = readBytes(src[1:size])
	return n, src[size:], src[1] > 0 && n > greatestShort
}

// numberSize is the size of the number that some bytes begin with, or 0 if they are too few.
func numberSize(src []byte) int {
	if len(src) == 0 {
		return 0
	}
	size := 1 + max(int(src[0])-greatestShort, 0)
	if size > len(src) {
		return 0
	}
	return size
}

// bytesOf is how many bytes a number takes without leading zeros.
func bytesOf(n uint64) int { return (bits.Len64(n) + 7) / 8 }

// appendBytes appends the last bytes of a number.
func appendBytes(dst []byte, n uint64, size int) []byte {
	for shift := 8 * (size - 1); shift >= 0; shift -= 8 {
		dst = append(dst, byte(n>>shift))
	}
	return dst
}

func readBytes(src []byte) (n uint64) {
	for _, b := range src {
		n = n<<8 | uint64(b)
	}
	return n
}
