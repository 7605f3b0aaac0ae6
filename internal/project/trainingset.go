package project

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"github.com/plumbstore/plumb/dataset"
	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/store/offline"
)

// TrainingSetRequest asks for features to be joined to label rows, each as of its own instant.
type TrainingSetRequest struct {
	// Selection names either a service or features.
	Selection dataset.Selection
	Options   dataset.Options
	// Labels and Out are .parquet, .csv or .arrow files, or objects, s3://BUCKET/KEY. Out appears whole or not at all.
	Labels, Out string
	// NoManifest leaves out what says what the output was made of and holds. Otherwise the manifest is beside it and, but
	// for CSV, within it.
	NoManifest bool
	// LabelsByContent names the label rows in the manifest by the digest of their content: the file will not be kept.
	LabelsByContent bool
	// DVC also writes Out.dvc, by which dvc tracks the output.
	DVC bool
	// Progress is called as that of a offline.JoinRequest. May be nil.
	Progress func(offline.Progress)
}

// TrainingSet says what was made.
type TrainingSet struct {
	offline.JoinReport
	// Manifest is nil if none was asked for.
	Manifest *dataset.Manifest
}

// MakeTrainingSet joins, and writes the output with what goes beside it.
func (p *Project) MakeTrainingSet(ctx context.Context, request TrainingSetRequest) (made *TrainingSet, err error) {
	snapshot, selection, err := p.selected(ctx, request)
	if err != nil {
		return nil, err
	}
	stage := p.staging()
	defer func() { err = stage.end(err) }()
	making, err := p.newTrainingSet(ctx, stage, request, selection)
	if err != nil {
		return nil, err
	}
	if !request.NoManifest {
		if err := making.describe(snapshot); err != nil {
			return nil, err
		}
	}
	report, err := making.write(ctx)
	if err != nil {
		return nil, err
	}
	return &TrainingSet{JoinReport: report, Manifest: making.manifest}, nil
}

// ExplainTrainingSet says how a join would run, with its SQL. It may read the labels. Out may be empty.
func (p *Project) ExplainTrainingSet(ctx context.Context, request TrainingSetRequest) (explained string, err error) {
	_, selection, err := p.selected(ctx, request)
	if err != nil {
		return "", err
	}
	offline, err := p.Offline(ctx)
	if err != nil {
		return "", err
	}
	stage := p.staging()
	defer func() { err = stage.end(err) }()
	labels, err := stage.labels(ctx, request.Labels)
	if err != nil {
		return "", err
	}
	join, err := offline.PlanJoin(ctx, request.join(selection, labels))
	if err != nil {
		return "", err
	}
	defer join.Close()
	explained, err = join.Explain(ctx)
	return stage.named(explained), err
}

// selected checks the files of a request and resolves its selection. Both come before anything is joined: a name that
// is wrong should not show after an hour.
func (p *Project) selected(ctx context.Context, request TrainingSetRequest) (
	*feature.Snapshot, *feature.Selection, error,
) {
	snapshot, err := p.Snapshot(ctx)
	if err != nil {
		return nil, nil, err
	}
	if err := p.checkFiles(snapshot, request); err != nil {
		return nil, nil, err
	}
	selection, err := Select(snapshot, request.Selection)
	return snapshot, selection, err
}

// Select resolves a selection, which names either a service or features.
func Select(snapshot *feature.Snapshot, selection dataset.Selection) (*feature.Selection, error) {
	if selection.Service != "" {
		return snapshot.SelectService(selection.Service, selection.FullNames)
	}
	return snapshot.SelectFeatures(selection.Features, selection.FullNames)
}

// join is what the offline engine is asked for.
func (r TrainingSetRequest) join(selection *feature.Selection, labels staged) offline.JoinRequest {
	return offline.JoinRequest{
		Selection:       selection,
		Labels:          labels.Path,
		TimestampColumn: r.Options.TimestampColumn,
		Statuses:        r.Options.Statuses,
		EventTimestamps: r.Options.EventTimestamps,
		Provenance:      r.Options.Provenance,
		AsKnown:         r.Options.AsKnown,
		Diagnose:        true,
		Progress:        r.Progress,
	}
}

