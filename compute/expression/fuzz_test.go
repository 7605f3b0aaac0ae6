package expression_test

import (
	"testing"

	"github.com/plumbstore/plumb/compute/expression"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// FuzzCompile gives any text to Compile. It has to say what is wrong, with a place within the text, or to evaluate.
func FuzzCompile(f *testing.F) {
	for _, text := range []string{
		"x + y", "i +", "xs[1] == null", "s.matches('(a|b)*')", "t.getHours('UTC') in is", "[x, y] == [1.0]", "has(view.f)",
		"coalesce(x, 1.0) > 2.0 ? 'a' : \"b\"", "b'\\xff' + b", "1u", "{}", "r'\\'", "-9223372036854775808", "i.f.g(h)(1)",
		"request_time - duration('1h') > timestamp(1)", "x.exists(a, a)", "[[]]", "bucketize(i, [])",
		".x", "'''a'''", "@null(x)",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for of := plumbv1.Type_BOOL; of <= plumbv1.Type_TIMESTAMP_ARRAY; of++ {
			program, problems := expression.Compile(inputs, []expression.Output{{Name: "out", Type: of, Expression: text}})
			if (program == nil) == (len(problems) == 0) {
				t.Fatalf("%q has the problems %v and a program: %v", text, problems, program != nil)
			}
			for _, p := range problems {
				if p.Message == "" || p.Line < 0 || p.Column < 0 || (p.Line == 0) != (p.Column == 0) {
					t.Errorf("%q has the problem %+v", text, p)
				}
			}
			if program != nil {
				run(program, 1, []row{with(present, row{"request_time": int64(1)}), {"request_time": int64(0)}})
			}
		}
	})
}
