package expression_test

import (
	"math"
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/plumbstore/plumb/compute/expression"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// drawList draws a list that may have null elements, a null or no value.
func drawList(t *rapid.T, typ plumbv1.Type) any {
	switch rapid.IntRange(0, 9).Draw(t, "gap") {
	case 0:
		return nil
	case 1:
		return invalid
	}
	list := []any{}
	for range rapid.IntRange(0, 4).Draw(t, "length") {
		if rapid.IntRange(0, 9).Draw(t, "null") == 0 {
			list = append(list, nil)
		} else {
			list = append(list, drawValue(t, typ))
		}
	}
	return list
}

// gap returns the worst of some values that is null or Invalid, and whether there is one.
func gap(values ...any) (any, bool) {
	if slices.Contains(values, any(invalid)) {
		return invalid, true
	}
	return nil, slices.Contains(values, nil)
}

// addUp adds exactly, and rounds once. A list without a null element is given.
func addUp(values []any) float64 {
	sum, special := new(big.Float).SetPrec(2500), 0.0
	zero := math.Copysign(0, -1)
	for _, value := range values {
		x := value.(float64)
		if math.IsNaN(x) || math.IsInf(x, 0) {
			special += x
			continue
		}
		zero += math.Copysign(0, x)
		if x != 0 {
			zero = 0
			sum.Add(sum, new(big.Float).SetFloat64(x))
		}
	}
	if special != 0 {
		return special
	}
	if total, _ := sum.Float64(); total != 0 {
		return total
	}
	if len(values) == 0 {
		return 0
	}
	return zero
}

// listCases are expressions of xs, ys, x and i, and what a row gives. Gaps of the operands are handled by the test.
var listCases = []struct {
	text     string
	typ      plumbv1.Type
	operands []string
	want     func(of row) any
}{
	{"sum(xs)", float, []string{"xs"}, func(of row) any {
		xs := of["xs"].([]any)
		if slices.Contains(xs, nil) {
			return nil
		}
		return addUp(xs)
	}},
	{"dot(xs, ys)", float, []string{"xs", "ys"}, func(of row) any {
		xs, ys := of["xs"].([]any), of["ys"].([]any)
		if slices.Contains(xs, nil) || slices.Contains(ys, nil) {
			return nil
		}
		if len(xs) != len(ys) {
			return invalid
		}
		var products []any
		for k := range xs {
			products = append(products, xs[k].(float64)*ys[k].(float64))
		}
		return addUp(products)
	}},
	{"xs[i]", float, []string{"xs", "i"}, func(of row) any {
		xs, i := of["xs"].([]any), of["i"].(int64)
		if i < 0 || i >= int64(len(xs)) {
			return invalid
		}
		return xs[i]
	}},
	{"x in xs", boolean, []string{"x", "xs"}, func(of row) any {
		xs := of["xs"].([]any)
		if slices.Contains(xs, of["x"]) {
			return true
		}
		if slices.Contains(xs, nil) {
			return nil
		}
		return false
	}},
	{"size(xs) + size(ys)", integer, []string{"xs", "ys"}, func(of row) any {
		return int64(len(of["xs"].([]any)) + len(of["ys"].([]any)))
	}},
	{"xs != ys", boolean, []string{"xs", "ys"}, func(of row) any {
		xs, ys := of["xs"].([]any), of["ys"].([]any)
		if len(xs) != len(ys) {
			return true
		}
		var result any = false
		for k := range xs {
			switch {
			case xs[k] == nil || ys[k] == nil:
				result = nil
			case xs[k] != ys[k]:
				return true
			}
		}
		return result
	}},
}

func TestR25_R26_RandomListsAgreeWithAReference(t *testing.T) {
	var outputs []expression.Output
	for k, c := range listCases {
		outputs = append(outputs, expression.Output{Name: "out" + string(rune('a'+k)), Type: c.typ, Expression: c.text})
	}
	outputs = append(outputs, expression.Output{
		Name: "list", Type: plumbv1.Type_FLOAT64_ARRAY, Expression: "coalesce(p ? xs : ys, [x, 1.0])"})
	program := compile(t, outputs...)
	rapid.Check(t, func(t *rapid.T) {
		var rows []row
		for range 20 {
			values := drawRow(t, true)
			values["xs"], values["ys"] = drawList(t, float), drawList(t, float)
			if _, is := values["i"].(int64); is {
				values["i"] = rapid.Int64Range(-1, 4).Draw(t, "index")
			}
			rows = append(rows, values)
		}
		for k, got := range run(program, len(outputs), rows) {
			for at, want := range expectedOfLists(rows[k]) {
				if !same(got[at], want) {
					t.Fatalf("%s of %v is %v, not %v", outputs[at].Expression, rows[k], got[at], want)
				}
			}
		}
	})
}

func expectedOfLists(of row) []any {
	var all []any
	for _, c := range listCases {
		var operands []any
		for _, name := range c.operands {
			if _, isList := of[name].([]any); !isList {
				operands = append(operands, of[name])
			}
		}
		if result, is := gap(operands...); is {
			all = append(all, result)
		} else {
			all = append(all, canonical(c.want(of)))
		}
	}
	return append(all, chosenList(of))
}

// chosenList is coalesce(p ? xs : ys, [x, 1.0]).
func chosenList(of row) any {
	chosen := of["p"]
	switch of["p"] {
	case true:
		chosen = of["xs"]
	case false:
		chosen = of["ys"]
	}
	if chosen == nil {
		chosen = []any{of["x"], 1.0}
		if of["x"] == any(invalid) {
			chosen = invalid
		}
	}
	list, is := chosen.([]any)
	if !is {
		return chosen
	}
	var result = []any{}
	for _, element := range list {
		result = append(result, canonical(element))
	}
	return result
}
