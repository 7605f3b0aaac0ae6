package aggregate

import (
	"encoding/binary"
	"errors"
	"math"
	"math/bits"
	"strings"

	"github.com/plumbstore/plumb/compute/exact"
	"github.com/plumbstore/plumb/compute/expression"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

var errDamaged = errors.New("the bytes are not those of a state")

// key is a value in a form whose order is R3's: a word, or a text.
type key interface{ uint64 | string }

// codec reads and writes values of one type as keys.
type codec[K key] interface {
	of(column *expression.Column, row int) K
	// keep is a key that lives on when the batch of events does not.
	keep(K) K
	append(dst []byte, value K) []byte
	read(src []byte) (value K, rest []byte, ok bool)
	// put writes a value to a row of a column.
	put(column *expression.Column, row int, value K)
	// size is about how much memory a key takes beside itself.
	size(K) int64
}

// texts are STRING and BYTES.
type texts struct{}

func (texts) of(column *expression.Column, row int) string { return column.Texts[row] }
func (texts) keep(text string) string                      { return strings.Clone(text) }
func (texts) size(text string) int64                       { return int64(len(text)) }

func (texts) append(dst []byte, text string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(text))), text...)
}

func (texts) read(src []byte) (string, []byte, bool) {
	length, src, ok := exact.Uvarint(src)
	if !ok || length > uint64(len(src)) {
		return "", nil, false
	}
	return string(src[:length]), src[length:], true
}

func (texts) put(column *expression.Column, row int, text string) { column.Texts[row] = text }

// words are all other single types. A word is unsigned and in R3's order: integers with the sign bit inverted; doubles
// with the sign bit inverted if they are positive and all bits if they are negative, of one NaN, which is positive.
type words struct{ typ plumbv1.Type }

const signBit = 1 << 63

func (w words) of(column *expression.Column, row int) uint64 {
	switch {
	case isFloat(w.typ):
		return wordOfFloat(column.Floats[row])
	case w.typ != plumbv1.Type_BOOL:
		return uint64(column.Ints[row]) ^ signBit
	case column.Bools[row]:
		return 1
	}
	return 0
}

func wordOfFloat(x float64) uint64 { return wordOfPattern(canonical(x)) }

func wordOfPattern(pattern uint64) uint64 { return pattern ^ (uint64(int64(pattern)>>63) | signBit) }

func isNaN(pattern uint64) bool { return pattern<<1 > 0x7ff<<53 }

// isFloat32 says whether a double that is a number is one of FLOAT32.
func isFloat32(pattern uint64) bool {
	x := math.Float64frombits(pattern)
	return float64(float32(x)) == x
}

func floatOfWord(word uint64) float64 {
	if word&signBit != 0 {
		return math.Float64frombits(word ^ signBit)
	}
	return math.Float64frombits(^word)
}

func (words) keep(word uint64) uint64 { return word }
func (words) size(uint64) int64       { return 0 }

// append writes as few bytes as tell the value apart, after their number, the lowest first: of integers in zigzag
// order, and of doubles with the bytes of the pattern reversed, since the last ones are often zero.
func (w words) append(dst []byte, word uint64) []byte {
	stored := w.stored(word)
	length := (bits.Len64(stored) + 7) / 8
	return appendUnsigned(append(dst, byte(length)), stored, length)
}

// stored is the integer that stands for a word.
func (w words) stored(word uint64) uint64 {
	switch {
	case isFloat(w.typ):
		return bits.ReverseBytes64(math.Float64bits(floatOfWord(word)))
	case w.typ != plumbv1.Type_BOOL:
		integer := int64(word ^ signBit)
		return uint64(integer)<<1 ^ uint64(integer>>63)
	}
	return word
}

func (w words) read(src []byte) (word uint64, rest []byte, ok bool) {
	if len(src) == 0 || int(src[0]) > min(8, len(src)-1) {
		return 0, nil, false
	}
	length := int(src[0])
	var stored uint64
	for i, b := range src[1 : 1+length] {
		stored |= uint64(b) << (8 * i)
	}
	if length > 0 && src[length] == 0 {
		return 0, nil, false
	}
	word, ok = w.wordOf(stored)
	return word, src[1+length:], ok
}

// wordOf is the word that an integer stands for.
func (w words) wordOf(stored uint64) (word uint64, ok bool) {
	switch w.typ {
	case plumbv1.Type_BOOL:
		return stored, stored <= 1
	case plumbv1.Type_FLOAT32, plumbv1.Type_FLOAT64:
		pattern := bits.ReverseBytes64(stored)
		ok = pattern == quietNaN || !isNaN(pattern) && (w.typ == plumbv1.Type_FLOAT64 || isFloat32(pattern))
		return wordOfPattern(pattern), ok
	}
	integer := int64(stored>>1) ^ -int64(stored&1)
	ok = w.typ != plumbv1.Type_INT32 || int64(int32(integer)) == integer
	return uint64(integer) ^ signBit, ok
}

func (w words) put(column *expression.Column, row int, word uint64) {
	switch {
	case isFloat(w.typ):
		column.Floats[row] = floatOfWord(word)
	case w.typ == plumbv1.Type_BOOL:
		column.Bools[row] = word != 0
	default:
		column.Ints[row] = int64(word ^ signBit)
	}
}
