package storetest

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"pgregory.net/rapid"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// DrawWindowedWorld draws a project as DrawWorld does, of which the first view has aggregations, and perhaps others. If
// it is to be looked up online, no window has an exact hop, which only offline has.
func DrawWindowedWorld(t *rapid.T, folder, prefix string, online bool) *World {
	world := &World{Folder: folder, Definitions: &plumbv1.Definitions{}, Histories: map[string]*History{}}
	for i := range rapid.IntRange(1, 3).Draw(t, "views") {
		if i == 0 || oneIn(t, 3, "windows") {
			drawAggregated(t, world, i, prefix, online)
		} else {
			drawView(t, world, i, prefix)
		}
	}
	for i := range max(0, rapid.IntRange(-1, 2).Draw(t, "on-demand views")) {
		drawOnDemand(t, world, i)
	}
	return world
}

// drawAggregated draws a view with aggregations.
func drawAggregated(t *rapid.T, world *World, number int, prefix string, online bool) {
	d := &draft{history: &History{}, windows: &windowsDraft{online: online}}
	d.draw(t, world, number, prefix)
	if err := world.aggregate(d.def, d.windows.aggregatedDraft); err != nil {
		t.Fatalf("the aggregations are not well formed: %v", err)
	}
}

// windowsDraft is what a view with aggregations computes, on its way into a world.
type windowsDraft struct {
	aggregatedDraft
	online bool
	// known are the columns that expressions may read.
	known names
	// edges are the windows that times are drawn around.
	edges []eventWindow
}

// columnTypes are those of columns: the ones that most functions are of are there more often.
var columnTypes = []plumbv1.Type{
	plumbv1.Type_FLOAT64, plumbv1.Type_INT64, plumbv1.Type_FLOAT64, plumbv1.Type_INT32, plumbv1.Type_FLOAT32,
	plumbv1.Type_STRING, plumbv1.Type_BOOL, plumbv1.Type_BYTES, plumbv1.Type_TIMESTAMP,
}

// drawColumnType is that of a column of events.
func drawColumnType(t *rapid.T) plumbv1.Type {
	if oneIn(t, 12, "any type") {
		return drawType(t)
	}
	return rapid.SampledFrom(columnTypes).Draw(t, "column type")
}

// drawAggregations draws what is computed of the columns that the view has been given.
func (w *windowsDraft) drawAggregations(t *rapid.T, read []*plumbv1.Feature) {
	w.known, w.expressions = names{}, map[string]*Expression{}
	for _, f := range read {
		w.add(&plumbv1.SourceColumn{Name: f.Name, Type: f.Type, Column: f.Column})
	}
	for i := range max(0, rapid.IntRange(-1, 2).Draw(t, "computed columns")) {
		column := &plumbv1.SourceColumn{Name: fmt.Sprintf("made_%d", i), Type: drawColumnType(t)}
		depth := rapid.IntRange(0, 3).Draw(t, "depth")
		w.expressions[column.Name] = drawExpression(t, w.known, kindOf(column.Type), depth)
		w.add(column)
	}
	if oneIn(t, 3, "filter") {
		w.filter = drawExpression(t, w.known, aBool, rapid.IntRange(1, 3).Draw(t, "depth of the filter"))
	}
	taken := map[string]bool{}
	for i := range rapid.IntRange(1, 4).Draw(t, "aggregations") {
		aggregation := w.drawAggregation(t, i)
		one, err := newAggregated(w.columns, w.expressions, w.filter, []*plumbv1.Aggregation{aggregation})
		if err != nil {
			t.Fatalf("the aggregation is not well formed: %v", err)
		}
		if slices.ContainsFunc(one.outputs, func(o aggregatedOutput) bool { return taken[o.name] }) {
			continue
		}
		for _, output := range one.outputs {
			taken[output.name] = true
			w.edges = append(w.edges, output.window)
		}
		w.aggregations = append(w.aggregations, aggregation)
	}
}

func (w *windowsDraft) add(column *plumbv1.SourceColumn) {
	w.columns = append(w.columns, column)
	w.known.add(column.Name, column.Type)
}

func (w *windowsDraft) drawAggregation(t *rapid.T, number int) *plumbv1.Aggregation {
	columns := w.columns
	if made := len(w.expressions); made > 0 && rapid.Bool().Draw(t, "of what is computed") {
		columns = columns[len(columns)-made:]
	}
	column := rapid.SampledFrom(columns).Draw(t, "of")
	a := &plumbv1.Aggregation{}
	_, isArray := value.ElementType(column.Type)
	single := slices.DeleteFunc(slices.Clone(w.columns), func(c *plumbv1.SourceColumn) bool {
		_, isArray := value.ElementType(c.Type)
		return isArray
	})
	if len(single) > 0 && oneIn(t, 4, "by") {
		a.By = rapid.SampledFrom(single).Draw(t, "by").Name
		a.Largest = uint32(rapid.IntRange(1, 3).Draw(t, "largest"))
	}
	possible := possibleFunctions(column.Type, isArray, a.By != "")
	for _, name := range drawSome(t, possible, "functions") {
		a.Functions = append(a.Functions, drawFunction(t, name, a.By != ""))
		if name != "rows" {
			a.Of = column.Name
		}
	}
	w.drawWindows(t, a)
	results := newAggregation(w, a)
	if len(results) == 1 && oneIn(t, 4, "as") {
		a.As = fmt.Sprintf("renamed_%d", number)
	}
	return a
}

// newAggregation are the outputs of an aggregation; none if it is not well formed.
func newAggregation(w *windowsDraft, a *plumbv1.Aggregation) []aggregatedOutput {
	one, err := newAggregated(w.columns, w.expressions, w.filter, []*plumbv1.Aggregation{a})
	if err != nil {
		return nil
	}
	return one.outputs
}

