package expression_test

import (
	"fmt"
	"testing"

	"github.com/plumbstore/plumb/compute/expression"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// BenchmarkExpressions shows what the kinds of operations cost for a row.
func BenchmarkExpressions(b *testing.B) {
	for _, c := range []struct {
		text string
		typ  plumbv1.Type
	}{
		{"x", float}, {"x + y", float}, {"x > 0.0 && y > 0.0 ? x / y : 0.0", float}, {"i * j + i / j", integer},
		{"coalesce(x, y)", float}, {"x == null", boolean}, {"exp(x)", float}, {"log(x)", float}, {"pow(x, y)", float},
		{"haversine(x, y, y, x)", float}, {"s == z", boolean}, {"s in ['a', 'b', 'c', 'd']", boolean},
		{"lower(s)", text}, {"s.matches('^a.*b$')", boolean}, {"hash64(s)", integer}, {"t.getHours()", integer},
		{"t.getHours('Europe/Berlin')", integer}, {"sum(xs)", float}, {"cosine(xs, xs)", float}, {"round(x)", float},
	} {
		b.Run(c.text, func(b *testing.B) {
			program := compile(b, expression.Output{Name: "out", Type: c.typ, Expression: c.text})
			const count = 1024
			rows := make([]row, count)
			list := []any{1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5}
			for k := range rows {
				rows[k] = row{"x": float64(k%17) - 3, "y": float64(k%7) - 1, "i": k, "j": k%13 + 1, "s": fmt.Sprint("a", k%5),
					"z": "a3", "t": k * 3_600_000_123, "xs": list}
				if k%10 == 0 {
					rows[k]["x"] = nil
				}
			}
			e := program.Begin(count)
			defer e.Release()
			for _, i := range program.Inputs() {
				for k, values := range rows {
					set(e.Input(i), k, values[inputs[i].Name])
				}
			}
			for b.Loop() {
				e.Run()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*count), "ns/row")
		})
	}
}
