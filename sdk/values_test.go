package plumb

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// answer is one column, its values as they are, named feature.
func answer(t *testing.T, values *plumbv1.Values, statuses ...Status) (*Features, error) {
	t.Helper()
	column := &plumbv1.FeatureColumn{Name: "feature", Values: values}
	for _, status := range statuses {
		column.Statuses = append(column.Statuses, byte(status))
	}
	reply, err := proto.Marshal(&plumbv1.GetOnlineFeaturesResponse{Columns: []*plumbv1.FeatureColumn{column}})
	if err != nil {
		t.Fatal(err)
	}
	return newFeatures(reply, new(layouts), "")
}

// isNone says whether a value is what stands for none: NaN, so that nobody reads a zero, or the zero of another type.
func isNone(value any) bool {
	switch value := value.(type) {
	case float32:
		return math.IsNaN(float64(value))
	case float64:
		return math.IsNaN(value)
	}
	return reflect.ValueOf(value).IsZero()
}

// comesBack sends a value and a null as a scalar and as the elements of a list, and reads them as a column and by rows.
func comesBack[T Scalar](t *testing.T, value T) {
	t.Helper()
	scalars, err := answer(t, NewNullableFeature("feature", &value, nil).column.GetValues(), Present, Null)
	if err != nil {
		t.Fatal(err)
	}
	column, err := ColumnOf[T](scalars, "feature")
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := column.At(0); !ok || !reflect.DeepEqual(got, value) {
		t.Errorf("%T %v came back as %v, %t", value, value, got, ok)
	}
	if got, ok := column.At(1); ok || !isNone(got) {
		t.Errorf("a null %T came back as %v", value, got)
	}
	list := NewNullableList(&value, nil)
	lists, err := answer(t, NewNullableListFeature("feature", &list, nil).column.GetValues(), Present, Null)
	if err != nil {
		t.Fatal(err)
	}
	got, ok := Row{lists, 0}.Value("feature")
	if ok != Present || got.(List[T]).Len() != 2 {
		t.Fatalf("a list of %T came back as %v, %v", value, got, ok)
	}
	if element, ok := got.(List[T]).At(0); !ok || !reflect.DeepEqual(element, value) {
		t.Errorf("element %v came back as %v, %t", value, element, ok)
	}
	if element, ok := got.(List[T]).At(1); ok || !isNone(element) {
		t.Errorf("a null element came back as %v", element)
	}
}

func TestValuesOfEachTypeComeBack(t *testing.T) {
	comesBack(t, true)
	comesBack(t, int32(math.MinInt32))
	comesBack(t, int64(math.MaxInt64))
	comesBack(t, float32(math.SmallestNonzeroFloat32))
	comesBack(t, math.Copysign(0, -1))
	comesBack(t, "a\x00")
	comesBack(t, []byte{0xff, 0})
	comesBack(t, time.Date(1969, 12, 31, 23, 59, 59, 999_999_000, time.UTC))
}

func TestAnEmptyListIsNotNull(t *testing.T) {
	features, err := answer(t, NewListFeature("feature", NewList[string]()).column.GetValues(), Present)
	if err != nil {
		t.Fatal(err)
	}
	column, err := ListColumnOf[string](features, "feature")
	if err != nil {
		t.Fatal(err)
	}
	if list, ok := column.At(0); !ok || list.Len() != 0 {
		t.Errorf("it came back as %v, %t", list, ok)
	}
}

func TestR1_NanosecondsAreFlooredToMicroseconds(t *testing.T) {
	before := time.Date(1969, 12, 31, 23, 59, 59, 999_999_999, time.UTC)
	if got := microseconds([]time.Time{before, time.Unix(0, 1_999)}); got[0] != -1 || got[1] != 1 {
		t.Errorf("they are %d", got)
	}
}

func TestAColumnOfAnotherTypeOrNameIsRefused(t *testing.T) {
	features, err := answer(t, pack([]float64{1.5}), Present)
	if err != nil {
		t.Fatal(err)
	}
	_, err = ColumnOf[string](features, "feature")
	if err == nil || err.Error() != `output "feature" holds values of float64, not of string` {
		t.Errorf("error is %v", err)
	}
	_, err = ListColumnOf[float64](features, "feature")
	if err == nil || !strings.Contains(err.Error(), `not of plumb.List[float64]`) {
		t.Errorf("error is %v", err)
	}
	_, err = ColumnOf[float64](features, "featrue")
	if err == nil || err.Error() != `there is no output "featrue"; there are feature` {
		t.Errorf("error is %v", err)
	}
	if value, status := (Row{features, 0}).Value("featrue"); value != nil || status != StatusUnknown {
		t.Errorf("the row says %v, %v", value, status)
	}
}

func TestABrokenAnswerIsAnErrorAndNoPanic(t *testing.T) {
	lists := func(lengths []uint32, nulls []byte) *plumbv1.Values {
		return &plumbv1.Values{Kind: &plumbv1.Values_Arrays{Arrays: &plumbv1.ArrayValues{
			Lengths: lengths, Elements: pack([]int64{1, 2}), Nulls: nulls}}}
	}
	for name, values := range map[string]*plumbv1.Values{
		"no values":           nil,
		"too few values":      pack([]int64{}),
		"too many values":     pack([]int64{1, 2}),
		"lists without a row": lists(nil, nil),
		"too few elements":    lists([]uint32{3}, nil),
		"too many elements":   lists([]uint32{1}, nil),
		"uneven nulls":        lists([]uint32{2}, []byte{0}),
		"elements of nothing": {Kind: &plumbv1.Values_Arrays{Arrays: &plumbv1.ArrayValues{Lengths: []uint32{0}}}},
	} {
		if _, err := answer(t, values, Present); err == nil {
			t.Errorf("%s: there is no error", name)
		}
	}
}
