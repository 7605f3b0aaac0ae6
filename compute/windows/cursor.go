package windows

import (
	"encoding/binary"
	"errors"
)

// ErrCorrupt says that the bytes of a state are not those of any state.
var ErrCorrupt = errors.New("the stored state is corrupt")

// cursor reads bytes that nobody vouches for. What is wrong is remembered, and zeros are read from then on.
type cursor struct {
	rest []byte
	bad  bool
}

func (c *cursor) require(ok bool) {
	if !ok {
		c.rest, c.bad = nil, true
	}
}

func (c *cursor) uvarint() uint64 {
	if len(c.rest) > 0 && c.rest[0] < 0x80 {
		n := c.rest[0]
		c.rest = c.rest[1:]
		return uint64(n)
	}
	n, size := binary.Uvarint(c.rest)
	if size <= 0 {
		c.require(false)
		return 0
	}
	c.rest = c.rest[size:]
	return n
}

func (c *cursor) varint() int64 {
	n, size := binary.Varint(c.rest)
	if size <= 0 {
		c.require(false)
		return 0
	}
	c.rest = c.rest[size:]
	return n
}

// flag is a byte that is 0 or 1.
func (c *cursor) flag() bool {
	raw := c.take(1)
	if raw == nil {
		return false
	}
	c.require(raw[0] <= 1)
	return raw[0] == 1
}

// take returns bytes of that length; nil if there are not as many.
func (c *cursor) take(length uint64) []byte {
	if length > uint64(len(c.rest)) {
		c.require(false)
		return nil
	}
	raw := c.rest[:length:length]
	c.rest = c.rest[length:]
	return raw
}

// count is a number of things that take at least a byte each, so that there cannot be more than there are bytes.
func (c *cursor) count() int {
	n := c.uvarint()
	if n > uint64(len(c.rest)) {
		c.require(false)
		return 0
	}
	return int(n)
}

// before is an instant that is a number of microseconds before another.
func (c *cursor) before(instant int64) int64 {
	distance := c.uvarint()
	c.require(distance <= uint64(instant)-1<<63)
	return int64(uint64(instant) - distance)
}

// after is an instant that is a number of microseconds after another.
func (c *cursor) after(instant int64) int64 {
	distance := c.uvarint()
	c.require(distance <= 1<<63-1-uint64(instant))
	return int64(uint64(instant) + distance)
}
