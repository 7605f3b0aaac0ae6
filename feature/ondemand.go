package feature

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/compute/expression"
	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// OnDemandView is an on-demand view with everything resolved: features that are computed from values of the request and
// from features of other views whenever they are asked for (R25). It is immutable.
type OnDemandView struct {
	Project string
	Name    string
	// Hash identifies what decides the view's values, apart from the sources of the views that it reads.
	Hash DefinitionHash
	// Request are the values that a request gives. Offline they are label columns.
	Request []RequestInput
	// Uses are the uses of feature views. An alias is what expressions call the view.
	Uses     []Reference
	Features []ComputedFeature

	// program computes all features. Its inputs are in the order of inputs.
	program *expression.Program
	inputs  []ComputationInput
}

// RequestInput is a value of the request.
type RequestInput struct {
	Field
	// Sensitive says that audit logs hold a keyed hash in the place of its values.
	Sensitive bool
}

// ComputedFeature is a feature of an on-demand view.
type ComputedFeature struct {
	Field
	// Expression is in the language of compute/expression.
	Expression string
	Sensitive  bool
}

// Computation is one use of an on-demand view in a selection.
type Computation struct {
	View *OnDemandView
	// Alias stands for the view in output names.
	Alias string
	// Features are the positions in View.Features of what is computed. They are the outputs of Program.
	Features []int
	Program  *expression.Program
	// Inputs are what the features need, and no more: one for each of Program.Inputs, in that order.
	Inputs []ComputationInput

	// columns renames label columns that the view reads.
	columns map[string]string
}

// ComputationInput is what the program of an on-demand view reads.
type ComputationInput struct {
	// Field has the name that expressions use, such as amount or spend.mean_30d.
	Field
	// Label is the label column of a request input. It is empty for a feature of a view, which Stored says. In a
	// Computation, Stored.Reference is a position in Selection.References, and in a view one in Uses.
	Label  string
	Stored StoredColumn
}

// resolveOnDemand resolves an on-demand view. Its expressions have passed validation, so a problem with one means that
// a newer version has applied them.
func (s *Snapshot) resolveOnDemand(definition *plumbv1.OnDemandView) (*OnDemandView, error) {
	view := &OnDemandView{Project: s.Project, Name: definition.GetName()}
	for _, input := range definition.GetRequest() {
		field := Field{Name: input.GetName(), Type: input.GetType()}
		view.Request = append(view.Request, RequestInput{Field: field, Sensitive: input.GetSensitive()})
		view.inputs = append(view.inputs, ComputationInput{Field: field, Label: field.Name})
	}
	for i, input := range definition.GetViews() {
		read, err := s.View(input.GetView())
		if err != nil {
			return nil, err
		}
		use, err := newReference(read, &plumbv1.ViewReference{View: input.GetView(), As: input.GetAs(),
			JoinKeys: input.GetJoinKeys()})
		if err != nil {
			return nil, err
		}
		view.Uses = append(view.Uses, use)
		for j, f := range read.Features {
			view.inputs = append(view.inputs, ComputationInput{
				Field: Field{Name: use.Alias + "." + f.Name, Type: f.Type}, Stored: StoredColumn{Reference: i, Feature: j},
			})
		}
	}
	for _, f := range definition.GetFeatures() {
		view.Features = append(view.Features, ComputedFeature{Field: Field{Name: f.GetName(), Type: f.GetType()},
			Expression: f.GetExpression(), Sensitive: f.GetSensitive()})
	}
	view.Hash = view.hash()
	return view, view.compile()
}

func (v *OnDemandView) compile() error {
	inputs := make([]expression.Input, len(v.inputs))
	for i, input := range v.inputs {
		inputs[i] = expression.Input{Name: input.Name, Type: input.Type}
	}
	outputs := make([]expression.Output, len(v.Features))
	for i, f := range v.Features {
		outputs[i] = expression.Output{Name: f.Name, Type: f.Type, Expression: f.Expression}
	}
	program, problems := expression.Compile(inputs, outputs)
	if len(problems) > 0 {
		problem := problems[0]
		return fault.Inputf("", "on-demand view %s, feature %s: %s; if a newer version has applied it, upgrade this one",
			v.Name, v.Features[problem.Output].Name, problem.Message)
	}
	v.program = program
	return nil
}

// hash is the SHA-256 of these lines, in the form of DefinitionHash:
//
//	plumb on-demand view 1
//	request NAME TYPE               for each request input, ordered by name
//	view ALIAS HASH                 for each use of a view, ordered by alias
//	key NAME COLUMN                 for each join key of it, in declared order
//	feature NAME TYPE EXPRESSION    ordered by name
func (v *OnDemandView) hash() DefinitionHash {
	var text strings.Builder
	fmt.Fprintln(&text, "plumb on-demand view 1")
	for _, input := range sortedBy(v.Request, func(i RequestInput) string { return i.Name }) {
		fmt.Fprintf(&text, "request %+q %s\n", input.Name, input.Type)
	}
	for _, use := range sortedBy(v.Uses, func(r Reference) string { return r.Alias }) {
		fmt.Fprintf(&text, "view %+q %s\n", use.Alias, use.View.Hash)
		for i, key := range use.View.Keys {
			fmt.Fprintf(&text, "key %+q %+q\n", key.Name, use.LabelColumns[i])
		}
	}
	for _, f := range sortedBy(v.Features, func(f ComputedFeature) string { return f.Name }) {
		fmt.Fprintf(&text, "feature %+q %s %+q\n", f.Name, f.Type, f.Expression)
	}
	return sha256.Sum256([]byte(text.String()))
}

