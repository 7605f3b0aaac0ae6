package aggregate

import (
	"fmt"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// Function is what is computed of events.
type Function string

// The functions (R21).
const (
	Rows           Function = "rows"
	Count          Function = "count"
	Sum            Function = "sum"
	Mean           Function = "mean"
	Min            Function = "min"
	Max            Function = "max"
	Variance       Function = "variance"
	VarianceSample Function = "variance_samp"
	Stddev         Function = "stddev"
	StddevSample   Function = "stddev_samp"
	First          Function = "first"
	Last           Function = "last"
	LastN          Function = "last_n"
	Distinct       Function = "distinct"
	Percentile     Function = "percentile"
	TopK           Function = "top_k"
	Histogram      Function = "histogram"
)

// Functions are all functions, in the order in which messages list them.
var Functions = []Function{Rows, Count, Sum, Mean, Min, Max, Variance, VarianceSample, Stddev, StddevSample, First,
	Last, LastN, Distinct, Percentile, TopK, Histogram}

// None stands for no column.
const None = -1

// Spec says what is computed of the events in a window.
type Spec struct {
	Function Function
	// Column and By are positions among the columns of the events, or None; Type and ByType are their types.
	Column, By   int
	Type, ByType plumbv1.Type
	// N is how many values LastN and TopK give, and with By how many groups.
	N int
	// Quantile is that of Percentile, and Error its greatest relative error.
	Quantile, Error float64
	// MaxValues is how many different values TopK, Histogram and By may meet (R21).
	MaxValues int
}

// isNumeric says whether values of a type can be added.
func isNumeric(t plumbv1.Type) bool {
	switch t {
	case plumbv1.Type_INT32, plumbv1.Type_INT64, plumbv1.Type_FLOAT32, plumbv1.Type_FLOAT64:
		return true
	}
	return false
}

// Check returns a sentence that says why the function cannot be computed of the column; nil if it can.
func (s Spec) Check() error {
	if s.By != None {
		if err := s.checkGroups(); err != nil {
			return err
		}
	}
	switch s.Function {
	case Rows, Count:
		return nil
	case Sum, Mean, Variance, VarianceSample, Stddev, StddevSample, Percentile:
		if !isNumeric(s.Type) {
			return fmt.Errorf("%s is computed of numbers, and the column is %s; compute a number in columns", s.Function, s.Type)
		}
	default:
		if isArray(s.Type) {
			return fmt.Errorf("%s is computed of single values, and the column is %s", s.Function, s.Type)
		}
	}
	return s.checkParameters()
}

func (s Spec) checkGroups() error {
	switch s.Function {
	case LastN, TopK, Histogram:
		return fmt.Errorf("%s gives an array, and with by there would be one for each group; leave by out", s.Function)
	}
	if isArray(s.ByType) {
		return fmt.Errorf("events are grouped by single values, and the column of by is %s", s.ByType)
	}
	return nil
}

// leastError keeps the number of buckets within reason.
const leastError = 0.0001

func (s Spec) checkParameters() error {
	switch {
	case (s.Function == LastN || s.Function == TopK) && s.N < 1:
		return fmt.Errorf("%s gives at least one value; say how many", s.Function)
	case s.Function != Percentile:
	case !(s.Quantile >= 0 && s.Quantile <= 1):
		return fmt.Errorf("a quantile of %v is not between 0 and 1", s.Quantile)
	case !(s.Error >= leastError && s.Error <= 0.5):
		return fmt.Errorf("an error of %v is not between %v and 0.5", s.Error, leastError)
	}
	return nil
}

func isArray(t plumbv1.Type) bool { return t >= plumbv1.Type_BOOL_ARRAY }

// Results are the types of the results: one, or two for functions that give values with their groups or counts. TopK
// and Histogram give values and then counts; a function with By gives its values and then the groups.
func (s Spec) Results() []plumbv1.Type {
	single := s.single()
	switch {
	case s.By != None:
		return []plumbv1.Type{arrayOf(single), arrayOf(s.ByType)}
	case s.Function == TopK, s.Function == Histogram:
		return []plumbv1.Type{arrayOf(s.Type), plumbv1.Type_INT64_ARRAY}
	}
	return []plumbv1.Type{single}
}

func (s Spec) single() plumbv1.Type {
	switch s.Function {
	case Rows, Count, Distinct:
		return plumbv1.Type_INT64
	case Sum:
		if s.Type == plumbv1.Type_INT32 || s.Type == plumbv1.Type_INT64 {
			return plumbv1.Type_INT64
		}
		return plumbv1.Type_FLOAT64
	case Min, Max, First, Last:
		return s.Type
	case LastN:
		return arrayOf(s.Type)
	}
	return plumbv1.Type_FLOAT64
}

// arrayOf is the type of arrays of a type.
func arrayOf(t plumbv1.Type) plumbv1.Type {
	return plumbv1.Type(plumbv1.Type_value[t.String()+"_ARRAY"])
}
