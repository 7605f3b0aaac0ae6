package expression

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
)

// maxBytes is how long an expression may be.
const maxBytes = 10_000

// Compile checks the expressions of outputs, and compiles them to one program. If any expression has
// a problem, it returns no program, and the problems of all expressions, ordered by output.
//
// An expression may read the inputs, request_time, and the other outputs by their names.
func Compile(inputs []Input, outputs []Output) (*Program, []Problem) {
	return compile(inputs, outputs, "use "+timeName)
}

// CompileEvents is Compile for expressions over one event. Its time is the column of that name, which messages advise
// to read.
func CompileEvents(eventTime string, inputs []Input, outputs []Output) (*Program, []Problem) {
	return compile(inputs, outputs, "read "+eventTime)
}

func compile(inputs []Input, outputs []Output, insteadOfNow string) (*Program, []Problem) {
	c := &compiler{
		insteadOfNow: insteadOfNow,
		inputs:       slices.Clone(inputs), outputs: slices.Clone(outputs), names: map[string]reference{},
		known: map[string]int{}, checked: make([]*ast.AST, len(outputs)), built: make([]int, len(outputs)),
	}
	if err := c.prepare(); err != nil {
		return nil, []Problem{{Message: err.Error()}}
	}
	for i := range c.outputs {
		c.built[i] = unbuilt
		c.check(i)
	}
	for i := range c.outputs {
		c.build(i)
	}
	if len(c.problems) > 0 {
		slices.SortStableFunc(c.problems, func(a, b Problem) int { return a.Output - b.Output })
		return nil, c.problems
	}
	return newProgram(c.inputs, c.outputs, c.nodes, c.built), nil
}

// compiler turns the expressions of one call of Compile into nodes.
type compiler struct {
	*language
	inputs  []Input
	outputs []Output
	names   map[string]reference
	vars    *cel.Env
	// checked are the expressions that have no problem so far.
	checked []*ast.AST
	// built is the node of each output, or one of the states below.
	built []int
	// path are the outputs that are being built, each of which reads the next.
	path     []int
	nodes    []node
	known    map[string]int
	problems []Problem
	// insteadOfNow advises what to do for the time.
	insteadOfNow string
}

const (
	unbuilt = -1 - iota
	building
	failed
)

// reference is what a name stands for.
type reference struct {
	source source
	// index is a position among the inputs, or among the outputs if the source is a call.
	index int
	typ   valueType
}

// prepare declares the names that the expressions may use.
func (c *compiler) prepare() error {
	known, err := theLanguage()
	if err != nil {
		return err
	}
	c.language = known
	c.names[timeName] = reference{source: fromTime, typ: valueType{kind: timestampKind}}
	for i, input := range c.inputs {
		if typeOf(input.Type).kind == noKind {
			return fmt.Errorf("the input %q has no type", input.Name)
		}
		c.names[input.Name] = reference{fromInput, i, typeOf(input.Type)}
	}
	for i, output := range c.outputs {
		if typeOf(output.Type).kind == noKind {
			continue // check reports it
		}
		if taken, is := c.names[output.Name]; is {
			c.report(i, 0, 0, fmt.Sprintf("the name %q is taken by %s; choose another one", output.Name, takers[taken.source]))
			continue
		}
		c.names[output.Name] = reference{fromCall, i, typeOf(output.Type)}
	}
	var variables []cel.EnvOption
	for name, of := range c.names {
		variables = append(variables, cel.Variable(name, of.typ.cel()))
	}
	c.vars, err = c.env.Extend(variables...)
	if err != nil {
		return fmt.Errorf("declare the inputs of expressions: %w", err)
	}
	return nil
}

var takers = map[source]string{fromInput: "an input", fromTime: "the time of the request", fromCall: "another feature"}

// report adds a problem. CEL's place of a call is its parenthesis; ours is its name.
func (c *compiler) report(output, line, column int, message string) {
	if line > 0 {
		column = beginOfCall(c.outputs[output].Expression, line, column)
	}
	c.problems = append(c.problems, Problem{Output: output, Line: line, Column: column, Message: message})
}

// beginOfCall moves a column from a parenthesis to the beginning of the name before it, if there is one.
func beginOfCall(text string, line, column int) int {
	lines := strings.Split(text, "\n")
	if line > len(lines) {
		return column
	}
	points := []rune(lines[line-1])
	if column > len(points) || points[column-1] != '(' {
		return column
	}
	isName := func(point rune) bool { return point == '_' || unicode.IsLetter(point) || unicode.IsDigit(point) }
	for column > 1 && isName(points[column-2]) {
		column--
	}
	return column
}

// reportAt reports a problem of a part of an expression.
func (c *compiler) reportAt(output int, source *ast.SourceInfo, id int64, message string) {
	at := source.GetStartLocation(id)
	if at.Line() < 1 {
		c.report(output, 0, 0, message)
		return
	}
	c.report(output, at.Line(), at.Column()+1, message)
}

// check parses and checks an expression. It is kept in checked if it has no problem.
func (c *compiler) check(output int) {
	text := c.outputs[output].Expression
	switch {
	case typeOf(c.outputs[output].Type).kind == noKind:
		c.report(output, 0, 0, fmt.Sprintf("the feature %q has no type; declare one", c.outputs[output].Name))
		return
	case strings.TrimSpace(text) == "":
		c.report(output, 0, 0, "the expression is empty; write one, such as amount * 2.0")
		return
	case len(text) > maxBytes:
		c.report(output, 0, 0, fmt.Sprintf("the expression has %d bytes, and at most %d are allowed; "+
			"make parts of it features of their own", len(text), maxBytes))
		return
	}
	parsed, issues := c.vars.Parse(text)
	if issues.Err() != nil {
		first := issues.Errors()[0]
		c.report(output, max(first.Location.Line(), 0), max(first.Location.Column()+1, 0), plainSyntax(first.Message))
		return
	}
	tree := parsed.NativeRep()
	if !c.walk(output, tree) {
		return
	}
	checked, issues := c.vars.Check(parsed)
	if issues.Err() != nil {
		for _, issue := range issues.Errors() {
			c.report(output, max(issue.Location.Line(), 0), max(issue.Location.Column()+1, 0), c.plainType(issue.Message))
		}
		return
	}
	c.checkResult(output, checked.NativeRep())
}

// checkResult compares the type of an expression with the one declared.
func (c *compiler) checkResult(output int, tree *ast.AST) {
	want, is := typeOf(c.outputs[output].Type), fromCEL(tree.GetType(tree.Expr().ID()))
	if is.kind == noKind || want == is {
		c.checked[output] = tree
		return
	}
	wanted := fmt.Sprintf("%q is declared", c.outputs[output].Name)
	if noun := c.outputs[output].Noun; noun != "" {
		wanted = noun + " is"
	}
	c.reportAt(output, tree.SourceInfo(), firstID(tree), fmt.Sprintf("the expression is %s, and %s %s; %s", is.article(),
		wanted, c.outputs[output].Type, conversion(is, want)))
}

// firstID is the part of an expression that its text begins with.
func firstID(tree *ast.AST) int64 {
	id, least := tree.Expr().ID(), int32(1<<31-1)
	for part, at := range tree.SourceInfo().OffsetRanges() {
		if at.Start < least {
			id, least = part, at.Start
		}
	}
	return id
}
