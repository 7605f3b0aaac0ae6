package plumb

import (
	"errors"

	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
)

// replyCodec is gRPC's codec for protobuf, but that it leaves replies as they come, into a *[]byte.
type replyCodec struct{ encoding.CodecV2 }

func newReplyCodec() replyCodec { return replyCodec{encoding.GetCodecV2(proto.Name)} }

// Unmarshal implements encoding.CodecV2.
func (replyCodec) Unmarshal(data mem.BufferSlice, reply any) error {
	*reply.(*[]byte) = data.Materialize()
	return nil
}

// errWire says that bytes are no message as the server writes it: fields known to the client come once, unless they are
// repeated messages or texts, and numbers are packed. They may be one that somebody else wrote.
var errWire = errors.New("it is not as the server writes messages")

// errNoValues says that a column has none, or has them in a field that is not known here.
var errNoValues = errors.New("it has no values of a type that this client knows")

// wireField is a field of a message.
type wireField struct {
	number protowire.Number
	kind   protowire.Type
	// content is that of a field which says how long it is, varint that of a single number.
	content []byte
	varint  uint64
}

// nextField takes the first field off a message.
func nextField(message []byte) (wireField, []byte, error) {
	// Most fields say in one byte each which they are and how long.
	const bytesType, oneByte = byte(protowire.BytesType), 0x80
	if len(message) > 1 && message[0]&7 == bytesType && message[0] > 7 && message[0] < oneByte && message[1] < oneByte {
		if end := 2 + int(message[1]); end <= len(message) {
			number := protowire.Number(message[0] >> 3)
			return wireField{number: number, kind: protowire.BytesType, content: message[2:end:end]}, message[end:], nil
		}
	}
	number, kind, size := protowire.ConsumeTag(message)
	if size < 0 || number > protowire.MaxValidNumber {
		return wireField{}, nil, errWire
	}
	f, message := wireField{number: number, kind: kind}, message[size:]
	switch kind {
	case protowire.BytesType:
		f.content, size = protowire.ConsumeBytes(message)
	case protowire.VarintType:
		f.varint, size = protowire.ConsumeVarint(message)
	default:
		size = protowire.ConsumeFieldValue(number, kind, message)
	}
	if size < 0 {
		return wireField{}, nil, errWire
	}
	return f, message[size:], nil
}

// once sets what a field holds that may come but once.
func (f *wireField) once(content *[]byte) error {
	if f.kind != protowire.BytesType || *content != nil {
		return errWire
	}
	*content = f.content
	return nil
}

// kind is the field of Values that holds the values of a column. It determines their type.
type kind protowire.Number

const (
	noKind kind = iota
	boolKind
	int32Kind
	int64Kind
	float32Kind
	float64Kind
	stringKind
	bytesKind
	timestampKind
	listKind
)

// wireValues are the values of a column as they come.
type wireValues struct {
	kind kind
	// content holds scalars one after the other; or, if these are texts, a field for each; or a message of arrays.
	content []byte
	// count is how many there are, of arrays too.
	count int
}

// readValues reads a Values, but for the values themselves.
func readValues(message []byte) (wireValues, error) {
	if len(message) == 0 {
		return wireValues{}, errNoValues
	}
	held, rest, err := nextField(message)
	if err != nil || len(rest) > 0 || held.kind != protowire.BytesType || kind(held.number) > listKind {
		return wireValues{}, errWire
	}
	values := wireValues{kind: kind(held.number), content: held.content}
	switch values.kind {
	case stringKind, bytesKind:
		values.count, err = countFields(values.content)
		return values, err
	case listKind:
		arrays, err := readArrays(values.content)
		values.count = countVarints(arrays.lengths)
		return values, err
	}
	values.content = nil
	if len(held.content) > 0 {
		packed, rest, err := nextField(held.content)
		if err != nil || len(rest) > 0 || packed.number != 1 || packed.kind != protowire.BytesType {
			return wireValues{}, errWire
		}
		values.content = packed.content
	}
	values.count, err = values.countNumbers()
	return values, err
}

func countFields(content []byte) (count int, err error) {
	for len(content) > 0 {
		var f wireField
		if f, content, err = nextField(content); err != nil || f.number != 1 || f.kind != protowire.BytesType {
			return 0, errWire
		}
		count++
	}
	return count, nil
}

func (v *wireValues) countNumbers() (int, error) {
	var width int
	switch v.kind {
	case float32Kind:
		width = 4
	case float64Kind, timestampKind:
		width = 8
	default:
		return countVarints(v.content), nil
	}
	if len(v.content)%width != 0 {
		return 0, errWire
	}
	return len(v.content) / width, nil
}

// countVarints counts the bytes that end a number.
func countVarints(content []byte) (count int) {
	for _, b := range content {
		if b < 0x80 {
			count++
		}
	}
	return count
}

// wireArrays is an ArrayValues as it comes.
type wireArrays struct{ lengths, elements, nulls []byte }

func readArrays(message []byte) (a wireArrays, err error) {
	for len(message) > 0 {
		var f wireField
		if f, message, err = nextField(message); err != nil {
			return a, err
		}
		switch f.number {
		case 1:
			err = f.once(&a.lengths)
		case 2:
			err = f.once(&a.elements)
		case 3:
			err = f.once(&a.nulls)
		}
		if err != nil {
			return a, err
		}
	}
	return a, nil
}
