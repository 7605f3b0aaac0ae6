package packed_test

import (
	"bytes"
	"testing"
)

// FuzzKey checks keys against R9: their bytes are equal exactly if their values are, however a text is split over
// adjacent values.
func FuzzKey(f *testing.F) {
	f.Add("a", []byte("bc"), int64(1), "ab", []byte("c"), int64(1))
	f.Add("a\x00", []byte{}, int64(11), "a", []byte{0}, int64(1))
	f.Add("", []byte{}, int64(0), "", []byte{}, int64(0))
	f.Fuzz(func(t *testing.T, text string, raw []byte, number int64, text2 string, raw2 []byte, number2 int64) {
		one := encodeKey(t, []any{text, raw, number})
		other := encodeKey(t, []any{text2, raw2, number2})
		equal := text == text2 && bytes.Equal(raw, raw2) && number == number2
		if bytes.Equal(one, other) != equal {
			t.Errorf("(%q, %q, %d) and (%q, %q, %d) have the keys %x and %x", text, raw, number, text2, raw2, number2, one,
				other)
		}
		if again := encodeKey(t, []any{text, raw, number}); !bytes.Equal(one, again) {
			t.Errorf("(%q, %q, %d) has two keys, %x and %x", text, raw, number, one, again)
		}
		// No key begins with another, so that stores may compare prefixes of what they put before and behind it.
		if !equal && (bytes.HasPrefix(one, other) || bytes.HasPrefix(other, one)) {
			t.Errorf("one of the keys %x and %x begins with the other", one, other)
		}
	})
}
