package spec

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one mistake of the user.
type Problem struct {
	// File is relative to the project folder. If the mistake is in no file, it names what the mistake is in, such as a
	// flag. It is empty if Message says how many more mistakes there are.
	File string `json:"file"`
	// Line and Column count from 1; both are 0 if the mistake concerns the whole of File.
	Line   int `json:"line"`
	Column int `json:"column"`
	// Message is one sentence: what is wrong, and what to do.
	Message string `json:"message"`
	// Excerpt is the line of a query that the mistake is in, with a caret below the place; empty if there is none.
	Excerpt string `json:"excerpt,omitempty"`
}

// Place is file:line:column, or the file alone if the mistake concerns the whole of it.
func (p Problem) Place() string {
	if p.Line == 0 {
		return p.File
	}
	return Position{p.File, p.Line, p.Column}.String()
}

// String is the place and the message.
func (p Problem) String() string {
	if p.File == "" {
		return p.Message
	}
	return p.Place() + ": " + p.Message
}

// Problems is an error that lists every mistake found, in the order of file, line and column.
type Problems struct {
	All []Problem `json:"problems"`
}

// Error has one line for each problem.
func (p *Problems) Error() string {
	lines := make([]string, len(p.All))
	for i, problem := range p.All {
		lines[i] = problem.String()
	}
	return strings.Join(lines, "\n")
}

// NewProblems sorts the problems, drops repeated ones, and returns them as an error: a *Problems, or nil when there are
// none.
func NewProblems(problems []Problem) error { return newProblems(problems, 0) }

// newProblems is NewProblems for the first of all mistakes. How many more there are is reported last.
func newProblems(problems []Problem, more int) error {
	if len(problems) == 0 {
		return nil
	}
	all := slices.Compact(slices.SortedFunc(slices.Values(problems), compareProblems))
	if more > 0 {
		all = append(all, Problem{Message: fmt.Sprintf("and %d more; mend those above first", more)})
	}
	return &Problems{All: all}
}

func compareProblems(a, b Problem) int {
	return cmp.Or(
		cmp.Compare(a.File, b.File),
		cmp.Compare(a.Line, b.Line),
		cmp.Compare(a.Column, b.Column),
		cmp.Compare(a.Message, b.Message),
	)
}
