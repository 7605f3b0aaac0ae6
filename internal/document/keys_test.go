package document

import (
	"encoding/json"
	"reflect"
	"testing"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// Keys on the command line, in CSV and over HTTP are read by this; labels, pushes and the Python client have the same
// cases (store/storetest, materialize, sdk/python/tests/test_types.py).
func TestR9_TextSpellsAKeyInOneWay(t *testing.T) {
	for declared, texts := range map[plumbv1.Type]map[string]any{
		plumbv1.Type_INT64: {"4": int64(4), "-7": int64(-7), "0": int64(0), "-9223372036854775808": int64(-1 << 63)},
		plumbv1.Type_INT32: {"4": int32(4), "-2147483648": int32(-1 << 31)},
		plumbv1.Type_BOOL:  {"true": true, "false": false},
		plumbv1.Type_BYTES: {"BA==": []byte{4}, "": []byte{}, "AAAA": []byte{0, 0, 0}},
	} {
		for text, want := range texts {
			if got, err := ParseKey(text, declared); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s %q is %v, %v", declared, text, got, err)
			}
		}
	}
	for declared, texts := range map[plumbv1.Type][]string{
		plumbv1.Type_INT64: {"+4", "00004", "007", " 4", "4 ", "4.0", "1e2", "-0", "", "4\n", "0x4", "1_000",
			"9223372036854775808"},
		plumbv1.Type_INT32: {"+4", "04", "-0", "", "2147483648"},
		plumbv1.Type_BOOL:  {"True", "1", "t", "", " true"},
		plumbv1.Type_BYTES: {"AB==", "AA", "AAB=", "AA\n==", "A A=", "="},
	} {
		for _, text := range texts {
			if got, err := ParseKey(text, declared); err == nil {
				t.Errorf("%s %q is %v", declared, text, got)
			}
			if got, err := ParseKeyJSON(text, declared); err == nil {
				t.Errorf("%s in JSON, %q, is %v", declared, text, got)
			}
		}
	}
	for _, number := range []json.Number{"4.0", "1e2", "-0", "9223372036854775808"} {
		if got, err := ParseKeyJSON(number, plumbv1.Type_INT64); err == nil {
			t.Errorf("the JSON number %s is %v", number, got)
		}
	}
}
