// Package printable writes text for people so that nothing in it can do more than be read.
//
// Names, descriptions, values and file names come from others. A terminal obeys control characters in them, a line end
// makes a line that looks like one of the program's own, and direction marks and invisible characters make text look
// like another text. All of these are written as escapes, such as \u001b or \n, in the notation of JSON strings, so
// that the escaped form of a JSON document is the same document.
package printable

import (
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Is says whether a character can be seen and does nothing else. Besides control and format characters and separators
// other than the space, this excludes what is a letter or a mark by its class but is drawn as nothing.
func Is(r rune) bool {
	if r < utf8.RuneSelf {
		return ' ' <= r && r <= '~'
	}
	return unicode.IsPrint(r) && !unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// Text is a text as a part of one line: line ends and tabs are escaped too.
func Text(text string) string { return escaped(text, "") }

// Lines is text of several lines that are the program's own. Line ends and tabs stay.
func Lines(text string) string { return escaped(text, "\n\t") }

// escaped replaces all that is not printable, except for what is kept.
func escaped(text, kept string) string {
	stays := func(r rune) bool { return r != utf8.RuneError && (Is(r) || strings.ContainsRune(kept, r)) }
	if strings.IndexFunc(text, func(r rune) bool { return !stays(r) }) < 0 {
		return text
	}
	var safe strings.Builder
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		switch {
		case r == utf8.RuneError && size == 1:
			safe.WriteString(`\x`)
			writeHex(&safe, rune(text[0]), 2)
		case size > 1 && r == utf8.RuneError, stays(r):
			safe.WriteString(text[:size])
		default:
			writeEscape(&safe, r)
		}
		text = text[size:]
	}
	return safe.String()
}

// short are the escapes that JSON has a letter for.
var short = map[rune]string{'\n': `\n`, '\r': `\r`, '\t': `\t`, '\b': `\b`, '\f': `\f`}

func writeEscape(to *strings.Builder, r rune) {
	if letter, ok := short[r]; ok {
		to.WriteString(letter)
		return
	}
	high, low := utf16.EncodeRune(r)
	if high == unicode.ReplacementChar { // It takes a single unit.
		high, low = r, 0
	}
	to.WriteString(`\u`)
	writeHex(to, high, 4)
	if low != 0 {
		to.WriteString(`\u`)
		writeHex(to, low, 4)
	}
}

func writeHex(to *strings.Builder, n rune, digits int) {
	for shift := 4 * (digits - 1); shift >= 0; shift -= 4 {
		to.WriteByte("0123456789abcdef"[n>>shift&0xf])
	}
}
