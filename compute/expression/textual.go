package expression

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// lower and upper map each code point by itself, which does not depend on a language or on what stands beside it.
func lower(text string) string { return strings.Map(unicode.ToLower, text) }
func upper(text string) string { return strings.Map(unicode.ToUpper, text) }

func codePoints(text string) int64 { return int64(utf8.RuneCountInString(text)) }
func byteCount(bytes string) int64 { return int64(len(bytes)) }

// matches makes the kernel of a constant pattern. Go's regular expressions are RE2: their time is linear in the text.
func matches(s site) (kernel, error) {
	if s.constants[1] == nil {
		return nil, errors.New("the pattern of matches has to be a literal text")
	}
	pattern, err := regexp.Compile(s.constants[1].texts[0])
	if err != nil {
		return nil, fmt.Errorf("the pattern of matches is no regular expression of RE2: %w",
			errors.New(strings.TrimPrefix(err.Error(), "error parsing regexp: ")))
	}
	return func(c *call, rows int) {
		for i, text := range c.args[0].texts[:rows] {
			if c.out.at(i) == Present {
				c.out.bools[i] = pattern.MatchString(text)
			}
		}
	}, nil
}

// maxText is how many bytes a text may have that is made of others. Without a limit a short expression could fill any
// memory, since each of its operations may multiply the length.
const maxText = 1 << 20

func concatenate(c *call, rows int) {
	a, b := c.args[0].texts, c.args[1].texts
	for i := range rows {
		switch {
		case c.out.at(i) != Present:
		case len(a[i])+len(b[i]) > maxText:
			c.invalid(i, rows)
		default:
			c.out.texts[i] = a[i] + b[i]
		}
	}
}

func replace(c *call, rows int) {
	texts, old, by := c.args[0].texts, c.args[1].texts, c.args[2].texts
	for i := range rows {
		switch {
		case c.out.at(i) != Present:
		case len(texts[i])+strings.Count(texts[i], old[i])*(len(by[i])-len(old[i])) > maxText:
			c.invalid(i, rows)
		default:
			c.out.texts[i] = strings.ReplaceAll(texts[i], old[i], by[i])
		}
	}
}

// substring takes code points from one place up to another, counted from 0.
func substring(c *call, rows int) {
	texts, from, to := c.args[0].texts, c.args[1].ints, c.args[2].ints
	for i := range rows {
		if c.out.at(i) != Present {
			continue
		}
		part, ok := cut(texts[i], from[i], to[i])
		if !ok {
			c.invalid(i, rows)
			continue
		}
		c.out.texts[i] = part
	}
}

func cut(text string, from, to int64) (string, bool) {
	if from < 0 || from > to || to > int64(len(text)) {
		return "", false
	}
	begin, ok := skip(text, from)
	if !ok {
		return "", false
	}
	end, ok := skip(text[begin:], to-from)
	if !ok {
		return "", false
	}
	return text[begin : begin+end], true
}

// skip returns how many bytes the first code points of a text are, and false if it has not that many.
func skip(text string, count int64) (int, bool) {
	at := 0
	for ; count > 0; count-- {
		if at == len(text) {
			return 0, false
		}
		_, size := utf8.DecodeRuneInString(text[at:])
		at += size
	}
	return at, true
}

// ofText makes a function of a text.
func ofText(name string, f func(string) string) function {
	return function{name: name, overloads: []overload{on(mapOne(textsOf, textsOf, f), stringT, stringT)}}
}

// asksText makes a member function that says whether a text has another one somewhere.
func asksText(name string, f func(text, part string) bool) function {
	return function{name: name, overloads: []overload{
		on(mapTwoPresent(textsOf, textsOf, boolsOf, f), boolT, stringT, stringT).asMember(),
	}}
}

func textual() []function {
	return []function{
		asksText("contains", strings.Contains),
		asksText("startsWith", strings.HasPrefix),
		asksText("endsWith", strings.HasSuffix),
		{name: "matches", overloads: []overload{
			chosen(matches, boolT, stringT, stringT), chosen(matches, boolT, stringT, stringT).asMember(),
		}},
		ofText("lower", lower), ofText("upper", upper), ofText("trim", strings.TrimSpace),
		{name: "replace", overloads: []overload{on(replace, stringT, stringT, stringT, stringT)}},
		{name: "substring", overloads: []overload{on(substring, stringT, stringT, intT, intT)}},
	}
}
