package flight

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/dataset"
	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/offline"
)

// Manifests is what the manifests of results are made with.
type Manifests struct {
	// Folder is the project's.
	Folder  string
	Digests *dataset.FileDigests
	// Plumb and Engine are the versions of the product and of its offline engine.
	Plumb, Engine string
	// Made is called after each manifest; the digests may be kept then.
	Made func()
}

// job is a join that was asked for.
type job struct {
	offline.JoinRequest
	// service is the feature service that was asked for; empty if features were listed.
	service string
	// sent says that the caller sent the label rows.
	sent bool
	// manifest is what the result is made of and holds; nil if it was not asked for.
	manifest *manifest
}

// manifest is one under way.
//
// All of its methods may be called on nil and do nothing then, so that a join is written once, with or without a
// manifest. Rows are described as they pass by, since nothing of the result is kept that could be read again.
type manifest struct {
	with *Manifests
	made *dataset.Manifest
	rows *dataset.Description
	// inputs are known if the labels are a file on the server.
	inputs *dataset.Inputs
	// known waits for what is found out of the inputs beside the join.
	known func() error
}

// manifest begins the manifest of a join, if the request asks for one.
func (s *Service) manifest(request *plumbv1.HistoricalRequest, snapshot *feature.Snapshot, join offline.JoinRequest,
) (*manifest, error) {
	if !request.GetManifest() {
		return nil, nil
	}
	with := s.config.Manifests
	if with == nil {
		return nil, fault.Inputf("manifest", "is not made by this server")
	}
	made := dataset.New(dataset.Made{
		At: s.config.Now(), Plumb: with.Plumb, Engine: with.Engine, Snapshot: snapshot, Selected: join.Selection,
		Selection: dataset.Selection{
			Service: request.GetFeatureService(), Features: request.GetFeatures().GetReferences(),
			FullNames: request.GetFullNames(),
		},
		Options: dataset.Options{
			TimestampColumn: join.TimestampColumn, Statuses: join.Statuses, EventTimestamps: join.EventTimestamps,
			Provenance: join.Provenance, AsKnown: join.AsKnown,
		},
	})
	return &manifest{with: with, made: made, rows: made.Describing(join.Selection)}, nil
}

// of notes the label file of a join, before it is read.
func (m *manifest) of(labels string) (err error) {
	if m == nil {
		return nil
	}
	m.inputs, err = dataset.NewInputs(m.with.Folder, labels, m.with.Digests)
	return err
}

// begin reads the inputs while the join runs. What it returns ends that.
func (m *manifest) begin(ctx context.Context, sources []feature.Input) (end func()) {
	if m == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- m.learn(ctx, sources) }()
	var err error
	waited := false
	m.known = func() error {
		if !waited {
			waited, err = true, <-done
		}
		return err
	}
	return func() {
		cancel()
		_ = m.known() // Its error was reported by end, or nobody needs the result any more.
	}
}

func (m *manifest) learn(ctx context.Context, sources []feature.Input) (err error) {
	labels := m.made.Labels
	var files []dataset.SourceFile
	if m.inputs != nil {
		labels, files, err = m.inputs.Digest(ctx, sources)
	} else {
		files, err = dataset.DigestSources(ctx, m.with.Folder, m.with.Digests, sources)
	}
	m.made.MadeOf(labels, files)
	return err
}

// describing has the rows described before they go on.
func (m *manifest) describing(next func(arrow.RecordBatch) error) func(arrow.RecordBatch) error {
	if m == nil {
		return next
	}
	return func(batch arrow.RecordBatch) error {
		if err := m.rows.Add(batch); err != nil {
			return err
		}
		return next(batch)
	}
}

// digest is that of the result's content, once it is known; empty otherwise.
func (m *manifest) digest() string {
	if m == nil {
		return ""
	}
	return m.made.Output.Digest
}

// end is the manifest, complete; empty if it was not asked for.
func (m *manifest) end(report offline.JoinReport) (string, error) {
	if m == nil {
		return "", nil
	}
	if err := m.known(); err != nil {
		return "", err
	}
	if m.inputs != nil {
		if err := m.inputs.Unchanged(); err != nil {
			return "", err
		}
	}
	if err := m.rows.End(report); err != nil {
		return "", err
	}
	m.made.Unplaced()
	text, err := m.made.Marshal()
	if err == nil {
		m.with.Made()
	}
	return string(text), err
}
