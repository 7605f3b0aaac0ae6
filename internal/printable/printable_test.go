package printable_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/plumbstore/plumb/internal/printable"
)

func TestWhatATerminalObeysOrHidesIsWrittenAsEscapes(t *testing.T) {
	for given, want := range map[string]string{
		"plain é 漢字 € 😀":           "plain é 漢字 € 😀",
		"\x1b[31mred\x07":          `\u001b[31mred\u0007`,
		"\x1b]0;title\x07\r\n\t\b": `\u001b]0;title\u0007\r\n\t\b`,
		"\u009b31m\u0085\x7f":      `\u009b31m\u0085\u007f`,
		"a\u202eb\u2066c\u2069":    `a\u202eb\u2066c\u2069`,
		"\u200e\u200f\u061c\u200b": `\u200e\u200f\u061c\u200b`,
		"\u2028\u2029\ufeff\u00ad": `\u2028\u2029\ufeff\u00ad`,
		"\u3164\u115f\u034f\ufe0f": `\u3164\u115f\u034f\ufe0f`,
		"tag \U000e0041":           `tag \udb40\udc41`,
		"\xff\xc3":                 `\xff\xc3`,
		"\ufffd":                   "\ufffd",
		"\u00a0":                   `\u00a0`,
	} {
		if got := printable.Text(given); got != want {
			t.Errorf("%q is written as %s, want %s", given, got, want)
		}
	}
}

// Every character there is: what is written is printable, and as a part of a JSON string it is the same character.
func TestEveryCharacterIsPrintableOnceWrittenAndStaysTheSameInJSON(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		written := printable.Text(string(r))
		for _, each := range written {
			if each != unicode.ReplacementChar && !printable.Is(each) {
				t.Fatalf("%U is written as %q", r, written)
			}
		}
		if r == '"' || r == '\\' {
			continue
		}
		var back string
		if err := json.Unmarshal([]byte(`"`+written+`"`), &back); err != nil || back != string(r) {
			t.Fatalf("%U is written as %s, which JSON reads as %q: %v", r, written, back, err)
		}
	}
}

func TestAWriterEscapesArgumentsAndKeepsItsOwnLineEnds(t *testing.T) {
	var text strings.Builder
	w := printable.To(&text)
	hostile := "x\nlevel=ERROR\u202e\x1b"
	if err := w.Printf("a %s b %v c %q d %d e %-4s|\n", hostile, errors.New(hostile), hostile, 7, "é"); err != nil {
		t.Fatal(err)
	}
	if err := w.Table([][]string{{"NAME", "B"}, {hostile, "a\tb"}}); err != nil {
		t.Fatal(err)
	}
	if err := w.Lines("one\n\ttwo\r\n"); err != nil {
		t.Fatal(err)
	}
	const once = `x\nlevel=ERROR\u202e\u001b`
	want := "a " + once + " b " + once + " c \"x\\nlevel=ERROR\\u202e\\x1b\" d 7 e é   |\n" +
		"NAME" + strings.Repeat(" ", len(once)-2) + "B\n" + once + "  a\\tb\n" + "one\n\ttwo\\r\n"
	if got := text.String(); got != want {
		t.Errorf("got\n%q, want\n%q", got, want)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("full") }

func TestAWriterKeepsItsFirstFailure(t *testing.T) {
	w := printable.To(full{})
	first := w.Printf("a")
	if first == nil || !errors.Is(w.Table(nil), first) || !errors.Is(w.Err(), first) {
		t.Errorf("the failures are %v, %v", first, w.Err())
	}
}

func TestAStreamEscapesAllButLineEndsAndTabs(t *testing.T) {
	var text strings.Builder
	n, err := printable.Stream(&text).Write([]byte("a\tb\nc\x1b\r\u202e"))
	if n != len("a\tb\nc\x1b\r\u202e") || err != nil || text.String() != "a\tb\nc\\u001b\\r\\u202e" {
		t.Errorf("wrote %d bytes as %q: %v", n, text.String(), err)
	}
}
