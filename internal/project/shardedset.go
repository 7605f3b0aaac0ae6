package project

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/plumbstore/plumb/dataset"
	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store/offline"
)

// ShardedRequest asks for a training set in several files, each with the label rows of a range of instants.
type ShardedRequest struct {
	// TrainingSetRequest.Out is a folder, or what objects begin with. It is new, or has some files of the same request.
	TrainingSetRequest
	// Shards is the number of files.
	Shards int
	// Shard is the only one that is made, from 0; nil for all that are not there.
	Shard *int
}

// ShardedSet says what was made.
type ShardedSet struct {
	// Made are the files that were made, and Missing is how many are not there yet.
	Made    []MadeShard
	Missing int
	// Manifest is that of the folder; nil while files are missing.
	Manifest *dataset.Manifest
}

// MadeShard is a file that was made.
type MadeShard struct {
	Name string
	offline.JoinReport
}

// ViewMatch says how many label rows have a row of one use of a view.
type ViewMatch struct {
	Alias   string `json:"alias"`
	Matched int64  `json:"matched"`
}

// Matches are those that a manifest has.
func Matches(m *dataset.Manifest) []ViewMatch {
	matches := make([]ViewMatch, len(m.Uses))
	for i, use := range m.Uses {
		matches[i] = ViewMatch{Alias: use.Alias, Matched: use.Matched}
	}
	return matches
}

// shardedSet is a training set in several files while it is made.
//
// The first process divides the label rows and leaves the division in the folder, where later ones find it. Each file
// appears whole, and contains the division's ID and its own manifest. The process that finds all of them writes the
// manifest of the set. So a file either counts or is not there, and a process that is killed costs the file that it was
// making.
type shardedSet struct {
	project   *Project
	request   ShardedRequest
	snapshot  *feature.Snapshot
	selection *feature.Selection
	stage     *staging
	labels    staged
	inputs    *dataset.Inputs
	folder    setFolder
	// begun is the manifest as far as it is known before the join.
	begun    *dataset.Manifest
	division *dataset.Division
}

// MakeShards makes files of a training set that are not there, one after another, and then its manifest if no file is
// missing. Several processes may do that at the same time, each with other shards.
func (p *Project) MakeShards(ctx context.Context, request ShardedRequest) (made *ShardedSet, err error) {
	snapshot, selection, err := p.selectedShards(ctx, request)
	if err != nil {
		return nil, err
	}
	stage := p.staging()
	defer func() { err = stage.end(err) }()
	s := &shardedSet{project: p, request: request, snapshot: snapshot, selection: selection, stage: stage}
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	if s.division, err = s.divided(ctx); err != nil {
		return nil, err
	}
	made = &ShardedSet{}
	if err := s.checkDone(ctx); err != nil {
		return nil, err
	}
	for _, number := range s.wanted() {
		if there, err := s.part(ctx, number); err != nil || there != nil {
			if err != nil {
				return nil, err
			}
			continue
		}
		report, err := s.make(ctx, number)
		if err != nil {
			return nil, err
		}
		made.Made = append(made.Made, MadeShard{Name: s.division.Parts[number].Name, JoinReport: report})
	}
	return made, s.end(ctx, made)
}

// selectedShards is selected for a folder.
func (p *Project) selectedShards(ctx context.Context, request ShardedRequest) (
	*feature.Snapshot, *feature.Selection, error,
) {
	snapshot, err := p.Snapshot(ctx)
	if err != nil {
		return nil, nil, err
	}
	if err := p.checkFolder(snapshot, request); err != nil {
		return nil, nil, err
	}
	selection, err := Select(snapshot, request.Selection)
	return snapshot, selection, err
}

// wanted are the shards to make.
func (s *shardedSet) wanted() []int {
	if s.request.Shard != nil {
		return []int{*s.request.Shard}
	}
	all := make([]int, s.request.Shards)
	for i := range all {
		all[i] = i
	}
	return all
}

// begin finds the labels and begins the manifest.
func (s *shardedSet) begin(ctx context.Context) (err error) {
	p := s.project
	if s.request.Progress == nil {
		s.request.Progress = func(offline.Progress) {}
	}
	if s.labels, err = s.stage.labels(ctx, s.request.Labels); err != nil {
		return err
	}
	if s.inputs, err = p.labelInputs(s.labels); err != nil {
		return err
	}
	if s.folder, err = p.setFolder(ctx, s.stage, s.request.Out); err != nil {
		return err
	}
	s.begun = dataset.New(dataset.Made{At: p.options.Now(), Plumb: p.options.Version, Engine: OfflineVersion(),
		Snapshot: s.snapshot, Selected: s.selection, Selection: s.request.Selection, Options: s.request.Options})
	s.request.Progress(offline.Progress{Step: "reading the labels"})
	s.begun.Labels, _, err = s.inputs.Digest(ctx, nil)
	return err
}

// divided is the division that is in the folder, which has to be of this request; without one, the label rows are
// divided.
func (s *shardedSet) divided(ctx context.Context) (*dataset.Division, error) {
	text, err := s.folder.read(ctx, dataset.FolderDivision)
	if err != nil {
		return nil, err
	}
	if text == nil {
		if text, err = s.divide(ctx); err != nil {
			return nil, err
		}
	}
	division, err := dataset.ParseDivision(text)
	if err != nil {
		return nil, fault.Inputf(OutField, "cannot use %s: %v; name another folder", s.folder.path(dataset.FolderDivision),
			err)
	}
	if others := division.Asks(s.begun, s.request.Shards); others != "" {
		return nil, fault.Inputf(OutField, "%s has files of another request (%s); name another folder, or remove it",
			s.request.Out, others)
	}
	return division, nil
}

