package feature

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// SelectService returns what a feature service asks for. fullNames names outputs view__feature even if the service does
// not. A fault.CollisionError lists outputs of one name (R10).
func (s *Snapshot) SelectService(name string, fullNames bool) (*Selection, error) {
	service, err := s.Service(name)
	if err != nil {
		return nil, err
	}
	selection := &Selection{}
	for _, reference := range service.GetFeatures() {
		if err := s.addReference(selection, reference); err != nil {
			return nil, fmt.Errorf("feature service %q: %w", name, err)
		}
	}
	selection.settle()
	return selection, selection.nameOutputs(fullNames || service.GetFullNames())
}

// SelectFeatures returns what references of the form "view:feature" or "view:*" ask for, in their order.
func (s *Snapshot) SelectFeatures(references []string, fullNames bool) (*Selection, error) {
	if len(references) == 0 {
		return nil, fault.Inputf("features", "name at least one, as view:feature or view:*")
	}
	selection := &Selection{}
	for _, reference := range references {
		view, f, ok := strings.Cut(reference, ":")
		if !ok || view == "" || f == "" {
			return nil, fault.Inputf("features", "%q is not of the form view:feature or view:*%s", reference, s.meant(reference))
		}
		wanted := &plumbv1.ViewReference{View: view}
		if f != "*" {
			wanted.Features = []string{f}
		}
		if err := s.addReference(selection, wanted); err != nil {
			return nil, err
		}
	}
	selection.settle()
	return selection, selection.nameOutputs(fullNames)
}

// meant ends a sentence about a reference without a colon: the features that another sign, or the name of the feature
// alone, stands for.
func (s *Snapshot) meant(reference string) string {
	var meant []string
	consider := func(view string, features []string) {
		name, isOfView := strings.CutPrefix(reference, view)
		for _, f := range features {
			if f == reference || isOfView && len(name) > 1 && strings.TrimLeft(name, ".:/_-") == f {
				meant = append(meant, view+":"+f)
			}
		}
		if reference == view {
			meant = append(meant, view+":*")
		}
	}
	for _, view := range s.Views() {
		consider(view.Name, namesOf(view.Features))
	}
	for _, view := range s.OnDemandViews() {
		consider(view.Name, namesOf(view.Features))
	}
	if len(meant) == 0 {
		return ""
	}
	const most = 3
	return "; did you mean " + strings.Join(meant[:min(len(meant), most)], " or ") + "?"
}

// addReference appends the features that are wanted, under the reference's alias. A view that is referred to again
// under the same alias and key map is joined once.
func (s *Snapshot) addReference(selection *Selection, wanted *plumbv1.ViewReference) error {
	if view, ok := s.onDemand[wanted.GetView()]; ok {
		return selection.addComputation(view, wanted)
	}
	view, ok := s.views[wanted.GetView()]
	if !ok {
		names := append(sortedNames(s.views), sortedNames(s.onDemand)...)
		return &fault.NotFoundError{Kind: "feature view", Name: wanted.GetView(),
			Suggestion: fault.Closest(wanted.GetView(), names)}
	}
	reference, err := newReference(view, wanted)
	if err != nil {
		return err
	}
	at := selection.referenceTo(reference.Alias)
	switch {
	case at < 0 && selection.computationOf(reference.Alias) < 0:
		at = len(selection.References)
		selection.References = append(selection.References, reference)
	case at < 0, selection.References[at].View != view,
		!slices.Equal(selection.References[at].LabelColumns, reference.LabelColumns):
		return ambiguous(reference.Alias)
	}
	positions, err := featurePositions(view.Name, namesOf(view.Features), wanted.GetFeatures())
	if err != nil {
		return err
	}
	for _, position := range positions {
		selection.Outputs = append(selection.Outputs, Output{From: StoredColumn{Reference: at, Feature: position}})
	}
	return nil
}

func (s *Selection) referenceTo(alias string) int {
	return slices.IndexFunc(s.References, func(r Reference) bool { return r.Alias == alias })
}

func (s *Selection) computationOf(alias string) int {
	return slices.IndexFunc(s.Computations, func(c Computation) bool { return c.Alias == alias })
}

func ambiguous(alias string) error {
	return fault.Inputf("features", "%q stands for two uses of views; give one of them another name with 'as'", alias)
}

func newReference(view *View, wanted *plumbv1.ViewReference) (Reference, error) {
	reference := Reference{View: view, Alias: wanted.GetAs()}
	if reference.Alias == "" {
		reference.Alias = view.Name
	}
	unknown := maps.Clone(wanted.GetJoinKeys())
	for _, key := range view.Keys {
		column, ok := wanted.GetJoinKeys()[key.Name]
		if !ok {
			column = key.Name
		}
		reference.LabelColumns = append(reference.LabelColumns, column)
		delete(unknown, key.Name)
	}
	for _, name := range sortedNames(unknown) {
		return Reference{}, &fault.NotFoundError{Kind: "join key of view " + view.Name, Name: name,
			Suggestion: fault.Closest(name, namesOf(view.Keys))}
	}
	return reference, nil
}