// Sensitive returns the names of the view's request inputs and features that are sensitive.
func (v *OnDemandView) Sensitive() []string {
	var names []string
	for _, input := range v.Request {
		if input.Sensitive {
			names = append(names, input.Name)
		}
	}
	for _, f := range v.Features {
		if f.Sensitive {
			names = append(names, f.Name)
		}
	}
	return names
}

// addComputation appends features of an on-demand view. One that is referred to again under the same alias and key map
// is computed once.
func (s *Selection) addComputation(view *OnDemandView, wanted *plumbv1.ViewReference) error {
	alias := cmp.Or(wanted.GetAs(), view.Name)
	if err := view.checkColumns(wanted.GetJoinKeys()); err != nil {
		return err
	}
	at := s.computationOf(alias)
	switch {
	case at < 0 && s.referenceTo(alias) < 0:
		at = len(s.Computations)
		s.Computations = append(s.Computations, Computation{View: view, Alias: alias, columns: wanted.GetJoinKeys()})
	case at < 0, s.Computations[at].View != view, !maps.Equal(s.Computations[at].columns, wanted.GetJoinKeys()):
		return ambiguous(alias)
	}
	positions, err := featurePositions(view.Name, namesOf(view.Features), wanted.GetFeatures())
	if err != nil {
		return err
	}
	computation := &s.Computations[at]
	for _, position := range positions {
		place := slices.Index(computation.Features, position)
		if place < 0 {
			place = len(computation.Features)
			computation.Features = append(computation.Features, position)
		}
		s.Outputs = append(s.Outputs, Output{From: ComputedColumn{Computation: at, Feature: place}})
	}
	return nil
}

// checkColumns refuses to map label columns that the view does not read.
func (v *OnDemandView) checkColumns(mapped map[string]string) error {
	known := v.LabelColumns()
	for _, name := range sortedNames(mapped) {
		if !slices.Contains(known, name) {
			return &fault.NotFoundError{Kind: "label column of on-demand view " + v.Name, Name: name,
				Suggestion: fault.Closest(name, known)}
		}
	}
	return nil
}

// LabelColumns are the label columns that the view may read, each once: request inputs, and the keys of its uses of
// views.
func (v *OnDemandView) LabelColumns() []string {
	columns := namesOf(v.Request)
	for _, use := range v.Uses {
		for _, column := range use.LabelColumns {
			if !slices.Contains(columns, column) {
				columns = append(columns, column)
			}
		}
	}
	return columns
}

// settle determines what each computation reads, and adds the uses of views that computations alone read.
func (s *Selection) settle() {
	for i := range s.Computations {
		computation := &s.Computations[i]
		computation.Program = computation.View.program.Select(computation.Features)
		for _, at := range computation.Program.Inputs() {
			input := computation.View.inputs[at]
			if input.Label != "" {
				input.Label = computation.labelColumn(input.Label)
			} else {
				input.Stored.Reference = s.use(computation, computation.View.Uses[input.Stored.Reference])
			}
			computation.Inputs = append(computation.Inputs, input)
		}
	}
}

// use is the position of the use of a view that a computation reads. One that reads the same rows for another purpose
// serves both.
func (s *Selection) use(computation *Computation, read Reference) int {
	reference := Reference{View: read.View, Alias: computation.Alias + "__" + read.Alias}
	for _, column := range read.LabelColumns {
		reference.LabelColumns = append(reference.LabelColumns, computation.labelColumn(column))
	}
	at := slices.IndexFunc(s.References, func(r Reference) bool {
		return r.View == reference.View && slices.Equal(r.LabelColumns, reference.LabelColumns)
	})
	if at < 0 {
		at = len(s.References)
		s.References = append(s.References, reference)
	}
	return at
}

func (c *Computation) labelColumn(column string) string { return cmp.Or(c.columns[column], column) }

// Inputs returns the label columns that request inputs are read from, each once, in order of first use. One that is
// also a join key is left out, as Keys has it. It is an error when one column is read as two types.
func (s *Selection) Inputs() ([]RequestInput, error) {
	keys, err := s.Keys()
	if err != nil {
		return nil, err
	}
	read := map[string]plumbv1.Type{}
	for _, key := range keys {
		read[key.Name] = key.Type
	}
	var inputs []RequestInput
	for _, input := range s.requestInputs() {
		declared, ok := read[input.Name]
		switch {
		case !ok:
			read[input.Name] = input.Type
			inputs = append(inputs, input)
		case declared != input.Type:
			return nil, fault.Inputf(input.Name, "is read as %s and as %s; map one of them to another column with join_keys",
				declared, input.Type)
		}
	}
	for i := range inputs {
		inputs[i].Sensitive = s.isSensitiveInput(inputs[i].Name)
	}
	return inputs, nil
}

// isSensitiveInput says whether a label column holds values of a sensitive request input of any view.
func (s *Selection) isSensitiveInput(column string) bool {
	return slices.ContainsFunc(s.requestInputs(), func(r RequestInput) bool { return r.Name == column && r.Sensitive })
}

// requestInputs are the inputs of all computations, by the label columns that they are read from.
func (s *Selection) requestInputs() []RequestInput {
	var inputs []RequestInput
	for _, computation := range s.Computations {
		for _, input := range computation.Inputs {
			at := slices.IndexFunc(computation.View.Request, func(r RequestInput) bool { return r.Name == input.Name })
			if input.Label != "" {
				inputs = append(inputs, RequestInput{Field{input.Label, input.Type}, computation.View.Request[at].Sensitive})
			}
		}
	}
	return inputs
}
