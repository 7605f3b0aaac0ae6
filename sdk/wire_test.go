package plumb

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// everyType is a reply with columns of all types, of two rows.
func everyType() *plumbv1.GetOnlineFeaturesResponse {
	long := string(make([]byte, 300))
	scalars := []*plumbv1.Values{
		pack([]bool{true, false}), pack([]int32{math.MinInt32, 1}), pack([]int64{math.MinInt64, -1}),
		pack([]float32{float32(math.NaN()), 1}), pack([]float64{math.Inf(-1), math.Copysign(0, -1)}),
		pack([]string{long, "é"}), pack([][]byte{{0xff}, {}}), pack([]time.Time{time.UnixMicro(-1), time.UnixMicro(1 << 52)}),
	}
	response := &plumbv1.GetOnlineFeaturesResponse{Revision: 300}
	add := func(values *plumbv1.Values) {
		response.Columns = append(response.Columns, &plumbv1.FeatureColumn{
			Name: fmt.Sprint("f", len(response.Columns)), Values: values, Statuses: []byte{byte(Present), byte(Expired)},
			EventTimestamps: []int64{-1, 7},
		})
	}
	for _, elements := range scalars {
		add(elements)
		add(&plumbv1.Values{Kind: &plumbv1.Values_Arrays{Arrays: &plumbv1.ArrayValues{
			Lengths: []uint32{2, 0}, Elements: elements, Nulls: []byte{0, 1}}}})
	}
	return response
}

// told returns what a client sees of a reply, value by value.
func told(f *Features) (texts []string) {
	texts = append(texts, fmt.Sprint("revision ", f.Revision))
	for i := range f.columns {
		c := &f.columns[i]
		for row := range f.rows {
			micros, _ := c.eventTime(row)
			texts = append(texts, fmt.Sprintf("%q %d %d %s", f.layout.names[i], c.statuses[row], micros,
				exactly(c.values.at(row))))
		}
	}
	return texts
}

// exactly returns a text that distinguishes values down to their bits.
func exactly(value any) string {
	switch value := value.(type) {
	case float32:
		return fmt.Sprintf("%T %x", value, math.Float32bits(value))
	case float64:
		return fmt.Sprintf("%T %x", value, math.Float64bits(value))
	case time.Time:
		return fmt.Sprintf("%T %d", value, value.UnixMicro())
	case List[bool]:
		return exactList(value)
	case List[int32]:
		return exactList(value)
	case List[int64]:
		return exactList(value)
	case List[float32]:
		return exactList(value)
	case List[float64]:
		return exactList(value)
	case List[string]:
		return exactList(value)
	case List[[]byte]:
		return exactList(value)
	case List[time.Time]:
		return exactList(value)
	}
	return fmt.Sprintf("%T %q", value, fmt.Sprint(value))
}

func exactList[T Scalar](list List[T]) string {
	var text listText
	for i := range list.Len() {
		text += listText(fmt.Sprintf("%t %s, ", list.isNull(i), exactly(list.elements[i])))
	}
	return exactly(text)
}

// toldBy is like told, but uses the generated code.
func toldBy(response *plumbv1.GetOnlineFeaturesResponse) (texts []string) {
	texts = append(texts, fmt.Sprint("revision ", response.GetRevision()))
	for _, column := range response.GetColumns() {
		for row, status := range column.GetStatuses() {
			var micros int64
			if times := column.GetEventTimestamps(); len(times) > 0 {
				micros = times[row]
			}
			texts = append(texts, fmt.Sprintf("%q %d %d %s", column.GetName(), status, micros,
				exactly(generated(column.GetValues(), row))))
		}
	}
	return texts
}

func generated(values *plumbv1.Values, row int) any {
	switch kind := values.GetKind().(type) {
	case *plumbv1.Values_Bools:
		return kind.Bools.GetValues()[row]
	case *plumbv1.Values_Int32S:
		return kind.Int32S.GetValues()[row]
	case *plumbv1.Values_Int64S:
		return kind.Int64S.GetValues()[row]
	case *plumbv1.Values_Float32S:
		return kind.Float32S.GetValues()[row]
	case *plumbv1.Values_Float64S:
		return kind.Float64S.GetValues()[row]
	case *plumbv1.Values_Strings:
		return kind.Strings.GetValues()[row]
	case *plumbv1.Values_Bytes:
		return kind.Bytes.GetValues()[row]
	case *plumbv1.Values_Timestamps:
		return time.UnixMicro(kind.Timestamps.GetMicros()[row]).UTC()
	case *plumbv1.Values_Arrays:
		return generatedList(kind.Arrays, row)
	}
	return nil
}

func generatedList(arrays *plumbv1.ArrayValues, row int) any {
	start := 0
	for _, length := range arrays.GetLengths()[:row] {
		start += int(length)
	}
	text, end := "", start+int(arrays.GetLengths()[row])
	for i := start; i < end; i++ {
		null := len(arrays.GetNulls()) > 0 && arrays.GetNulls()[i] != 0
		text += fmt.Sprintf("%t %s, ", null, exactly(generated(arrays.GetElements(), i)))
	}
	return listText(text)
}

// listText is what exactly makes of a list.
type listText string

func wire(t testing.TB, response *plumbv1.GetOnlineFeaturesResponse) []byte {
	t.Helper()
	reply, err := proto.Marshal(response)
	if err != nil {
		t.Fatal(err)
	}
	return reply
}

func TestTheClientReadsWhatTheGeneratedCodeReads(t *testing.T) {
	response := everyType()
	f, err := newFeatures(wire(t, response), new(layouts), "")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := told(f), toldBy(response); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// A later server may say more than this client knows.
func TestFieldsOfALaterServerAreSkipped(t *testing.T) {
	later := protowire.AppendTag(nil, 900, protowire.BytesType)
	later = protowire.AppendString(later, "more")
	later = protowire.AppendVarint(protowire.AppendTag(later, 901, protowire.VarintType), 7)
	later = protowire.AppendFixed32(protowire.AppendTag(later, 902, protowire.Fixed32Type), 7)
	response := everyType()
	for _, column := range response.GetColumns() {
		column.ProtoReflect().SetUnknown(later)
	}
	response.ProtoReflect().SetUnknown(later)
	f, err := newFeatures(wire(t, response), new(layouts), "")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := told(f), toldBy(response); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestAnswersOfOneSelectionMayChangeTheirColumns(t *testing.T) {
	known, response := new(layouts), everyType()
	for range 2 {
		for _, columns := range []int{len(response.GetColumns()), 2, 0} {
			part := &plumbv1.GetOnlineFeaturesResponse{Columns: response.GetColumns()[:columns]}
			f, err := newFeatures(wire(t, part), known, "service")
			if err != nil {
				t.Fatal(err)
			}
			if got, want := told(f), toldBy(part); !slices.Equal(got, want) || len(f.Names()) != columns {
				t.Errorf("got  %q\nwant %q", got, want)
			}
		}
	}
}
