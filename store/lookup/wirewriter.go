package lookup

import "google.golang.org/protobuf/encoding/protowire"

// wireWriter writes a protobuf message from its end to its beginning: what is in a part is written before how long it
// is, so that nothing is measured first. The memory is used again.
type wireWriter struct {
	buffer []byte
	// at is where the written bytes begin.
	at int
}

// leastBuffer holds the reply for one row of a usual number of features.
const leastBuffer = 4 << 10

// reset forgets what has been written.
func (w *wireWriter) reset() { w.at = len(w.buffer) }

// written is what has been written.
func (w *wireWriter) written() []byte { return w.buffer[w.at:] }

// length is that of what has been written; the end of a part begins there.
func (w *wireWriter) length() int { return len(w.buffer) - w.at }

// room puts size bytes before what has been written, for the caller to fill.
func (w *wireWriter) room(size int) []byte {
	if w.at < size {
		w.grow(size)
	}
	w.at -= size
	return w.buffer[w.at : w.at+size : w.at+size]
}

func (w *wireWriter) grow(size int) {
	grown := make([]byte, max(leastBuffer, 2*(w.length()+size)))
	at := len(grown) - w.length()
	copy(grown[at:], w.written())
	w.buffer, w.at = grown, at
}

// varint writes a number.
func (w *wireWriter) varint(number uint64) {
	if number < 1<<7 {
		w.room(1)[0] = byte(number)
		return
	}
	room := w.room(protowire.SizeVarint(number))
	protowire.AppendVarint(room[:0], number)
}

// prepend writes bytes as they are.
func prepend[T string | []byte](w *wireWriter, raw T) { copy(w.room(len(raw)), raw) }

// begin writes the length and the tag of a field whose content has been written, since length was end.
func (w *wireWriter) begin(tag byte, end int) {
	w.varint(uint64(w.length() - end))
	w.room(1)[0] = tag
}

// lengthDelimited is the tag of a field of that number which says how long it is: messages, texts, packed numbers.
// Numbers up to 15 take one byte.
func lengthDelimited(number protowire.Number) byte {
	return byte(number<<3) | byte(protowire.BytesType)
}
