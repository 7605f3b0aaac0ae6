package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"unicode/utf8"
)

// maxDepth bounds how deep lists and objects lie in each other. Nothing that Plumb reads needs more than a few. The
// check is recursive, so without a bound the text would decide how much stack it takes.
const maxDepth = 64

// CheckJSON refuses what parsers of JSON read in different ways or alter in silence: a name that is twice in an object,
// text that is not UTF-8, an escape of half a surrogate pair, which a decoder makes another character of, and
// something behind the end. text is one value; the error goes on after what it is in, as in "has …".
//
// For example, {"price": 1, "price": 2} is 2 for most parsers and 1 for some, so a proxy that checks a request may see
// another price than the one that is stored. A text of the escape \ud800 alone becomes U+FFFD in Go, and so does every
// other half: two keys would become one (R9).
func CheckJSON(text []byte) error {
	if !utf8.Valid(text) {
		return errors.New("is not UTF-8, which JSON is")
	}
	if json.Valid(text) && isPlain(text) {
		return checkSurrogates(text)
	}
	return explain(text)
}

// plainNames is how many names an object may have to be plain.
const plainNames = 32

// isPlain says whether valid JSON has no object with a name twice and is not too deep. It says so of nearly all
// requests, in a fraction of the time that explain takes. It does not look at objects with many names, or with escapes
// in them, and says that they are not plain.
func isPlain(text []byte) bool {
	var names [][]byte       // Of all objects that are open, the outermost first.
	var begins [maxDepth]int // Where those of each list or object begin.
	depth := 0
	for at := 0; at < len(text); at++ {
		switch text[at] {
		case '{', '[':
			if depth == maxDepth {
				return false
			}
			begins[depth] = len(names)
			depth++
		case '}', ']':
			depth--
			names = names[:begins[depth]]
		case '"':
			size, escaped := textSize(text[at:])
			name := text[at : at+size]
			at += size - 1
			if !isName(text[at+1:]) {
				continue
			}
			others := names[begins[depth-1]:]
			if escaped || len(others) == plainNames || contains(others, name) {
				return false
			}
			names = append(names, name)
		}
	}
	return true
}

// textSize is the size of the text that valid JSON begins with, and whether it has escapes.
func textSize(text []byte) (size int, escaped bool) {
	for size = 1; text[size] != '"'; size++ {
		if text[size] == '\\' {
			escaped = true
			size++
		}
	}
	return size + 1, escaped
}

// isName says whether the text before the rest of valid JSON is the name of a member.
func isName(rest []byte) bool {
	rest = bytes.TrimLeft(rest, " \t\r\n")
	return len(rest) > 0 && rest[0] == ':'
}

func contains(names [][]byte, name []byte) bool {
	return slices.ContainsFunc(names, func(other []byte) bool { return bytes.Equal(other, name) })
}

// explain is CheckJSON for text of any kind. It reads token by token.
func explain(text []byte) error {
	c := &jsonChecker{decoder: json.NewDecoder(bytes.NewReader(text))}
	c.decoder.UseNumber()
	if err := c.value(0); err != nil {
		return err
	}
	if _, err := c.decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("has something behind its end")
	}
	if !json.Valid(text) {
		return errors.New("is not JSON") // The decoder of tokens may let more pass.
	}
	return checkSurrogates(text)
}

type jsonChecker struct{ decoder *json.Decoder }

func (c *jsonChecker) next() (json.Token, error) {
	token, err := c.decoder.Token()
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return nil, errors.New("is not JSON: it ends early")
	case err != nil:
		return nil, fmt.Errorf("is not JSON: %w", err)
	}
	return token, nil
}

func (c *jsonChecker) value(depth int) error {
	token, err := c.next()
	if err != nil {
		return err
	}
	if token != json.Delim('{') && token != json.Delim('[') {
		return nil
	}
	if depth == maxDepth {
		return fmt.Errorf("has more than %d lists and objects in each other", maxDepth)
	}
	var names map[string]bool
	for c.decoder.More() {
		if token == json.Delim('{') {
			name, err := c.next()
			if err != nil {
				return err
			}
			text := name.(string) // Names of members are strings.
			if names[text] {
				return fmt.Errorf("has %q twice", text)
			}
			if names == nil {
				names = map[string]bool{}
			}
			names[text] = true
		}
		if err := c.value(depth + 1); err != nil {
			return err
		}
	}
	_, err = c.next()
	return err
}

// checkSurrogates looks at the escapes of JSON text, which are in strings alone.
func checkSurrogates(text []byte) error {
	for {
		at := bytes.IndexByte(text, '\\')
		if at < 0 {
			return nil
		}
		unit, size := escape(text[at:])
		text = text[at+size:]
		if unit < 0xd800 || unit > 0xdfff {
			continue
		}
		low, size := escape(text)
		if unit > 0xdbff || low < 0xdc00 || low > 0xdfff {
			return fmt.Errorf("has the escape \\u%04x, which is half a character; write the character itself", unit)
		}
		text = text[size:]
	}
}

// escape returns the UTF-16 unit of an escape that a text begins with, and its size. The unit is 0 if the escape is not
// of the form \u0000.
func escape(text []byte) (unit uint64, size int) {
	if len(text) < 2 || text[0] != '\\' {
		return 0, 0
	}
	if text[1] != 'u' || len(text) < 6 {
		return 0, 2
	}
	unit, _ = strconv.ParseUint(string(text[2:6]), 16, 16) // It is valid JSON.
	return unit, 6
}
