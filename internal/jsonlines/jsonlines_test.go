package jsonlines_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/jsonlines"
)

func TestMembersAreTextLetterForLetter(t *testing.T) {
	const text = "\ufeff" + `{"k": "a b", "n": 12345678901234567890, "f": 1.10, "e": 1E5, "b": true, "z": null}` +
		"\r\n\n" +
		`{"list": [1, 2.50, null], "k": "\ud83d\ude00\ufffd", "": ""}`
	names, err := jsonlines.Names(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"k", "n", "f", "e", "b", "z", "list", ""}, names); diff != "" {
		t.Error(diff)
	}
	reader := jsonlines.NewReader(strings.NewReader(text))
	for _, want := range [][]jsonlines.Member{
		{{Name: "k", Text: "a b"}, {Name: "n", Text: "12345678901234567890"}, {Name: "f", Text: "1.10"},
			{Name: "e", Text: "1E5"}, {Name: "b", Text: "true"}, {Name: "z", Null: true}},
		{{Name: "list", Text: "[1, 2.50, null]"}, {Name: "k", Text: "😀\ufffd"}, {}},
	} {
		got, err := reader.Read()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	if _, err := reader.Read(); !errors.Is(err, io.EOF) {
		t.Errorf("got error %v at the end, want io.EOF", err)
	}
}

func TestLinesThatAreNoObjectsAreNamed(t *testing.T) {
	for line, want := range map[string]string{
		`[1]`:                    "line 2 is not a JSON object",
		`"x"`:                    "line 2 is not a JSON object",
		`{"a": 1} {"a": 2}`:      "line 2 has something after its object",
		`{"a": 1, "a": 2}`:       `line 2 has "a" twice`,
		`{"a": `:                 "line 2 is not JSON: it ends early",
		`{"a"`:                   "line 2 is not JSON",
		`{"a": NaN}`:             "line 2 is not JSON",
		`{"a": 01}`:              "line 2 is not JSON",
		`{"a": 1,}`:              "line 2 is not JSON",
		`{"a": "\ud800"}`:        "line 2 has half of a surrogate pair",
		"{\"a\": \"\xff\"}":      "line 2 is not UTF-8",
		`{1: 2}`:                 "line 2 is not JSON",
		`{"a": "x` + "\t" + `"}`: "line 2 is not JSON",
	} {
		_, err := jsonlines.Names(strings.NewReader("{}\n" + line))
		var input *fault.InputError
		if !errors.As(err, &input) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: got error %v, want %q", line, err, want)
		}
	}
}
