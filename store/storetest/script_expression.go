package storetest

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// addComputed reads: risk (amount FLOAT64) over weather as w(airport=origin), and in its table: ratio FLOAT64 = w.temp.
func (c *Case) addComputed(text string, table [][]string) error {
	fields := words(text)
	if len(fields) < 2 {
		return fmt.Errorf("%q is not of the form name (inputs) over views", text)
	}
	view := &plumbv1.OnDemandView{Name: fields[0]}
	kinds := map[string]plumbv1.Type{requestTime: plumbv1.Type_TIMESTAMP}
	inputs, err := declarations(strings.Trim(fields[1], "()"))
	if err != nil {
		return err
	}
	for _, input := range inputs {
		view.Request = append(view.Request, &plumbv1.RequestInput{Name: input.Name, Type: input.Type})
		kinds[input.Name] = kindOf(input.Type)
	}
	_, over, _ := strings.Cut(text, ") over ")
	for _, reference := range references(over) {
		read, err := c.view(reference.View)
		if err != nil {
			return err
		}
		input := &plumbv1.ViewInput{View: reference.View, As: reference.As, JoinKeys: reference.JoinKeys}
		view.Views = append(view.Views, input)
		for _, f := range read.Features {
			kinds[aliasOf(reference)+"."+f.Name] = kindOf(f.Type)
		}
	}
	return c.addFeatures(view, kinds, table)
}

func (c *Case) addFeatures(view *plumbv1.OnDemandView, kinds map[string]plumbv1.Type, table [][]string) error {
	var expressions []*Expression
	var texts []string
	for _, row := range table {
		head, text, ok := strings.Cut(strings.Join(row, " "), " = ")
		declared, err := declarations(head)
		if err != nil || !ok || len(declared) != 1 {
			return fmt.Errorf("%q is not of the form name TYPE = expression", row)
		}
		e, err := parseExpression(text, kinds)
		if err != nil {
			return fmt.Errorf("%s: %w", text, err)
		}
		f := &plumbv1.ComputedFeature{Name: declared[0].Name, Type: declared[0].Type}
		view.Features, expressions, texts = append(view.Features, f), append(expressions, e), append(texts, text)
		kinds[f.Name] = kindOf(f.Type)
	}
	c.World.addOnDemand(view, expressions)
	for i, f := range view.Features {
		f.Expression = texts[i]
	}
	return nil
}

// expressionParser reads the text of expressions of case files: those that the reference knows the operators of.
type expressionParser struct {
	tokens []string
	at     int
	kinds  map[string]plumbv1.Type
}

var aToken = regexp.MustCompile(`b?"(?:[^"\\]|\\.)*"|\d+(?:\.\d+)?(?:e[+-]?\d+)?|[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*|` +
	`&&|\|\||[=!<>]=|\S`)

// parseExpression reads an expression whose names have those kinds.
func parseExpression(text string, kinds map[string]plumbv1.Type) (*Expression, error) {
	p := &expressionParser{tokens: aToken.FindAllString(text, -1), kinds: kinds}
	e, err := p.conditional()
	if err == nil && p.at < len(p.tokens) {
		err = fmt.Errorf("%q is too much", p.tokens[p.at:])
	}
	return e, err
}

func (p *expressionParser) peek() string {
	if p.at < len(p.tokens) {
		return p.tokens[p.at]
	}
	return ""
}

// take takes the next token if it is this one.
func (p *expressionParser) take(token string) bool {
	if p.peek() != token {
		return false
	}
	p.at++
	return true
}

func (p *expressionParser) conditional() (*Expression, error) {
	condition, err := p.binary(0)
	if err != nil || !p.take("?") {
		return condition, err
	}
	yes, err := p.conditional()
	if err != nil {
		return nil, err
	}
	if !p.take(":") {
		return nil, fmt.Errorf("%q comes where a colon is missing", p.peek())
	}
	no, err := p.conditional()
	if err != nil {
		return nil, err
	}
	return apply("(%s ? %s : %s)", condition, yes, no)
}

// precedences are the binary operators, those that bind least first.
var precedences = [][]string{
	{"||"}, {"&&"}, {"<", "<=", ">", ">=", "==", "!=", "in"}, {"+", "-"}, {"*", "/", "%"},
}

func (p *expressionParser) binary(level int) (*Expression, error) {
	if level == len(precedences) {
		return p.unary()
	}
	left, err := p.binary(level + 1)
	for err == nil && slices.Contains(precedences[level], p.peek()) {
		sign := strings.ReplaceAll(p.peek(), "%", "%%")
		if p.at++; p.take("null") {
			left, err = apply("(%s "+sign+" null)", left)
			continue
		}
		var right *Expression
		if right, err = p.binary(level + 1); err == nil {
			left, err = apply("(%s "+sign+" %s)", left, right)
		}
	}
	return left, err
}

func (p *expressionParser) unary() (*Expression, error) {
	switch {
	case p.take("!"):
		operand, err := p.unary()
		return applyIf(err, "!(%s)", operand)
	case p.take("-"):
		if next := p.peek(); next != "" && next[0] >= '0' && next[0] <= '9' {
			p.tokens[p.at] = "-" + next
			return p.postfix()
		}
		operand, err := p.unary()
		return applyIf(err, "(-(%s))", operand)
	}
	return p.postfix()
}

