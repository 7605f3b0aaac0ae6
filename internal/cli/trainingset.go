package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"github.com/plumbstore/plumb/dataset"
	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/wholefile"
	"github.com/plumbstore/plumb/store"
)

// trainingSet is an output of historical while it is made.
type trainingSet struct {
	project   *project
	flags     historicalFlags
	selection *feature.Selection
	request   store.JoinRequest
	// manifest is nil where none is wanted.
	manifest *dataset.Manifest
	inputs   *dataset.Inputs
	// accept, unless it is nil, looks at the manifest before the output appears.
	accept func(*dataset.Manifest) error
	// inputsKnown waits for what is found out of the inputs beside the join.
	inputsKnown func() error
	// engine is the version of the offline engine, known once the inputs are.
	engine string
}

// digests are those of the project's files.
func (p *project) digests() *dataset.FileDigests {
	return dataset.OpenFileDigests(filepath.Join(p.config.ProjectDir, ".plumb", "digests.json"), p.app.now)
}

// describe begins the manifest.
func (t *trainingSet) describe(snapshot *feature.Snapshot) (err error) {
	p, flags := t.project, t.flags
	t.inputs, err = dataset.NewInputs(p.config.ProjectDir, flags.labels, p.digests())
	if err == nil && flags.byContent {
		err = t.inputs.ByContent(flags.out)
	}
	t.manifest = dataset.New(dataset.Made{
		At: p.app.now(), Plumb: p.app.version, Snapshot: snapshot, Selected: t.selection,
		Selection: dataset.Selection{
			Service: flags.selection.service, Features: flags.selection.features, FullNames: flags.selection.fullNames,
		},
		Options: dataset.Options{
			TimestampColumn: flags.timestamp, Statuses: flags.statuses, EventTimestamps: flags.times,
			Provenance: flags.provenance, AsKnown: flags.asKnown,
		},
	})
	return err
}

// write joins and writes the output, and then its manifest beside it. What is interrupted between the two leaves a
// manifest of before, which is known by the digest of the content not to be the output's.
func (t *trainingSet) write(ctx context.Context) (report store.JoinReport, err error) {
	p := t.project
	offline, err := p.offline(ctx)
	if err != nil {
		return report, err
	}
	shown := p.app.progress("planning the join")
	defer shown.stop()
	t.request.Progress, t.request.Seal = shown.report, nil
	if t.manifest != nil {
		t.request.Seal = t.seal
	}
	run, err := p.startJoin(t.request, t.flags)
	if err != nil {
		return report, err
	}
	defer func() { run.End(ctx, report, t.digest(err), err) }()
	join, err := offline.PlanJoin(ctx, t.request)
	if err != nil {
		return report, err
	}
	defer join.Close()
	if t.manifest != nil {
		defer t.learnInputs(ctx, join.Files())()
	}
	shown.report(store.Progress{Step: "joining"})
	if report, err = join.WriteFile(ctx, t.flags.out); err != nil {
		return report, err
	}
	return report, t.writeBeside(ctx)
}

// digest is that of the content, once the writing has ended so; empty where it is not known.
func (t *trainingSet) digest(failure error) string {
	if t.manifest == nil || failure != nil {
		return ""
	}
	return t.manifest.Output.Digest
}

// learnInputs reads the inputs while the join runs. What it returns ends that.
func (t *trainingSet) learnInputs(ctx context.Context, sources []feature.SourceFile) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	var group errgroup.Group
	group.Go(func() (err error) {
		t.manifest.Labels, t.manifest.Sources, err = t.inputs.Digest(ctx, sources)
		return err
	})
	group.Go(func() (err error) {
		t.engine, err = offlineVersion(ctx)
		return err
	})
	t.inputsKnown = group.Wait
	return func() {
		cancel()
		_ = group.Wait() // Whoever needs what it learns has waited for it.
	}
}

// seal completes the manifest from what was written.
func (t *trainingSet) seal(ctx context.Context, written string, report store.JoinReport) (string, error) {
	t.request.Progress(store.Progress{Step: "reading the sources' digests"})
	if err := t.inputsKnown(); err != nil {
		return "", err
	}
	if err := t.inputs.Unchanged(); err != nil {
		return "", err
	}
	t.manifest.Engine = t.engine
	if err := t.manifest.Describe(ctx, written, t.flags.out, t.selection, report); err != nil {
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

// writeBeside writes what goes beside the output.
func (t *trainingSet) writeBeside(ctx context.Context) error {
	beside := t.flags.out + dataset.Suffix
	if t.manifest == nil {
		if err := os.Remove(beside); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	} else {
		text, err := t.manifest.BesideFile(ctx, t.flags.out)
		if err != nil {
			return err
		}
		if err := wholefile.Write(beside, line(text)); err != nil {
			return err
		}
		t.project.app.keepDigests(t.inputs.Digests)
	}
	if !t.flags.dvc {
		return nil
	}
	return dataset.WriteDVC(ctx, t.flags.out)
}

// line writes a text and ends the line.
func line(text []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := w.Write(append(text, '\n'))
		return err
	}
}
