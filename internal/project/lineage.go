package project

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/lineage"
	"github.com/plumbstore/plumb/source/objects"
	"github.com/plumbstore/plumb/store/offline"
)

// lineagePatience is how long closing a project waits for events that have not been delivered.
const lineagePatience = 5 * time.Second

// Lineage returns the recorder of lineage if the project configures one, and nil otherwise. It is closed with the
// project, which reports events that were lost and fails nothing. Each call returns a recorder of its own.
func (p *Project) Lineage() (*lineage.Recorder, error) {
	to := p.Config.Lineage.To
	if to.Reveal() == "" {
		return nil, nil
	}
	var sink lineage.Sink = lineage.File{Path: to.Path()}
	if to.Scheme() != "file" {
		endpoint, err := lineage.NewEndpoint(to.Reveal(), p.Config.Lineage.Key.Reveal())
		if err != nil {
			return nil, fault.Inputf("lineage", "%v", err)
		}
		sink = endpoint
	}
	host, err := os.Hostname()
	if err != nil {
		host = "" // A process id and the microsecond are left to tell runs apart.
	}
	recorder := lineage.New(lineage.Config{
		Sink:     sink,
		Project:  p.Config.Project,
		Folder:   p.Config.ProjectDir,
		Store:    p.Config.OnlineStore.Address(),
		Version:  p.options.Version,
		Now:      p.options.Now,
		Instance: fmt.Sprintf("%s:%d", host, os.Getpid()),
		Patience: lineagePatience,
	})
	p.closeLater(closing(func() error {
		if err := recorder.Close(); err != nil {
			p.options.Warn(err)
		}
		return nil
	}))
	return recorder, nil
}

// startJoin records that the making of a training set begins, if the project configures lineage.
func (p *Project) startJoin(request TrainingSetRequest, join offline.JoinRequest) (*lineage.Join, error) {
	recorder, err := p.Lineage()
	if err != nil {
		return nil, err
	}
	out, err := placeOf(request.Out)
	if err != nil {
		return nil, err
	}
	if join.Labels, err = placeOf(request.Labels); err != nil {
		return nil, err
	}
	return recorder.StartJoin(lineage.JoinRequest{JoinRequest: join, Service: request.Selection.Service, Out: out}), nil
}

// placeOf is the absolute path of a file, or the name of an object.
func placeOf(path string) (string, error) {
	if objects.IsLocation(path) {
		return path, nil
	}
	return filepath.Abs(path)
}