func (p *expressionParser) postfix() (*Expression, error) {
	e, err := p.primary()
	for err == nil {
		switch {
		case p.take("["):
			var at []*Expression
			if at, err = p.until("]"); err == nil {
				e, err = apply("%s[%s]", append([]*Expression{e}, at...)...)
			}
		case p.take("."):
			name := p.peek()
			p.at++
			e, err = p.member(e, name)
		default:
			return e, nil
		}
	}
	return nil, err
}

// member reads the operands of a function of a value.
func (p *expressionParser) member(of *Expression, name string) (*Expression, error) {
	if !p.take("(") {
		return nil, fmt.Errorf("%q is no function of a value", name)
	}
	operands, err := p.until(")")
	places := strings.TrimSuffix(strings.Repeat("%s, ", len(operands)), ", ")
	return applyIf(err, "%s."+name+"("+places+")", append([]*Expression{of}, operands...)...)
}

// until reads expressions with commas between them, and the token that ends them.
func (p *expressionParser) until(end string) ([]*Expression, error) {
	var all []*Expression
	for !p.take(end) {
		if len(all) > 0 && !p.take(",") {
			return nil, fmt.Errorf("%q comes where %q is missing", p.peek(), end)
		}
		e, err := p.conditional()
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, nil
}

func (p *expressionParser) primary() (*Expression, error) {
	token := p.peek()
	p.at++
	switch {
	case token == "(":
		inner, err := p.until(")")
		if err != nil || len(inner) != 1 {
			return nil, fmt.Errorf("the parentheses hold %d expressions: %w", len(inner), err)
		}
		return inner[0], nil
	case token == "[":
		elements, err := p.until("]")
		if err != nil || len(elements) == 0 {
			return nil, fmt.Errorf("a list of %d elements: %w", len(elements), err)
		}
		return &Expression{kind: value.ArrayType(elements[0].kind), operands: elements, apply: list}, nil
	case p.kinds[token] != 0 && p.peek() != "(":
		return &Expression{kind: p.kinds[token], name: token}, nil
	case p.take("("):
		return p.call(token)
	}
	return literalToken(token)
}

// call reads the operands of a function, or of a function of a value with a name.
func (p *expressionParser) call(name string) (*Expression, error) {
	if dot := strings.LastIndex(name, "."); dot > 0 {
		p.at--
		return p.member(&Expression{kind: p.kinds[name[:dot]], name: name[:dot]}, name[dot+1:])
	}
	if text := strings.Trim(p.peek(), `"`); text != p.peek() && (name == "timestamp" || name == "duration") {
		p.at += 2
		return timeExpression(name, text)
	}
	operands, err := p.until(")")
	switch {
	case err != nil:
		return nil, err
	case name == "has":
		return apply("(%s != null)", operands...)
	case name == "coalesce":
		return &Expression{kind: operands[0].kind, operands: operands, apply: coalesce}, nil
	}
	return apply(name+"("+strings.TrimSuffix(strings.Repeat("%s, ", len(operands)), ", ")+")", operands...)
}

// timeExpression is timestamp or duration of a text.
func timeExpression(name, text string) (*Expression, error) {
	if name == "duration" {
		duration, err := time.ParseDuration(text)
		return literalExpression(aDuration, span(duration.Microseconds())), err
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	return literalExpression(aTime, feature.InstantOf(t)), err
}

// literalToken reads a number, a text, bytes, true or false.
func literalToken(token string) (*Expression, error) {
	if token == "true" || token == "false" {
		return literalExpression(plumbv1.Type_BOOL, token == "true"), nil
	}
	if text, err := strconv.Unquote(strings.TrimPrefix(token, "b")); err == nil {
		if token[0] == 'b' {
			return literalExpression(plumbv1.Type_BYTES, []byte(text)), nil
		}
		return literalExpression(plumbv1.Type_STRING, text), nil
	}
	if v, err := strconv.ParseInt(token, 10, 64); err == nil {
		return literalExpression(plumbv1.Type_INT64, v), nil
	}
	v, err := strconv.ParseFloat(token, 64)
	return literalExpression(plumbv1.Type_FLOAT64, v), err
}

func applyIf(err error, text string, operands ...*Expression) (*Expression, error) {
	if err != nil {
		return nil, err
	}
	return apply(text, operands...)
}

// apply finds the operator of a text for operands of those kinds.
func apply(text string, operands ...*Expression) (*Expression, error) {
	var kinds []plumbv1.Type
	for _, operand := range operands {
		kinds = append(kinds, operand.kind)
	}
	at := slices.IndexFunc(operators, func(o operator) bool { return o.text == text && slices.Equal(o.operands, kinds) })
	if at < 0 {
		return nil, fmt.Errorf("the reference has no %s of %s", text, kinds)
	}
	return &Expression{kind: operators[at].kind, text: text, operands: operands, apply: operators[at].apply}, nil
}
