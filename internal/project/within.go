package project

import (
	"context"
	"errors"
	"path/filepath"
	"strings"

	"github.com/plumbstore/plumb/dataset"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/source/objects"
)

// Callers over the network name files by paths that are relative to the project. The methods of this file find those
// files, below offline.roots wherever symbolic links lead, or return a *fault.InputError that names the field of the
// request. It is the same for a file that is not there and for one outside, so that nothing is learned of those.

// labelsFileField is what requests over the network call label rows on the server.
const labelsFileField = "labels_file"

func (p *Project) locate(ctx context.Context, field, path string) (string, error) {
	if objects.IsLocation(path) {
		return "", fault.Inputf(field, "%s is an object, and a server finds label rows and training sets among its files "+
			"alone; name a file below offline.roots, or use plumb on the command line", path)
	}
	offline, err := p.Offline(ctx)
	if err != nil {
		return "", err
	}
	located, err := offline.Locate(path)
	return located, inField(field, err)
}

// locateLabels finds a label file.
func (p *Project) locateLabels(ctx context.Context, path string) (string, error) {
	if !IsFileFormat(path) {
		return "", fault.Inputf(labelsFileField, "%s has to end in .parquet, .csv or .arrow", path)
	}
	return p.locate(ctx, labelsFileField, path)
}

// locateLog finds the folder of an audit log: the one of the configuration, or one below the roots. The configured one
// may lie outside of the roots, since the operator has named it.
func (p *Project) locateLog(ctx context.Context, path string) (string, error) {
	configured := p.Config.Serving.Audit.Dir
	switch {
	case path == "" && configured == "":
		return "", fault.Inputf("folder", "is missing, and so is serving.audit.dir of the server; give one of them")
	case path == "" || p.absolute(path) == filepath.Clean(configured):
		return configured, nil
	}
	return p.locate(ctx, "folder", path)
}

// locateTrainingSet finds a training set by its path or that of its manifest, one of which has to be there.
func (p *Project) locateTrainingSet(ctx context.Context, field, path string) (string, error) {
	output := strings.TrimSuffix(path, dataset.Suffix)
	beside, besideErr := p.locate(ctx, field, output+dataset.Suffix)
	if besideErr == nil {
		return beside, nil
	}
	if _, ok := errors.AsType[*fault.InputError](besideErr); !ok || path != output {
		return "", besideErr
	}
	return p.locate(ctx, field, output)
}

// absolute is a path that is relative to the project, or absolute already.
func (p *Project) absolute(path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(p.Config.ProjectDir, path)
}

// shorten makes the paths in a text relative to the project: callers over the network need not know where that is.
func (p *Project) shorten(text string) string {
	for _, folder := range []string{p.Config.ProjectDir, p.resolvedDir()} {
		text = strings.ReplaceAll(text, folder+string(filepath.Separator), "")
	}
	return text
}

// resolvedDir is the project's folder with symbolic links resolved.
func (p *Project) resolvedDir() string {
	resolved, err := filepath.EvalSymlinks(p.Config.ProjectDir)
	if err != nil {
		return p.Config.ProjectDir
	}
	return resolved
}

// shortened shortens the mistakes in an error in their places, so that the error keeps its kinds and what it wraps.
func (p *Project) shortened(err error) error { return rewritten(err, p.shorten) }

// rewritten rewrites the mistakes in an error in their places, and returns it.
func rewritten(err error, text func(string) string) error {
	switch e := err.(type) { //nolint:errorlint // It takes wrapped and joined errors apart itself, to find all of them.
	case nil:
	case *fault.InputError:
		e.Message = text(e.Message)
	case interface{ Unwrap() []error }:
		for _, part := range e.Unwrap() {
			_ = rewritten(part, text) // It is changed in its place.
		}
	default:
		_ = rewritten(errors.Unwrap(err), text) // The same.
	}
	return err
}

// inField names the field that an input error is about.
func inField(field string, err error) error {
	if input, ok := errors.AsType[*fault.InputError](err); ok {
		return fault.Inputf(field, "%s", input.Message)
	}
	return err
}
