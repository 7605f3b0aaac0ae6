package storetest

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// Expression is an expression of an on-demand view as the reference has it: a tree that is evaluated row by row, by R25
// and R26 alone. String is its text in a definition.
//
// Within an expression there are fewer types than in a definition. Values of INT32 are those of INT64, and values of
// FLOAT32 those of FLOAT64, also in arrays.
type Expression struct {
	// kind is the type of the value.
	kind plumbv1.Type
	// name is that of an input, of a feature or of the time of the request; empty if this is none of them.
	name string
	// text has %s in the place of each operand.
	text     string
	operands []*Expression
	// apply computes the value from those of the operands. All of them have been evaluated, also those that do not count.
	apply func(operands []Outcome) Outcome
}

// Outcome is what an expression gives for a row: a value, nil for null, or none (R26).
type Outcome struct {
	Value   any
	Invalid bool
}

// invalid is the outcome of what has no value.
var invalid = Outcome{Invalid: true}

// span is a duration in microseconds, of the kind aDuration. There are none outside of expressions.
type span int64

const aDuration plumbv1.Type = 100

// requestTime is what expressions call the instant of the row.
const requestTime = "request_time"

func (e *Expression) String() string {
	if e.name != "" {
		return e.name
	}
	texts := make([]any, len(e.operands))
	for i, operand := range e.operands {
		texts[i] = operand
	}
	return fmt.Sprintf(e.text, texts...)
}

// Evaluate returns what the expression gives where each name stands for what named says.
func (e *Expression) Evaluate(named func(name string) Outcome) Outcome {
	if e.name != "" {
		return named(e.name)
	}
	outcomes := make([]Outcome, len(e.operands))
	for i, operand := range e.operands {
		outcomes[i] = operand.Evaluate(named)
	}
	return e.apply(outcomes)
}

// names adds the names that the expression has anywhere.
func (e *Expression) names(to map[string]bool) {
	if e.name != "" {
		to[e.name] = true
	}
	for _, operand := range e.operands {
		operand.names(to)
	}
}

// Status is the status of an outcome (R26).
func (o Outcome) Status() plumbv1.Status {
	switch {
	case o.Invalid:
		return plumbv1.Status_INVALID
	case o.Value == nil:
		return plumbv1.Status_NULL
	}
	return plumbv1.Status_PRESENT
}

// kindOf is the type that values of a declared type have in expressions.
func kindOf(declared plumbv1.Type) plumbv1.Type {
	switch declared {
	case plumbv1.Type_INT32:
		return plumbv1.Type_INT64
	case plumbv1.Type_FLOAT32:
		return plumbv1.Type_FLOAT64
	case plumbv1.Type_INT32_ARRAY:
		return plumbv1.Type_INT64_ARRAY
	case plumbv1.Type_FLOAT32_ARRAY:
		return plumbv1.Type_FLOAT64_ARRAY
	}
	return declared
}

// widen is a value of any declared type as expressions see it.
func widen(v any) any {
	switch v := v.(type) {
	case int32:
		return int64(v)
	case float32:
		return float64(v)
	case []any:
		return mapped(v, widen)
	}
	return v
}

func mapped(values []any, f func(any) any) []any {
	results := make([]any, len(values))
	for i, v := range values {
		results[i] = f(v)
	}
	return results
}

// bring gives a feature's outcome its declared type. INT32 has no value for what it cannot hold, FLOAT32 rounds, and
// there is one NaN.
func bring(declared plumbv1.Type, o Outcome) Outcome {
	if o.Invalid || o.Value == nil {
		return o
	}
	if element, ok := value.ElementType(declared); ok {
		elements := make([]any, len(o.Value.([]any)))
		for i, v := range o.Value.([]any) {
			brought := bring(element, Outcome{Value: v})
			if brought.Invalid {
				return invalid
			}
			elements[i] = brought.Value
		}
		return Outcome{Value: elements}
	}
	switch declared {
	case plumbv1.Type_INT32:
		v := o.Value.(int64)
		if v < math.MinInt32 || v > math.MaxInt32 {
			return invalid
		}
		return Outcome{Value: int32(v)}
	case plumbv1.Type_FLOAT32:
		return Outcome{Value: Canonical(float32(o.Value.(float64)))}
	}
	return Outcome{Value: Canonical(o.Value)}
}

// strict makes of a function of values one of outcomes: INVALID if an operand is, else null if one is.
func strict(f func(v []any) Outcome) func([]Outcome) Outcome {
	return func(operands []Outcome) Outcome {
		values := make([]any, len(operands))
		null := false
		for i, operand := range operands {
			if operand.Invalid {
				return invalid
			}
			values[i] = operand.Value
			null = null || operand.Value == nil
		}
		if null {
			return Outcome{}
		}
		return f(values)
	}
}

// always is strict for a function that has a value for all operands.
func always(f func(v []any) any) func([]Outcome) Outcome {
	return strict(func(v []any) Outcome { return Outcome{Value: f(v)} })
}

