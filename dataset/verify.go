package dataset

import (
	"context"
	"errors"
	"fmt"

	"github.com/plumbstore/plumb/registry"
)

// Verify compares all that a manifest says with what there is now. Nothing is left out in silence: what could not be
// compared has a check that says so.
func (f *Found) Verify(ctx context.Context, present Present) ([]Check, error) {
	checks := []Check{f.Check}
	if f.Manifest == nil {
		return append(checks, Check{Subject: "output", Name: f.Output, State: NotCompared,
			Detail: "nothing that the manifest says can be relied upon"}), nil
	}
	if f.Manifest.Project != present.Current.Project {
		return nil, registry.Inputf("", "%s is of project %s, and this is project %s; name its folder with --project-dir",
			f.Check.Name, f.Manifest.Project, present.Current.Project)
	}
	output, err := f.CheckOutput(ctx)
	if err != nil {
		return nil, err
	}
	kept, selection, err := f.Manifest.checkRevision(ctx, present)
	if err != nil {
		return nil, err
	}
	var sources []*registry.Source
	if selection != nil {
		sources = sourcesOf(selection)
	}
	inputs, err := f.Manifest.CheckInputs(ctx, present, sources)
	if err != nil {
		return nil, err
	}
	checks = append(append(checks, output), inputs...)
	return append(append(checks, kept), f.Manifest.CheckDefinitions(present.Current)...), nil
}

// checkRevision looks for the manifest's revision in the registry and returns what was selected there; nil where that
// is not the revision that it was.
func (m *Manifest) checkRevision(ctx context.Context, present Present) (Check, *registry.Selection, error) {
	check := Check{Subject: "revision", Name: fmt.Sprint(m.Revision), State: Same}
	at, err := present.At(ctx, m.Revision)
	if _, ok := errors.AsType[*registry.NotFoundError](err); ok {
		check.State, check.Detail = Missing, "the registry does not have it"
		return check, nil, nil
	}
	if err != nil {
		return check, nil, err
	}
	for _, definition := range m.CheckDefinitions(at) {
		if definition.State != Same {
			check.State = Changed
			check.Detail = fmt.Sprintf("the registry's is another: %s %s differs", definition.Subject, definition.Name)
			return check, nil, nil
		}
	}
	selection, err := m.Selection.Of(at)
	if err != nil {
		return check, nil, err
	}
	return check, selection, nil
}

// Rebuildable returns the selection to make the training set from again, or the checks of what stands in the way. Files
// that sources have besides do not: they are not read.
func (f *Found) Rebuildable(ctx context.Context, present Present) (*registry.Selection, []Check, error) {
	kept, selection, err := f.Manifest.checkRevision(ctx, present)
	if err != nil {
		return nil, nil, err
	}
	inputs, err := f.Manifest.checkFiles(ctx, present)
	if err != nil {
		return nil, nil, err
	}
	var obstacles []Check
	for _, check := range append([]Check{f.Check, kept}, inputs...) {
		if check.State != Same {
			obstacles = append(obstacles, check)
		}
	}
	return selection, obstacles, nil
}

// Reproduces is an error that says in what the content differs from that of an older manifest, where the inputs were
// the same.
func (m *Manifest) Reproduces(old *Manifest) error {
	if m.Output.Digest == old.Output.Digest {
		return nil
	}
	message := "what was made is not what the manifest says, though its inputs are"
	if details := old.Output.differsFrom(m.Output); details != "" {
		message += ": " + details
	}
	return fmt.Errorf("%s; it was made by plumb %s with %s, and this is plumb %s with %s; nothing was written",
		message, old.Plumb, old.Engine, m.Plumb, m.Engine)
}
