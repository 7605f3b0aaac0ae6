package expression

import (
	"cel.dev/cel-go/common/types"
)

// function is an operator or a function: its name as CEL has it, and its overloads. A name that begins with @ cannot be
// written; macros make calls of it.
type function struct {
	name      string
	overloads []overload
}

// overload is a function for operands of some types.
type overload struct {
	args   []*types.Type
	result *types.Type
	// member says that the first operand is written before the name: text.contains(part).
	member bool
	lax    bool
	kernel kernel
	// choose returns the kernel where it depends on the operands. Its error is a sentence for users.
	choose func(s site) (kernel, error)
	// same says that the result is the operand.
	same bool
	// mustHold says that a constant result without a value is a mistake, and what to do about it.
	mustHold string
}

// site is what is known of the operands of a call when it is compiled.
type site struct {
	types []valueType
	// constants have one row each. They are nil for operands that are not constant.
	constants []*vector
}

var (
	boolT      = types.BoolType
	intT       = types.IntType
	doubleT    = types.DoubleType
	stringT    = types.StringType
	bytesT     = types.BytesType
	timestampT = types.TimestampType
	durationT  = types.DurationType
	// anyT stands for one type in all places of an overload.
	anyT     = types.NewTypeParamType("T")
	listT    = types.NewListType(anyT)
	intsT    = types.NewListType(types.IntType)
	doublesT = types.NewListType(types.DoubleType)
)

// celType is a type as CEL has it.
type celType = types.Type

// on makes an overload of a global function or operator.
func on(k kernel, result *types.Type, args ...*types.Type) overload {
	return overload{kernel: k, result: result, args: args}
}

// chosen makes an overload whose kernel depends on the operands.
func chosen(choose func(s site) (kernel, error), result *types.Type, args ...*types.Type) overload {
	return overload{choose: choose, result: result, args: args}
}

// same makes an overload whose result is its operand.
func same(t *types.Type) overload { return overload{same: true, result: t, args: []*types.Type{t}} }

// asMember makes an overload one that is called on its first operand.
func (o overload) asMember() overload {
	o.member = true
	return o
}

// seesStates makes an overload one whose kernel decides the states of its result.
func (o overload) seesStates() overload {
	o.lax = true
	return o
}

// id names an overload to CEL.
func (o overload) id(name string) string {
	id := name
	if o.member {
		id += " of"
	}
	for _, arg := range o.args {
		id += " " + arg.String()
	}
	return id
}

// functions are all that expressions may call.
func functions() []function {
	var all []function
	for _, some := range [][]function{
		arithmetic(), comparisons(), logic(), conversions(), numeric(), textual(), temporal(), listing(),
	} {
		all = append(all, some...)
	}
	return all
}
