package project

import (
	"context"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/dataset"
	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// TrainingSets lists the training sets whose manifests are below the roots, in the order of their paths, and says
// whether there are more than limit. A folder that cannot be read has none.
func (p *Project) TrainingSets(ctx context.Context, limit int) (listed []*plumbv1.TrainingSet, more bool, err error) {
	var manifests []string
	for _, root := range p.roots() {
		resolved, err := filepath.EvalSymlinks(root)
		if err != nil {
			continue // A root that is not there has no training set.
		}
		found, err := manifestsBelow(ctx, resolved)
		if err != nil {
			return nil, false, err
		}
		manifests = append(manifests, found...)
	}
	slices.Sort(manifests)
	manifests = slices.Compact(manifests)
	if more = len(manifests) > limit; more {
		manifests = manifests[:limit]
	}
	for _, path := range manifests {
		if err := ctx.Err(); err != nil {
			return nil, false, err
		}
		found, err := dataset.Find(path)
		listed = append(listed, p.summary(path, found, err))
	}
	return listed, more, nil
}

func manifestsBelow(ctx context.Context, root string) (found []string, err error) {
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && entry != nil && entry.IsDir():
			return fs.SkipDir
		case err == nil && entry.Type().IsRegular() && strings.HasSuffix(path, dataset.Suffix):
			found = append(found, path)
		}
		return nil
	})
	return found, err
}

// summary is a training set in a few words, given what Find found or failed with.
func (p *Project) summary(path string, found *dataset.Found, err error) *plumbv1.TrainingSet {
	summary := &plumbv1.TrainingSet{Path: p.shorten(dataset.SetOf(path))}
	switch {
	case err != nil:
		summary.Problem = p.shorten(err.Error())
		return summary
	case found.Check.State != dataset.Same || found.Manifest == nil:
		summary.Problem = p.shorten(found.Check.Detail)
		return summary
	}
	made := found.Manifest
	summary.FeatureService, summary.Features = made.Selection.Service, made.Selection.Features
	summary.Rows, summary.Columns = made.Output.Rows, int64(len(made.Output.Columns))
	summary.Digest, summary.Revision = made.Output.Digest, made.Revision
	if !made.CreatedAt.IsZero() {
		summary.CreatedMicros = made.CreatedAt.UnixMicro()
	}
	return summary
}

// TrainingSet returns a training set in a few words, and its manifest as JSON, which is empty if there is a problem.
// The path is that of either, below the roots.
func (p *Project) TrainingSet(ctx context.Context, path string) (*plumbv1.TrainingSet, string, error) {
	located, err := p.locateTrainingSet(ctx, "path", path)
	if err != nil {
		return nil, "", err
	}
	found, err := dataset.Find(located)
	if err != nil {
		return nil, "", inField("path", p.shortened(err))
	}
	summary := p.summary(located, found, nil)
	if summary.GetProblem() != "" {
		return summary, "", nil
	}
	found.Manifest.Unplaced()
	text, err := found.Manifest.Marshal()
	return summary, string(text), err
}

// Differences are what two training sets differ in.
type Differences struct {
	A ComparedSet `json:"a"`
	B ComparedSet `json:"b"`
	dataset.Comparison
}

// ComparedSet is one of two training sets.
type ComparedSet struct {
	File   string `json:"file"`
	Rows   int64  `json:"rows"`
	Digest string `json:"digest"`
}

// CompareTrainingSets compares two training sets by their manifests. The paths are those of either, as files are named
// on this machine.
func CompareTrainingSets(a, b string) (*Differences, error) {
	manifests, sides := make([]*dataset.Manifest, 2), make([]ComparedSet, 2)
	for i, path := range []string{a, b} {
		found, err := dataset.Find(path)
		if err != nil {
			return nil, err
		}
		if found.Manifest == nil || found.Check.State != dataset.Same {
			return nil, fault.Inputf("", "%s cannot be relied upon: %s", found.Check.Name, found.Check.Detail)
		}
		manifests[i] = found.Manifest
		sides[i] = ComparedSet{File: path, Rows: found.Manifest.Output.Rows, Digest: found.Manifest.Output.Digest}
	}
	return &Differences{A: sides[0], B: sides[1], Comparison: dataset.Compare(manifests[0], manifests[1])}, nil
}

// CompareObjects is CompareTrainingSets for training sets that may be objects. Of these the manifests are fetched, and
// of Parquet files the footers.
func (p *Project) CompareObjects(ctx context.Context, a, b string) (compared *Differences, err error) {
	stage := p.staging()
	defer func() { err = stage.end(err) }()
	var paths [2]string
	for i, path := range []string{a, b} {
		if paths[i], err = stage.trainingSet(ctx, path, false); err != nil {
			return nil, err
		}
	}
	if compared, err = CompareTrainingSets(paths[0], paths[1]); err != nil {
		return nil, err
	}
	compared.A.File, compared.B.File = a, b
	return compared, nil
}

// CompareSets is CompareTrainingSets for paths below the roots.
func (p *Project) CompareSets(ctx context.Context, a, b string) (*Differences, error) {
	var located [2]string
	for i, path := range []string{a, b} {
		var err error
		if located[i], err = p.locateTrainingSet(ctx, []string{"a", "b"}[i], path); err != nil {
			return nil, err
		}
	}
	compared, err := CompareTrainingSets(located[0], located[1])
	if err != nil {
		return nil, p.shortened(err)
	}
	compared.A.File, compared.B.File = a, b
	return compared, nil
}
