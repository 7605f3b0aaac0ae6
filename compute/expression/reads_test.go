package expression_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/plumbstore/plumb/compute/expression"
)

func TestTheNamesThatAnExpressionReads(t *testing.T) {
	for text, want := range map[string]string{
		"1 + 2":                              "",
		"amount * rate":                      "amount 1:1, rate 1:10",
		"a + a":                              "a 1:1, a 1:5",
		"coalesce(spend.mean, amount)":       "spend.mean 1:10, amount 1:22",
		"has(a) ? b : [c, d][0]":             "a 1:5, b 1:10, c 1:15, d 1:18",
		"a != null && b.contains(c)":         "a 1:1, b 1:14, c 1:25",
		"request_time - at >\n  duration(x)": "request_time 1:1, at 1:16, x 2:12",
		"f(a).part":                          "a 1:3",
		"a +":                                "",
		"":                                   "",
		strings.Repeat("a+", 6000) + "a":     "",
	} {
		reads := expression.Reads(text)
		slices.SortFunc(reads, func(a, b expression.Read) int {
			return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
		})
		var got []string
		for _, read := range reads {
			got = append(got, fmt.Sprintf("%s %d:%d", read.Name, read.Line, read.Column))
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s reads %s, want %s", text, strings.Join(got, ", "), want)
		}
	}
}
