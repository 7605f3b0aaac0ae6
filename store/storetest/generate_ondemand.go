package storetest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"pgregory.net/rapid"

	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// onDemandNames are names of on-demand views.
var onDemandNames = []string{"risk", "table"}

// drawOnDemand adds an on-demand view over the views that the world has so far.
func drawOnDemand(t *rapid.T, world *World, number int) {
	view := &plumbv1.OnDemandView{Name: onDemandNames[number]}
	known := names{aTime: {requestTime}}
	for i := range rapid.IntRange(0, 2).Draw(t, "uses") {
		view.Views = append(view.Views, drawViewInput(t, world, known, i))
	}
	for i := range rapid.IntRange(0, 6).Draw(t, "request inputs") {
		input := &plumbv1.RequestInput{Name: fmt.Sprintf("in_%d_%d", number, i), Type: drawType(t)}
		view.Request = append(view.Request, input)
	}
	addKeyInput(t, world, view)
	for _, input := range view.Request {
		known.add(input.Name, input.Type)
	}
	var expressions []*Expression
	for i := range rapid.IntRange(1, 4).Draw(t, "computed features") {
		f := &plumbv1.ComputedFeature{Name: fmt.Sprintf("c_%d_%d", number, i), Type: drawType(t)}
		expression := drawExpression(t, known, kindOf(f.Type), rapid.IntRange(0, 4).Draw(t, "depth"))
		view.Features, expressions = append(view.Features, f), append(expressions, expression)
		known.add(f.Name, f.Type)
	}
	world.addOnDemand(view, expressions)
}

func drawType(t *rapid.T) plumbv1.Type { return plumbv1.Type(rapid.IntRange(1, 16).Draw(t, "type")) }

// drawViewInput draws a use of a view, perhaps with other label columns for its keys.
func drawViewInput(t *rapid.T, world *World, known names, number int) *plumbv1.ViewInput {
	view := rapid.SampledFrom(world.Definitions.GetFeatureViews()).Draw(t, "used view")
	input := &plumbv1.ViewInput{View: view.GetName(), As: fmt.Sprintf("use_%d", number), JoinKeys: map[string]string{}}
	for i, key := range keysOf(world, view) {
		if rapid.Bool().Draw(t, "mapped") {
			input.JoinKeys[key.GetName()] = fmt.Sprintf("of_%s_%d", view.GetName(), i)
		}
	}
	aggregated := world.Histories[view.GetName()].Aggregated
	for i, f := range view.GetFeatures() {
		if aggregated != nil && !aggregated.outputs[i].isExact() {
			continue
		}
		if f.GetName() != "null" { // No name in an expression can be that.
			known.add(input.As+"."+f.GetName(), f.GetType())
		}
	}
	return input
}

// addKeyInput makes a key of a view that is used a request input too, sometimes.
func addKeyInput(t *rapid.T, world *World, view *plumbv1.OnDemandView) {
	if len(view.Views) == 0 || !oneIn(t, 3, "key is an input") {
		return
	}
	for _, key := range keysOf(world, viewOf(world, view.Views[0].View)) {
		name := key.GetName()
		if renamed := view.Views[0].JoinKeys[name]; renamed != "" {
			name = renamed
		}
		view.Request = append(view.Request, &plumbv1.RequestInput{Name: name, Type: key.GetType()})
	}
}

// names are those that an expression may use, by the kind of what they stand for.
type names map[plumbv1.Type][]string

func (n names) add(name string, declared plumbv1.Type) {
	kind := kindOf(declared)
	n[kind] = append(n[kind], name)
}

// drawExpression draws an expression of a kind that may use the names.
func drawExpression(t *rapid.T, known names, kind plumbv1.Type, depth int) *Expression {
	if depth == 0 || oneIn(t, 6, "leaf") {
		return drawLeaf(t, known, kind)
	}
	possible := slices.DeleteFunc(slices.Clone(operators), func(o operator) bool { return o.kind != kind })
	chosen := rapid.SampledFrom(possible).Draw(t, "operator")
	e := &Expression{kind: kind, text: chosen.text, apply: chosen.apply}
	for _, operand := range chosen.operands {
		e.operands = append(e.operands, drawExpression(t, known, operand, depth-1))
	}
	return e
}

var spans = []span{0, 1, -1, 90 * 60 * 1_000_000, 24 * 60 * 60 * 1_000_000, -999}

