package plumb

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// message is a message that is written field by field.
type message []byte

func (m message) bytes(number protowire.Number, content []byte) message {
	return protowire.AppendBytes(protowire.AppendTag(m, number, protowire.BytesType), content)
}

func (m message) varint(number protowire.Number, value uint64) message {
	return protowire.AppendVarint(protowire.AppendTag(m, number, protowire.VarintType), value)
}

func (m message) fixed64(number protowire.Number, value uint64) message {
	return protowire.AppendFixed64(protowire.AppendTag(m, number, protowire.Fixed64Type), value)
}

// inReply is a reply of one column of two rows with such fields beside its name and statuses.
func inReply(fields message) []byte {
	column := message(nil).bytes(1, []byte("f")).bytes(3, []byte{byte(Present), byte(Present)})
	return message(nil).varint(2, 7).bytes(1, append(column, fields...))
}

// One message has many spellings in protobuf. Another server, or a proxy that reads and writes messages, may use any.
func TestEverySpellingOfAReplyIsRead(t *testing.T) {
	half := func(value float64) []byte {
		return message(nil).bytes(1, binary.LittleEndian.AppendUint64(nil, math.Float64bits(value)))
	}
	numbers := message(nil).bytes(5, slices.Concat(half(1.5), half(-2)))
	texts := message(nil).bytes(1, []byte("a")).bytes(1, []byte("b"))
	elements := message(nil).bytes(6, message(nil).bytes(1, []byte("a"))).bytes(6, message(nil).bytes(1, []byte("b")))
	for name, fields := range map[string]message{
		"numbers that are not packed": message(nil).bytes(2, message(nil).bytes(5,
			message(nil).fixed64(1, math.Float64bits(1.5)).fixed64(1, math.Float64bits(-2)))),
		"numbers packed in two parts": message(nil).bytes(2, numbers),
		"numbers packed and not": message(nil).bytes(2, message(nil).bytes(3,
			message(nil).varint(1, 3).bytes(1, []byte{4}))),
		"event times that are not packed": message(nil).bytes(2, numbers).fixed64(4, 1).fixed64(4, 2),
		"values merged from two parts": message(nil).bytes(2, message(nil).bytes(5, half(1.5))).
			bytes(2, message(nil).bytes(5, half(-2))),
		"one type merged from two parts":  message(nil).bytes(2, message(nil).bytes(5, half(1.5)).bytes(5, half(-2))),
		"the last of two types":           message(nil).bytes(2, slices.Concat(message(nil).bytes(1, nil), numbers)),
		"the last of two names":           message(nil).bytes(1, []byte("g")).bytes(2, numbers),
		"the last of two lists of states": message(nil).bytes(3, []byte{byte(Present), byte(Null)}).bytes(2, numbers),
		"a field of a later server beside numbers": message(nil).bytes(2, message(nil).bytes(5,
			slices.Concat(half(1.5), half(-2), message(nil).varint(9, 1)))),
		"a field of a later server beside texts": message(nil).bytes(2, message(nil).bytes(6, texts.varint(9, 1))),
		"a field of a later server beside a type": message(nil).bytes(2, slices.Concat(
			numbers, message(nil).bytes(900, []byte("more")))),
		"a known field of another wire type": message(nil).bytes(2, numbers).varint(3, 9).fixed64(1, 9),
		"a group": append(message(nil).bytes(2, numbers), protowire.AppendTag(
			protowire.AppendTag(nil, 70, protowire.StartGroupType), 70, protowire.EndGroupType)...),
		"lengths that are not packed": message(nil).bytes(2, message(nil).bytes(9, message(nil).varint(1, 2).varint(1, 0).
			bytes(2, message(nil).bytes(6, texts)))),
		"elements merged from two parts": message(nil).bytes(2, message(nil).bytes(9, message(nil).bytes(1, []byte{1, 1}).
			bytes(2, elements[:len(elements)/2]).bytes(2, elements[len(elements)/2:]))),
	} {
		t.Run(name, func(t *testing.T) {
			reply := inReply(fields)
			response := new(plumbv1.GetOnlineFeaturesResponse)
			if err := proto.Unmarshal(reply, response); err != nil {
				t.Fatal(err)
			}
			f, err := newFeatures(reply, new(layouts), "")
			if err != nil {
				t.Fatal(err)
			}
			if got, want := told(f), toldBy(response); !slices.Equal(got, want) || len(got) != 3 {
				t.Errorf("got  %q\nwant %q", got, want)
			}
		})
	}
}

