package expression

import (
	"cel.dev/cel-go/common/ast"
)

// Read is a name that an expression reads, such as amount or spend.mean_30d, and where. Line and Column are as in a
// Problem.
type Read struct {
	Name         string
	Line, Column int
}

// Reads returns the names that an expression reads, each as often as it does, in no particular order. It returns none
// if the text cannot be parsed, which Compile reports.
func Reads(text string) []Read {
	known, err := theLanguage()
	if err != nil || len(text) > maxBytes {
		return nil
	}
	parsed, issues := known.env.Parse(text)
	if issues.Err() != nil {
		return nil
	}
	r := reads{source: parsed.NativeRep().SourceInfo()}
	r.add(parsed.NativeRep().Expr())
	return r.found
}

type reads struct {
	source *ast.SourceInfo
	found  []Read
}

func (r *reads) add(e ast.Expr) {
	switch e.Kind() {
	case ast.IdentKind, ast.SelectKind:
		if name, root, ok := dotted(e); ok {
			at := r.source.GetStartLocation(root.ID())
			r.found = append(r.found, Read{name, at.Line(), at.Column() + 1})
		} else {
			r.add(e.AsSelect().Operand())
		}
	case ast.ListKind:
		for _, element := range e.AsList().Elements() {
			r.add(element)
		}
	case ast.CallKind:
		if call := e.AsCall(); call.IsMemberFunction() {
			r.add(call.Target())
		}
		for _, arg := range e.AsCall().Args() {
			r.add(arg)
		}
	}
}
