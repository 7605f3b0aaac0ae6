package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/plumbstore/plumb/dataset"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store"
)

// rebuild makes the output again, and lets it appear only where it is the same.
func (a *application) rebuild(ctx context.Context, p *project, old *dataset.Manifest, from *dataset.Rebuilding,
	out string,
) (report store.JoinReport, err error) {
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
	flags := flagsOf(old, labels, out)
	if err := p.checkJoinFiles(from.Snapshot, flags); err != nil {
		return report, err
	}
	if from.Moved {
		if p, err = a.staged(ctx, p, folder, from); err != nil {
			return report, err
		}
		defer func() { err = errors.Join(err, p.close()) }()
	}
	making := &trainingSet{project: p, flags: flags, selection: from.Selection, request: flags.request(from.Selection)}
	making.request.Only = from.Files
	making.accept = func(made *dataset.Manifest) error {
		made.MadeFrom(old)
		return made.Reproduces(old, from.Selection)
	}
	if err := making.describe(from.Snapshot); err != nil {
		return report, err
	}
	return making.write(ctx)
}

// rebuildFolder makes a folder for what a rebuilding needs besides the project's files; empty where it needs none. It
// is in the project, whose files it can have links to.
func (p *project) rebuildFolder(from *dataset.Rebuilding) (string, error) {
	if from.LabelColumns == 0 && !from.Moved {
		return "", nil
	}
	own := filepath.Join(p.config.ProjectDir, ".plumb")
	if err := os.MkdirAll(own, 0o755); err != nil {
		return "", err
	}
	return os.MkdirTemp(own, "rebuild-")
}

// staged is the project with files that have moved where they were: in a folder that has links to them under their old
// paths.
func (a *application) staged(ctx context.Context, p *project, folder string, from *dataset.Rebuilding,
) (*project, error) {
	for i, file := range from.Files {
		if filepath.IsAbs(file.Path) {
			if file.Path != from.Places[i] {
				return nil, fault.Inputf("", "file %s of source %s, which lies outside of the project, is now %s; move it back "+
					"to rebuild", file.Path, file.Source, from.Places[i])
			}
			continue
		}
		if err := linkOrCopy(ctx, from.Places[i], filepath.Join(folder, filepath.FromSlash(file.Path))); err != nil {
			return nil, fmt.Errorf("put %s where it was: %w", from.Places[i], err)
		}
	}
	config := *p.config
	config.ProjectDir, config.Offline.Roots = folder, append([]string{folder}, p.roots()...)
	return &project{app: a, config: &config}, nil
}

// linkOrCopy gives a file a second name, or, where the file systems differ, copies it.
func linkOrCopy(ctx context.Context, from, to string) (err error) {
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

// flagsOf are those that historical was given.
func flagsOf(m *dataset.Manifest, labels, out string) historicalFlags {
	return historicalFlags{
		selection: selectionFlags{service: m.Selection.Service, features: m.Selection.Features,
			fullNames: m.Selection.FullNames},
		labels: labels, out: out, timestamp: m.Options.TimestampColumn, statuses: m.Options.Statuses,
		times: m.Options.EventTimestamps, provenance: m.Options.Provenance, asKnown: m.Options.AsKnown,
		byContent: m.Labels.Content != "",
	}
}

// checkFormats refuses a format in which the content cannot be the same: CSV has texts alone.
func checkFormats(was, out string) error {
	if !isFileFormat(out) {
		return fault.Inputf("--out", "%s has to end in .parquet, .csv or .arrow", out)
	}
	isCSV := func(path string) bool { return strings.EqualFold(filepath.Ext(path), ".csv") }
	if isCSV(was) != isCSV(out) {
		return fault.Inputf("--out", "%s cannot have the content of %s, since CSV has no types; name a file that ends "+
			"in %s", out, was, filepath.Ext(was))
	}
	return nil
}
