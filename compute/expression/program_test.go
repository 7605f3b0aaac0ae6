package expression_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/plumbstore/plumb/compute/expression"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// several are outputs that read each other.
func several() []expression.Output {
	return []expression.Output{
		{Name: "late", Type: boolean, Expression: "ratio > 1.0 && request_time > t"},
		{Name: "ratio", Type: plumbv1.Type_FLOAT32, Expression: "x / y"},
		{Name: "again", Type: float, Expression: "x / y"},
		{Name: "label", Type: text, Expression: "s + string(view.f)"},
		{Name: "list", Type: plumbv1.Type_FLOAT64_ARRAY, Expression: "p ? xs : [x, y]"},
		{Name: "constant", Type: plumbv1.Type_INT64_ARRAY, Expression: "[1, 2]"},
	}
}

func someRows(count int) []row {
	rows := make([]row, count)
	for k := range rows {
		values := row{"x": float64(k), "y": 3.0, "t": k % 9, "request_time": int64(5), "s": "s", "view.f": 0.5, "p": k%3 == 0}
		values["xs"] = slices.Repeat([]any{float64(k)}, k%4)
		switch k % 5 {
		case 1:
			values["x"] = nil
		case 2:
			values["y"] = invalid
		case 3:
			values["p"], values["xs"] = nil, nil
		}
		rows[k] = values
	}
	return rows
}

func TestOutputsReadEachOther_AfterTheirDeclaredTypes(t *testing.T) {
	program := compile(t, expression.Output{Name: "exact", Type: boolean, Expression: "ratio == x / y"},
		expression.Output{Name: "ratio", Type: plumbv1.Type_FLOAT32, Expression: "x / y"},
		expression.Output{Name: "small", Type: plumbv1.Type_INT32, Expression: "i"},
		expression.Output{Name: "more", Type: integer, Expression: "coalesce(small, 0) + 1"})
	got := run(program, 4, []row{{"x": 1.0, "y": 3.0, "i": 1 << 40}, {"x": 1.0, "y": 2.0, "i": 1}})
	if got[0][0] != false || got[1][0] != true {
		t.Errorf("a FLOAT32 is read as %v", got)
	}
	if got[0][3] != any(invalid) || got[1][3] != int64(2) {
		t.Errorf("an INT32 is read as %v", got)
	}
}

func TestSelect_ComputesTheSameForSomeOutputs(t *testing.T) {
	program := compile(t, several()...)
	rows := someRows(50)
	all := run(program, 6, rows)
	for _, selected := range [][]int{{0}, {1}, {3}, {5}, {4, 0}, {2, 1, 2}, {0, 1, 2, 3, 4, 5}, {}} {
		got := run(program.Select(selected), len(selected), rows)
		for k := range rows {
			for at, i := range selected {
				if !same(got[k][at], all[k][i]) {
					t.Errorf("output %d of %v is %v in row %d, not %v", i, selected, got[k][at], k, all[k][i])
				}
			}
		}
	}
	if again := program.Select([]int{4, 1}).Select([]int{1}); !slices.Equal(again.Inputs(), []int{2, 3}) {
		t.Errorf("a selection of a selection reads %v", again.Inputs())
	}
}

func TestInputs_AreThoseThatOutputsNeedDirectlyOrThroughOthers(t *testing.T) {
	program := compile(t, several()...)
	for _, c := range []struct {
		outputs []int
		inputs  []int
		time    bool
	}{
		{[]int{0}, []int{2, 3, 9}, true}, {[]int{1}, []int{2, 3}, false}, {[]int{3}, []int{6, 16}, false},
		{[]int{4}, []int{2, 3, 4, 12}, false}, {[]int{5}, nil, false}, {[]int{0, 3}, []int{2, 3, 6, 9, 16}, true},
	} {
		selected := program.Select(c.outputs)
		if !slices.Equal(selected.Inputs(), c.inputs) || selected.ReadsTime() != c.time {
			t.Errorf("outputs %v read %v, and the time: %v", c.outputs, selected.Inputs(), selected.ReadsTime())
		}
		e := selected.Begin(1)
		if e.Input(7) != nil {
			t.Error("an input that nothing needs has a column")
		}
		e.Release()
	}
	folded := compile(t, expression.Output{Name: "out", Type: integer, Expression: "1 + 2"})
	if len(folded.Inputs()) != 0 {
		t.Errorf("a constant reads %v", folded.Inputs())
	}
}

