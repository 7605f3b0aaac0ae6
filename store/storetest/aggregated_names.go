package storetest

import (
	"cmp"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// newAggregated derives from definitions what a view computes. There is an expression for each column that is computed,
// by its name. The others are read, and are in their order the features of the rows.
func newAggregated(columns []*plumbv1.SourceColumn, expressions map[string]*Expression, filter *Expression,
	aggregations []*plumbv1.Aggregation,
) (*Aggregated, error) {
	a := &Aggregated{filter: filter}
	read := 0
	for _, column := range columns {
		e := eventColumn{column.GetName(), column.GetType(), expressions[column.GetName()], read}
		if a.columns = append(a.columns, e); e.computed == nil {
			read++
		}
	}
	for _, aggregation := range aggregations {
		if err := a.derive(aggregation); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// features are those that the loader of definitions fills in.
func (a *Aggregated) features() []*plumbv1.Feature {
	var features []*plumbv1.Feature
	for _, output := range a.outputs {
		features = append(features, &plumbv1.Feature{Name: output.name, Type: output.declared})
	}
	return features
}

// column is the position of a column, or -1 for no name.
func (a *Aggregated) column(name string) (int, error) {
	at := slices.IndexFunc(a.columns, func(c eventColumn) bool { return c.name == name })
	if at < 0 && name != "" {
		return at, fmt.Errorf("no column of an event is named %q", name)
	}
	return at, nil
}

// derive adds the features of an aggregation: for each function, its quantiles, the windows, the results.
func (a *Aggregated) derive(aggregation *plumbv1.Aggregation) error {
	before := len(a.outputs)
	for _, function := range aggregation.GetFunctions() {
		quantiles := []float64{0}
		if function.GetName() == "percentile" {
			quantiles = function.GetQuantiles()
		}
		for _, quantile := range quantiles {
			for _, window := range aggregation.GetWindows() {
				if err := a.deriveOne(aggregation, function, quantile, window); err != nil {
					return err
				}
			}
		}
	}
	if name := aggregation.GetAs(); name != "" {
		if len(a.outputs) != before+1 {
			return fmt.Errorf("as names one feature, not %d", len(a.outputs)-before)
		}
		a.outputs[before].name = name
	}
	return nil
}

func (a *Aggregated) deriveOne(aggregation *plumbv1.Aggregation, function *plumbv1.AggregateFunction,
	quantile float64, window string,
) error {
	output := aggregatedOutput{function: function, quantile: quantile, largest: int(aggregation.GetLargest()), of: -1}
	var err error
	if function.GetName() != "rows" {
		if output.of, err = a.column(aggregation.GetOf()); err != nil {
			return err
		}
	}
	if output.by, err = a.column(aggregation.GetBy()); err != nil {
		return err
	}
	if output.window, err = windowOf(aggregation, window); err != nil {
		return err
	}
	output.name = a.nameOf(output)
	for i, declared := range a.resultsOf(output) {
		result := output
		result.declared, result.result = declared, i
		switch {
		case i == 1 && output.by >= 0:
			result.name += "_groups"
		case i == 1:
			result.name += "_counts"
		}
		a.outputs = append(a.outputs, result)
	}
	return nil
}

// decimal is a number as it is written.
func decimal(x float64) *big.Rat {
	exact, _ := new(big.Rat).SetString(strconv.FormatFloat(x, 'f', -1, 64))
	return exact
}

// nameOf is a name such as sum_eur_1h, p99_9_eur_by_shop_7d or last_5_shop_lifetime_offset_1d.
func (a *Aggregated) nameOf(o aggregatedOutput) string {
	name := o.function.GetName()
	switch name {
	case "last_n":
		name = fmt.Sprintf("last_%d", o.function.GetN())
	case "top_k":
		name = fmt.Sprintf("top_%d", o.function.GetN())
	case "percentile":
		percent := new(big.Rat).Mul(decimal(o.quantile), big.NewRat(100, 1))
		text := percent.FloatString(20)
		name = "p" + strings.ReplaceAll(strings.TrimRight(strings.TrimRight(text, "0"), "."), ".", "_")
	}
	if o.of >= 0 {
		name += "_" + strings.TrimRight(a.columns[o.of].name, "_")
	}
	if o.by >= 0 {
		name += "_by_" + strings.TrimRight(a.columns[o.by].name, "_")
	}
	if o.window.length == nil {
		name += "_lifetime"
	} else {
		name += "_" + spanText(o.window.length)
	}
	if o.window.offset.Sign() > 0 {
		name += "_offset_" + spanText(o.window.offset)
	}
	return name
}

// resultsOf are the types of the results of R21.
func (a *Aggregated) resultsOf(o aggregatedOutput) []plumbv1.Type {
	var of plumbv1.Type
	if o.of >= 0 {
		of = a.columns[o.of].declared
	}
	result := plumbv1.Type_FLOAT64
	switch o.function.GetName() {
	case "rows", "count", "distinct":
		result = plumbv1.Type_INT64
	case "sum":
		if of == plumbv1.Type_INT32 || of == plumbv1.Type_INT64 {
			result = plumbv1.Type_INT64
		}
	case "min", "max", "first", "last":
		result = of
	case "last_n":
		result = value.ArrayType(of)
	case "top_k", "histogram":
		return []plumbv1.Type{value.ArrayType(of), plumbv1.Type_INT64_ARRAY}
	}
	if o.by >= 0 {
		return []plumbv1.Type{value.ArrayType(result), value.ArrayType(a.columns[o.by].declared)}
	}
	return []plumbv1.Type{result}
}

// windowOf reads a window and what the aggregation says of all its windows.
func windowOf(aggregation *plumbv1.Aggregation, text string) (eventWindow, error) {
	w := eventWindow{offset: big.NewInt(aggregation.GetOffset().AsDuration().Microseconds())}
	if text == "lifetime" {
		return w, nil
	}
	var err error
	if w.length, err = spanOf(text); err != nil {
		return w, err
	}
	switch hop := aggregation.GetHop(); hop {
	case "exact":
	case "":
		w.hop = defaultHop(w.length)
	default:
		w.hop, err = spanOf(hop)
	}
	return w, err
}

const aMinute = 60_000_000

// defaultHop is the greatest of 1m, 5m, 1h and 1d that divides a window and is at most a twelfth of it, else 1m (R18).
func defaultHop(length *big.Int) *big.Int {
	greatest := big.NewInt(aMinute)
	for _, minutes := range []int64{5, 60, 24 * 60} {
		hop := big.NewInt(minutes * aMinute)
		divides := new(big.Int).Mod(length, hop).Sign() == 0
		twelve := new(big.Int).Mul(hop, big.NewInt(12))
		if divides && twelve.Cmp(length) <= 0 {
			greatest = hop
		}
	}
	return greatest
}

// spanUnits are those of durations, in microseconds, greatest first.
var spanUnits = []struct {
	name   string
	micros int64
}{{"d", 24 * 60 * aMinute}, {"h", 60 * aMinute}, {"m", aMinute}, {"s", 1_000_000}, {"ms", 1_000}, {"us", 1}}

var aSpan = regexp.MustCompile(`^(?:(\d+(?:\.\d+)?)(d|h|ms|us|m|s))`)

// spanOf reads a duration such as 1d12h, in microseconds.
func spanOf(text string) (*big.Int, error) {
	total := new(big.Rat)
	for rest := cmp.Or(text, "?"); rest != ""; {
		found := aSpan.FindStringSubmatch(rest)
		if found == nil {
			return nil, fmt.Errorf("%q is not a duration", text)
		}
		amount, _ := new(big.Rat).SetString(found[1])
		for _, unit := range spanUnits {
			if unit.name == found[2] {
				total.Add(total, amount.Mul(amount, new(big.Rat).SetInt64(unit.micros)))
				break
			}
		}
		rest = rest[len(found[0]):]
	}
	if !total.IsInt() {
		return nil, fmt.Errorf("%q is not a whole number of microseconds", text)
	}
	return total.Num(), nil
}

// spanText writes a duration as spanOf reads it, with the greatest units that fit.
func spanText(micros *big.Int) string {
	var text strings.Builder
	rest := new(big.Int).Set(micros)
	for _, unit := range spanUnits {
		amount := new(big.Int)
		if amount.QuoRem(rest, big.NewInt(unit.micros), rest); amount.Sign() > 0 {
			fmt.Fprintf(&text, "%s%s", amount, unit.name)
		}
	}
	return text.String()
}
