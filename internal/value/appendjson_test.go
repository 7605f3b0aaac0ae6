package value_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/plumbstore/plumb/internal/printable"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// Text may have other escapes than those of encoding/json, and is the same text.
func TestScalarsAreAppendedAsJSONFromTheirGoFormAndFromTheirBits(t *testing.T) {
	eachType(t, func(t *testing.T, declared plumbv1.Type, values []any) {
		if _, isArray := value.ElementType(declared); isArray {
			return
		}
		for _, v := range values {
			inJSON, err := value.AppendJSON([]byte("before"), v, printable.AppendJSON)
			if want := "before" + jsonOf(t, v); err != nil || declared != plumbv1.Type_STRING && string(inJSON) != want {
				t.Errorf("%s is appended as %s, %v; want %s", exactly(v), inJSON, err, want)
			}
			if v == nil {
				continue
			}
			if declared == plumbv1.Type_STRING {
				var text string
				if err := json.Unmarshal(inJSON[len("before"):], &text); err != nil || text != v {
					t.Errorf("%s is appended as %s, %v", exactly(v), inJSON, err)
				}
			}
			bits, err := value.AppendBits(nil, v)
			if err != nil {
				t.Fatal(err)
			}
			got, ok := value.AppendBitsJSON([]byte("before"), declared, bits, printable.AppendJSON)
			if !ok || !bytes.Equal(got, inJSON) {
				t.Errorf("%s is appended as %s from its bits, want %s", exactly(v), got, inJSON)
			}
			if _, ok := value.AppendBitsJSON(nil, declared, bits[:len(bits)/2], printable.AppendJSON); ok &&
				declared != plumbv1.Type_STRING && declared != plumbv1.Type_BYTES {
				t.Errorf("%s: half of its bits are a value", exactly(v))
			}
		}
	})
}