// A batch is evaluated in chunks, and evaluations are used again: neither may show.
func TestRun_GivesEachRowWhatItWouldHaveAlone(t *testing.T) {
	program := compile(t, several()...)
	rows := someRows(5000)
	var alone [][]any
	for _, values := range rows {
		alone = append(alone, run(program, 6, []row{values})[0])
	}
	for _, count := range []int{5000, 0, 1, 1023, 1024, 1025, 2048, 2049, 3} {
		for k, got := range run(program, 6, rows[:count]) {
			if !same(got, alone[k]) {
				t.Fatalf("row %d of %d is %v, and alone %v", k, count, got, alone[k])
			}
		}
	}
}

func TestProgram_ServesSeveralGoroutines(t *testing.T) {
	program := compile(t, several()...)
	rows := someRows(1500)
	want := run(program, 6, rows)
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			for round := range 5 {
				part := rows[:(worker*round*97)%len(rows)]
				for k, got := range run(program, 6, part) {
					if !same(got, want[k]) {
						t.Errorf("row %d is %v, not %v", k, got, want[k])
						return
					}
				}
			}
		})
	}
	group.Wait()
}

func TestBegin_ForgetsTheRowsBefore(t *testing.T) {
	program := compile(t, expression.Output{Name: "out", Type: plumbv1.Type_STRING_ARRAY, Expression: "ss"},
		expression.Output{Name: "text", Type: text, Expression: "s"})
	run(program, 2, []row{{"ss": []any{"a", nil}, "s": nil}, {"ss": invalid, "s": invalid}})
	e := program.Begin(2)
	defer e.Release()
	for _, i := range program.Inputs() {
		if states := e.Input(i).States; states[0] != expression.Present || states[1] != expression.Present {
			t.Errorf("input %d begins with the states %v", i, states)
		}
	}
	e.Run()
	if list, text := get(e.Output(0), 1), get(e.Output(1), 1); !same(list, []any{}) || text != "" {
		t.Errorf("rows that nobody filled are %v and %q", list, text)
	}
}

func TestCompile_ServesSeveralGoroutines(t *testing.T) {
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 10 {
				if _, problems := expression.Compile(inputs, several()); len(problems) > 0 {
					t.Errorf("several goroutines get %v", problems)
				}
			}
		})
	}
	group.Wait()
}

// Kernels compute rows that nobody reads, and branches that are not chosen. So they take any values.
func TestKernels_TakeAnyValues(t *testing.T) {
	var outputs []expression.Output
	for k, c := range strict {
		outputs = append(outputs, expression.Output{Name: fmt.Sprint("out", k), Type: c.typ, Expression: c.text})
	}
	for k, part := range []string{"FullYear", "DayOfYear", "Milliseconds", "Month"} {
		outputs = append(outputs, expression.Output{
			Name: fmt.Sprint("part", k), Type: integer, Expression: "t.get" + part + "('Asia/Tokyo')"})
	}
	outputs = append(outputs, expression.Output{Name: "shown", Type: text, Expression: "string(t)"})
	program := compile(t, outputs...)
	var rows []row
	for _, i := range ints {
		for _, x := range floats {
			rows = append(rows, row{
				"i": i, "j": ints[len(rows)%len(ints)], "x": x, "y": floats[len(rows)%7], "p": true, "q": nil, "s": "\xff\xfe",
				"z": "", "b": "\x00", "t": i, "u": -i, "is": []any{i, i}, "xs": []any{x, inf}, "ys": []any{}})
		}
	}
	for k, got := range run(program, len(outputs), rows) {
		if alone := run(program, len(outputs), rows[k:k+1])[0]; !same(got, alone) {
			t.Errorf("row %d is %v, and alone %v", k, got, alone)
		}
	}
}

func TestCompile_TakesInputsThatCannotBeNamed(t *testing.T) {
	odd := []expression.Input{{Name: "in", Type: float}, {Name: "a-b", Type: float}, {Name: "", Type: float},
		{Name: "a..b", Type: float}, {Name: "fine", Type: float}, {Name: "view", Type: text}, {Name: "view.f", Type: float},
		{Name: "size", Type: integer}}
	program, problems := expression.Compile(odd, []expression.Output{
		{Name: "out", Type: float, Expression: "fine + view.f + double(size(view) + size)"}})
	if len(problems) > 0 || !slices.Equal(program.Inputs(), []int{4, 5, 6, 7}) {
		t.Errorf("the problems are %v", problems)
	}
	_, problems = expression.Compile([]expression.Input{{Name: "x"}}, nil)
	if len(problems) != 1 || problems[0].Message != `the input "x" has no type` {
		t.Errorf("an input without a type is %v", problems)
	}
	_, problems = expression.Compile(nil, []expression.Output{{Name: "x", Expression: "1"}})
	if len(problems) != 1 || problems[0].Message != `the feature "x" has no type; declare one` {
		t.Errorf("a feature without a type is %v", problems)
	}
}
