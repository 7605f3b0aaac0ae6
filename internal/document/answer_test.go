package document

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

func TestEachTypeHasItsFormInJSON(t *testing.T) {
	infinity := float32(math.Inf(1))
	floats := []float32{0.1, float32(math.NaN()), infinity, -infinity, float32(math.Copysign(0, -1))}
	words := &plumbv1.Values{Kind: &plumbv1.Values_Strings{
		Strings: &plumbv1.StringValues{Values: []string{"a", "", "b"}}}}
	for want, values := range map[string]*plumbv1.Values{
		`[true,false]`:          {Kind: &plumbv1.Values_Bools{Bools: &plumbv1.BoolValues{Values: []bool{true, false}}}},
		`[-2147483648]`:         {Kind: &plumbv1.Values_Int32S{Int32S: &plumbv1.Int32Values{Values: []int32{math.MinInt32}}}},
		`[9223372036854775807]`: {Kind: &plumbv1.Values_Int64S{Int64S: &plumbv1.Int64Values{Values: []int64{math.MaxInt64}}}},
		`[0.1,"NaN","Infinity","-Infinity",-0.0]`: {Kind: &plumbv1.Values_Float32S{
			Float32S: &plumbv1.Float32Values{Values: floats}}},
		`[0.1,1e+300,1.0,-0.0,100000.0,5e-324]`: {Kind: &plumbv1.Values_Float64S{Float64S: &plumbv1.Float64Values{
			Values: []float64{0.1, 1e300, 1, math.Copysign(0, -1), 1e5, 5e-324}}}},
		`["<a>","\u0000"]`: {Kind: &plumbv1.Values_Strings{Strings: &plumbv1.StringValues{Values: []string{"<a>", "\x00"}}}},
		`["AP8=",""]`:      {Kind: &plumbv1.Values_Bytes{Bytes: &plumbv1.BytesValues{Values: [][]byte{{0, 255}, nil}}}},
		`["1970-01-01T00:00:00Z","1969-12-31T23:59:59.999999Z"]`: {Kind: &plumbv1.Values_Timestamps{
			Timestamps: &plumbv1.TimestampValues{Micros: []int64{0, -1}}}},
		`[["a",null],[],["b"]]`: {Kind: &plumbv1.Values_Arrays{Arrays: &plumbv1.ArrayValues{
			Lengths: []uint32{2, 0, 1}, Elements: words, Nulls: []byte{0, 1, 0},
		}}},
	} {
		_, rows := value.Kind(values)
		column := &plumbv1.FeatureColumn{Name: "f", Values: values,
			Statuses: bytes.Repeat([]byte{byte(plumbv1.Status_PRESENT)}, rows)}
		answer := NewAnswer(NewKeys(nil, nil), []*plumbv1.FeatureColumn{column}, nil, nil)
		var got []string
		for row := range rows {
			text := strings.TrimPrefix(written(t, answer.Row(row)), `{"keys":{},"features":{"f":{"value":`)
			got = append(got, strings.TrimSuffix(text, `,"status":"PRESENT"}}}`+"\n"))
		}
		if diff := cmp.Diff(want, "["+strings.Join(got, ",")+"]"); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// written returns what Write writes.
func written(t rapid.TB, value any) string {
	t.Helper()
	var text bytes.Buffer
	if err := Write(&text, value); err != nil {
		t.Fatal(err)
	}
	return text.String()
}
