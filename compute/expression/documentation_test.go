package expression_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/plumbstore/plumb/compute/expression"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

const page = "../../docs/expressions.md"

// documented are the inputs of the page's examples, and their values.
var documented = []struct {
	input expression.Input
	value any
}{
	{expression.Input{Name: "amount", Type: float}, 12.5}, {expression.Input{Name: "count", Type: integer}, 3},
	{expression.Input{Name: "name", Type: text}, "Zürich"},
	{expression.Input{Name: "tags", Type: plumbv1.Type_STRING_ARRAY}, []any{"a", "b"}},
	{expression.Input{Name: "prices", Type: plumbv1.Type_FLOAT64_ARRAY}, []any{0.1, 0.2, 0.3}},
	{expression.Input{Name: "paid", Type: boolean}, true},
	{expression.Input{Name: "opened", Type: plumbv1.Type_TIMESTAMP},
		time.Date(2026, 11, 29, 18, 30, 0, 0, time.UTC).UnixMicro()},
	{expression.Input{Name: "spend.mean_30d", Type: float}, nil},
}

// evaluateExample evaluates an example of the page as the first type that it has.
func evaluateExample(example string) (any, error) {
	var known []expression.Input
	for _, d := range documented {
		known = append(known, d.input)
	}
	var problems []expression.Problem
	for _, of := range []plumbv1.Type{boolean, integer, float, text} {
		var program *expression.Program
		program, problems = expression.Compile(known, []expression.Output{{Name: "out", Type: of, Expression: example}})
		if len(problems) > 0 {
			continue
		}
		e := program.Begin(1)
		defer e.Release()
		for _, i := range program.Inputs() {
			set(e.Input(i), 0, documented[i].value)
		}
		if program.ReadsTime() {
			e.Times()[0] = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC).UnixMicro()
		}
		e.Run()
		return get(e.Output(0), 0), nil
	}
	return nil, fmt.Errorf("it has problems: %v", problems)
}

func show(value any) string {
	switch value {
	case nil:
		return "null"
	case any(invalid):
		return "INVALID"
	}
	return fmt.Sprint(value)
}

// tables are the rows of the page's tables by the names of their columns.
func tables(t *testing.T) []map[string]string {
	t.Helper()
	content, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var rows []map[string]string
	var head []string
	for line := range strings.Lines(string(content)) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			head = nil
			continue
		}
		line = strings.ReplaceAll(strings.Trim(line, "|"), `\|`, "\x00")
		cells := strings.Split(line, "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(strings.ReplaceAll(cells[i], "\x00", "|"))
		}
		switch {
		case head == nil:
			head = cells
		case !strings.HasPrefix(cells[0], "---"):
			row := map[string]string{}
			for i, name := range head {
				row[name] = cells[i]
			}
			rows = append(rows, row)
		}
	}
	return rows
}

func TestDocumentation_ExamplesGiveWhatThePageSays(t *testing.T) {
	examples := 0
	for _, row := range tables(t) {
		example, is := row["Example"]
		if !is {
			continue
		}
		examples++
		got, err := evaluateExample(strings.Trim(example, "`"))
		if err != nil || show(got) != row["Gives"] {
			t.Errorf("%s gives %s and not %s: %v", example, show(got), row["Gives"], err)
		}
	}
	if examples < 70 {
		t.Errorf("the page has only %d examples", examples)
	}
}

func TestDocumentation_InputsAreThoseOfTheExamples(t *testing.T) {
	rows := map[string]string{}
	for _, row := range tables(t) {
		rows[strings.Trim(row["Name"], "`")] = row["Type"]
	}
	for _, d := range documented {
		if rows[d.input.Name] != d.input.Type.String() {
			t.Errorf("%s is documented as %q", d.input.Name, rows[d.input.Name])
		}
	}
}

func TestDocumentation_ListsEveryFunctionWithAnExampleOfIt(t *testing.T) {
	listed := map[string]bool{}
	for _, row := range tables(t) {
		name := row["Function"]
		if name == "" {
			name = row["Written"]
		}
		name = strings.Trim(name, "`")
		if name == "" || !regexp.MustCompile(`^\w+$`).MatchString(name) {
			continue
		}
		listed[name] = true
		if !regexp.MustCompile(`\b` + name + `\(`).MatchString(row["Example"]) {
			t.Errorf("the example of %s is %s", name, row["Example"])
		}
	}
	names, err := expression.FunctionNames()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if !listed[name] {
			t.Errorf("%s is not documented", name)
		}
		delete(listed, name)
	}
	for name := range listed {
		t.Errorf("function %s is documented but does not exist", name)
	}
}

func TestDocumentation_ListsEveryOperator(t *testing.T) {
	listed := map[string]bool{}
	for _, row := range tables(t) {
		listed[strings.Trim(row["Operator"]+row["Written"], "`")] = true
	}
	for _, operator := range expression.Operators() {
		if !listed[operator] {
			t.Errorf("the operator %s is not documented", operator)
		}
	}
}
