package packed

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
)

// Header is what a stored row begins with:
//
//	event    8 bytes: the event time in microseconds, big-endian, with the sign bit flipped
//	created  the created time, by its distance from the event time: a byte, and as many bytes as that says
//	schema   the schema id, as a number (number.go)
//	shape    1 byte: what the row's body has, and which kind of origin follows
//	origin   a number: the run, or the distance of the push from the event time; nothing if the origin is unknown
//
// Event time, created time and schema id are the row's precedence. They compare as bytes, whatever their sizes, so that
// a store decides which of two rows replaces the other (Replaces) without knowing what is in them. For that the byte
// before a created time is
//
//	0      if there is none, which is the lowest
//	9 - n  if it is earlier than the event time, by a distance of n bytes; these follow with all bits flipped
//	9      if the two are equal
//	9 + n  if it is later, by a distance of n bytes, which follow
//
// So a row of an event at 10, created at 13 under schema 1, by run 7, begins with 80 00 00 00 00 00 00 0a, 0a 03, 01.
//
// The bytes are durable. Rows of formats 1 to 3 began otherwise (older.go), and nothing in the bytes distinguishes
// them. So stores keep them apart, and upgrade them when they read them.
type Header struct {
	// Event is the row's event time.
	Event feature.Instant
	// SchemaID names the feature.Schema that the fields were written by.
	SchemaID uint32
	// Origin is the origin of the row.
	Origin Origin

	created feature.Instant
	// shape has the bits of the shape that describe the body.
	shape byte
}

const (
	eventSize = 8
	// sameTime is the byte before a created time that is the event time.
	sameTime = 9
	// nullCreated represents no created time; the instant cannot be stored.
	nullCreated = feature.Instant(math.MinInt64)
)

// The bits of a row's shape.
const (
	// hasNulls says that the body begins with null bits.
	hasNulls = 1 << 0
	// offsetBits has the logarithm of the width of the body's offsets.
	offsetBits, offsetShift = 3 << 1, 1
	// originBits has the kind of the origin.
	originBits, originShift = 3 << 3, 3
	// isSeveral says that the value holds several rows (ahead.go).
	isSeveral = 1 << 5
	// laterBits are for later formats, and are 0 in this one.
	laterBits = 3 << 6
)

// The kinds of an origin.
const (
	unknownOrigin = iota
	runOrigin
	// laterPush is a push at or after the event time, earlierPush one before it.
	laterPush
	earlierPush
)

// NewHeader returns the header of a row without nulls and without a variable section. created may be nil.
func NewHeader(event feature.Instant, created *feature.Instant, schema uint32, origin Origin) Header {
	h := Header{Event: event, SchemaID: schema, Origin: origin, created: nullCreated}
	if created != nil {
		h.created = *created
	}
	return h
}

// Created returns the row's created time, and false if it is null.
func (h *Header) Created() (feature.Instant, bool) { return h.created, h.created != nullCreated }

// Append appends the header; the row's body follows it.
func (h *Header) Append(dst []byte) []byte {
	dst = appendInstant(dst, h.Event)
	dst = appendNumber(h.appendCreated(dst), uint64(h.SchemaID))
	kind, number := h.origin()
	dst = append(dst, h.shape|kind<<originShift)
	if kind == unknownOrigin {
		return dst
	}
	return appendNumber(dst, number)
}

func (h *Header) appendCreated(dst []byte) []byte {
	switch {
	case h.created == nullCreated:
		return append(dst, 0)
	case h.created < h.Event:
		distance := uint64(h.Event) - uint64(h.created)
		size := bytesOf(distance)
		return appendBytes(append(dst, sameTime-byte(size)), ^distance, size)
	}
	distance := uint64(h.created) - uint64(h.Event)
	size := bytesOf(distance)
	return appendBytes(append(dst, sameTime+byte(size)), distance, size)
}

// origin returns the kind of the origin, and the number that is stored of it.
func (h *Header) origin() (kind byte, number uint64) {
	if run, ok := h.Origin.Run(); ok {
		return runOrigin, uint64(run)
	}
	pushed, ok := h.Origin.Pushed()
	switch {
	case !ok:
		return unknownOrigin, 0
	case pushed >= h.Event:
		return laterPush, uint64(pushed) - uint64(h.Event)
	}
	return earlierPush, uint64(h.Event) - uint64(pushed)
}

// Row is a stored row whose header has been read.
type Row struct {
	Header

	// body is what follows the header.
	body []byte
	// fixedAt and variableAt are where the fixed and the variable section begin in the body. Layout.Check finds them.
	fixedAt, variableAt int
}

// ErrCorrupt says that the bytes of a stored row are not those of any row.
var ErrCorrupt = errors.New("the stored row is corrupt")

