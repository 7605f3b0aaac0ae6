package expression_test

import (
	"fmt"
	"testing"

	"github.com/plumbstore/plumb/compute/expression"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// ratio is the expression that evaluators were compared with.
func ratio(t testing.TB) *expression.Program {
	t.Helper()
	program, problems := expression.Compile(
		[]expression.Input{{Name: "a", Type: plumbv1.Type_FLOAT64}, {Name: "m", Type: plumbv1.Type_FLOAT64}},
		[]expression.Output{{Name: "r", Type: plumbv1.Type_FLOAT64, Expression: "a > 0.0 && m > 0.0 ? a / m : 0.0"}})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return program
}

func BenchmarkRatio(b *testing.B) {
	program := ratio(b)
	for _, rows := range []int{1, 100, 1024, 65536} {
		b.Run(fmt.Sprint(rows, " rows"), func(b *testing.B) {
			a, m := make([]float64, rows), make([]float64, rows)
			for i := range a {
				a[i], m[i] = float64(i*i%7)-2, float64(i*i%5)-1
			}
			for b.Loop() {
				e := program.Begin(rows)
				copy(e.Input(0).Floats, a)
				copy(e.Input(1).Floats, m)
				e.Run()
				e.Release()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows), "ns/row")
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	for b.Loop() {
		if _, problems := expression.Compile(inputs, several()); len(problems) > 0 {
			b.Fatal(problems)
		}
	}
}
