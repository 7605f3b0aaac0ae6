package project

import (
	"context"
	"path/filepath"
	"slices"
	"time"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/lineage"
	"github.com/plumbstore/plumb/registry/spec"
	"github.com/plumbstore/plumb/store/pulled"
)

// PullRequest asks for the rows of a source to be pulled from its database.
type PullRequest struct {
	pulled.Request

	// Source is a name in the definition files. They and not the registry say what is pulled, since a source can be
	// applied only once it has files.
	Source string
	// Progress is called with how many rows came so far; it may be nil.
	Progress func(rows int64)
}

// Pulled is what came of a pull. Its JSON is that of plumb pull.
type Pulled struct {
	PulledSource

	// File is relative to the project's folder; empty if there was nothing new.
	File string `json:"file,omitempty"`
	// Full says that all rows were pulled anew.
	Full    bool    `json:"full"`
	Rows    int64   `json:"rows"`
	Again   int64   `json:"again"`
	Changed int64   `json:"changed"`
	Waiting int64   `json:"waiting"`
	Missed  int64   `json:"missed"`
	Gone    int64   `json:"gone"`
	Seconds float64 `json:"seconds"`
	// Zoneless are the columns whose times have no zone and were taken as UTC.
	Zoneless []string `json:"zoneless,omitempty"`
	// Former are folders with what was pulled for other queries, relative to the project's folder.
	Former []string `json:"former,omitempty"`
}

// PulledSource is what was pulled for a source so far.
type PulledSource struct {
	Source     string `json:"source"`
	Connection string `json:"connection"`
	// Database is the address without credentials; empty if nothing was pulled.
	Database string `json:"database,omitempty"`
	Path     string `json:"path"`
	Files    int    `json:"files"`
	Total    int64  `json:"total"`
	// Latest is the latest time of a row, and At the database's instant when rows were last pulled; empty if there is
	// none.
	Latest string `json:"latest,omitempty"`
	At     string `json:"at,omitempty"`
	// AgeSeconds is how long ago that was; absent as At is.
	AgeSeconds *float64 `json:"age_seconds,omitempty"`
}

// pulledDefinition is a source whose rows are pulled.
type pulledDefinition struct {
	name string
	feature.Files
}

// pulledDefinitions are those of the definition files, checked against themselves alone.
func (p *Project) pulledDefinitions(ctx context.Context) (found []pulledDefinition, all []string, err error) {
	read, err := spec.Read(ctx, p.Config.ProjectDir, p.Config.Definitions, nil)
	if err != nil {
		return nil, nil, err
	}
	for _, definition := range read.GetSources() {
		all = append(all, definition.GetName())
		if files, ok := feature.KindOf(definition).(feature.Files); ok && files.Pull != nil {
			found = append(found, pulledDefinition{definition.GetName(), files})
		}
	}
	return found, all, nil
}

// Pull pulls. The error says that nothing was pulled.
func (p *Project) Pull(ctx context.Context, request PullRequest) (*Pulled, error) {
	definitions, all, err := p.pulledDefinitions(ctx)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(definitions, func(d pulledDefinition) bool { return d.name == request.Source })
	if at < 0 {
		if slices.Contains(all, request.Source) {
			return nil, fault.Inputf("", "source %s has no postgres: it is not pulled, but reads what is there", request.Source)
		}
		return nil, &fault.NotFoundError{Kind: "source", Name: request.Source,
			Suggestion: fault.Closest(request.Source, all)}
	}
	address, err := p.Config.Database(definitions[at].Pull.Connection)
	if err != nil {
		return nil, err
	}
	recorder, err := p.Lineage()
	if err != nil {
		return nil, err
	}
	work := pullWork{project: p, definition: definitions[at], address: address.Reveal()}
	run := recorder.StartPull(lineage.PullRequest{Source: request.Source, Query: work.definition.Pull.Query,
		Database: address.Address(), Path: work.definition.Path})
	report, err := work.run(ctx, request)
	rows := int64(0)
	if report != nil {
		rows = report.Rows
	}
	run.End(ctx, rows, err)
	return report, err
}

// pullWork is one pull.
type pullWork struct {
	project    *Project
	definition pulledDefinition
	address    string
}

func (w pullWork) run(ctx context.Context, request PullRequest) (*Pulled, error) {
	folder, err := w.project.pulledFolder(w.definition.Path)
	if err != nil {
		return nil, err
	}
	started := w.project.Now()
	source := databaseSource{Name: w.definition.name, Connection: w.definition.Pull.Connection, Address: w.address,
		Query: w.definition.Pull.Query, By: w.definition.Pull.By}
	var database database
	defer func() {
		if database != nil {
			database.Close(ctx)
		}
	}()
	const share = 4 // Of the memory, for the rows of the overlap.
	report, err := pulled.Run(ctx, pulled.Config{
		Source: w.definition.name, Pull: w.definition.Pull, Folder: folder, Disk: w.project.options.Disk,
		Memory: w.project.Config.Offline.MemoryBytes() / share, Progress: request.Progress,
		Open: func(ctx context.Context) (pulled.Snapshot, error) {
			opened, err := openDatabase(ctx, source)
			if err != nil {
				return nil, err
			}
			database = opened
			return opened, nil
		},
	}, request.Request)
	if err != nil {
		return nil, err
	}
	done := &Pulled{
		PulledSource: w.project.pulledSource(w.definition, report.State), Full: report.Full, Rows: report.Rows,
		Again: report.Again, Changed: report.Changed, Waiting: report.Waiting, Missed: report.Missed, Gone: report.Gone,
		Seconds: w.project.Now().Sub(started).Seconds(), Zoneless: database.Zoneless(),
	}
	if report.File != "" {
		done.File = w.project.shorten(report.File)
	}
	former, err := pulled.Former(folder, w.definition.Pull)
	for _, each := range former {
		done.Former = append(done.Former, w.project.shorten(each))
	}
	return done, err
}

// pulledSource says what was pulled for a source; state is nil if nothing was.
func (p *Project) pulledSource(definition pulledDefinition, state *pulled.State) PulledSource {
	told := PulledSource{Source: definition.name, Connection: definition.Pull.Connection, Path: definition.Path}
	if state == nil {
		return told
	}
	told.Database, told.Files, told.Total, told.At = state.Database, state.Files, state.Rows, state.At.String()
	told.AgeSeconds = new(max(p.Now().Sub(state.At.Time()), 0).Round(time.Millisecond).Seconds())
	if state.Latest != nil {
		told.Latest = state.Latest.String()
	}
	return told
}

// PulledSources says what was pulled for each source of the definition files that is pulled. It asks no database.
func (p *Project) PulledSources(ctx context.Context) ([]PulledSource, error) {
	definitions, _, err := p.pulledDefinitions(ctx)
	if err != nil {
		return nil, err
	}
	told := make([]PulledSource, len(definitions))
	for i, definition := range definitions {
		folder, err := p.pulledFolder(definition.Path)
		if err != nil {
			return nil, err
		}
		state, err := pulled.Read(filepath.Join(folder, definition.Pull.Folder()))
		if err != nil {
			return nil, err
		}
		told[i] = p.pulledSource(definition, state)
	}
	return told, nil
}
