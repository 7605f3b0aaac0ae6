package expression

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"cel.dev/cel-go/common/operators"
)

// article is the type with "a" or "an" before it.
func (t valueType) article() string {
	switch {
	case t.kind == noKind && t.list:
		return "a list without a known type"
	case t.kind == noKind:
		return "something without a known type"
	case t.kind == intKind:
		return "an " + t.word()
	default:
		return "a " + t.word()
	}
}

// conversion says how to get from one type to another.
func conversion(from, to valueType) string {
	names := map[kind]string{
		intKind: "int", doubleKind: "double", stringKind: "string", bytesKind: "bytes", timestampKind: "timestamp",
	}
	if from.kind == durationKind && (to.kind == doubleKind || to.kind == intKind) {
		return map[kind]string{doubleKind: "write seconds(...)", intKind: "write (...).getMilliseconds()"}[to.kind]
	}
	for _, o := range conversions() {
		if o.name != names[to.kind] || from.list || to.list {
			continue
		}
		if slices.ContainsFunc(o.overloads, func(o overload) bool { return fromCEL(o.args[0]) == from }) {
			return fmt.Sprintf("write %s(...)", o.name)
		}
	}
	return "change one of them"
}

// plainSyntax says what the parser found in plain words.
func plainSyntax(message string) string {
	if strings.HasSuffix(message, "invalid int literal") {
		return "this integer is outside INT64; write a double, such as 1e20"
	}
	if detail, is := strings.CutPrefix(message, "Syntax error: "); is {
		detail, _, _ = strings.Cut(detail, " expecting ")
		if token := unexpected.FindStringSubmatch(detail); token != nil {
			detail = token[1] + " is not expected here"
		}
		if strings.HasPrefix(detail, "'<EOF>'") {
			detail = "it ends too early"
		}
		return "this is no expression: " + detail
	}
	if word, is := strings.CutPrefix(message, "reserved identifier: "); is {
		return fmt.Sprintf("%q is a word of the language and no name; call the input something else", word)
	}
	if strings.Contains(message, "recursion") || strings.Contains(message, "count exceeds limit") {
		return "the expression is nested too deeply; make parts of it features of their own"
	}
	return message
}

var (
	unexpected = regexp.MustCompile(`^(?:mismatched|extraneous) input (.*)$`)
	noOverload = regexp.MustCompile(`^found no matching overload for '(.*)' applied to '(?:(.*)\.)?\((.*)\)'$`)
	mismatch   = regexp.MustCompile(`^expected type '(.*)' but found '(.*)'$`)
)

// plainType says what the type checker found in plain words.
func (c *compiler) plainType(message string) string {
	if parts := mismatch.FindStringSubmatch(message); parts != nil {
		return fmt.Sprintf("the elements of a list have one type, and these are %s and %s; convert one of them",
			named(parts[1]).article(), named(parts[2]).article())
	}
	parts := noOverload.FindStringSubmatch(message)
	if parts == nil {
		return message
	}
	var args []valueType
	if parts[2] != "" {
		args = append(args, named(parts[2]))
	}
	for arg := range strings.SplitSeq(parts[3], ", ") {
		if arg != "" {
			args = append(args, named(arg))
		}
	}
	return fmt.Sprintf("%s cannot be applied to %s; %s", symbol(parts[1]), enumerate(args), c.advice(parts[1], args))
}

// named returns the type that CEL's checker calls by a name.
func named(name string) valueType {
	inner, list := strings.CutPrefix(name, "list(")
	inner = strings.TrimSuffix(inner, ")")
	for k, names := range kinds {
		if names.cel.String() == inner || strings.EqualFold(names.word, inner) {
			return valueType{kind: k, list: list}
		}
	}
	return valueType{list: list}
}

// symbol is how a function is written.
func symbol(name string) string {
	switch name {
	case operators.Conditional:
		return "?:"
	case operators.Index:
		return "[]"
	case coalesceFunction:
		return "coalesce"
	}
	if written, is := operators.FindReverse(name); is && written != "" {
		return written
	}
	return name
}

func enumerate(args []valueType) string {
	words := make([]string, len(args))
	for i, arg := range args {
		words[i] = arg.article()
	}
	return joined(words)
}

func joined(words []string) string {
	switch len(words) {
	case 0:
		return "nothing"
	case 1:
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// advice says how a call can be put right.
func (c *compiler) advice(name string, args []valueType) string {
	if name == operators.Conditional {
		return "write a BOOL before ?, and two values of one type after it"
	}
	ints := slices.Contains(args, valueType{kind: intKind})
	if ints && slices.Contains(args, valueType{kind: doubleKind}) {
		return "convert one of them with double(...) or int(...)"
	}
	if ints && c.takes(name, args) {
		return "convert it with double(...)"
	}
	var forms []string
	for _, o := range c.functions[name].overloads {
		if slices.Contains(o.args, anyT) {
			return "convert the values to one type"
		}
		words := make([]string, len(o.args))
		for i, arg := range o.args {
			words[i] = fromCEL(arg).article()
			if arg == listT {
				words[i] = "a list"
			}
		}
		if form := joined(words); !slices.Contains(forms, form) {
			forms = append(forms, form)
		}
	}
	return "it takes " + strings.Join(forms, ", or ")
}

// takes says whether a function would take the operands if those that are ints were doubles.
func (c *compiler) takes(name string, args []valueType) bool {
	return slices.ContainsFunc(c.functions[name].overloads, func(o overload) bool {
		return slices.EqualFunc(o.args, args, func(want *celType, is valueType) bool {
			if is.kind == intKind {
				is.kind = doubleKind
			}
			return fromCEL(want) == is
		})
	})
}
