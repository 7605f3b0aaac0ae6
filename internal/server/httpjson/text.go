package httpjson

import "sync"

// text is a reply that is JSON already. Its memory serves the next one once it is sent.
type text struct{ bytes []byte }

var texts = sync.Pool{New: func() any { return new(text) }}

// mostKept bounds the memory of a text that is used again.
const mostKept = 1 << 20

// newText returns an empty text.
func newText() *text {
	t := texts.Get().(*text)
	t.bytes = t.bytes[:0]
	return t
}

// release ends the use of the text.
func (t *text) release() {
	if cap(t.bytes) <= mostKept {
		texts.Put(t)
	}
}
