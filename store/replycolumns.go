package store

import (
	"encoding/binary"
	"fmt"
	"slices"
	"unicode/utf8"

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

// output is a column of the reply.
type output struct {
	name string
	// head is the field with the name.
	head []byte
	// scalar is the type of its values, or of the elements of its arrays.
	scalar plumbv1.Type
	array  bool
	// use is the position of its use, and field that in reader.fields.
	use, field int
}

func newOutput(name string, t plumbv1.Type, use, field int) output {
	o := output{name: name, scalar: t, use: use, field: field}
	if element, ok := ElementType(t); ok {
		o.scalar, o.array = element, true
	}
	o.head = protowire.AppendString([]byte{nameTag}, name)
	return o
}

// write writes the message, with a column for each output in their order.
func (r *Reply) write(request LookupRequest) error {
	if request.Provenance != nil {
		if err := r.writeProvenance(request.Provenance); err != nil {
			return err
		}
	}
	if request.Revision != 0 {
		r.wire.varint(uint64(request.Revision))
		r.wire.room(1)[0] = revisionTag
	}
	for i := range slices.Backward(r.lookup.outputs) {
		if err := r.writeColumn(&r.lookup.outputs[i], request.EventTimestamps); err != nil {
			return err
		}
	}
	return nil
}

func (r *Reply) writeProvenance(provenance *Provenance) error {
	for _, view := range slices.Backward(provenance.Views) {
		message, err := proto.Marshal(view)
		if err != nil {
			return fmt.Errorf("write the provenance of view %q: %w", view.GetView(), err)
		}
		prepend(&r.wire, message)
		r.wire.begin(provenanceTag, r.wire.length()-len(message))
	}
	return nil
}

func (r *Reply) writeColumn(o *output, times bool) error {
	rows := r.found[o.use*r.rows : (o.use+1)*r.rows]
	if err := r.pick(o, rows); err != nil {
		return err
	}
	end := r.wire.length()
	if times {
		r.writeTimes(rows)
	}
	prepend(&r.wire, r.statuses)
	r.wire.begin(statusesTag, r.wire.length()-len(r.statuses))
	valuesEnd := r.wire.length()
	if err := r.writeValues(o); err != nil {
		return fmt.Errorf("output %q: %w", o.name, err)
	}
	r.wire.begin(valuesTag, valuesEnd)
	prepend(&r.wire, o.head)
	r.wire.begin(columnsTag, end)
	return nil
}

// pick determines the status of each value of a column (R13), and records where those are that are PRESENT. A feature
// that its row was written without is NOT_FOUND.
func (r *Reply) pick(o *output, rows []foundRow) error {
	counts := &r.seen[o.use].Values
	for i := range rows {
		found, status := &rows[i], plumbv1.Status_NOT_FOUND
		r.picked[i] = nil
		if found.reader != nil && found.reader.fields[o.field] != absent {
			raw, ok, err := found.reader.layout.field(&found.PackedRow, found.reader.fields[o.field])
			switch {
			case err != nil:
				return fmt.Errorf("feature view %q, row %d of the keys: output %q: %w", r.lookup.uses[o.use].view.Name, i+1,
					o.name, err)
			case found.expired:
				status = plumbv1.Status_EXPIRED
			case !ok:
				status = plumbv1.Status_NULL
			default:
				status, r.picked[i] = plumbv1.Status_PRESENT, raw
			}
		}
		r.statuses[i] = byte(status)
		counts[status]++
	}
	return nil
}

// writeTimes writes the event time of each value; 0 if the value is NOT_FOUND.
func (r *Reply) writeTimes(rows []foundRow) {
	end := r.wire.length()
	room := r.wire.room(8 * len(rows))
	for i := range rows {
		event := feature.Instant(0)
		if r.statuses[i] != byte(plumbv1.Status_NOT_FOUND) {
			event = rows[i].Event
		}
		binary.LittleEndian.PutUint64(room[8*i:], uint64(event))
	}
	r.wire.begin(timesTag, end)
}

func (r *Reply) writeValues(o *output) error {
	if o.array {
		return r.writeArrays(o)
	}
	return r.wire.scalars(o.scalar, r.picked)
}

// writeArrays writes the elements of all rows as one column.
func (r *Reply) writeArrays(o *output) error {
	end := r.wire.length()
	lengths := make([]uint32, len(r.picked))
	r.elements, r.nulls = r.elements[:0], r.nulls[:0]
	anyNull := false
	for i, raw := range r.picked {
		if raw == nil {
			continue
		}
		array, err := parseArray(raw, fixedWidth(o.scalar))
		if err != nil {
			return err
		}
		lengths[i] = uint32(array.count)
		for j := range array.count {
			element, ok, err := array.at(j)
			if err != nil {
				return err
			}
			flag := byte(0)
			if !ok {
				flag, anyNull = 1, true
			}
			r.elements, r.nulls = append(r.elements, element), append(r.nulls, flag)
		}
	}
	if anyNull {
		prepend(&r.wire, r.nulls)
		r.wire.begin(arrayNullsTag, end)
	}
	elementsEnd := r.wire.length()
	if err := r.wire.scalars(o.scalar, r.elements); err != nil {
		return err
	}
	r.wire.begin(arrayElementsTag, elementsEnd)
	lengthsEnd := r.wire.length()
	for _, length := range slices.Backward(lengths) {
		r.wire.varint(uint64(length))
	}
	r.wire.begin(arrayLengthsTag, lengthsEnd)
	r.wire.begin(arraysTag, end)
	return nil
}

// scalars writes a Values of a scalar type, from the values as rows hold them. A nil value means none: a float is then
// NaN, so that a client that ignores the statuses does not read a zero, and other types have their zero.
func (w *wireWriter) scalars(t plumbv1.Type, raws [][]byte) error {
	end := w.length()
	var err error
	switch t {
	case plumbv1.Type_STRING, plumbv1.Type_BYTES:
		err = w.texts(raws, t == plumbv1.Type_STRING)
	case plumbv1.Type_BOOL:
		err = w.bools(raws)
	case plumbv1.Type_INT32, plumbv1.Type_INT64:
		w.integers(raws)
	case plumbv1.Type_FLOAT32:
		w.words(raws)
	case plumbv1.Type_FLOAT64:
		w.longs(raws, noFloat64)
	default:
		w.longs(raws, 0)
	}
	if !isText(t) && len(raws) > 0 {
		w.begin(elementsTag, end)
	}
	// The fields of Values are numbered as the types are.
	w.begin(lengthDelimited(protowire.Number(t)), end)
	return err
}

// The bits of a quiet NaN.
const (
	noFloat32 = uint32(0x7fc0_0000)
	noFloat64 = uint64(0x7ff8_0000_0000_0000)
)

func isText(t plumbv1.Type) bool { return t == plumbv1.Type_STRING || t == plumbv1.Type_BYTES }

func (w *wireWriter) texts(raws [][]byte, utf bool) error {
	for _, raw := range slices.Backward(raws) {
		if utf && !utf8.Valid(raw) {
			return fmt.Errorf("%w: a STRING is not UTF-8", ErrCorruptRow)
		}
		prepend(w, raw)
		w.begin(elementsTag, w.length()-len(raw))
	}
	return nil
}

func (w *wireWriter) bools(raws [][]byte) error {
	room := w.room(len(raws))
	for i, raw := range raws {
		room[i] = 0
		if raw != nil {
			room[i] = raw[0]
		}
		if room[i] > 1 {
			return fmt.Errorf("%w: a BOOL is %d", ErrCorruptRow, room[i])
		}
	}
	return nil
}

// integers are zigzag varints.
func (w *wireWriter) integers(raws [][]byte) {
	for _, raw := range slices.Backward(raws) {
		var number int64
		switch len(raw) {
		case 8:
			number = int64(binary.BigEndian.Uint64(raw))
		case 4:
			number = int64(int32(binary.BigEndian.Uint32(raw)))
		}
		w.varint(protowire.EncodeZigZag(number))
	}
}

// words are FLOAT32.
func (w *wireWriter) words(raws [][]byte) {
	room := w.room(4 * len(raws))
	for i, raw := range raws {
		word := noFloat32
		if raw != nil {
			word = binary.BigEndian.Uint32(raw)
		}
		binary.LittleEndian.PutUint32(room[4*i:], word)
	}
}

// longs writes FLOAT64 and TIMESTAMP; none is what represents no value.
func (w *wireWriter) longs(raws [][]byte, none uint64) {
	room := w.room(8 * len(raws))
	for i, raw := range raws {
		long := none
		if raw != nil {
			long = binary.BigEndian.Uint64(raw)
		}
		binary.LittleEndian.PutUint64(room[8*i:], long)
	}
}
