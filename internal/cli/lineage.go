package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/lineage"
	"github.com/plumbstore/plumb/store"
)

// lineagePatience is how long a command waits at its end for events that have not been delivered.
const lineagePatience = 5 * time.Second

// lineage records what the command makes of what, where the project wants that; nil otherwise. It is closed with the
// project, which tells of events that were lost and fails nothing.
func (p *project) lineage() (*lineage.Recorder, error) {
	to := p.config.Lineage.To
	if to.Reveal() == "" {
		return nil, nil
	}
	var sink lineage.Sink = lineage.File{Path: to.Path()}
	if to.Scheme() != "file" {
		endpoint, err := lineage.NewEndpoint(to.Reveal(), p.config.Lineage.Key.Reveal())
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
		Project:  p.config.Project,
		Folder:   p.config.ProjectDir,
		Store:    p.config.OnlineStore.Address(),
		Version:  p.app.version,
		Now:      p.app.now,
		Instance: fmt.Sprintf("%s:%d", host, os.Getpid()),
		Patience: lineagePatience,
	})
	p.closers = append(p.closers, closing(func() error {
		if err := recorder.Close(); err != nil {
			p.app.note("%v", err)
		}
		return nil
	}))
	return recorder, nil
}

// closing is a function as an io.Closer.
type closing func() error

func (c closing) Close() error { return c() }

// startJoin records that the join begins, where the project wants that.
func (p *project) startJoin(request store.JoinRequest, flags historicalFlags) (*lineage.Join, error) {
	recorder, err := p.lineage()
	if err != nil {
		return nil, err
	}
	out, err := filepath.Abs(flags.out)
	if err != nil {
		return nil, err
	}
	if request.Labels, err = filepath.Abs(flags.labels); err != nil {
		return nil, err
	}
	return recorder.StartJoin(lineage.JoinRequest{JoinRequest: request, Service: flags.selection.service, Out: out}), nil
}