// trainingSet is a training set while it is made.
//
// The manifest comes about in three steps. describe begins it with what was asked for. learnInputs adds the digests of
// the inputs, which are read while the join runs. seal adds what the output holds; the engine calls it when the content
// is written and the file does not have its name yet, so an error there leaves no output. seal first looks at the
// inputs again: if one has changed meanwhile, its digest may not be that of what the join has read.
type trainingSet struct {
	project   *Project
	request   TrainingSetRequest
	selection *feature.Selection
	join      offline.JoinRequest
	stage     *staging
	labels    staged
	// out is the local path that is written.
	out string
	// manifest is nil if none is wanted.
	manifest *dataset.Manifest
	inputs   *dataset.Inputs
	// accept, unless it is nil, looks at the manifest before the output appears.
	accept func(*dataset.Manifest) error
	// inputsKnown waits for what is found out of the inputs beside the join.
	inputsKnown func() error
	// division, unless it is nil, says that this is the file of a number in a training set in several.
	division *dataset.Division
	number   int
}

func (p *Project) newTrainingSet(ctx context.Context, stage *staging, request TrainingSetRequest,
	selection *feature.Selection,
) (*trainingSet, error) {
	if request.Progress == nil {
		request.Progress = func(offline.Progress) {}
	}
	labels, err := stage.labels(ctx, request.Labels)
	if err != nil {
		return nil, err
	}
	out, err := stage.output(ctx, request.Out)
	return &trainingSet{project: p, request: request, selection: selection, join: request.join(selection, labels),
		stage: stage, labels: labels, out: out}, err
}

// Digests are those of the project's files.
func (p *Project) Digests() *dataset.FileDigests {
	return dataset.OpenFileDigests(filepath.Join(p.Config.ProjectDir, ".plumb", "digests.json"), p.options.Now)
}

// KeepDigests keeps them for the next time; without, that takes longer.
func (p *Project) KeepDigests(digests *dataset.FileDigests) {
	if err := digests.Save(); err != nil {
		p.options.Warn(fmt.Errorf("the digests of the sources are not kept for the next time: %w", err))
	}
}

// labelInputs notes what the labels are like.
func (p *Project) labelInputs(labels staged) (*dataset.Inputs, error) {
	inputs, err := dataset.NewInputs(p.Config.ProjectDir, labels.Path, p.Digests())
	if err == nil && labels.Object != nil {
		inputs.ByVersion(*labels.Object)
	}
	return inputs, err
}

// describe begins the manifest.
func (t *trainingSet) describe(snapshot *feature.Snapshot) (err error) {
	p := t.project
	t.inputs, err = p.labelInputs(t.labels)
	if err == nil && t.request.LabelsByContent {
		err = t.inputs.ByContent(t.request.Out)
	}
	t.manifest = dataset.New(dataset.Made{
		At: p.options.Now(), Plumb: p.options.Version, Snapshot: snapshot, Selected: t.selection,
		Selection: t.request.Selection, Options: t.request.Options,
	})
	return err
}

// write joins and writes the output, and then its manifest beside it. A process that ends between the two leaves a
// manifest of before, which is known by the digest of the content not to be the output's.
func (t *trainingSet) write(ctx context.Context) (report offline.JoinReport, err error) {
	engine, err := t.project.Offline(ctx)
	if err != nil {
		return report, err
	}
	if t.manifest != nil {
		t.join.Seal = t.seal
	}
	run, err := t.project.startJoin(t.request, t.join)
	if err != nil {
		return report, err
	}
	defer func() { run.End(ctx, report, t.digest(err), err) }()
	join, err := engine.PlanJoin(ctx, t.join)
	if err != nil {
		return report, err
	}
	defer join.Close()
	if t.manifest != nil {
		defer t.learnInputs(ctx, join.Inputs())()
	}
	t.request.Progress(offline.Progress{Step: "joining"})
	if report, err = join.WriteFile(ctx, t.out); err != nil {
		return report, err
	}
	return report, t.writeBeside(ctx)
}

