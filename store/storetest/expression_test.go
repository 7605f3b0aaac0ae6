package storetest

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/plumbstore/plumb/compute/expression"
	"github.com/plumbstore/plumb/feature"
)

// Random worlds draw these operators too, but each of them rarely, and then mostly of values that decide nothing. Here
// every one is at the root of many expressions.
func TestR25_OperatorsThatAreRarelyDrawnHaveTheValuesOfTheReference(t *testing.T) {
	known := names{aTime: {requestTime}}
	var inputs []expression.Input
	for i, kind := range scalarKinds {
		name := string(rune('a' + i))
		inputs = append(inputs, expression.Input{Name: name, Type: kind})
		known.add(name, kind)
	}
	for _, o := range slices.Concat(elementaryOperators(), zonedOperators(), hashOperators()) {
		t.Run(o.text, rapid.MakeCheck(func(t *rapid.T) {
			e := &Expression{kind: o.kind, text: o.text, apply: o.apply}
			for _, operand := range o.operands {
				e.operands = append(e.operands, drawExpression(t, known, operand, rapid.IntRange(0, 2).Draw(t, "depth")))
			}
			row := map[string]Outcome{}
			for _, input := range inputs {
				row[input.Name] = Outcome{Value: widen(DrawNullable(t, input.Type, 6))}
			}
			row[requestTime] = Outcome{Value: DrawValue(t, aTime)}
			want := bring(o.kind, e.Evaluate(func(name string) Outcome { return row[name] }))
			got := computed(t, e, inputs, row)
			if got.Status() != want.Status() || !SameValue(got.Value, want.Value) {
				t.Fatalf("%s of %v is %s %s, want %s %s", e, row, got.Status(), Show(got.Value), want.Status(),
					Show(want.Value))
			}
		}))
	}
}

// computed is what the product makes of an expression.
func computed(t *rapid.T, e *Expression, inputs []expression.Input, row map[string]Outcome) Outcome {
	program, problems := expression.Compile(inputs, []expression.Output{{Name: "out", Type: e.kind,
		Expression: e.String()}})
	if len(problems) > 0 {
		t.Fatalf("%s: %v", e, problems)
	}
	evaluation := program.Begin(1)
	defer evaluation.Release()
	for i, input := range inputs {
		if column := evaluation.Input(i); column != nil {
			setValue(column, row[input.Name].Value)
		}
	}
	if times := evaluation.Times(); len(times) > 0 {
		times[0] = int64(row[requestTime].Value.(feature.Instant))
	}
	evaluation.Run()
	return taken(evaluation.Output(0))
}

// setValue gives a column of one row its value.
func setValue(column *expression.Column, v any) {
	switch v := v.(type) {
	case nil:
		column.States[0] = expression.Null
	case bool:
		column.Bools[0] = v
	case int64:
		column.Ints[0] = v
	case feature.Instant:
		column.Ints[0] = int64(v)
	case float64:
		column.Floats[0] = v
	case string:
		column.Texts[0] = v
	case []byte:
		column.Texts[0] = string(v)
	}
}

// taken is the outcome in a column of one row.
func taken(column *expression.Column) Outcome {
	switch column.States[0] {
	case expression.Invalid:
		return invalid
	case expression.Null:
		return Outcome{}
	}
	switch column.Type {
	case aBool:
		return Outcome{Value: column.Bools[0]}
	case anInt:
		return Outcome{Value: column.Ints[0]}
	case aTime:
		return Outcome{Value: feature.Instant(column.Ints[0])}
	case aDouble:
		return Outcome{Value: column.Floats[0]}
	case aText:
		return Outcome{Value: column.Texts[0]}
	}
	return Outcome{Value: []byte(column.Texts[0])}
}
