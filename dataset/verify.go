package dataset

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
)

// Verify compares all that a manifest says with what there is now. Nothing is left out in silence: what could not be
// compared has a check that says so.
func (f *Found) Verify(ctx context.Context, present Present) ([]Check, error) {
	if f.Manifest == nil {
		return append([]Check{f.Check}, Check{Subject: "output", Name: f.Output, State: NotCompared,
			Detail: "nothing that the manifest says can be relied upon"}), nil
	}
	if f.Manifest.Project != present.Current.Project {
		return nil, fault.Inputf("", "%s is of project %s, and this is project %s; name its folder with --project-dir",
			f.Check.Name, f.Manifest.Project, present.Current.Project)
	}
	kept, err := f.Manifest.checkRevision(ctx, present)
	if err != nil {
		return nil, err
	}
	find := newFinder(present, f.Output)
	output, err := f.checkOutput(ctx, find, kept.selection)
	if err != nil {
		return nil, err
	}
	var sources []*feature.Source
	if kept.selection != nil {
		sources = sourcesOf(kept.selection)
	}
	in, err := f.checkInputs(ctx, present, find, sources)
	if err != nil {
		return nil, err
	}
	checks := append(append([]Check{f.Check, output}, in.checks()...), kept.check)
	return append(checks, f.Manifest.CheckDefinitions(present.Current)...), nil
}

// recorded is the manifest's revision as the registry has it.
type recorded struct {
	check Check
	// snapshot and selection, which is what was asked for of it, are nil if the revision is not the one that it was.
	snapshot  *feature.Snapshot
	selection *feature.Selection
}

// checkRevision looks for the manifest's revision in the registry. If the manifest does not say which it is, the newest
// that has its definitions is used.
func (m *Manifest) checkRevision(ctx context.Context, present Present) (recorded, error) {
	if m.Revision == 0 {
		return m.findRevision(ctx, present)
	}
	found := recorded{check: Check{Subject: "revision", Name: m.revision(), State: Same}}
	at, err := present.At(ctx, m.Revision)
	if _, ok := errors.AsType[*fault.NotFoundError](err); ok {
		found.check.State, found.check.Detail = Missing, "the registry does not have it"
		return found, nil
	}
	if err != nil {
		return found, err
	}
	if differs := m.differsAt(at); differs != nil {
		found.check.State = Changed
		found.check.Detail = fmt.Sprintf("the registry's is another: %s %s differs", differs.Subject, differs.Name)
		return found, nil
	}
	found.snapshot = at
	found.selection, err = m.Selection.Of(at)
	return found, err
}

// findRevision looks for a revision that has the manifest's definitions, and notes it in the manifest.
func (m *Manifest) findRevision(ctx context.Context, present Present) (recorded, error) {
	for revision := present.Current.Revision; revision > 0; revision-- {
		at, err := present.At(ctx, revision)
		if _, ok := errors.AsType[*fault.NotFoundError](err); ok {
			continue
		}
		if err != nil {
			return recorded{}, err
		}
		if m.differsAt(at) == nil {
			m.Revision = revision
			return m.checkRevision(ctx, present)
		}
	}
	return recorded{check: Check{Subject: "revision", Name: "of its definitions", State: Missing,
		Detail: "no revision of the registry has the definitions that the training set was made by"}}, nil
}

// differsAt is the first definition that differs in a revision; nil if it has all of them.
func (m *Manifest) differsAt(at *feature.Snapshot) *Check {
	for _, definition := range m.CheckDefinitions(at) {
		if definition.State != Same {
			return &definition
		}
	}
	return nil
}

// Rebuilding is what a training set is made from again.
type Rebuilding struct {
	// Snapshot is the manifest's revision, and Selection what was asked for of it.
	Snapshot  *feature.Snapshot
	Selection *feature.Selection
	// Labels is the path of the label rows: those of a program are in a file of their own, or in the training set itself
	// and then LabelColumns of its columns.
	Labels       string
	LabelColumns int
	// Files are the sources' files as the manifest calls them, and Places where each is now.
	Files  []feature.Input
	Places []string
	// Moved says that a file is elsewhere than it was.
	Moved bool
}

// Rebuildable says what to make the training set from again, or the checks of what stands in the way. Files that
// sources have besides do not: they are not read.
func (f *Found) Rebuildable(ctx context.Context, present Present) (*Rebuilding, []Check, error) {
	kept, err := f.Manifest.checkRevision(ctx, present)
	if err != nil {
		return nil, nil, err
	}
	var sources []*feature.Source
	if kept.selection != nil && slices.ContainsFunc(f.Manifest.Sources, SourceFile.isVersioned) {
		sources = sourcesOf(kept.selection) // Versions of objects and tables are known by asking for them.
	}
	in, err := f.checkInputs(ctx, present, newFinder(present, f.Output), sources)
	if err != nil {
		return nil, nil, err
	}
	var obstacles []Check
	for _, check := range []Check{f.Check, kept.check} {
		if !check.State.Holds() {
			obstacles = append(obstacles, check)
		}
	}
	r := &Rebuilding{Snapshot: kept.snapshot, Selection: kept.selection, Labels: in.labels.Path}
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
		r.Files = append(r.Files, feature.Input{Source: source.Source, Name: name, Version: source.version()})
		r.Places = append(r.Places, file.Path)
	}
	return r, obstacles, nil
}

// version is that of the file as the manifest has it.
func (f File) version() feature.Version {
	switch {
	case f.ETag != "":
		return feature.ObjectVersion{Size: f.Size, ETag: f.ETag}
	case f.Table != nil:
		return feature.TableVersion{Table: f.Table.UUID, Snapshot: f.Table.Snapshot, Schema: f.Table.Schema}
	}
	return feature.FileVersion{Size: f.Size}
}

// Reproduces returns an error that says how the content differs from that of an older manifest, if the inputs were the
// same, or what that manifest is wrong about in the content.
func (m *Manifest) Reproduces(old *Manifest, selection *feature.Selection) error {
	for i := range min(len(m.Sources), len(old.Sources)) {
		if old.Sources[i].isVersioned() && m.Sources[i].content() != old.Sources[i].content() {
			return changedInUse(old.Sources[i].Path)
		}
	}
	if m.Output.Digest == old.Output.Digest {
		if details := old.misstates(m.Output, selection); details != "" {
			return fault.Inputf("", "the manifest contradicts what was made by it: %s; nothing was written", details)
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
