package document

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestJSONThatParsersReadInDifferentWaysIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":[1,"\ud83d\ude00","\\ud800",{"b":null}],"b":1}`: "",
		` 1 `: "", `"\u0041\n\\"`: "", `[]`: "",
		`"\ud800"`: `\ud800`, `{"\udc00":1}`: `\udc00`, `["\ud83dx"]`: `\ud83d`, `["\ud83d\u0041"]`: `\ud83d`,
		`["\ud83d\ud83d\ude00"]`: `\ud83d`, `{"a":{"k\ude00\ud83d":1}}`: `\ude00`,
		`"\\\ud800"`: `\ud800`, `"\uD83D"`: `\ud83d`,
		`{"a":1,"a":2}`: `"a" twice`, `[{"x":{"b":1,"c":2,"b":3}}]`: `"b" twice`, `{"a":1,"\u0061":2}`: `"a" twice`,
		"\"\xff\"": "UTF-8", `{} {}`: "behind its end", `1 2`: "behind its end", `{"a":1`: "ends early", ``: "ends early",
		`[1,]`: "is not JSON", `NaN`: "is not JSON", `01`: "behind its end",
		`+1`: "is not JSON", `{a:1}`: "is not JSON", "[1\x00]": "is not JSON",
		strings.Repeat("[", 65) + strings.Repeat("]", 65):           "in each other",
		strings.Repeat("[", 64) + strings.Repeat("]", 64):           "",
		strings.Repeat("[", 1e6):                                    "in each other",
		strings.Repeat(`{"a":`, 65) + `1` + strings.Repeat("}", 65): "in each other",
	} {
		err := CheckJSON([]byte(text))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v, want %q", text, err, want)
		}
	}
}

// Text that is looked at quickly is refused if the tokens say so, and only then. FuzzJSON compares both on more.
func TestJSONIsCheckedQuicklyAndByItsTokensAlike(t *testing.T) {
	pieces := rapid.SampledFrom([]string{"{", "}", "[", "]", ",", ":", " ", "\n", `"a"`, `"b"`, `"\u0061"`, `"\""`, `""`,
		"1", `{"a":`, `,"a":1`, `,"c":[{"a":1},"a"]`, `"a":"b"`, `"é"`, `\`, `"`, "null", `{"a":1,"b":{"a":2}}`})
	rapid.Check(t, func(t *rapid.T) {
		sameChecks(t, []byte(strings.Join(rapid.SliceOfN(pieces, 0, 12).Draw(t, "pieces"), "")))
	})
	var many []string
	for i := range 2 * plainNames {
		many = append(many, fmt.Sprintf(`"n%d": %d`, i, i))
		sameChecks(t, []byte("{"+strings.Join(many, ",")+"}"))
		sameChecks(t, []byte("{"+strings.Join(append(many, many[0]), ",")+"}"))
		sameChecks(t, []byte(strings.Repeat(`{"a":[`, i)+strings.Repeat("]}", i)))
	}
}

func sameChecks(t rapid.TB, text []byte) {
	if !utf8.Valid(text) {
		return
	}
	if got, want := CheckJSON(text), explain(text); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%q: %v, want %v", text, got, want)
	}
}

// FuzzJSON checks text that passes against encoding/json: the text is valid JSON, and no string in it is altered.
func FuzzJSON(f *testing.F) {
	for _, text := range []string{
		`{"a":[1,"\ud83d\ude00"]}`, `"\ud800"`, `"\\ud800"`, `{"a":1,"a":2}`, `[[[]]]`, `1e700`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		sameChecks(t, text)
		if CheckJSON(text) != nil {
			return
		}
		var value any
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.UseNumber() // Which numbers fit is up to the caller.
		if err := decoder.Decode(&value); err != nil {
			t.Fatalf("%q passes: %v", text, err)
		}
		if again, err := json.Marshal(value); err != nil || strings.ContainsRune(string(again), utf8.RuneError) &&
			!strings.ContainsRune(string(text), utf8.RuneError) && !strings.Contains(strings.ToLower(string(text)), `\ufffd`) {
			t.Errorf("%q is read as %q: %v", text, again, err)
		}
	})
}