// divide divides the label rows and returns the division that is in the folder then: of two processes that divide at
// the same time, the first one's.
func (s *shardedSet) divide(ctx context.Context) ([]byte, error) {
	if used, err := s.folder.inUse(ctx); err != nil {
		return nil, err
	} else if used != "" {
		return nil, fault.Inputf(OutField, "%s has %s, and no run with --shards; name a new folder", s.request.Out, used)
	}
	engine, err := s.project.Offline(ctx)
	if err != nil {
		return nil, err
	}
	join, err := engine.PlanJoin(ctx, s.request.join(s.selection, s.labels))
	if err != nil {
		return nil, err
	}
	shards, err := join.Divide(ctx, s.request.Shards)
	if err := errors.Join(err, join.Close()); err != nil {
		return nil, err
	}
	if err := s.inputs.Unchanged(); err != nil {
		return nil, err
	}
	text, err := dataset.Divide(s.begun, shards).Marshal()
	if err != nil {
		return nil, err
	}
	if err := s.folder.create(ctx, dataset.FolderDivision, text); err != nil {
		return nil, err
	}
	return s.folder.read(ctx, dataset.FolderDivision)
}

// part is the manifest of a file; nil if it is not there.
func (s *shardedSet) part(ctx context.Context, number int) (*dataset.Manifest, error) {
	found, err := s.folder.within(ctx, s.division.Parts[number].Name)
	if err != nil {
		return nil, err
	}
	if is, err := s.division.IsPart(number, found); err != nil || !is {
		return nil, err
	}
	return found, nil
}

// make makes a file.
func (s *shardedSet) make(ctx context.Context, number int) (report offline.JoinReport, err error) {
	request, name := s.request.TrainingSetRequest, s.division.Parts[number].Name
	request.Out = s.folder.path(name)
	request.Progress = func(progress offline.Progress) {
		progress.Step = fmt.Sprintf("shard %d of %d: %s", number+1, s.request.Shards, progress.Step)
		s.request.Progress(progress)
	}
	if err := s.folder.clean(name); err != nil {
		return report, err
	}
	making, err := s.project.newTrainingSet(ctx, s.stage, request, s.selection)
	if err != nil {
		return report, err
	}
	making.inputs, making.division, making.number = s.inputs, s.division, number
	making.join.Shard = s.division.Shard(number)
	if making.manifest, err = s.division.Begin(number); err != nil {
		return report, err
	}
	return making.write(ctx)
}

// end writes the manifest if all files are there, and says how many are missing.
func (s *shardedSet) end(ctx context.Context, made *ShardedSet) error {
	parts := make([]*dataset.Manifest, s.request.Shards)
	for number := range parts {
		part, err := s.part(ctx, number)
		if err != nil {
			return err
		}
		if parts[number] = part; part == nil {
			made.Missing++
		}
	}
	if made.Missing > 0 {
		return nil
	}
	whole, err := s.division.Whole(parts)
	if err != nil {
		return err
	}
	whole.CreatedAt, whole.Plumb, whole.Engine = s.begun.CreatedAt, s.begun.Plumb, s.begun.Engine
	text, err := whole.Marshal()
	if err != nil {
		return err
	}
	if err := s.folder.create(ctx, dataset.FolderManifest, append(text, '\n')); err != nil {
		return err
	}
	if made.Manifest, err = s.manifest(ctx); err != nil {
		return err
	}
	if made.Manifest == nil || made.Manifest.Output.Digest != whole.Output.Digest {
		return fmt.Errorf("%s has a manifest of another content than its files have", s.request.Out)
	}
	return nil
}

// manifest is that of the folder; nil if there is none yet.
func (s *shardedSet) manifest(ctx context.Context) (*dataset.Manifest, error) {
	text, err := s.folder.read(ctx, dataset.FolderManifest)
	if err != nil || text == nil {
		return nil, err
	}
	manifest, err := dataset.Parse(text)
	if err != nil {
		return nil, fault.Inputf(OutField, "cannot use %s: %v; name another folder", s.folder.path(dataset.FolderManifest),
			err)
	}
	return manifest, nil
}

// checkDone refuses a training set that is there already and would be another now.
func (s *shardedSet) checkDone(ctx context.Context) error {
	done, err := s.manifest(ctx)
	if err != nil || done == nil {
		return err
	}
	engine, err := s.project.Offline(ctx)
	if err != nil {
		return err
	}
	var sources []*feature.Source
	for _, reference := range s.selection.References {
		if !slices.Contains(sources, reference.View.Source) {
			sources = append(sources, reference.View.Source)
		}
	}
	now, err := engine.Inputs(ctx, sources)
	if err != nil {
		return err
	}
	if !slices.EqualFunc(now, s.division.Inputs, func(a, b feature.Input) bool {
		return a.Source == b.Source && a.Name == b.Name && a.Version.ID() == b.Version.ID()
	}) {
		return fault.Inputf(OutField, "%s was made before, of sources that were others; name another folder, or remove it",
			s.request.Out)
	}
	return nil
}