func TestValuesOfALaterServersTypeAreNamedAsSuch(t *testing.T) {
	_, err := newFeatures(inReply(message(nil).bytes(2, message(nil).bytes(77, []byte("more")))), new(layouts), "")
	if err == nil || !strings.Contains(err.Error(), `column "f": it has no values of a type that this client knows`) {
		t.Errorf("got %v", err)
	}
}

// isWhole reports whether all columns have a value and a status for each row, and an event time for each row if they
// have any.
func isWhole(response *plumbv1.GetOnlineFeaturesResponse) bool {
	for _, column := range response.GetColumns() {
		rows, times := len(response.GetColumns()[0].GetStatuses()), len(column.GetEventTimestamps())
		if len(column.GetStatuses()) != rows || countOf(column.GetValues()) != rows || times != 0 && times != rows {
			return false
		}
	}
	return true
}

// countOf returns the number of values. It is -1 if there are none of a type, or if arrays do not add up.
func countOf(values *plumbv1.Values) int {
	switch kind := values.GetKind().(type) {
	case *plumbv1.Values_Bools:
		return len(kind.Bools.GetValues())
	case *plumbv1.Values_Int32S:
		return len(kind.Int32S.GetValues())
	case *plumbv1.Values_Int64S:
		return len(kind.Int64S.GetValues())
	case *plumbv1.Values_Float32S:
		return len(kind.Float32S.GetValues())
	case *plumbv1.Values_Float64S:
		return len(kind.Float64S.GetValues())
	case *plumbv1.Values_Strings:
		return len(kind.Strings.GetValues())
	case *plumbv1.Values_Bytes:
		return len(kind.Bytes.GetValues())
	case *plumbv1.Values_Timestamps:
		return len(kind.Timestamps.GetMicros())
	case *plumbv1.Values_Arrays:
		return countOfArrays(kind.Arrays)
	}
	return -1
}

func countOfArrays(arrays *plumbv1.ArrayValues) int {
	elements, nulls, sum := countOf(arrays.GetElements()), len(arrays.GetNulls()), uint64(0)
	for _, length := range arrays.GetLengths() {
		sum += uint64(length)
	}
	nested := arrays.GetElements().GetArrays() != nil
	if nested || elements < 0 || sum != uint64(elements) || nulls != 0 && nulls != elements {
		return -1
	}
	return len(arrays.GetLengths())
}

// FuzzReply checks what the client makes of any bytes against what the generated code makes of them.
func FuzzReply(f *testing.F) {
	whole := wire(f, everyType())
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add([]byte{})
	f.Add(inReply(message(nil).bytes(2, message(nil).bytes(3, message(nil).varint(1, 3).bytes(1, []byte{4})))))
	f.Fuzz(func(t *testing.T, reply []byte) {
		features, err := newFeatures(reply, new(layouts), "")
		response := new(plumbv1.GetOnlineFeaturesResponse)
		broken := proto.Unmarshal(reply, response)
		switch {
		case err != nil:
			if broken == nil && isWhole(response) && len(response.GetProvenance()) == 0 {
				t.Fatalf("the generated code takes it: %v", err)
			}
			return
		case broken != nil:
			t.Fatalf("the generated code refuses it: %v", broken)
		}
		if got, want := told(features), toldBy(response); !slices.Equal(got, want) {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	})
}
