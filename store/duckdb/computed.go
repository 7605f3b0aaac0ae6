package duckdb

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/duckdb/duckdb-go/v2/mapping"

	"github.com/plumbstore/plumb/compute/expression"
	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/duckdb/native"
	"github.com/plumbstore/plumb/store/duckdb/quote"
	"github.com/plumbstore/plumb/store/duckdb/session"
	"github.com/plumbstore/plumb/store/offline"
)

// computed is a use of an on-demand view in a join. Its program runs over the columns of the result, in a function that
// SQL calls once for each batch of rows:
//
//	_plumb_computed#(t, input, …, state, …)  the features of the program
//
// t is the instant of the label row, BIGINT microseconds, and the inputs are those of the computation in their order.
// States are expression.States of those inputs that may be INVALID.
// The answer is a STRUCT of v0, s0, v1, s1, …: each feature and its state, which is an expression.State.
type computed struct {
	*feature.Computation

	number int
	// args are the inputs in SQL, over the labels l and the winners p0, p1, ….
	args []string
	// states are the states of inputs that may be INVALID, which come as arguments after the inputs.
	states []inputState
}

// inputState is the state of an input by its position, in SQL.
type inputState struct {
	input int
	sql   string
}

// checkInputs finds the label columns of all request inputs, and reports those that are missing or do not fit.
func (j *join) checkInputs() []error {
	var errs []error
	for i := range j.request.Selection.Computations {
		c := &j.request.Selection.Computations[i]
		for _, input := range c.Inputs {
			if input.Label != "" {
				_, err := j.typedInput(input.Label, input.Type, purposeOf(c, input))
				errs = append(errs, err)
			}
		}
	}
	return errs
}

func purposeOf(c *feature.Computation, input feature.ComputationInput) string {
	return fmt.Sprintf("the request input %s of on-demand view %s", input.Name, c.View.Name)
}

// planComputed plans the uses of on-demand views. The uses of feature views have been planned.
func (j *join) planComputed() error {
	for i := range j.request.Selection.Computations {
		c := &computed{Computation: &j.request.Selection.Computations[i], number: i}
		for at, input := range c.Inputs {
			arg, err := j.inputOf(c, input)
			if err != nil {
				return err
			}
			c.args = append(c.args, arg)
			if input.Label != "" {
				continue
			}
			if state := j.uses[input.Stored.Reference].found().state(input.Stored); state != "" {
				c.states = append(c.states, inputState{at, state})
			}
		}
		j.computed = append(j.computed, c)
	}
	return nil
}

func (j *join) inputOf(c *computed, input feature.ComputationInput) (string, error) {
	if input.Label == "" {
		return j.uses[input.Stored.Reference].found().output(feature.StoredOutput{StoredColumn: input.Stored}).sql, nil
	}
	return j.typedInput(input.Label, input.Type, purposeOf(c.Computation, input))
}

// typedInput is the SQL of a label column that is a request input, over the labels l.
func (j *join) typedInput(name string, t plumbv1.Type, purpose string) (string, error) {
	at, err := j.labels.Find(name, purpose)
	if err != nil {
		return "", err
	}
	cast, err := j.labels.To(at, t)
	if err != nil {
		return "", fault.Inputf("", "label column %q, %s: %v", name, purpose, err)
	}
	if t == plumbv1.Type_STRING {
		j.addKey(at, t)
	}
	what := quote.Literal(fmt.Sprintf("label column %q", name))
	return cast.SQL(fmt.Sprintf("l.c%d", at), what, j.labels.Place("l.")), nil
}

// call is the column x# of the result's rows.
func (c *computed) call() string {
	args := append([]string{"l.t"}, c.args...)
	for _, state := range c.states {
		args = append(args, state.sql)
	}
	return fmt.Sprintf("_plumb_computed%[1]d(%[2]s) AS x%[1]d", c.number, strings.Join(args, ", "))
}

// output is the column of a feature, at a position in the computation's features.
func (c *computed) output(name string, f int) column {
	sql := fmt.Sprintf("x%d.v%d", c.number, f)
	return column{name: name, sql: sql, csv: csvText(sql, c.View.Features[c.Features[f]].Type)}
}

