package jsonobject_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbstore/plumb/internal/jsonobject"
)

func TestMembersKeepTheirOrderAndTheirText(t *testing.T) {
	object, err := jsonobject.Read([]byte(` {"z": 1.50, "a": [1, {"b": null}], "": 12345678901234567890} `))
	if err != nil {
		t.Fatal(err)
	}
	want := jsonobject.Object{Names: []string{"z", "a", ""},
		Values: []json.RawMessage{[]byte("1.50"), []byte(`[1, {"b": null}]`), []byte("12345678901234567890")}}
	if diff := cmp.Diff(want, object); diff != "" {
		t.Error(diff)
	}
	values, err := object.Decoded()
	if err != nil {
		t.Fatal(err)
	}
	decoded := []any{json.Number("1.50"), []any{json.Number("1"), map[string]any{"b": nil}},
		json.Number("12345678901234567890")}
	if diff := cmp.Diff(decoded, values); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsNoObjectIsSaid(t *testing.T) {
	for text, want := range map[string]string{
		`[1]`:                    "is not a JSON object",
		`"x"`:                    "is not a JSON object",
		`null`:                   "is not a JSON object",
		``:                       "is not JSON: it ends early",
		`{`:                      "is not JSON: it ends early",
		`{"a"`:                   "is not JSON: it ends early",
		`{"a": [1`:               "is not JSON: it ends early",
		`{"a": 1} {}`:            "has something behind its end",
		`{"a": 1}}`:              "has something behind its end",
		`{"a": 1, "\u0061": 1}`:  `has "a" twice`,
		`{"a": NaN}`:             "is not JSON: invalid character 'N' looking for beginning of value",
		`{"a": 01}`:              "is not JSON: invalid character '1' after object key:value pair",
		`{"a" 1}`:                "is not JSON: expected colon after object key",
		`{"a": 1 "b": 2}`:        `is not JSON: invalid character '"' after object key:value pair`,
		`{"a": 1,}`:              "is not JSON: invalid character '}'",
		`{,}`:                    "is not JSON: invalid character ','",
		`{1: 2}`:                 "is not JSON",
		`{"a": "x` + "\t" + `"}`: `is not JSON: invalid character '\t' in string literal`,
	} {
		_, err := jsonobject.Read([]byte(text))
		if err == nil || len(err.Error()) < len(want) || err.Error()[:len(want)] != want {
			t.Errorf("%s: got error %v, want %q", text, err, want)
		}
	}
}