func drawLeaf(t *rapid.T, known names, kind plumbv1.Type) *Expression {
	if len(known[kind]) > 0 && !oneIn(t, 4, "literal") {
		return &Expression{kind: kind, name: rapid.SampledFrom(known[kind]).Draw(t, "name")}
	}
	if kind == aDuration {
		return literalExpression(kind, rapid.SampledFrom(spans).Draw(t, "duration"))
	}
	element, ok := value.ElementType(kind)
	if !ok {
		return literalExpression(kind, DrawValue(t, kind))
	}
	e := &Expression{kind: kind, apply: list}
	for range rapid.IntRange(1, 3).Draw(t, "elements") {
		e.operands = append(e.operands, drawLeaf(t, known, element))
	}
	e.text = "[" + strings.TrimSuffix(strings.Repeat("%s, ", len(e.operands)), ", ") + "]"
	return e
}

func literalExpression(kind plumbv1.Type, v any) *Expression {
	return &Expression{kind: kind, text: strings.ReplaceAll(literalOf(v), "%", "%%"), apply: func([]Outcome) Outcome {
		return Outcome{Value: v}
	}}
}

// drawComputed draws a reference to an on-demand view. Label columns that it reads are renamed if it has an alias.
func drawComputed(t *rapid.T, world *World, view *plumbv1.OnDemandView, alias string) *plumbv1.ViewReference {
	reference := &plumbv1.ViewReference{View: view.GetName(), As: alias, JoinKeys: map[string]string{}}
	if rapid.Bool().Draw(t, "some features") {
		var features []string
		for _, f := range view.GetFeatures() {
			features = append(features, f.GetName())
		}
		reference.Features = drawSome(t, features, "features")
	}
	for i, column := range labelColumns(world, view) {
		if alias != "" || rapid.Bool().Draw(t, "mapped") {
			odd := rapid.SampledFrom(oddNames).Draw(t, "label column")
			reference.JoinKeys[column] = fmt.Sprintf("%s %s%s%d", odd, view.GetName(), alias, i)
		}
	}
	return reference
}

// labelColumns are those that an on-demand view may read, each once.
func labelColumns(world *World, view *plumbv1.OnDemandView) []string {
	var columns []string
	add := func(name string) {
		if !slices.Contains(columns, name) {
			columns = append(columns, name)
		}
	}
	for _, input := range view.GetRequest() {
		add(input.GetName())
	}
	for _, input := range view.GetViews() {
		for _, key := range keysOf(world, viewOf(world, input.GetView())) {
			if renamed := input.GetJoinKeys()[key.GetName()]; renamed != "" {
				add(renamed)
			} else {
				add(key.GetName())
			}
		}
	}
	return columns
}

// drawRequestColumns adds the label columns that an on-demand view reads in a question, unless they are there.
func drawRequestColumns(t *rapid.T, world *World, question Question, reference *plumbv1.ViewReference, file *File,
	rows int,
) {
	view := world.onDemand(reference.GetView())
	c := computing{world, question, view, reference.GetJoinKeys()}
	c.needs(featuresOf(world, reference), func(name string, declared plumbv1.Type, of string, key int) {
		if slices.ContainsFunc(file.Columns, func(c Column) bool { return c.Name == name }) {
			return
		}
		if of != "" {
			file.Columns = append(file.Columns, drawLabelKeys(t, world, viewOf(world, of), key, name, declared, rows))
			return
		}
		file.Columns = append(file.Columns, drawRequestColumn(t, name, declared, rows))
	})
}

// drawRequestColumn draws the values of a request input. Sometimes nothing but null was seen, and there is no type.
func drawRequestColumn(t *rapid.T, name string, declared plumbv1.Type, rows int) Column {
	column := Column{Name: name, Form: drawForm(t, declared)}
	if oneIn(t, 12, "untyped") {
		return Column{Name: name, Form: arrow.Null, Values: make([]any, rows)}
	}
	for range rows {
		column.Values = append(column.Values, snap(column.Form, DrawNullable(t, declared, 5)))
	}
	return column
}

// featuresOf are the names of the features that a reference asks for.
func featuresOf(world *World, reference *plumbv1.ViewReference) []string {
	if len(reference.GetFeatures()) > 0 {
		return reference.GetFeatures()
	}
	var all []string
	if view := world.onDemand(reference.GetView()); view != nil {
		for _, f := range view.GetFeatures() {
			all = append(all, f.GetName())
		}
		return all
	}
	for _, f := range viewOf(world, reference.GetView()).GetFeatures() {
		all = append(all, f.GetName())
	}
	return all
}
