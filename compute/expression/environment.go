package expression

import (
	"fmt"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/parser"
)

// timeName is what expressions call the time of the request.
const timeName = "request_time"

// language is what expressions may call, for CEL and for us.
type language struct {
	env       *cel.Env
	functions map[string]function
	// overloads are by the name that CEL knows each by.
	overloads map[string]overload
}

// theLanguage declares our functions to CEL, and none of CEL's own: so nothing is accepted that no kernel computes.
var theLanguage = sync.OnceValues(func() (*language, error) {
	l := &language{functions: map[string]function{}, overloads: map[string]overload{}}
	options := []cel.EnvOption{cel.Macros(macros()...), cel.HomogeneousAggregateLiterals()}
	for _, f := range functions() {
		l.functions[f.name] = f
		var overloads []cel.FunctionOpt
		for _, o := range f.overloads {
			id := o.id(f.name)
			l.overloads[id] = o
			if o.member {
				overloads = append(overloads, cel.MemberOverload(id, o.args, o.result))
			} else {
				overloads = append(overloads, cel.Overload(id, o.args, o.result))
			}
		}
		options = append(options, cel.Function(f.name, overloads...))
	}
	env, err := cel.NewCustomEnv(options...)
	if err != nil {
		return nil, fmt.Errorf("declare the functions of expressions: %w", err)
	}
	l.env = env
	return l, nil
})

// comprehensions are the macros of CEL that have no place in an expression whose cost is known.
var comprehensions = []string{"all", "exists", "exists_one", "existsOne", "map", "filter"}

func macros() []cel.Macro {
	all := []cel.Macro{
		parser.NewGlobalMacro(operators.Equals, 2, expandNull(false)),
		parser.NewGlobalMacro(operators.NotEquals, 2, expandNull(true)),
		parser.NewGlobalMacro(operators.Has, 1, expandHas),
		parser.NewGlobalVarArgMacro("coalesce", expandPairs("coalesce", coalesceFunction)),
		parser.NewGlobalVarArgMacro("least", expandPairs("least", "least")),
		parser.NewGlobalVarArgMacro("greatest", expandPairs("greatest", "greatest")),
	}
	for _, name := range comprehensions {
		all = append(all, parser.NewReceiverVarArgMacro(name, refuse(
			name+" goes through a list with an expression, which is not possible here; "+
				"use in, size, sum, mean, dot or an index")))
	}
	return all
}

func refuse(message string) parser.MacroExpander {
	return func(helper parser.ExprHelper, target ast.Expr, _ []ast.Expr) (ast.Expr, *common.Error) {
		return nil, helper.NewError(target.ID(), message)
	}
}

// expandNull turns a comparison with the literal null into a function that sees nulls. CEL's checker would not let null
// be compared with a number.
func expandNull(negated bool) parser.MacroExpander {
	return func(helper parser.ExprHelper, _ ast.Expr, args []ast.Expr) (ast.Expr, *common.Error) {
		operand := args[0]
		switch {
		case isNullLiteral(args[1]):
		case isNullLiteral(args[0]):
			operand = args[1]
		default:
			return nil, nil
		}
		result := helper.NewCall(nullFunction, operand)
		if negated {
			result = helper.NewCall(operators.LogicalNot, result)
		}
		return result, nil
	}
}

func isNullLiteral(e ast.Expr) bool {
	return e.Kind() == ast.LiteralKind && e.AsLiteral() == types.NullValue
}

func expandHas(helper parser.ExprHelper, _ ast.Expr, args []ast.Expr) (ast.Expr, *common.Error) {
	if args[0].Kind() != ast.SelectKind && args[0].Kind() != ast.IdentKind {
		return nil, helper.NewError(args[0].ID(),
			"has takes the name of an input or a feature; compare anything else with null, as in x != null")
	}
	return helper.NewCall(operators.LogicalNot, helper.NewCall(nullFunction, args[0])), nil
}

// expandPairs turns a call with any number of operands into calls with two.
func expandPairs(name, function string) parser.MacroExpander {
	return func(helper parser.ExprHelper, _ ast.Expr, args []ast.Expr) (ast.Expr, *common.Error) {
		if len(args) < 2 {
			return nil, common.NewError(0, name+" takes two values or more", nil)
		}
		if len(args) == 2 && function == name {
			return nil, nil
		}
		result := args[0]
		for _, arg := range args[1:] {
			result = helper.NewCall(function, result, arg)
		}
		return result, nil
	}
}