// both is &&, and with decisive true it is ||: an operand that decides alone goes before INVALID, and that before null.
func both(decisive bool) func([]Outcome) Outcome {
	return func(operands []Outcome) Outcome {
		a, b := operands[0], operands[1]
		switch {
		case a.Value == decisive || b.Value == decisive:
			return Outcome{Value: decisive}
		case a.Invalid || b.Invalid:
			return invalid
		case a.Value == nil || b.Value == nil:
			return Outcome{}
		}
		return Outcome{Value: !decisive}
	}
}

// choose is ?:.
func choose(operands []Outcome) Outcome {
	switch condition := operands[0]; {
	case condition.Invalid, condition.Value == nil:
		return condition
	case condition.Value.(bool):
		return operands[1]
	}
	return operands[2]
}

func coalesce(operands []Outcome) Outcome {
	for _, operand := range operands {
		if operand.Invalid || operand.Value != nil {
			return operand
		}
	}
	return Outcome{}
}

// isNull is == null, and with wanted false it is != null.
func isNull(wanted bool) func([]Outcome) Outcome {
	return func(operands []Outcome) Outcome {
		if operands[0].Invalid {
			return invalid
		}
		return Outcome{Value: (operands[0].Value == nil) == wanted}
	}
}

// list is a list literal, which may have elements that are null.
func list(operands []Outcome) Outcome {
	elements := make([]any, len(operands))
	for i, operand := range operands {
		if operand.Invalid {
			return invalid
		}
		elements[i] = operand.Value
	}
	return Outcome{Value: elements}
}

// index is list[i].
func index(v []any) Outcome {
	elements, at := v[0].([]any), v[1].(int64)
	if at < 0 || at >= int64(len(elements)) {
		return invalid
	}
	return Outcome{Value: elements[at]}
}

// equal compares values of one type. It is null where that depends on an element that is null.
func equal(a, b any) Outcome {
	switch a := a.(type) {
	case []byte:
		return Outcome{Value: bytes.Equal(a, b.([]byte))}
	case []any:
		return equalLists(a, b.([]any))
	}
	return Outcome{Value: a == b}
}

func equalLists(a, b []any) Outcome {
	if len(a) != len(b) {
		return Outcome{Value: false}
	}
	unknown := false
	for i := range a {
		if a[i] == nil || b[i] == nil {
			unknown = true
		} else if equal(a[i], b[i]).Value == false {
			return Outcome{Value: false}
		}
	}
	if unknown {
		return Outcome{}
	}
	return Outcome{Value: true}
}

// equality is ==, and with wanted false it is !=.
func equality(wanted bool) func([]Outcome) Outcome {
	return strict(func(v []any) Outcome {
		same := equal(v[0], v[1])
		if same.Value == nil {
			return same
		}
		return Outcome{Value: same.Value == wanted}
	})
}

// within is: value in list.
func within(v []any) Outcome {
	unknown := false
	for _, element := range v[1].([]any) {
		if element == nil {
			unknown = true
		} else if equal(v[0], element).Value == true {
			return Outcome{Value: true}
		}
	}
	if unknown {
		return Outcome{}
	}
	return Outcome{Value: false}
}

// comparison makes <, <=, > or >=, given by what they say of a lower and of a greater first operand. NaN is none.
func comparison(lower, same, greater bool) func([]Outcome) Outcome {
	return always(func(v []any) any {
		if a, ok := v[0].(float64); ok {
			b := v[1].(float64)
			return lower && a < b || same && a == b || greater && a > b
		}
		order := compareScalars(v[0], v[1])
		return lower && order < 0 || same && order == 0 || greater && order > 0
	})
}

func compareScalars(a, b any) int {
	if length, ok := a.(span); ok {
		return cmp.Compare(length, b.(span))
	}
	return compareValues(a, b)
}

// literalOf is the text of a value that is not null.
func literalOf(v any) string {
	switch v := v.(type) {
	case string:
		return strconv.Quote(v)
	case []byte:
		return "b" + strconv.Quote(string(v))
	case feature.Instant:
		return fmt.Sprintf("timestamp(%q)", v.Time().UTC().Format(time.RFC3339Nano))
	case float64:
		return doubleLiteral(v)
	case span:
		return fmt.Sprintf(`duration("%dus")`, v)
	}
	return fmt.Sprint(v)
}

// doubleLiteral is a quotient for what has no literal.
func doubleLiteral(v float64) string {
	switch {
	case math.IsNaN(v):
		return "(0.0 / 0.0)"
	case math.IsInf(v, 1):
		return "(1.0 / 0.0)"
	case math.IsInf(v, -1):
		return "(-1.0 / 0.0)"
	}
	text := strconv.FormatFloat(v, 'g', -1, 64)
	if !strings.ContainsAny(text, ".e") {
		text += ".0"
	}
	return text
}
