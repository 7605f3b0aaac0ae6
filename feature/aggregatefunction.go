package feature

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/plumbstore/plumb/compute/aggregate"
	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// Bounds of the parameters of functions.
const (
	defaultMaxValues = 1000
	maxMaxValues     = 100_000
	maxN             = 1000
	maxGroups        = 100
	defaultError     = 0.01
	minError         = 0.0001
	maxError         = 0.5
)

// groupable are the functions whose results groups are ordered by.
var groupable = []aggregate.Function{aggregate.Rows, aggregate.Count, aggregate.Sum, aggregate.Mean, aggregate.Min,
	aggregate.Max, aggregate.Distinct}

// specs are what a function computes: one spec, or one for each quantile.
func (p *aggregationPlan) specs(f *plumbv1.AggregateFunction, path ...string) []aggregate.Spec {
	before := len(p.problems)
	spec := aggregate.Spec{Function: aggregate.Function(f.GetName()), Column: aggregate.None, By: aggregate.None,
		N: int(f.GetN())}
	if !slices.Contains(aggregate.Functions, spec.Function) {
		p.add(fmt.Sprintf("there is no function %q; %s", f.GetName(), SuggestFunction(f.GetName())), path...)
		return nil
	}
	p.checkParameters(f, path)
	if spec.Function != aggregate.Rows {
		if spec.Column = p.column(p.aggregation.GetOf(), "of"); spec.Column >= 0 {
			spec.Type = p.columns[spec.Column].Type
		}
	}
	if by := p.aggregation.GetBy(); by != "" {
		if spec.By = p.indexOf(by); spec.By >= 0 {
			spec.ByType = p.columns[spec.By].Type
		}
		spec.N = int(p.aggregation.GetLargest())
	}
	if len(p.problems) > before || spec.ByType >= plumbv1.Type_BOOL_ARRAY {
		return nil // An array as the column to group by is reported once for all functions.
	}
	if countsValues(spec.Function, spec.By != aggregate.None) {
		spec.MaxValues = cmp.Or(int(f.GetMaxValues()), defaultMaxValues)
	}
	if spec.Function == aggregate.Percentile {
		spec.Error = cmp.Or(f.GetError(), defaultError)
	}
	if err := spec.Check(); err != nil {
		p.add(err.Error(), path...)
		return nil
	}
	if spec.Function != aggregate.Percentile {
		return []aggregate.Spec{spec}
	}
	specs := make([]aggregate.Spec, len(f.GetQuantiles()))
	for i, quantile := range f.GetQuantiles() {
		specs[i] = spec
		specs[i].Quantile = quantile
	}
	return specs
}

// countsValues says whether a function keeps each different value of a window, or each group.
func countsValues(function aggregate.Function, isGrouped bool) bool {
	return function == aggregate.TopK || function == aggregate.Histogram || isGrouped
}

// checkParameters reports parameters that are missing, out of range, or not of the function.
func (p *aggregationPlan) checkParameters(f *plumbv1.AggregateFunction, path []string) {
	function, name := aggregate.Function(f.GetName()), f.GetName()
	at := func(key string) []string { return append(slices.Clone(path), key) }
	switch takesN := function == aggregate.LastN || function == aggregate.TopK; {
	case takesN && (f.GetN() < 1 || f.GetN() > maxN):
		p.add(fmt.Sprintf("%s gives %d values; write a number from 1 to %d", name, f.GetN(), maxN), at(name)...)
	case !takesN && f.GetN() > 0:
		p.add(name+" takes no number of values", path...)
	}
	if function == aggregate.Percentile {
		p.checkPercentile(f, at)
	} else if len(f.GetQuantiles()) > 0 || f.GetError() != 0 {
		p.add(name+" has no quantiles and no error, which percentile has; take them out", at("error")...)
	}
	isGrouped := p.aggregation.GetBy() != ""
	switch {
	case f.GetMaxValues() > 0 && !countsValues(function, isGrouped):
		p.add(name+" keeps no single values, so it has no max_values; top_k, histogram, and functions with by have it",
			at("max_values")...)
	case f.GetMaxValues() > maxMaxValues:
		p.add(fmt.Sprintf("max_values is %d; it goes from 1 to %d", f.GetMaxValues(), maxMaxValues), at("max_values")...)
	}
	if isGrouped && !slices.Contains(groupable, function) {
		p.add(name+" cannot be ordered by group; with by use "+join(groupable), path...)
	}
}

func (p *aggregationPlan) checkPercentile(f *plumbv1.AggregateFunction, at func(string) []string) {
	if len(f.GetQuantiles()) == 0 {
		p.add("percentile needs quantiles, such as [0.5, 0.99]", at("percentile")...)
	}
	for i, quantile := range f.GetQuantiles() {
		if !(quantile >= 0 && quantile <= 1) {
			p.add(fmt.Sprintf("a quantile goes from 0 to 1, and %v does not; the median is 0.5", quantile),
				append(at("percentile"), strconv.Itoa(i))...)
		}
	}
	if e := f.GetError(); e != 0 && !(e >= minError && e <= maxError) {
		p.add(fmt.Sprintf("the error of percentile goes from %v to %v, and %v does not; it is %v if left out", minError,
			maxError, e, defaultError), at("error")...)
	}
}

func join(functions []aggregate.Function) string {
	names := make([]string, len(functions))
	for i, function := range functions {
		names[i] = string(function)
	}
	return strings.Join(names, ", ")
}

// elsewhere says what to write for functions of other systems.
var elsewhere = func() map[string]string {
	const (
		percentile = "percentile is a histogram with a stated error; write {percentile: [0.5]}"
		distinct   = "distinct estimates how many different values there are"
	)
	return map[string]string{
		"tdigest": percentile, "t_digest": percentile, "kll": percentile, "quantile": percentile, "median": percentile,
		"approx_percentile": percentile, "approx_quantile": percentile,
		"hll": distinct, "hyperloglog": distinct, "count_distinct": distinct, "approx_count_distinct": distinct,
		"nunique": distinct, "avg": "write mean", "average": "write mean", "std": "write stddev, or stddev_samp",
		"var": "write variance, or variance_samp",
	}
}()

// SuggestFunction ends a sentence about a function that does not exist.
func SuggestFunction(name string) string {
	if other := elsewhere[name]; other != "" {
		return other
	}
	names := strings.Split(join(aggregate.Functions), ", ")
	if closest := fault.Closest(name, names); closest != "" {
		return fmt.Sprintf("did you mean %q?", closest)
	}
	return "the functions are " + strings.Join(names, ", ")
}

func (p *aggregationPlan) indexOf(name string) int {
	return slices.IndexFunc(p.columns, func(f Field) bool { return f.Name == name })
}

// column is the position of a column, or aggregate.None with a problem.
func (p *aggregationPlan) column(name, at string) int {
	position := p.indexOf(name)
	switch {
	case position >= 0:
	case name == "":
		p.add("name the column that the functions are computed of", at)
	default:
		p.add(fmt.Sprintf("no column is named %q", name), at)
	}
	return position
}