// digest returns the digest of the content, given the failure that the writing ended with or nil. It is empty if it is
// not known.
func (t *trainingSet) digest(failure error) string {
	if t.manifest == nil || failure != nil {
		return ""
	}
	return t.manifest.Output.Digest
}

// learnInputs reads the inputs while the join runs. What it returns ends that.
func (t *trainingSet) learnInputs(ctx context.Context, sources []feature.Input) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	var group errgroup.Group
	group.Go(func() error {
		if t.division != nil {
			share := dataset.Share(sources, t.number, len(t.division.Parts))
			var err error
			t.manifest.Sources, err = dataset.DigestSources(ctx, t.inputs.Folder, t.inputs.Digests, share)
			return err
		}
		labels, files, err := t.inputs.Digest(ctx, sources)
		t.manifest.MadeOf(labels, files)
		return err
	})
	t.inputsKnown = group.Wait
	return func() {
		cancel()
		_ = group.Wait() // Whoever needs what it learns has waited for it.
	}
}

// seal completes the manifest from what was written.
func (t *trainingSet) seal(ctx context.Context, written string, report offline.JoinReport) (string, error) {
	t.request.Progress(offline.Progress{Step: "reading the sources' digests"})
	if err := t.inputsKnown(); err != nil {
		return "", err
	}
	if err := t.inputs.Unchanged(); err != nil {
		return "", err
	}
	if t.division != nil && report.Rows != t.division.Parts[t.number].Rows {
		return "", fmt.Errorf("shard %d has %d label rows, and was to have %d", t.number, report.Rows,
			t.division.Parts[t.number].Rows)
	}
	t.manifest.Engine = OfflineVersion()
	if err := t.manifest.Describe(ctx, written, t.request.Out, t.selection, report); err != nil {
		return "", err
	}
	if t.accept != nil {
		if err := t.accept(t.manifest); err != nil {
			return "", err
		}
	}
	text, err := t.manifest.MarshalWithin()
	return string(text), err
}

// writeBeside writes what goes beside the output. If no manifest is wanted, one that an earlier output of this name has
// left is removed, since it describes another file.
func (t *trainingSet) writeBeside(ctx context.Context) error {
	if t.division != nil {
		return t.publishPart(ctx)
	}
	if t.out != t.request.Out {
		return t.publish(ctx)
	}
	ctx = context.WithoutCancel(ctx) // The output is there: an interrupt must not part it from its manifest.
	beside := t.request.Out + dataset.Suffix
	if t.manifest == nil {
		if err := t.project.options.Disk.Remove(beside); err != nil {
			return err
		}
	} else {
		text, err := t.manifest.BesideFile(ctx, t.request.Out)
		if err != nil {
			return err
		}
		if err := t.project.options.Disk.Write(beside, line(text)); err != nil {
			return err
		}
		t.project.KeepDigests(t.inputs.Digests)
	}
	if !t.request.DVC {
		return nil
	}
	return dataset.WriteDVC(ctx, t.project.options.Disk, t.request.Out)
}

// publishPart makes a file of several an object, if it is to be one. It has its manifest within.
func (t *trainingSet) publishPart(ctx context.Context) error {
	t.project.KeepDigests(t.inputs.Digests)
	if t.out == t.request.Out {
		return nil
	}
	t.request.Progress(offline.Progress{Step: "uploading"})
	return errors.Join(t.stage.upload(ctx, t.out, t.request.Out), t.project.options.Disk.Remove(t.out))
}

// publish makes the output that was written here an object.
func (t *trainingSet) publish(ctx context.Context) error {
	t.request.Progress(offline.Progress{Step: "uploading"})
	if t.manifest == nil {
		return t.stage.publish(ctx, t.out, t.request.Out, nil)
	}
	text, err := t.manifest.BesideFile(ctx, t.out)
	if err != nil {
		return err
	}
	if err := t.stage.publish(ctx, t.out, t.request.Out, append(text, '\n')); err != nil {
		return err
	}
	t.project.KeepDigests(t.inputs.Digests)
	return nil
}

// line writes a text and ends the line.
func line(text []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := w.Write(append(text, '\n'))
		return err
	}
}
