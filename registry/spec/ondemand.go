package spec

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/plumbstore/plumb/compute/expression"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// requestTime is what expressions call the instant that they are evaluated at.
const requestTime = "request_time"

// computing is what the expressions of an on-demand view read and compute.
type computing struct {
	program *expression.Program
	// reads has, for each input of the program, the label columns that are read for it.
	reads [][]readColumn
}

// checkOnDemandView checks what an on-demand view says. If not everything is known that its expressions may read, those
// alone are checked that read nothing else, and of the others the names that nothing can have.
func (c *checker) checkOnDemandView(ctx context.Context, view *plumbv1.OnDemandView) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if other, ok := c.views[view.GetName()]; ok && view.GetName() != "" {
		c.add(view, path{"name"}, "the feature view at %s is named %q too; rename one of them", c.Position(other, "name"),
			view.GetName())
	}
	indexNames(c, "request input", view.GetRequest())
	indexNames(c, "feature", view.GetFeatures())
	read := newReadable()
	c.checkRequest(view, read)
	c.checkViewInputs(view, read)
	sound, others := c.checkComputedNames(view, read)
	if !read.complete {
		sound, others = c.settle(sound, others, read)
	}
	program := c.checkExpressions(sound, slices.Concat(read.inputs, others))
	if program != nil && len(sound) == len(view.GetFeatures()) && read.complete {
		c.computing[view] = &computing{program, read.reads}
	}
	return nil
}

// settle returns those of the features whose expressions read no name of something that is wrong elsewhere. The rest
// are inputs too. What is wrong with these is reported once the names are known, but for names that nothing can have.
func (c *checker) settle(features []*plumbv1.ComputedFeature, others []expression.Input, read *readable) (
	sound []*plumbv1.ComputedFeature, rest []expression.Input,
) {
	names := []string{requestTime}
	for _, input := range slices.Concat(read.inputs, others) {
		names = append(names, input.Name)
	}
	for _, f := range features {
		names = append(names, f.GetName())
	}
	known := newNames(names)
	for _, f := range features {
		var unknown []expression.Read
		isSound := true
		for _, name := range expression.Reads(f.GetExpression()) {
			switch {
			case known.has[name.Name]:
			case read.mayBe(name.Name):
				isSound = false
			default:
				unknown = append(unknown, name)
			}
		}
		if isSound {
			sound = append(sound, f)
			continue
		}
		rest = append(rest, expression.Input{Name: f.GetName(), Type: f.GetType()})
		for _, name := range unknown {
			c.addInExpression(f, "expression", f.GetExpression(), expression.Problem{Line: name.Line, Column: name.Column,
				Message: expression.UnknownInput(name.Name, known.all)})
		}
	}
	return sound, append(others, rest...)
}

// checkRequest checks the request inputs, which expressions may read.
func (c *checker) checkRequest(view *plumbv1.OnDemandView, read *readable) {
	if c.isFaulty(view, "request") {
		read.lack("")
	}
	for _, input := range view.GetRequest() {
		name := input.GetName()
		switch {
		case name == labelTime || name == requestTime:
			c.add(input, path{"name"}, "request input %q has the name of the time of label rows, which expressions read as "+
				"%s; rename or remove it", name, requestTime)
			read.lackType(name)
		case c.isFaulty(input, "name"):
			read.lackType(name)
		default:
			read.add("", expression.Input{Name: name, Type: input.GetType()},
				[]readColumn{{name, input.GetType(), view.GetName() + ":" + name}})
		}
	}
}

// checkViewInputs checks the uses of feature views, whose features expressions may read.
func (c *checker) checkViewInputs(view *plumbv1.OnDemandView, read *readable) {
	if c.isFaulty(view, "views") {
		read.lack(anyAlias)
	}
	aliases := map[string]*plumbv1.ViewInput{}
	requested := namesOf(view.GetRequest())
	for _, input := range view.GetViews() {
		if input.GetView() == "" || c.isFaulty(input, "view") || c.isFaulty(input, "as") {
			read.lack(anyAlias)
			continue
		}
		alias := cmp.Or(input.GetAs(), input.GetView())
		if first, ok := aliases[alias]; ok {
			c.add(input, path{"as"}, "%q already stands for the view at %s; give this one another name with as", alias,
				c.Position(first))
			read.lack(alias)
			continue
		}
		aliases[alias] = input
		if requested.has[alias] {
			c.add(input, path{"as"}, "%q is also the name of a request input; give the view another name with as", alias)
			read.complete = false
		}
		of, ok := c.views[input.GetView()]
		if !ok {
			c.unknownInput(input)
			read.lack(alias)
			continue
		}
		columns := c.keysOf(view, input, of)
		for _, f := range of.GetFeatures() {
			read.add(alias, expression.Input{Name: f.GetName(), Type: f.GetType()}, columns)
		}
		if c.isFaulty(of, "features") {
			read.lack(alias)
		}
	}
}