// status is the SQL of an output's status (R13, R26).
func (c *computed) status(f int) string {
	return fmt.Sprintf("CASE x%d.s%d WHEN %d THEN 'PRESENT' WHEN %d THEN 'NULL' ELSE 'INVALID' END", c.number, f,
		expression.Present, expression.Null)
}

// passes says whether the label rows pass by once, since nothing is found for them in sources.
func (j *join) passes() bool { return len(j.uses) == 0 }

// execute runs the statement that makes the result.
func (j *join) execute(ctx context.Context, s *session.Session, statement string) error {
	err := s.Exec(ctx, statement)
	if err != nil && j.passes() {
		return j.labels.Unreadable(ctx, s, err)
	}
	return err
}

// computing is a computation as a run of a join makes it.
type computing struct {
	*computed

	// invalid counts the values of each feature that are INVALID.
	invalid []atomic.Int64
}

func newComputing(c *computed) *computing {
	return &computing{computed: c, invalid: make([]atomic.Int64, len(c.Features))}
}

// report says how many values are INVALID.
func (c *computing) report() offline.ComputedReport {
	report := offline.ComputedReport{Alias: c.Alias}
	for i := range c.invalid {
		if n := c.invalid[i].Load(); n > 0 {
			report.Invalid = append(report.Invalid, offline.InvalidValues{Feature: c.View.Features[c.Features[i]].Name, Rows: n})
		}
	}
	return report
}

func (c *computing) register(n *native.Connection) error {
	var fields []native.Field
	for i, at := range c.Features {
		kind, isList := vectorType(c.View.Features[at].Type)
		fields = append(fields, native.Field{Name: fmt.Sprintf("v%d", i), Kind: kind, List: isList},
			native.Field{Name: fmt.Sprintf("s%d", i), Kind: mapping.TypeUTinyInt})
	}
	return n.Register(native.Function{Name: fmt.Sprintf("_plumb_computed%d", c.number),
		Result: native.Result{Fields: fields}, Call: c.run})
}

// vectorTypes are the types of vectors of declared types.
var vectorTypes = map[plumbv1.Type]mapping.Type{
	plumbv1.Type_BOOL:      mapping.TypeBoolean,
	plumbv1.Type_INT32:     mapping.TypeInteger,
	plumbv1.Type_INT64:     mapping.TypeBigInt,
	plumbv1.Type_FLOAT32:   mapping.TypeFloat,
	plumbv1.Type_FLOAT64:   mapping.TypeDouble,
	plumbv1.Type_STRING:    mapping.TypeVarchar,
	plumbv1.Type_BYTES:     mapping.TypeBlob,
	plumbv1.Type_TIMESTAMP: mapping.TypeTimestampTZ,
}

func vectorType(t plumbv1.Type) (kind mapping.Type, isList bool) {
	if element, ok := value.ElementType(t); ok {
		return vectorTypes[element], true
	}
	return vectorTypes[t], false
}

// run evaluates the program for a batch of rows.
func (c *computing) run(args native.Columns, a native.Answer) {
	e := c.Program.Begin(args.Rows)
	defer e.Release()
	if c.Program.ReadsTime() {
		copy(e.Times(), native.Values[int64](&args, 0))
	}
	for i, at := range c.Program.Inputs() {
		fillArgument(e.Input(at), &args, 1+i, c.Inputs[i].Type)
	}
	for i, state := range c.states {
		markInvalid(e.Input(c.Program.Inputs()[state.input]), &args, 1+len(c.Inputs)+i)
	}
	e.Run()
	for i, at := range c.Features {
		from := e.Output(i)
		answerWith(a.Field(2*i), from, c.View.Features[at].Type)
		states := native.Numbers[uint8](a.Field(2*i + 1))
		var invalid int64
		for row, state := range from.States {
			states[row] = uint8(state)
			if state == expression.Invalid {
				invalid++
			}
		}
		c.invalid[i].Add(invalid)
	}
}
