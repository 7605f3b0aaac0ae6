package expression

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"

	"github.com/plumbstore/plumb/internal/fault"
)

// walk reports what an expression has that does not exist here: unknown names and functions, and the parts of CEL that
// are left out. CEL's checker could not say what was meant. It returns false if it reported anything.
func (c *compiler) walk(output int, tree *ast.AST) bool {
	before := len(c.problems)
	at := func(e ast.Expr, message string) { c.reportAt(output, tree.SourceInfo(), e.ID(), message) }
	c.walkPart(tree.Expr(), at)
	return len(c.problems) == before
}

func (c *compiler) walkPart(e ast.Expr, report func(ast.Expr, string)) {
	switch e.Kind() {
	case ast.IdentKind, ast.SelectKind:
		c.walkName(e, report)
	case ast.LiteralKind:
		if message := refusedLiteral(e.AsLiteral().Type().TypeName()); message != "" {
			report(e, message)
		}
	case ast.ListKind:
		for _, element := range e.AsList().Elements() {
			c.walkPart(element, report)
		}
	case ast.CallKind:
		c.walkCall(e, report)
	case ast.MapKind:
		report(e, "there are no maps in expressions; use ?: to choose between values")
	default:
		report(e, "there are no messages in expressions; use inputs and features")
	}
}

func refusedLiteral(name string) string {
	switch name {
	case types.NullType.TypeName():
		return "null can only be compared, as in x == null; use coalesce to replace it"
	case types.UintType.TypeName():
		return "there are no unsigned integers; leave out the u"
	default:
		return ""
	}
}

// walkName checks a name, or the dotted name of a feature of a view.
func (c *compiler) walkName(e ast.Expr, report func(ast.Expr, string)) {
	name, root, ok := dotted(e)
	if !ok {
		report(e, fmt.Sprintf("a value has no part %q; a dot stands between a view's alias and a feature",
			e.AsSelect().FieldName()))
		return
	}
	if _, exists := c.names[strings.TrimPrefix(name, ".")]; exists {
		return
	}
	report(root, UnknownInput(name, slices.Sorted(maps.Keys(c.names))))
}

// UnknownInput is the message of a Problem with a name that is none of those that there are.
func UnknownInput(name string, names []string) string {
	message := fmt.Sprintf("unknown input %q", name)
	if closest := fault.Closest(name, names); closest != "" {
		return message + fmt.Sprintf("; did you mean %q?", closest)
	}
	return message + "; name one of the request, or a feature as alias.feature"
}

// dotted returns the name that a chain of selections spells, and the part that it begins with.
func dotted(e ast.Expr) (string, ast.Expr, bool) {
	if e.Kind() == ast.IdentKind {
		return e.AsIdent(), e, true
	}
	if e.Kind() != ast.SelectKind {
		return "", nil, false
	}
	prefix, root, ok := dotted(e.AsSelect().Operand())
	return prefix + "." + e.AsSelect().FieldName(), root, ok
}

func (c *compiler) walkCall(e ast.Expr, report func(ast.Expr, string)) {
	call := e.AsCall()
	c.walkFunction(e, report)
	if call.IsMemberFunction() {
		c.walkPart(call.Target(), report)
	}
	for _, arg := range call.Args() {
		c.walkPart(arg, report)
	}
}

// replacements says what to write for functions that exist elsewhere.
var replacements = map[string]string{
	"random": "random() does not exist, because an expression must give the same value whenever it is computed; pass " +
		"the number as an input",
	"dyn":  "dyn() does not exist, because every value has one type; convert with int(...), double(...) or string(...)",
	"type": "type() does not exist, because the types of inputs are declared",
	"uint": "there are no unsigned integers; use int(...)",
	"has":  "has takes one name, as in has(spend.mean_30d)",
	"sin":  "sin does not exist; use sind, which takes degrees, or haversine for the distance between two points",
	"cos":  "cos does not exist; use cosd, which takes degrees, or haversine for the distance between two points",
}

func (c *compiler) walkFunction(e ast.Expr, report func(ast.Expr, string)) {
	call := e.AsCall()
	name := call.FunctionName()
	f, exists := c.functions[name]
	switch {
	case !exists && name == "now":
		report(e, "now() does not exist, because an expression must give the same value whenever it is computed; "+
			c.insteadOfNow)
	case !exists && replacements[name] != "":
		report(e, replacements[name])
	case !exists:
		message := fmt.Sprintf("unknown function %q", name)
		if closest := fault.Closest(name, c.functionNames()); closest != "" {
			message += fmt.Sprintf("; did you mean %q?", closest)
		}
		report(e, message)
	case call.IsMemberFunction() && !f.has(true):
		report(e, fmt.Sprintf("%s is no function of a value; write %s(x)", name, name))
	case !call.IsMemberFunction() && !f.has(false):
		report(e, fmt.Sprintf("%s is a function of a value; write x.%s(...)", name, name))
	}
}

func (f function) has(member bool) bool {
	return slices.ContainsFunc(f.overloads, func(o overload) bool { return o.member == member })
}

// functionNames are the names of functions that can be written.
func (c *compiler) functionNames() []string {
	names := []string{"coalesce", "has"}
	for name := range c.functions {
		if !strings.ContainsAny(name, "_@!") || strings.HasPrefix(name, "is_") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