// featurePositions are the positions of features of a view by name; of all features if no names are given.
func featurePositions(view string, known, names []string) ([]int, error) {
	if len(names) == 0 {
		all := make([]int, len(known))
		for i := range all {
			all[i] = i
		}
		return all, nil
	}
	positions := make([]int, len(names))
	for i, name := range names {
		positions[i] = slices.Index(known, name)
		if positions[i] < 0 {
			return nil, &fault.NotFoundError{Kind: "feature of view " + view, Name: name,
				Suggestion: fault.Closest(name, known)}
		}
	}
	return positions, nil
}

// namesOf are the names of fields, or of features.
func namesOf[T interface{ name() string }](things []T) []string {
	names := make([]string, len(things))
	for i, thing := range things {
		names[i] = thing.name()
	}
	return names
}

// Stored yields the outputs that are stored columns, with their positions in Outputs.
func (s *Selection) Stored() iter.Seq2[int, StoredOutput] {
	return func(yield func(int, StoredOutput) bool) {
		for i, output := range s.Outputs {
			if column, ok := output.From.(StoredColumn); ok && !yield(i, StoredOutput{column, output.Name}) {
				return
			}
		}
	}
}

// Reads returns the positions of the features that are needed of a use of a view, for outputs or for computations, each
// once.
func (s *Selection) Reads(reference int) []int {
	var features []int
	add := func(column StoredColumn) {
		if column.Reference == reference && !slices.Contains(features, column.Feature) {
			features = append(features, column.Feature)
		}
	}
	for _, output := range s.Stored() {
		add(output.StoredColumn)
	}
	for _, computation := range s.Computations {
		for _, input := range computation.Inputs {
			if input.Label == "" {
				add(input.Stored)
			}
		}
	}
	return features
}

// Described is what an output is, apart from its name.
type Described struct {
	// Field is the feature's name and type.
	Field
	// View is the name of the feature view or on-demand view, and Alias what stands for it.
	View, Alias string
	Sensitive   bool
}

// Describe says what an output of the selection is. Its origin has to be known; see RequireKnown.
func (s *Selection) Describe(output Output) Described {
	if column, ok := output.From.(ComputedColumn); ok {
		computation := &s.Computations[column.Computation]
		f := computation.View.Features[computation.Features[column.Feature]]
		return Described{f.Field, computation.View.Name, computation.Alias, f.Sensitive}
	}
	column := output.From.(StoredColumn)
	reference := s.References[column.Reference]
	f := reference.View.Features[column.Feature]
	return Described{f.Field, reference.View.Name, reference.Alias, f.Sensitive}
}

// RequireKnown returns a *fault.InputError that names what is of no kind that this version knows: uses of views and
// outputs.
func (s *Selection) RequireKnown() error {
	for _, reference := range s.References {
		if err := reference.View.RequireKnown(); err != nil {
			return err
		}
	}
	var others []string
	for _, output := range s.Outputs {
		switch output.From.(type) {
		case StoredColumn, ComputedColumn:
		default:
			others = append(others, output.Name)
		}
	}
	if others == nil {
		return nil
	}
	return fault.Inputf("features", "%s: where the values come from is not known to this version; upgrade it",
		strings.Join(others, ", "))
}

// nameOutputs names the output columns and refuses collisions (R10).
func (s *Selection) nameOutputs(fullNames bool) error {
	wanters := map[string][]string{}
	for i, output := range s.Outputs {
		described := s.Describe(output)
		name := described.Name
		who := described.Alias + ":" + name
		if fullNames {
			name = described.Alias + "__" + name
		}
		s.Outputs[i].Name = name
		wanters[name] = append(wanters[name], who)
	}
	var collisions []string
	for _, name := range sortedNames(wanters) {
		if who := wanters[name]; len(who) > 1 {
			collisions = append(collisions, fmt.Sprintf("%q is wanted by %s", name, strings.Join(who, " and ")))
		}
	}
	if collisions == nil {
		return nil
	}
	return &fault.CollisionError{Names: collisions, Hint: "ask for full names (view__feature), or for one of them only"}
}

// Keys returns the label columns that the selection reads its join keys from, each once, in order of first use. It is
// an error when one column is read as two types.
func (s *Selection) Keys() ([]Field, error) {
	var keys []Field
	for _, reference := range s.References {
		for i, column := range reference.LabelColumns {
			wanted := Field{Name: column, Type: reference.View.Keys[i].Type}
			at := slices.IndexFunc(keys, func(f Field) bool { return f.Name == column })
			if at < 0 {
				keys = append(keys, wanted)
			} else if keys[at].Type != wanted.Type {
				return nil, fault.Inputf(column, "is read as %s and as %s; map one view's key to another column",
					keys[at].Type, wanted.Type)
			}
		}
	}
	return keys, nil
}

// SensitiveColumns returns those of the label columns of Keys and Inputs that hold values of a sensitive key of any
// view, or of a sensitive request input.
func (s *Selection) SensitiveColumns() []string {
	var columns []string
	add := func(column string) {
		if !slices.Contains(columns, column) {
			columns = append(columns, column)
		}
	}
	for _, reference := range s.References {
		for i, column := range reference.LabelColumns {
			if slices.Contains(reference.View.SensitiveKeys, reference.View.Keys[i].Name) {
				add(column)
			}
		}
	}
	for _, input := range s.requestInputs() {
		if input.Sensitive {
			add(input.Name)
		}
	}
	return columns
}
