package lookup

import (
	"encoding/binary"
	"fmt"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// The fields of the messages in a reply, which serving.proto and values.proto define.
var (
	columnsTag    = lengthDelimited(1)
	revisionTag   = byte(2<<3) | byte(protowire.VarintType)
	provenanceTag = lengthDelimited(3)
	computedTag   = lengthDelimited(4)

	nameTag     = lengthDelimited(1)
	valuesTag   = lengthDelimited(2)
	statusesTag = lengthDelimited(3)
	timesTag    = lengthDelimited(4)

	// elementsTag is that of the values in the message of any scalar type.
	elementsTag = lengthDelimited(1)

	arraysTag        = lengthDelimited(9)
	arrayLengthsTag  = lengthDelimited(1)
	arrayElementsTag = lengthDelimited(2)
	arrayNullsTag    = lengthDelimited(3)
)

// message is a plumb.v1.GetOnlineFeaturesResponse in wire format, a result of a look-up's third step. It is written
// from its end: what is computed and the provenance first, then the revision, the last column, and those before it.
type message struct {
	wireWriter
}

// write writes the message of a reply, with the given columns.
func (m *message) write(r *Reply, columns []column) error {
	m.reset()
	if err := prependMessages(&m.wireWriter, computedTag, r.computed); err != nil {
		return err
	}
	if err := prependMessages(&m.wireWriter, provenanceTag, r.provenance); err != nil {
		return err
	}
	if r.revision != 0 {
		m.revision(r.revision)
	}
	for i := range slices.Backward(columns) {
		m.column(&r.rows.lookup.outputs[i], &columns[i])
	}
	return nil
}

func nameField(name string) []byte { return protowire.AppendString([]byte{nameTag}, name) }

func (m *message) revision(number int64) {
	m.varint(uint64(number))
	m.room(1)[0] = revisionTag
}

// prependMessages writes messages of a repeated field.
func prependMessages[M proto.Message](w *wireWriter, tag byte, all []M) error {
	for _, each := range slices.Backward(all) {
		message, err := proto.Marshal(each)
		if err != nil {
			return fmt.Errorf("write the provenance of a look-up: %w", err)
		}
		prepend(w, message)
		w.begin(tag, w.length()-len(message))
	}
	return nil
}

// column writes a column of an output.
func (m *message) column(o *output, c *column) {
	end := m.length()
	if c.events != nil {
		m.events(c.events)
	}
	prepend(&m.wireWriter, c.statuses)
	m.begin(statusesTag, m.length()-len(c.statuses))
	valuesEnd := m.length()
	if o.array {
		m.arrays(o.scalar, c)
	} else {
		m.scalars(o.scalar, c.values)
	}
	m.begin(valuesTag, valuesEnd)
	prepend(&m.wireWriter, o.inWire)
	m.begin(columnsTag, end)
}

func (m *message) events(events []feature.Instant) {
	end := m.length()
	room := m.room(8 * len(events))
	for i, event := range events {
		binary.LittleEndian.PutUint64(room[8*i:], uint64(event))
	}
	m.begin(timesTag, end)
}

// arrays writes the elements of all rows as one column.
func (m *message) arrays(element plumbv1.Type, c *column) {
	end := m.length()
	if c.anyNull {
		prepend(&m.wireWriter, c.nulls)
		m.begin(arrayNullsTag, end)
	}
	elementsEnd := m.length()
	m.scalars(element, c.elements)
	m.begin(arrayElementsTag, elementsEnd)
	lengthsEnd := m.length()
	for row := range slices.Backward(c.ends) {
		from, to := c.bounds(row)
		m.varint(uint64(to - from))
	}
	m.begin(arrayLengthsTag, lengthsEnd)
	m.begin(arraysTag, end)
}

// scalars writes a Values of a scalar type, from the values as rows hold them. A nil value means none: a float is then
// NaN, so that a client that ignores the statuses does not read a zero, and other types have their zero.
func (m *message) scalars(t plumbv1.Type, raws [][]byte) {
	end := m.length()
	switch t {
	case plumbv1.Type_STRING, plumbv1.Type_BYTES:
		m.texts(raws)
	case plumbv1.Type_BOOL:
		m.bools(raws)
	case plumbv1.Type_INT32, plumbv1.Type_INT64:
		m.integers(raws)
	case plumbv1.Type_FLOAT32:
		m.words(raws)
	case plumbv1.Type_FLOAT64:
		m.longs(raws, noFloat64)
	default:
		m.longs(raws, 0)
	}
	if !isText(t) && len(raws) > 0 {
		m.begin(elementsTag, end)
	}
	// The fields of Values are numbered as the types are.
	m.begin(lengthDelimited(protowire.Number(t)), end)
}

// The bits of a quiet NaN.
const (
	noFloat32 = uint32(0x7fc0_0000)
	noFloat64 = uint64(0x7ff8_0000_0000_0000)
)

func isText(t plumbv1.Type) bool { return t == plumbv1.Type_STRING || t == plumbv1.Type_BYTES }

func (m *message) texts(raws [][]byte) {
	for _, raw := range slices.Backward(raws) {
		prepend(&m.wireWriter, raw)
		m.begin(elementsTag, m.length()-len(raw))
	}
}

func (m *message) bools(raws [][]byte) {
	room := m.room(len(raws))
	for i, raw := range raws {
		room[i] = 0
		if raw != nil {
			room[i] = raw[0]
		}
	}
}

// integers are zigzag varints.
func (m *message) integers(raws [][]byte) {
	for _, raw := range slices.Backward(raws) {
		var number int64
		switch len(raw) {
		case 8:
			number = int64(binary.BigEndian.Uint64(raw))
		case 4:
			number = int64(int32(binary.BigEndian.Uint32(raw)))
		}
		m.varint(protowire.EncodeZigZag(number))
	}
}

// words are FLOAT32.
func (m *message) words(raws [][]byte) {
	room := m.room(4 * len(raws))
	for i, raw := range raws {
		word := noFloat32
		if raw != nil {
			word = binary.BigEndian.Uint32(raw)
		}
		binary.LittleEndian.PutUint32(room[4*i:], word)
	}
}

// longs writes FLOAT64 and TIMESTAMP; none is what represents no value.
func (m *message) longs(raws [][]byte, none uint64) {
	room := m.room(8 * len(raws))
	for i, raw := range raws {
		long := none
		if raw != nil {
			long = binary.BigEndian.Uint64(raw)
		}
		binary.LittleEndian.PutUint64(room[8*i:], long)
	}
}
