package project

import (
	"context"
	"path/filepath"

	"github.com/plumbstore/plumb/dataset"
	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/source/objects"
)

// TrainingSetVerification says what has changed since a training set was made.
type TrainingSetVerification struct {
	File string `json:"file"`
	// Same says that all was compared, and nothing has changed.
	Same bool `json:"same"`
	// Revision and Digest are those of the manifest, if it can be relied upon.
	Revision int64           `json:"revision,omitempty"`
	Digest   string          `json:"digest,omitempty"`
	Checks   []dataset.Check `json:"checks"`
}

// shorten rewrites the texts that may name files.
func (v *TrainingSetVerification) shorten(text func(string) string) {
	v.File = text(v.File)
	dataset.Rename(v.Checks, text)
}

// VerifyTrainingSet compares a training set, and all that it was made of, with its manifest. path is that of either;
// labels is where the label rows are now, or empty if they have not moved.
func (p *Project) VerifyTrainingSet(ctx context.Context, path, labels string) (
	result *TrainingSetVerification, err error,
) {
	stage := p.staging()
	defer func() { err = stage.end(err) }()
	if path, err = stage.trainingSet(ctx, path, true); err != nil {
		return nil, err
	}
	found, err := dataset.Find(path)
	if err != nil {
		return nil, err
	}
	present, err := p.present(ctx, stage, labels)
	if err != nil {
		return nil, err
	}
	checks, err := found.Verify(ctx, present)
	if err != nil {
		return nil, err
	}
	p.KeepDigests(present.Digests)
	result = &TrainingSetVerification{File: found.Output, Same: true, Checks: checks}
	if found.Manifest != nil {
		result.Revision, result.Digest = found.Manifest.Revision, found.Manifest.Output.Digest
	}
	for _, check := range checks {
		result.Same = result.Same && check.State.Holds()
	}
	result.shorten(stage.named)
	return result, nil
}

// present is the project as it is now; labels, unless it is empty, is the path that a user gives for the label rows.
func (p *Project) present(ctx context.Context, stage *staging, labels string) (dataset.Present, error) {
	var given staged
	if labels != "" {
		path, err := LabelFile(labels)
		if err != nil {
			return dataset.Present{}, err
		}
		if given, err = stage.labels(ctx, path); err != nil {
			return dataset.Present{}, err
		}
	}
	current, err := p.Snapshot(ctx)
	if err != nil {
		return dataset.Present{}, err
	}
	registered, err := p.Registry(ctx)
	if err != nil {
		return dataset.Present{}, err
	}
	offline, err := p.Offline(ctx)
	if err != nil {
		return dataset.Present{}, err
	}
	at := func(ctx context.Context, revision int64) (*feature.Snapshot, error) {
		return registered.At(ctx, p.Config.Project, revision)
	}
	return dataset.Present{Folder: p.Config.ProjectDir, Search: p.roots(), Labels: given.Path,
		LabelsObject: given.Object, Object: stage.version, Digests: p.Digests(), Current: current, At: at,
		Files: offline.Inputs}, nil
}

// roots are the folders that sources are read below, absolute. Roots of objects are not among them.
func (p *Project) roots() []string {
	var roots []string
	for _, root := range p.Config.Offline.Roots {
		if objects.IsLocation(root) {
			continue
		}
		if !filepath.IsAbs(root) {
			root = filepath.Join(p.Config.ProjectDir, root)
		}
		roots = append(roots, root)
	}
	return roots
}
