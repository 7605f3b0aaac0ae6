package expression

import (
	"strings"

	"cel.dev/cel-go/common/types"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// Input is a value that expressions may read: "amount", or "spend.mean_30d" for a feature of a view by its alias.
type Input struct {
	Name string
	Type plumbv1.Type
}

// Output is a feature: its declared type and its expression.
type Output struct {
	Name       string
	Type       plumbv1.Type
	Expression string
	// Noun is what messages call an output whose type is not declared, such as a filter. It may be empty.
	Noun string
}

// Problem is a mistake in the expression of one output. Line and Column are of the expression's text, from 1, in code
// points; both are 0 if the problem is not at one place. Message is one plain sentence that says what to do.
type Problem struct {
	Output       int
	Line, Column int
	Message      string
}

// class says in which slice of a vector the values of a type are.
type class uint8

const (
	boolClass class = iota
	intClass
	floatClass
	textClass
	listClass
)

// kind is the type of a single value within an expression.
type kind uint8

const (
	noKind kind = iota
	boolKind
	intKind
	doubleKind
	stringKind
	bytesKind
	timestampKind
	durationKind
)

// valueType is the type of an expression: a kind, or a list of values of that kind.
type valueType struct {
	kind kind
	list bool
}

func (t valueType) class() class {
	if t.list {
		return listClass
	}
	switch t.kind {
	case boolKind:
		return boolClass
	case doubleKind:
		return floatClass
	case stringKind, bytesKind:
		return textClass
	default:
		return intClass
	}
}

// element is the type of a list's elements.
func (t valueType) element() valueType { return valueType{kind: t.kind} }

// kinds says of each kind what CEL calls it and what a definition calls it.
var kinds = map[kind]struct {
	cel  *types.Type
	word string
}{
	boolKind:      {types.BoolType, "BOOL"},
	intKind:       {types.IntType, "INT64"},
	doubleKind:    {types.DoubleType, "FLOAT64"},
	stringKind:    {types.StringType, "STRING"},
	bytesKind:     {types.BytesType, "BYTES"},
	timestampKind: {types.TimestampType, "TIMESTAMP"},
	durationKind:  {types.DurationType, "duration"},
}

// word is what a definition calls the type.
func (t valueType) word() string {
	if t.list {
		return kinds[t.kind].word + "_ARRAY"
	}
	return kinds[t.kind].word
}

// cel is what CEL calls the type.
func (t valueType) cel() *types.Type {
	if t.list {
		return types.NewListType(kinds[t.kind].cel)
	}
	return kinds[t.kind].cel
}

// declaredTypes are the types that values of declared types have in expressions.
var declaredTypes = [...]valueType{
	plumbv1.Type_BOOL: {kind: boolKind}, plumbv1.Type_BOOL_ARRAY: {boolKind, true},
	plumbv1.Type_INT32: {kind: intKind}, plumbv1.Type_INT32_ARRAY: {intKind, true},
	plumbv1.Type_INT64: {kind: intKind}, plumbv1.Type_INT64_ARRAY: {intKind, true},
	plumbv1.Type_FLOAT32: {kind: doubleKind}, plumbv1.Type_FLOAT32_ARRAY: {doubleKind, true},
	plumbv1.Type_FLOAT64: {kind: doubleKind}, plumbv1.Type_FLOAT64_ARRAY: {doubleKind, true},
	plumbv1.Type_STRING: {kind: stringKind}, plumbv1.Type_STRING_ARRAY: {stringKind, true},
	plumbv1.Type_BYTES: {kind: bytesKind}, plumbv1.Type_BYTES_ARRAY: {bytesKind, true},
	plumbv1.Type_TIMESTAMP: {kind: timestampKind}, plumbv1.Type_TIMESTAMP_ARRAY: {timestampKind, true},
}

// typeOf returns the type that values of a declared type have in expressions. It has no kind if the declared type is
// unknown.
func typeOf(declared plumbv1.Type) valueType {
	if declared < 0 || int(declared) >= len(declaredTypes) {
		return valueType{}
	}
	return declaredTypes[declared]
}

// elementOf returns the declared type of the elements of a declared array.
func elementOf(declared plumbv1.Type) plumbv1.Type {
	return plumbv1.Type(plumbv1.Type_value[strings.TrimSuffix(declared.String(), "_ARRAY")])
}

// fromCEL returns the type that CEL's checker gave an expression. It has no kind if it is one that no value has here,
// such as a list of lists.
func fromCEL(t *types.Type) valueType {
	list := t.Kind() == types.ListKind
	if list {
		t = t.Parameters()[0]
	}
	for k, names := range kinds {
		if names.cel.Kind() == t.Kind() {
			return valueType{kind: k, list: list}
		}
	}
	return valueType{}
}
