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
	return selection, selection.nameOutputs(fullNames)
}

// meant ends a sentence about a reference without a colon: the features that another sign, or the name of the feature
// alone, stands for.
func (s *Snapshot) meant(reference string) string {
	var meant []string
	for _, view := range s.Views() {
		name, isOfView := strings.CutPrefix(reference, view.Name)
		for _, f := range view.Features {
			if f.Name == reference || isOfView && len(name) > 1 && strings.TrimLeft(name, ".:/_-") == f.Name {
				meant = append(meant, view.Name+":"+f.Name)
			}
		}
		if reference == view.Name {
			meant = append(meant, view.Name+":*")
		}
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
	view, err := s.View(wanted.GetView())
	if err != nil {
		return err
	}
	reference, err := newReference(view, wanted)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(selection.References, func(r Reference) bool { return r.Alias == reference.Alias })
	switch {
	case at < 0:
		at = len(selection.References)
		selection.References = append(selection.References, reference)
	case selection.References[at].View != view,
		!slices.Equal(selection.References[at].LabelColumns, reference.LabelColumns):
		return fault.Inputf("features", "%q stands for two uses of views; give one of them another name with 'as'",
			reference.Alias)
	}
	positions, err := featurePositions(view, wanted.GetFeatures())
	if err != nil {
		return err
	}
	for _, position := range positions {
		selection.Outputs = append(selection.Outputs, Output{From: StoredColumn{Reference: at, Feature: position}})
	}
	return nil
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
			Suggestion: fault.Closest(name, fieldNames(view.Keys))}
	}
	return reference, nil
}

func featurePositions(view *View, names []string) ([]int, error) {
	if len(names) == 0 {
		all := make([]int, len(view.Features))
		for i := range all {
			all[i] = i
		}
		return all, nil
	}
	positions := make([]int, len(names))
	for i, name := range names {
		positions[i] = slices.IndexFunc(view.Features, func(f Feature) bool { return f.Name == name })
		if positions[i] < 0 {
			known := make([]string, len(view.Features))
			for j, field := range view.Features {
				known[j] = field.Name
			}
			return nil, &fault.NotFoundError{Kind: "feature of view " + view.Name, Name: name,
				Suggestion: fault.Closest(name, known)}
		}
	}
	return positions, nil
}

func fieldNames(fields []Field) []string {
	names := make([]string, len(fields))
	for i, field := range fields {
		names[i] = field.Name
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

// RequireStored returns a *fault.InputError that names what is not a stored column of a newest row, for what knows
// these alone.
func (s *Selection) RequireStored() error {
	for _, reference := range s.References {
		if err := reference.View.RequireNewestRow(); err != nil {
			return err
		}
	}
	var others []string
	for _, output := range s.Outputs {
		if _, ok := output.From.(StoredColumn); !ok {
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
	for i, output := range s.Stored() {
		reference := s.References[output.Reference]
		name := reference.View.Features[output.Feature].Name
		who := reference.Alias + ":" + name
		if fullNames {
			name = reference.Alias + "__" + name
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

// SensitiveKeys returns those of the label columns of Keys that hold values of a sensitive key of any view.
func (s *Selection) SensitiveKeys() []string {
	var columns []string
	for _, reference := range s.References {
		for i, column := range reference.LabelColumns {
			key := reference.View.Keys[i].Name
			if slices.Contains(reference.View.SensitiveKeys, key) && !slices.Contains(columns, column) {
				columns = append(columns, column)
			}
		}
	}
	return columns
}
