package sqlcheck

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Place is the place of a mistake in a query. Line and column count from 1, columns in characters. A column of 0
// is not known, and nothing is known if the line is 0.
type Place struct {
	Line, Column int
	// text is the line.
	text string
}

// placeOfRune is the place of a character of a query by its number, as DuckDB's parser gives it.
func placeOfRune(query, position string) Place {
	at, err := strconv.Atoi(position)
	letters := []rune(query)
	if err != nil || at < 0 || at > len(letters) {
		return Place{}
	}
	return PlaceOfByte(query, len(string(letters[:at])))
}

// PlaceOfByte is the place of a byte of a query.
func PlaceOfByte(query string, at int) Place {
	start := strings.LastIndexByte(query[:at], '\n') + 1
	text, _, _ := strings.Cut(query[start:], "\n")
	return Place{strings.Count(query[:start], "\n") + 1, utf8.RuneCountInString(query[start:at]) + 1, text}
}

// words says where the place is, and what the query has there.
func (p Place) words() string {
	if p.Line == 0 {
		return ""
	}
	rest := []rune(p.text)[p.Column-1:]
	const shown = 40
	end := ""
	if len(rest) > shown {
		rest, end = rest[:shown], "…"
	}
	if text := strings.TrimSpace(string(rest)); text != "" {
		return fmt.Sprintf(" at its line %d, column %d, where it says %q", p.Line, p.Column, text+end)
	}
	return fmt.Sprintf(" at the end of its line %d, column %d", p.Line, p.Column)
}

// Excerpt is the part of the line around the place, with a caret below it.
func (p Place) Excerpt() string {
	if p.Column == 0 {
		return p.text
	}
	const before, after = 50, 50
	letters := []rune(strings.ReplaceAll(p.text, "\t", " "))
	from, to := max(0, p.Column-1-before), min(len(letters), p.Column-1+after)
	indent := p.Column - 1 - from
	shown := string(letters[from:to])
	if from > 0 {
		shown, indent = "…"+shown, indent+1
	}
	if to < len(letters) {
		shown += "…"
	}
	return shown + "\n" + strings.Repeat(" ", indent) + "^"
}

var markOfError = regexp.MustCompile(`\nLINE (\d+): (.*)\n( *)\^`)

// PlaceOfMark is the place that DuckDB marks in an error. The error shows a part of the line and a caret below, which
// is under the marked place if all characters are equally wide. The query begins in the second line of its statement
// (relation.Set), so lines count one less. If the column is not certain, the line alone is given.
func PlaceOfMark(query, message string) Place {
	found := markOfError.FindStringSubmatch(message)
	lines := strings.Split(query, "\n")
	if found == nil {
		return Place{}
	}
	number, err := strconv.Atoi(found[1])
	if err != nil || number < 2 || number-2 >= len(lines) {
		return Place{}
	}
	at := Place{Line: number - 1, text: lines[number-2]}
	caret := len(found[3]) - len("LINE "+found[1]+": ")
	part, isCut := strings.CutPrefix(found[2], "...")
	if isCut {
		caret -= len("...")
	}
	part = strings.TrimSuffix(part, "...")
	letters := []rune(part)
	start := strings.Index(at.text, part)
	if start < 0 || start != strings.LastIndex(at.text, part) || caret < 0 || caret > len(letters) ||
		strings.ContainsFunc(string(letters[:caret]), func(r rune) bool { return r >= 0x1100 || !unicode.IsPrint(r) }) {
		return at
	}
	at.Column = utf8.RuneCountInString(at.text[:start]) + caret + 1
	return at
}
