package expression

import (
	"fmt"
	"testing"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

const float64Type = plumbv1.Type_FLOAT64

func compiled(t *testing.T, expressions ...string) *Program {
	t.Helper()
	var outputs []Output
	for i, text := range expressions {
		outputs = append(outputs, Output{Name: fmt.Sprint("out", i), Type: float64Type, Expression: text})
	}
	program, problems := Compile([]Input{{"x", float64Type}, {"y", float64Type}}, outputs)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return program
}

func TestCompile_ComputesWhatIsTheSameOnce(t *testing.T) {
	for _, c := range []struct {
		expressions []string
		calls       int
	}{
		{[]string{"x / y + x / y"}, 2}, {[]string{"x / y", "1.0 + (x / y)", "out0 * 2.0"}, 3},
		{[]string{"x / y", "y / x"}, 2},
		{[]string{"1.0 + 2.0 * 3.0"}, 0}, {[]string{"x + (1.0 + 2.0)"}, 1}, {[]string{"double(x)"}, 0},
		{[]string{"x > y ? 1.0 : 2.0", "y < x ? 1.0 : 2.0"}, 4},
	} {
		if e := newEvaluation(compiled(t, c.expressions...)); len(e.calls) != c.calls {
			t.Errorf("%v are %d operations, not %d", c.expressions, len(e.calls), c.calls)
		}
	}
}

// The values between operations stay in the cache only if they have few vectors.
func TestEvaluation_UsesVectorsAgain(t *testing.T) {
	text := "x"
	for i := range 40 {
		text = fmt.Sprintf("(%s + y) * %d.0", text, i+2)
	}
	e := newEvaluation(compiled(t, text))
	different := map[*vector]bool{}
	for i := range e.calls {
		different[e.calls[i].out] = true
	}
	if len(e.calls) != 80 || len(different) != 2 {
		t.Errorf("%d operations have %d vectors", len(e.calls), len(different))
	}
}
