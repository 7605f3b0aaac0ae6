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
	if f.Manifest == nil {
		return append([]Check{f.Check}, Check{Subject: "output", Name: f.Output, State: NotCompared,
			Detail: "nothing that the manifest says can be relied upon"}), nil
	}
	if f.Manifest.Project != present.Current.Project {
		return nil, registry.Inputf("", "%s is of project %s, and this is project %s; name its folder with --project-dir",
			f.Check.Name, f.Manifest.Project, present.Current.Project)
	}
	kept, selection, err := f.Manifest.checkRevision(ctx, present)
	if err != nil {
		return nil, err
	}
	find := newFinder(present, f.Output)
	output, err := f.checkOutput(ctx, find, selection)
	if err != nil {
		return nil, err
	}
	var sources []*registry.Source
	if selection != nil {
		sources = sourcesOf(selection)
	}
	in, err := f.checkInputs(ctx, present, find, sources)
	if err != nil {
		return nil, err
	}
	checks := append(append([]Check{f.Check, output}, in.checks()...), kept)
	return append(checks, f.Manifest.CheckDefinitions(present.Current)...), nil
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

// Rebuilding is what a training set is made from again.
type Rebuilding struct {
	// Selection is that of the manifest's revision.
	Selection *registry.Selection
	// Labels is the path of the label rows: those of a program are in a file of their own, or in the training set itself
	// and then LabelColumns of its columns.
	Labels       string
	LabelColumns int
	// Files are the sources' files as the manifest calls them, and Places where each is now.
	Files  []registry.SourceFile
	Places []string
	// Moved says that a file is elsewhere than it was.
	Moved bool
}

// Rebuildable says what to make the training set from again, or the checks of what stands in the way. Files that
// sources have besides do not: they are not read.
func (f *Found) Rebuildable(ctx context.Context, present Present) (*Rebuilding, []Check, error) {
	kept, selection, err := f.Manifest.checkRevision(ctx, present)
	if err != nil {
		return nil, nil, err
	}
	in, err := f.checkInputs(ctx, present, newFinder(present, f.Output), nil)
	if err != nil {
		return nil, nil, err
	}
	var obstacles []Check
	for _, check := range []Check{f.Check, kept} {
		if !check.State.Holds() {
			obstacles = append(obstacles, check)
		}
	}
	r := &Rebuilding{Selection: selection, Labels: in.labels.Path}
	if in.labels.Path == "" || f.Manifest.Labels.Content != "" && in.labels.State != Same {
		obstacles = append(obstacles, in.labels.Check)
	}
	if f.Manifest.Labels.Content != "" && present.Labels == "" {
		r.LabelColumns = len(f.Manifest.labelColumns())
	}
	for i, source := range f.Manifest.Sources {
		file := in.sources[i]
		if file.Path == "" {
			obstacles = append(obstacles, file.Check)
		}
		was := source.in(present.Folder)
		r.Moved = r.Moved || file.Path != was
		name := source.Path
		if source.Outside {
			name = source.At
		}
		r.Files = append(r.Files, registry.SourceFile{Source: source.Source, Path: name, Size: source.Size})
		r.Places = append(r.Places, file.Path)
	}
	return r, obstacles, nil
}

// Reproduces is an error that says in what the content differs from that of an older manifest, where the inputs were
// the same, or in what that manifest is wrong about the content.
func (m *Manifest) Reproduces(old *Manifest, selection *registry.Selection) error {
	if m.Output.Digest == old.Output.Digest {
		if details := old.misstates(m.Output, selection); details != "" {
			return registry.Inputf("", "the manifest contradicts what was made by it: %s; nothing was written", details)
		}
		return nil
	}
	message := "what was made is not what the manifest says, though its inputs are"
	if details := old.Output.differsFrom(m.Output); details != "" {
		message += ": " + details
	}
	return fmt.Errorf("%s; it was made by %s, and this is plumb %s with %s; nothing was written",
		message, old.maker(), m.Plumb, m.Engine)
}

func (m *Manifest) maker() string {
	if m.Plumb == "" {
		return "a version that only the manifest beside the file tells"
	}
	return fmt.Sprintf("plumb %s with %s", m.Plumb, m.Engine)
}
