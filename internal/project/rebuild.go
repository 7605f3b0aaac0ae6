package project

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/plumbstore/plumb/dataset"
	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/source/objects"
	"github.com/plumbstore/plumb/store/offline"
)

// RebuildRequest asks for a training set to be made again, as it was.
type RebuildRequest struct {
	// Path is that of a manifest or of the training set.
	Path string
	// Out is the file to write. If empty, it is the path of the training set.
	Out string
	// Labels is where the label rows are now. It is empty if they have not moved.
	Labels   string
	Progress func(offline.Progress)
}

// Rebuilt says what came of a rebuild.
type Rebuilt struct {
	Out    string
	Digest string
	Rows   int64
	// Obstacles are what is not as it was, so that nothing was made.
	Obstacles []dataset.Check
}

// Rebuild joins the same labels with the same files by the definitions of the manifest's revision. The output appears
// only if its content is what the manifest says.
//
// A join's result follows from its definitions, its labels and its files. The registry still has the definitions of
// every revision, and the manifest has the digest of everything else. So what cannot be reproduced is found before
// anything is joined (Rebuilt.Obstacles), and files that a source has got since are left out of it. The content is
// compared all the same, before the output gets its name.
func (p *Project) Rebuild(ctx context.Context, request RebuildRequest) (rebuilt *Rebuilt, err error) {
	stage := p.staging()
	defer func() { err = stage.end(err) }()
	path, err := stage.trainingSet(ctx, request.Path, true)
	if err != nil {
		return nil, err
	}
	found, err := dataset.Find(path)
	if err != nil {
		return nil, err
	}
	if found.Manifest == nil || found.Check.State != dataset.Same {
		return nil, fault.Inputf("", "%s cannot be relied upon: %s", found.Check.Name, found.Check.Detail)
	}
	old := found.Manifest
	if len(old.Parts) > 0 {
		return nil, fault.Inputf("", "%s has several files, and only one file is rebuilt; if plumb dataset verify finds "+
			"nothing changed, plumb historical --shards %d makes them again in a new folder", found.Output, len(old.Parts))
	}
	out := cmp.Or(request.Out, stage.named(found.Output))
	if err := checkFormats(cmp.Or(old.FileName(), found.Output), out); err != nil {
		return nil, err
	}
	present, err := p.present(ctx, stage, request.Labels)
	if err != nil {
		return nil, err
	}
	from, obstacles, err := found.Rebuildable(ctx, present)
	if err != nil {
		return nil, err
	}
	rebuilt = &Rebuilt{Out: out, Digest: old.Output.Digest, Obstacles: obstacles}
	if len(obstacles) > 0 {
		dataset.Rename(obstacles, stage.named)
		p.KeepDigests(present.Digests)
		return rebuilt, nil
	}
	report, err := p.rebuild(ctx, stage, old, from, out, request.Progress)
	rebuilt.Rows = report.Rows
	return rebuilt, err
}

// rebuild makes the output again, and lets it appear only if it is the same. It checks the new manifest against the old
// one at the moment when the content is written and has no name yet.
func (p *Project) rebuild(ctx context.Context, stage *staging, old *dataset.Manifest, from *dataset.Rebuilding,
	out string, progress func(offline.Progress),
) (report offline.JoinReport, err error) {
	folder, err := p.rebuildFolder(from)
	if err != nil {
		return report, err
	}
	if folder != "" {
		defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	}
	labels := from.Labels
	if from.LabelColumns > 0 {
		labels = filepath.Join(folder, "labels.arrow")
		if err := dataset.WriteLabels(ctx, from.Labels, labels, from.LabelColumns); err != nil {
			return report, err
		}
	}
	request := TrainingSetRequest{
		Selection: old.Selection, Options: old.Options, Labels: labels, Out: out,
		LabelsByContent: old.Labels.Content != "", Progress: progress,
	}
	if err := p.checkFiles(from.Snapshot, request); err != nil {
		return report, err
	}
	if from.Moved {
		if p, err = p.staged(ctx, folder, from); err != nil {
			return report, err
		}
		defer func() { err = errors.Join(err, p.Close()) }()
	}
	making, err := p.newTrainingSet(ctx, stage, request, from.Selection)
	if err != nil {
		return report, err
	}
	making.join.Only = from.Files
	making.accept = func(made *dataset.Manifest) error {
		made.MadeFrom(old)
		return made.Reproduces(old, from.Selection)
	}
	if err := making.describe(from.Snapshot); err != nil {
		return report, err
	}
	return making.write(ctx)
}

// rebuildFolder makes a folder for what a rebuilding needs besides the project's files, or returns an empty path if it
// needs none. The folder is in the project, so that it can have links to the project's files.
func (p *Project) rebuildFolder(from *dataset.Rebuilding) (string, error) {
	if from.LabelColumns == 0 && !from.Moved {
		return "", nil
	}
	own := filepath.Join(p.Config.ProjectDir, ".plumb")
	if err := disk.Real().MkdirAll(own, 0o755); err != nil {
		return "", err
	}
	return os.MkdirTemp(own, "rebuild-")
}

// staged returns the project with moved files available at their old paths: in a folder that has links to them under
// those paths.
//
// For example, data/prices.parquet is archive/prices.parquet now. The folder .plumb/rebuild-1234 then has
// data/prices.parquet, a link to it, and the project is opened in that folder. Its definitions still say
// data/prices.parquet, and so does the new manifest.
func (p *Project) staged(ctx context.Context, folder string, from *dataset.Rebuilding) (*Project, error) {
	for i, file := range from.Files {
		if objects.IsLocation(file.Name) {
			continue
		}
		if filepath.IsAbs(file.Name) {
			if file.Name != from.Places[i] {
				return nil, fault.Inputf("", "file %s of source %s, which lies outside of the project, is now %s; move it back "+
					"to rebuild", file.Name, file.Source, from.Places[i])
			}
			continue
		}
		if err := linkOrCopy(ctx, from.Places[i], filepath.Join(folder, filepath.FromSlash(file.Name))); err != nil {
			return nil, fmt.Errorf("put %s where it was: %w", from.Places[i], err)
		}
	}
	roots := append([]string{folder}, p.roots()...)
	for _, root := range p.Config.Offline.Roots {
		if objects.IsLocation(root) {
			roots = append(roots, root)
		}
	}
	return p.Moved(folder, roots), nil
}

// linkOrCopy gives a file a second name, or, if the file systems differ, copies it.
func linkOrCopy(ctx context.Context, from, to string) (err error) {
	//nolint:forbidigo // The folder is removed when the training set is rebuilt.
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	if os.Link(from, to) == nil {
		return nil
	}
	read, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = read.Close() }()
	written, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, written.Close()) }()
	if _, err := io.Copy(written, read); err != nil {
		return err
	}
	return ctx.Err()
}

// checkFormats refuses a format in which the content cannot be the same: CSV has texts alone.
func checkFormats(was, out string) error {
	if !IsFileFormat(out) {
		return fault.Inputf(OutField, "%s has to end in .parquet, .csv or .arrow", out)
	}
	isCSV := func(path string) bool { return strings.EqualFold(filepath.Ext(path), ".csv") }
	if isCSV(was) != isCSV(out) {
		return fault.Inputf(OutField, "%s cannot have the content of %s, since CSV has no types; name a file that ends "+
			"in %s", out, was, filepath.Ext(was))
	}
	return nil
}
