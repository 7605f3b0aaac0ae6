package expression_test

import (
	"strings"
	"testing"

	"github.com/plumbstore/plumb/compute/expression"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// problem is one mistake in an expression for a FLOAT64, and how it is reported.
type problem struct {
	text         string
	line, column int
	message      string
}

func expectProblems(t *testing.T, cases []problem) {
	t.Helper()
	for _, c := range cases {
		_, got := expression.Compile(inputs, []expression.Output{{Name: "out", Type: float, Expression: c.text}})
		want := expression.Problem{Line: c.line, Column: c.column, Message: c.message}
		if len(got) != 1 || got[0] != want {
			t.Errorf("%s has problems\n%v, not\n%v", c.text, got, want)
		}
	}
}

// mixed is the advice for ints beside doubles.
const mixed = "; convert one of them with double(...) or int(...)"

func TestProblems_NamesThatDoNotExist(t *testing.T) {
	expectProblems(t, []problem{
		{"vieu.f + 1.0", 1, 1, `unknown input "vieu.f"; did you mean "view.f"?`},
		{"1.0 +\n  request_tim", 2, 3, `unknown input "request_tim"; did you mean "request_time"?`},
		{"'ä' + unheard", 1, 7, `unknown input "unheard"; name one of the request, or a feature as alias.feature`},
		{"flor(x)", 1, 1, `unknown function "flor"; did you mean "floor"?`},
		{"x + s.contain('a')", 1, 7, `unknown function "contain"; did you mean "contains"?`},
		{"absolutely_unheard(x)", 1, 1, `unknown function "absolutely_unheard"`},
		{"s.lower()", 1, 3, "lower is no function of a value; write lower(x)"},
		{"contains(s, z)", 1, 1, "contains is a function of a value; write x.contains(...)"},
		{"xs[0].part", 1, 6, `a value has no part "part"; a dot stands between a view's alias and a feature`},
		{"coalesce(x)", 1, 1, "coalesce takes two values or more"},
		{"has(x + y)", 1, 7, "has takes the name of an input or a feature; compare anything else with null, as in x != null"},
		{"has(x, y)", 1, 1, "has takes one name, as in has(spend.mean_30d)"},
	})
}

func TestProblems_TypesThatDoNotFit(t *testing.T) {
	expectProblems(t, []problem{
		{"x + i", 1, 3, "+ cannot be applied to a FLOAT64 and an INT64" + mixed},
		{"x > 1 ? x : y", 1, 3, "> cannot be applied to a FLOAT64 and an INT64" + mixed},
		{"x + 'a'", 1, 3, "+ cannot be applied to a FLOAT64 and a STRING; it takes an INT64 and an INT64, or a FLOAT64 and " +
			"a FLOAT64, or a TIMESTAMP and a duration, or a duration and a TIMESTAMP, or a duration and a duration, " +
			"or a STRING and a STRING, or a BYTES and a BYTES"},
		{"log(2)", 1, 1, "log cannot be applied to an INT64; convert it with double(...)"},
		{"pow(x)", 1, 1, "pow cannot be applied to a FLOAT64; it takes a FLOAT64 and a FLOAT64"},
		{"size(x) + 1", 1, 1, "size cannot be applied to a FLOAT64; it takes a list, or a STRING, or a BYTES"},
		{"sum(ss)", 1, 1, "sum cannot be applied to a STRING_ARRAY; it takes an INT64_ARRAY, or a FLOAT64_ARRAY"},
		{"x in is", 1, 3, "in cannot be applied to a FLOAT64 and an INT64_ARRAY; convert the values to one type"},
		{"i == 1.0", 1, 3, "== cannot be applied to an INT64 and a FLOAT64" + mixed},
		{"x == s", 1, 3, "== cannot be applied to a FLOAT64 and a STRING; convert the values to one type"},
		{"t < x", 1, 3,
			"< cannot be applied to a TIMESTAMP and a FLOAT64; it takes a BOOL and a BOOL, or an INT64 and an INT64, " +
				"or a FLOAT64 and a FLOAT64, or a STRING and a STRING, or a BYTES and a BYTES, or a TIMESTAMP and a TIMESTAMP, " +
				"or a duration and a duration"},
		{"i ? x : y", 1, 3, "?: cannot be applied to an INT64, a FLOAT64 and a FLOAT64; write a BOOL before ?, " +
			"and two values of one type after it"},
		{"s.contains(i)", 1, 3, "contains cannot be applied to a STRING and an INT64; it takes a STRING and a STRING"},
		{"coalesce(x, i)", 1, 1, "coalesce cannot be applied to a FLOAT64 and an INT64" + mixed},
		{"[1, 2.0][0]", 1, 5,
			"the elements of a list have one type, and these are an INT64 and a FLOAT64; convert one of them"},
		{"i + 1", 1, 1, `the expression is an INT64, and "out" is declared FLOAT64; write double(...)`},
		{"t - u", 1, 1, `the expression is a duration, and "out" is declared FLOAT64; write seconds(...)`},
		{"s", 1, 1, `the expression is a STRING, and "out" is declared FLOAT64; write double(...)`},
		{"xs", 1, 1, `the expression is a FLOAT64_ARRAY, and "out" is declared FLOAT64; change one of them`},
		{"double([])", 1, 1, "double cannot be applied to a list without a known type; " +
			"it takes a FLOAT64, or an INT64, or a STRING"},
		{"double(size([[1]]))", 1, 13,
			"this list has no type that is known; there are no lists of lists, and an empty list has " +
				"to be compared with or chosen against one of a known type"},
	})
}

func TestProblems_WhatIsNoLiteralOrIsWrong(t *testing.T) {
	expectProblems(t, []problem{
		{"matches(s, z) ? x : y", 1, 1, "the pattern of matches has to be a literal text"},
		{"s.matches('(') ? x : y", 1, 3, "the pattern of matches is no regular expression of RE2: missing closing ): `(`"},
		{"double(bucketize(x, xs))", 1, 8, "the boundaries of bucketize have to be literal numbers"},
		{"double(bucketize(i, [1, 1]))", 1, 8,
			"the boundaries of bucketize have to ascend; write them from least to greatest"},
		{"double(t.getHours(s))", 1, 10, "the time zone has to be a literal text"},
		{"double(t.getHours('Mars'))", 1, 10,
			`unknown time zone "Mars"; write a name such as "America/New_York" or an offset such as "-05:00"`},
		{"double(t.getHours('Local'))", 1, 10,
			`unknown time zone "Local"; write a name such as "America/New_York" or an offset such as "-05:00"`},
		{"t < timestamp('2026') ? x : y", 1, 5,
			`write a timestamp as RFC 3339 with at most microseconds, such as timestamp("2026-11-30T12:00:00Z")`},
		{"t - u < duration('1500ns') ? x : y", 1, 9,
			`write a duration in whole microseconds with units h, m, s, ms or us, such as duration("36h")`},
	})
}

func TestProblems_PartsOfCELThatAreLeftOut(t *testing.T) {
	const lists = " goes through a list with an expression, which is not possible here; " +
		"use in, size, sum, mean, dot or an index"
	expectProblems(t, []problem{
		{"xs.all(e, e > 0.0) ? x : y", 1, 1, "all" + lists}, {"xs.exists(e, e > 0.0) ? x : y", 1, 1, "exists" + lists},
		{"xs.map(e, e)[0]", 1, 1, "map" + lists}, {"xs.filter(e, e > 0.0)[0]", 1, 1, "filter" + lists},
		{"{'a': 1.0}['a']", 1, 1, "there are no maps in expressions; use ?: to choose between values"},
		{"Message{a: 1.0}", 1, 8, "there are no messages in expressions; use inputs and features"},
		{"double(1u)", 1, 8, "there are no unsigned integers; leave out the u"},
		{"double(uint(1))", 1, 8, "there are no unsigned integers; use int(...)"},
		{"dyn(x)", 1, 1,
			"dyn() does not exist, because every value has one type; convert with int(...), double(...) or string(...)"},
		{"type(x)", 1, 1, "type() does not exist, because the types of inputs are declared"},
		{"seconds(now() - t)", 1, 9,
			"now() does not exist, because an expression must give the same value whenever it is computed; use request_time"},
		{"x + random()", 1, 5, "random() does not exist, because an expression must give the same value whenever it is " +
			"computed; pass the number as an input"},
		{"x + null", 1, 5, "null can only be compared, as in x == null; use coalesce to replace it"},
	})
}

func TestProblems_ExpressionsThatAreNone(t *testing.T) {
	deep := strings.Repeat("(", 5_000)
	long := "x" + strings.Repeat(" + x", 2_500)
	expectProblems(t, []problem{
		{" ", 0, 0, "the expression is empty; write one, such as amount * 2.0"},
		{"x +", 1, 4, "this is no expression: it ends too early"},
		{"x + * y", 1, 5, "this is no expression: '*' is not expected here"},
		{"x + var", 1, 5, `"var" is a word of the language and no name; call the input something else`},
		{"9223372036854775808", 1, 1, "this integer is outside INT64; write a double, such as 1e20"},
		{"x + in", 1, 5, "this is no expression: 'in' is not expected here"},
		{"x + 'a", 1, 5, "this is no expression: token recognition error at: ''a'"},
		{"x y", 1, 3, "this is no expression: 'y' is not expected here"},
		{long, 0, 0, "the expression has 10001 bytes, and at most 10000 are allowed; make parts of it features of their own"},
		{long[:5_001], 0, 0, "the expression is nested too deeply; make parts of it features of their own"},
		{deep, 0, 0, "the expression is nested too deeply; make parts of it features of their own"},
	})
	compile(t, expression.Output{Name: "out", Type: float, Expression: long[:200*4+1]})
}

func TestProblems_OfAllOutputsAreReportedAtOnce(t *testing.T) {
	_, got := expression.Compile(inputs, []expression.Output{
		{Name: "a", Type: float, Expression: "unheard + also_unheard"}, {Name: "d", Type: float, Expression: "a + x"},
		{Name: "x", Type: float, Expression: "y"}, {Name: "d", Type: float, Expression: "y"},
		{Name: "request_time", Type: float, Expression: "y"}, {Name: "c", Type: float, Expression: "i + log(1)"},
	})
	want := []expression.Problem{
		{Output: 0, Line: 1, Column: 1,
			Message: `unknown input "unheard"; name one of the request, or a feature as alias.feature`},
		{Output: 0, Line: 1, Column: 11,
			Message: `unknown input "also_unheard"; name one of the request, or a feature as alias.feature`},
		{Output: 2, Message: `the name "x" is taken by an input; choose another one`},
		{Output: 3, Message: `the name "d" is taken by another feature; choose another one`},
		{Output: 4, Message: `the name "request_time" is taken by the time of the request; choose another one`},
		{Output: 5, Line: 1, Column: 5, Message: "log cannot be applied to an INT64; convert it with double(...)"},
	}
	if len(got) != len(want) {
		t.Fatalf("the problems are %v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("problem %d is %v, not %v", i, got[i], want[i])
		}
	}
}

func TestProblems_FeaturesThatReadEachOtherInACircle(t *testing.T) {
	_, got := expression.Compile(inputs, []expression.Output{
		{Name: "before", Type: float, Expression: "a + 1.0"}, {Name: "a", Type: float, Expression: "x + d"},
		{Name: "d", Type: float, Expression: "c"}, {Name: "c", Type: float, Expression: "y * a"},
		{Name: "self", Type: float, Expression: "self"},
	})
	want := []expression.Problem{
		{Output: 3, Line: 1, Column: 5,
			Message: "features read each other in a circle: a -> d -> c -> a; take one of them out of it"},
		{Output: 4, Line: 1, Column: 1,
			Message: "features read each other in a circle: self -> self; take one of them out of it"},
	}
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("the problems are %v", got)
	}
}

func TestProblems_EveryTypeSaysHowToGetToIt(t *testing.T) {
	for declared, cases := range map[plumbv1.Type]map[string]string{
		integer: {
			"x": "write int(...)", "t - u": "write (...).getMilliseconds()", "p": "change one of them",
		},
		text:                       {"x": "write string(...)", "p": "write string(...)"},
		plumbv1.Type_TIMESTAMP:     {"i": "write timestamp(...)", "x": "change one of them"},
		plumbv1.Type_BYTES:         {"s": "write bytes(...)"},
		plumbv1.Type_FLOAT32:       {"i": "write double(...)"},
		plumbv1.Type_FLOAT32_ARRAY: {"is": "change one of them"},
	} {
		for expressed, want := range cases {
			_, got := expression.Compile(inputs, []expression.Output{{Name: "out", Type: declared, Expression: expressed}})
			if len(got) != 1 || !strings.HasSuffix(got[0].Message, "declared "+declared.String()+"; "+want) {
				t.Errorf("%s as %v has problems %v, not %q", expressed, declared, got, want)
			}
		}
	}
}
