package expression_test

import (
	"testing"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"pgregory.net/rapid"

	"github.com/plumbstore/plumb/compute/expression"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// standard is CEL itself with the inputs of trees.
func standard(t *testing.T) *cel.Env {
	t.Helper()
	var variables []cel.EnvOption
	for typ, of := range map[plumbv1.Type]*cel.Type{
		boolean: cel.BoolType, integer: cel.IntType, float: cel.DoubleType, text: cel.StringType,
	} {
		for _, name := range names[typ] {
			variables = append(variables, cel.Variable(name, of))
		}
	}
	env, err := cel.NewEnv(variables...)
	if err != nil {
		t.Fatal(err)
	}
	return env
}

// interpret evaluates an expression with CEL's own interpreter. Its errors are rows without a value.
func interpret(t *rapid.T, env *cel.Env, text string, rows []row) []any {
	checked, issues := env.Compile(text)
	if issues.Err() != nil {
		t.Fatalf("CEL does not take %s: %v", text, issues.Err())
	}
	program, err := env.Program(checked)
	if err != nil {
		t.Fatal(err)
	}
	results := make([]any, len(rows))
	for k, values := range rows {
		value, _, err := program.Eval(map[string]any(values))
		switch {
		case err != nil || types.IsError(value):
			results[k] = invalid
		default:
			results[k] = canonical(value.Value())
		}
	}
	return results
}

func TestTimesAgreeWithTheInterpreterOfCEL(t *testing.T) {
	env, err := cel.NewEnv(cel.Variable("t", cel.TimestampType), cel.Variable("u", cel.TimestampType))
	if err != nil {
		t.Fatal(err)
	}
	texts := []string{
		"int(t)", "(t - u).getHours()", "(t - u).getMinutes()", "(t - u).getSeconds()", "(t - u).getMilliseconds()",
		"int(t + duration('-36h0.5s'))", "int(duration('1us') + t)", "int(t - duration('100h'))",
	}
	for _, part := range []string{"FullYear", "Month", "Date", "DayOfMonth", "DayOfWeek", "DayOfYear", "Hours", "Minutes",
		"Seconds", "Milliseconds"} {
		for _, zone := range []string{"", "'America/New_York'", "'Europe/Berlin'", "'-05:30'", "'13:45'", "'UTC'"} {
			texts = append(texts, "t.get"+part+"("+zone+")")
		}
	}
	rapid.Check(t, func(r *rapid.T) {
		text := rapid.SampledFrom(texts).Draw(r, "text")
		var ours, theirs []row
		for range 20 {
			// From 1850 to 2120, which time.Duration can span.
			of, other := rapid.Int64Range(-3786e12, 4733e12).Draw(r, "t"), rapid.Int64Range(-3786e12, 4733e12).Draw(r, "u")
			ours = append(ours, row{"t": of, "u": other})
			theirs = append(theirs, row{"t": time.UnixMicro(of).UTC(), "u": time.UnixMicro(other).UTC()})
		}
		want := interpret(r, env, text, theirs)
		program := compile(t, expression.Output{Name: "out", Type: integer, Expression: text})
		for k, got := range run(program, 1, ours) {
			if !same(got[0], want[k]) {
				r.Fatalf("%s of %v is %v, and by CEL %v", text, ours[k], got[0], want[k])
			}
		}
	})
}

// The least integer is a double, and int(-2^63) is in range. CEL refuses it all the same.
func isLeastInteger(rows []row, e *tree) bool {
	if e.op == "int" {
		for _, of := range rows {
			if e.args[0].evaluate(of) == any(-0x1p63) {
				return true
			}
		}
	}
	for _, arg := range e.args {
		if isLeastInteger(rows, arg) {
			return true
		}
	}
	return false
}

func TestR25_RowsWithoutNullsAgreeWithTheInterpreterOfCEL(t *testing.T) {
	env := standard(t)
	rapid.Check(t, func(t *rapid.T) {
		typ := rapid.SampledFrom([]plumbv1.Type{boolean, integer, float, text}).Draw(t, "type")
		e := drawTree(t, typ, 4, true)
		program, problems := expression.Compile(inputs, []expression.Output{{Name: "out", Type: typ, Expression: e.String()}})
		if len(problems) > 0 {
			t.Fatalf("%s has problems: %v", e, problems)
		}
		var rows []row
		for range 8 {
			rows = append(rows, drawRow(t, false))
		}
		if isLeastInteger(rows, e) {
			t.Skip("this draw has int(-2^63), a value of INT64 that CEL refuses; TestR26 has it")
		}
		want := interpret(t, env, e.String(), rows)
		for k, got := range run(program, 1, rows) {
			if !same(got[0], want[k]) {
				t.Fatalf("%s of %v is %v, and by CEL %v", e, rows[k], got[0], want[k])
			}
		}
	})
}