func (c *checker) unknownInput(input *plumbv1.ViewInput) {
	if _, ok := c.onDemandNames.has[input.GetView()]; ok {
		c.add(input, path{"view"}, "%q is an on-demand view, whose features expressions of another cannot read; compute "+
			"them in this view too", input.GetView())
	} else if !c.mayLack("feature_views", c.viewNames) {
		c.add(input, path{"view"}, "no feature view is named %q; %s", input.GetView(),
			c.suggest(input.GetView(), c.viewNames))
	}
}

// keysOf are the label columns that the keys of a view are read from. Keys that the view does not have are reported.
func (c *checker) keysOf(view *plumbv1.OnDemandView, input *plumbv1.ViewInput, read *plumbv1.FeatureView) []readColumn {
	keys, complete := c.joinKeysOf(read)
	known := newNames(nil)
	var columns []readColumn
	for _, key := range keys {
		known.has[key.GetName()], known.all = true, append(known.all, key.GetName())
		columns = append(columns, readColumn{cmp.Or(input.GetJoinKeys()[key.GetName()], key.GetName()), key.GetType(),
			view.GetName() + "." + cmp.Or(input.GetAs(), input.GetView()) + ":" + key.GetName()})
	}
	for _, name := range slices.Sorted(maps.Keys(input.GetJoinKeys())) {
		if complete && !known.has[name] {
			c.addAtKey(input, path{"join_keys", name}, "feature view %q has no join key %q; %s", read.GetName(), name,
				c.suggest(name, known))
		}
	}
	return columns
}

// joinKeysOf are the join keys of a view's entities, and whether all are known.
func (c *checker) joinKeysOf(view *plumbv1.FeatureView) (keys []*plumbv1.JoinKey, complete bool) {
	complete = !c.isFaulty(view, "entities")
	for _, name := range view.GetEntities() {
		entity, ok := c.entities[name]
		complete = complete && ok && !c.isFaulty(entity, "join_keys")
		for _, key := range entity.GetJoinKeys() {
			if key.GetName() == "" {
				complete = false
				continue
			}
			keys = append(keys, key)
		}
	}
	return keys, complete
}

// checkComputedNames refuses features with names that expressions use for something else. It returns the features whose
// expressions can be checked. The others that have a name and a type of their own are inputs for these, so that what
// reads them is checked too.
func (c *checker) checkComputedNames(view *plumbv1.OnDemandView, read *readable) (sound []*plumbv1.ComputedFeature,
	others []expression.Input,
) {
	if c.isFaulty(view, "features") {
		read.lack("")
	}
	taken := map[string]string{labelTime: "the time of label rows", requestTime: "the time of the request"}
	for _, input := range view.GetRequest() {
		taken[input.GetName()] = "a request input"
	}
	for _, input := range view.GetViews() {
		taken[cmp.Or(input.GetAs(), input.GetView())] = "a view"
	}
	for _, f := range view.GetFeatures() {
		what, clashes := taken[f.GetName()]
		switch {
		case f.GetName() == "" || f.GetType() == 0 || c.isFaulty(f, "name"):
			read.lackType(f.GetName())
		case clashes && what == "":
			// A feature of this name came before, which has been reported.
		case clashes:
			c.add(f, path{"name"}, "feature %q has the name of %s; rename the feature", f.GetName(), what)
		case f.GetExpression() == "" || c.isFaulty(f, "expression"):
			others = append(others, expression.Input{Name: f.GetName(), Type: f.GetType()})
		default:
			sound = append(sound, f)
		}
		if !clashes {
			taken[f.GetName()] = ""
		}
	}
	return sound, others
}

// checkExpressions compiles the expressions, or reports what is wrong with them.
func (c *checker) checkExpressions(features []*plumbv1.ComputedFeature, inputs []expression.Input) *expression.Program {
	outputs := make([]expression.Output, len(features))
	for i, f := range features {
		outputs[i] = expression.Output{Name: f.GetName(), Type: f.GetType(), Expression: f.GetExpression()}
	}
	program, problems := expression.Compile(inputs, outputs)
	for _, problem := range problems {
		f := features[problem.Output]
		c.addInExpression(f, "expression", f.GetExpression(), problem)
	}
	if len(problems) > 0 {
		return nil
	}
	return program
}