// possibleFunctions are those that can be computed of a column.
func possibleFunctions(declared plumbv1.Type, isArray, isGrouped bool) []string {
	possible := []string{"rows", "count"}
	if isArray {
		return possible
	}
	possible = append(possible, "min", "max", "distinct")
	if isNumber(declared) {
		possible = append(possible, "sum", "mean")
	}
	if isGrouped {
		return possible
	}
	possible = append(possible, "first", "last", "last_n", "top_k", "histogram")
	if isNumber(declared) {
		possible = append(possible, "variance", "variance_samp", "stddev", "stddev_samp", "percentile")
	}
	return possible
}

func drawFunction(t *rapid.T, name string, isGrouped bool) *plumbv1.AggregateFunction {
	f := &plumbv1.AggregateFunction{Name: name}
	if name == "last_n" || name == "top_k" {
		f.N = uint32(rapid.IntRange(1, 4).Draw(t, "n"))
	}
	if (isGrouped || name == "top_k" || name == "histogram") && oneIn(t, 3, "few values") {
		f.MaxValues = uint32(rapid.IntRange(1, 3).Draw(t, "max values"))
	}
	if name == "percentile" {
		quantiles := rapid.Permutation([]float64{0.5, 0, 1, 0.99, 0.1, 0.55, 0.07, 0.999}).Draw(t, "quantiles")
		f.Quantiles = quantiles[:rapid.IntRange(1, 3).Draw(t, "number of quantiles")]
		f.Error = rapid.SampledFrom([]float64{0.01, 0.001, 0.1, 0.5, 0.0001}).Draw(t, "error")
	}
	return f
}

var (
	someWindows = []string{
		"1h", "1m", "1d", "1s", "90s", "1h30m", "2h", "5m", "36h", "7d", "30d", "366d", "1ms", "1500us", "lifetime",
	}
	someHops    = []string{"1m", "5m", "1h", "1d", "1s", "1ms", "30m"}
	someOffsets = []time.Duration{time.Microsecond, time.Hour, 24 * time.Hour, 90 * time.Minute, time.Millisecond}
	// mostTiles is how many hops a window may be long.
	mostTiles = big.NewInt(366)
)

func (w *windowsDraft) drawWindows(t *rapid.T, a *plumbv1.Aggregation) {
	windows := rapid.Permutation(someWindows).Draw(t, "windows of the aggregation")
	a.Windows = slices.Clone(windows[:rapid.IntRange(1, 2).Draw(t, "number of windows")])
	if oneIn(t, 3, "offset") {
		a.Offset = durationpb.New(rapid.SampledFrom(someOffsets).Draw(t, "the offset"))
	}
	if slices.Contains(a.Windows, "lifetime") || !oneIn(t, 3, "hop") {
		return
	}
	hops := slices.DeleteFunc(slices.Clone(someHops), func(hop string) bool {
		return slices.ContainsFunc(a.Windows, func(window string) bool { return !divides(hop, window) })
	})
	if !w.online {
		hops = append(hops, "exact")
	}
	if len(hops) > 0 {
		a.Hop = rapid.SampledFrom(hops).Draw(t, "the hop")
	}
}

// divides says whether a window is a number of hops that tiles may have.
func divides(hop, window string) bool {
	h, _ := spanOf(hop)
	length, _ := spanOf(window)
	number, rest := new(big.Int).DivMod(length, h, new(big.Int))
	return rest.Sign() == 0 && number.Cmp(mostTiles) <= 0
}

// drawEvent draws the instant of an event: that of another one, or one about the edge of a window.
func (d *draft) drawEvent(t *rapid.T) feature.Instant {
	if len(d.history.Rows) > 0 && oneIn(t, 4, "same instant") {
		if event := rapid.SampledFrom(d.history.Rows).Draw(t, "other event").Event; event != nil {
			return *event
		}
	}
	return drawEdge(t, d.windows.edges, d.anchor)
}

// drawEdge draws an instant that an event or the end of a window may be at, so that the other, at the base, is at the
// border of a window or of a tile, or a microsecond off.
func drawEdge(t *rapid.T, edges []eventWindow, base feature.Instant) feature.Instant {
	window := rapid.SampledFrom(edges).Draw(t, "edge of")
	hop := window.hop
	if hop == nil {
		hop = big.NewInt(aMinute)
	}
	length := window.length
	if length == nil {
		length = hop
	}
	at := big.NewInt(int64(base))
	if rapid.Bool().Draw(t, "at a tile") {
		at.Div(at, hop).Mul(at, hop)
	}
	times := func(span *big.Int, factors ...int64) {
		factor := rapid.SampledFrom(factors).Draw(t, "times")
		at.Add(at, new(big.Int).Mul(span, big.NewInt(factor)))
	}
	times(length, 0, 1, -1, 0)
	times(hop, 0, 1, -1, 2, 0, -3)
	times(window.offset, 0, 1, -1)
	times(big.NewInt(1), 0, 1, -1, 999)
	return feature.Instant(at.Int64())
}

// drawInstantOf draws an instant at which something of a view with aggregations may change.
func (a *Aggregated) drawInstantOf(t *rapid.T, row *SourceRow, base feature.Instant) feature.Instant {
	var edges []eventWindow
	for _, output := range a.outputs {
		edges = append(edges, output.window)
	}
	if row != nil && row.Created != nil && oneIn(t, 4, "at the created time") {
		return *row.Created + feature.Instant(rapid.IntRange(-1, 1).Draw(t, "off the created time"))
	}
	if row != nil {
		base = *cmp.Or(row.Event, &base)
	}
	return drawEdge(t, edges, base)
}