// Parse reads the header of a stored row. It fails with an error that wraps ErrCorrupt for a row that is cut short or
// damaged, and fault.ErrNewer for one in a later format. The row keeps referring to value.
func Parse(value []byte) (Row, error) {
	var row Row
	rest, err := row.parsePrecedence(value)
	if err != nil {
		return Row{}, err
	}
	if len(rest) == 0 {
		return Row{}, errNoHeader(value)
	}
	shape := rest[0]
	switch {
	case shape&laterBits != 0:
		return Row{}, fmt.Errorf("the stored row has the shape %#x, which this version does not know: %w", shape,
			fault.ErrNewer)
	case shape&isSeveral != 0:
		return Row{}, fmt.Errorf("%w: it stands for several rows, and is one of them", ErrCorrupt)
	case shape&offsetBits == offsetBits:
		return Row{}, fmt.Errorf("%w: its shape is %#x", ErrCorrupt, shape)
	}
	row.shape = shape & (hasNulls | offsetBits)
	if row.body, err = row.parseOrigin(shape&originBits>>originShift, rest[1:]); err != nil {
		return Row{}, err
	}
	return row, nil
}

// parsePrecedence reads the event time, the created time and the schema id, and returns what follows.
func (h *Header) parsePrecedence(value []byte) ([]byte, error) {
	if len(value) < eventSize+1 {
		return nil, errNoHeader(value)
	}
	h.Event = readInstant(value)
	tag, rest := int(value[eventSize]), value[eventSize+1:]
	size := distanceSize(tag)
	if size > 8 || size > len(rest) {
		return nil, errNoHeader(value)
	}
	distance := readBytes(rest[:size])
	h.created = nullCreated
	switch {
	case tag == 0:
	case tag < sameTime:
		distance = ^distance & (1<<(8*size) - 1)
		h.created = feature.Instant(uint64(h.Event) - distance)
	default:
		h.created = feature.Instant(uint64(h.Event) + distance)
	}
	isLater := tag >= sameTime
	if bytesOf(distance) != size || tag > 0 && (h.created == nullCreated || isLater != (h.created >= h.Event)) {
		return nil, fmt.Errorf("%w: its created time is %x", ErrCorrupt, value[eventSize:eventSize+1+size])
	}
	schema, rest, ok := cutNumber(rest[size:])
	if !ok || schema > math.MaxUint32 {
		return nil, errNoHeader(value)
	}
	h.SchemaID = uint32(schema)
	return rest, nil
}

// distanceSize is how many bytes follow the byte before a created time.
func distanceSize(tag int) int {
	if tag == 0 {
		return 0
	}
	return max(tag-sameTime, sameTime-tag)
}

// parseOrigin reads the origin, and returns the row's body.
func (h *Header) parseOrigin(kind byte, rest []byte) ([]byte, error) {
	if kind == unknownOrigin {
		return rest, nil
	}
	number, body, ok := cutNumber(rest)
	switch kind {
	case runOrigin:
		h.Origin, ok = RunOrigin(int64(number)), ok && number > 0 && number <= math.MaxInt64
	case laterPush:
		h.Origin = PushOrigin(feature.Instant(uint64(h.Event) + number))
	case earlierPush:
		h.Origin, ok = PushOrigin(feature.Instant(uint64(h.Event)-number)), ok && number > 0
	}
	if !ok || h.Origin == 0 {
		return nil, fmt.Errorf("%w: its origin cannot be read", ErrCorrupt)
	}
	return body, nil
}

func errNoHeader(value []byte) error {
	return fmt.Errorf("%w: it begins with %x, which no header does", ErrCorrupt, value[:min(len(value), 24)])
}

// PrecedenceSize is the size of the precedence that a value begins with: its event time, created time and schema id. It
// is 0 if the value is too short to have one.
func PrecedenceSize(value []byte) int {
	version := versionSize(value)
	if version == 0 {
		return 0
	}
	schema := numberSize(value[version:])
	if schema == 0 {
		return 0
	}
	return version + schema
}

// versionSize is the size of the event time and the created time that a value begins with, or 0 if it is too short.
func versionSize(value []byte) int {
	if len(value) <= eventSize {
		return 0
	}
	size := eventSize + 1 + distanceSize(int(value[eventSize]))
	if size > len(value) {
		return 0
	}
	return size
}

// Replaces reports whether a value replaces a stored one (R14). It does if its event time is later, or its created time
// if the event times are equal, or if both are equal and its schema is the same or newer, so that a process that knows
// only an older definition does not overwrite what a newer one has written. A stored value that is too short to compare
// is replaced.
func Replaces(value, stored []byte) bool {
	size, other := PrecedenceSize(value), PrecedenceSize(stored)
	return size == 0 || other == 0 || bytes.Compare(value[:size], stored[:other]) >= 0
}

// IsNewer reports whether a value has a later event time than another, or the same and a later created time.
func IsNewer(value, other []byte) bool {
	return bytes.Compare(value[:versionSize(value)], other[:versionSize(other)]) > 0
}

// appendInstant keeps the order of instants in the order of bytes.
func appendInstant(dst []byte, i feature.Instant) []byte {
	return binary.BigEndian.AppendUint64(dst, uint64(i)^(1<<63))
}

// VersionOf returns the first bytes of the packed rows that have this event time.
func VersionOf(event feature.Instant) []byte { return appendInstant(nil, event) }

// EventOf returns the event time of a packed row, with which it begins; the earliest instant if the row is too short to
// have one.
func EventOf(value []byte) feature.Instant {
	if len(value) < eventSize {
		return math.MinInt64
	}
	return readInstant(value)
}

func readInstant(b []byte) feature.Instant {
	return feature.Instant(binary.BigEndian.Uint64(b) ^ (1 << 63))
}