// addInExpression reports a problem at its place in an expression, with the line of the expression and a caret. The
// expression is the text of a field of what has it.
func (c *checker) addInExpression(has named, field, text string, problem expression.Problem) {
	if c.full() {
		c.more++
		return
	}
	position, _ := c.locate(has, path{field})
	at := c.places[has]
	lines := strings.Split(text, "\n")
	found := problem.Line > 0 && problem.Line <= len(lines)
	if _, node := child(at.node, field); found && node != nil {
		position = c.within(at.file, node, lines[problem.Line-1], problem, position)
	}
	reported := position.problem("%s %q: %s", expressionNouns[has.ProtoReflect().Descriptor().Name()], has.GetName(),
		problem.Message)
	if found {
		reported.Excerpt = lines[problem.Line-1] + "\n" + strings.Repeat(" ", max(problem.Column-1, 0)) + "^"
	}
	c.found = append(c.found, reported)
}

// expressionNouns are the words for what has an expression, by message name.
var expressionNouns = map[protoreflect.Name]string{
	"ComputedFeature": "feature",
	"SourceColumn":    "column",
	"Source":          "filter of source",
}

// within is the place in the file of a place in an expression. It is that of the whole value if YAML has folded or
// unescaped what is written.
func (c *checker) within(file string, node *yaml.Node, line string, problem expression.Problem, whole Position,
) Position {
	at := node.Line - 1
	if node.Style&yaml.LiteralStyle != 0 {
		at += problem.Line
	} else if problem.Line > 1 {
		return whole
	}
	lines := c.texts[file]
	if at >= len(lines) {
		return whole
	}
	begin := node.Column - 1
	switch {
	case node.Style&yaml.LiteralStyle != 0:
		begin = utf8.RuneCountInString(lines[at]) - utf8.RuneCountInString(line)
	case node.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
		begin++
	}
	written := []rune(lines[at])
	if begin < 0 || begin > len(written) || !strings.HasPrefix(string(written[begin:]), line) {
		return whole
	}
	return Position{File: file, Line: at + 1, Column: begin + problem.Column}
}

// checkComputation checks the reference of a service to an on-demand view: its features, and the label columns that
// they read.
func (o *outputs) checkComputation(view *plumbv1.OnDemandView, reference *plumbv1.ViewReference, alias string) {
	known := namesOf(view.GetFeatures())
	wanted := reference.GetFeatures()
	complete := len(known.all) > 0 && !known.lacking && !o.isFaulty(view, "features")
	for i, name := range wanted {
		if complete && name != "" && !known.has[name] {
			o.checker.add(reference, path{"features", strconv.Itoa(i)}, "on-demand view %q has no feature %q; %s",
				view.GetName(), name, o.suggest(name, known))
			complete = false
		}
	}
	if len(wanted) == 0 {
		wanted = known.all
	}
	for i, name := range wanted {
		o.add(reference, i, alias, name)
	}
	computing := o.computing[view]
	if computing == nil || !complete {
		return
	}
	o.checkMapped(view, reference, computing)
	var positions []int
	for _, name := range wanted {
		positions = append(positions, slices.Index(known.all, name))
	}
	for _, input := range computing.program.Select(positions).Inputs() {
		for _, column := range computing.reads[input] {
			column.name = cmp.Or(reference.GetJoinKeys()[column.name], column.name)
			o.addColumn(reference, column)
		}
	}
}

// checkMapped reports label columns that are mapped and that the view does not read.
func (o *outputs) checkMapped(view *plumbv1.OnDemandView, reference *plumbv1.ViewReference, computing *computing) {
	var all []string
	for _, columns := range computing.reads {
		for _, column := range columns {
			all = append(all, column.name)
		}
	}
	read := newNames(slices.Compact(slices.Sorted(slices.Values(all))))
	for _, name := range slices.Sorted(maps.Keys(reference.GetJoinKeys())) {
		if !read.has[name] {
			o.addAtKey(reference, path{"join_keys", name}, "on-demand view %q reads no label column %q; %s", view.GetName(),
				name, o.suggest(name, read))
		}
	}
}

// addColumn notes that a label column is read, or reports that it is read as two types.
func (o *outputs) addColumn(reference *plumbv1.ViewReference, column readColumn) {
	first, ok := o.labels[column.name]
	switch {
	case !ok:
		o.labels[column.name] = label{column.as, column.reader}
	case column.as != first.keyType && column.as != 0 && first.keyType != 0:
		o.checker.add(reference, path{"join_keys"}, "label column %q is read as %s for %s and as %s for %s; map one of them "+
			"to another column with join_keys", column.name, first.keyType, first.reader, column.as, column.reader)
	}
}
