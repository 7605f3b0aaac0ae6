package project

import (
	"context"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry/plan"
	"github.com/plumbstore/plumb/registry/spec"
)

// Definitions are those of the project's files, checked against themselves and the sources.
type Definitions struct {
	Definitions *plumbv1.Definitions
	// Doubts are about sources that can be read and may not be what was meant: by kind, in the order of Doubt's fields,
	// and those of a kind in the order of the definitions.
	Doubts []Doubt
}

// Doubt is about one source. One of what follows its name is set.
type Doubt struct {
	Source *feature.Source
	// Midnights says that all event times are midnights, and nothing says when the rows were known. A row of 2024-05-01
	// that sums up the day is then visible from the beginning of that day (R2), so a training set knows at noon what
	// happened in the evening.
	Midnights bool
	// Ties are parts of a query whose result may depend on an order of rows that differs from run to run.
	Ties []string
	// LeftOut are files in the source's folder that are not read, since their names end in another way: a folder of CSV
	// files with a few that end in .tsv is read without those.
	LeftOut []string
}

// ReadDefinitions reads the definition files. All mistakes are in the error, each with its place.
func (p *Project) ReadDefinitions(ctx context.Context) (*Definitions, error) {
	offline, err := p.Offline(ctx)
	if err != nil {
		return nil, err
	}
	read, err := spec.Read(ctx, p.Config.ProjectDir, p.Config.Definitions, offline)
	if err != nil {
		return nil, err
	}
	doubts, err := findDoubts(ctx, offline, read.GetSources())
	if err != nil {
		return nil, err
	}
	return &Definitions{Definitions: read, Doubts: doubts}, nil
}

func findDoubts(ctx context.Context, offline Offline, defined []*plumbv1.Source) ([]Doubt, error) {
	var sources []*feature.Source
	resolved := feature.ResolveSources(defined)
	for _, definition := range defined {
		sources = append(sources, resolved[definition.GetName()])
	}
	var midnights, unread []Doubt
	for _, source := range sources {
		atMidnights, err := offline.AtMidnights(ctx, source)
		if err != nil {
			return nil, err
		}
		leftOut, err := offline.LeftOut(ctx, source)
		if err != nil {
			return nil, err
		}
		if atMidnights {
			midnights = append(midnights, Doubt{Source: source, Midnights: true})
		}
		if len(leftOut) > 0 {
			unread = append(unread, Doubt{Source: source, LeftOut: leftOut})
		}
	}
	ties, err := offline.Ties(ctx, sources)
	if err != nil {
		return nil, err
	}
	doubts := midnights
	for i, found := range ties {
		if len(found) > 0 {
			doubts = append(doubts, Doubt{Source: sources[i], Ties: found})
		}
	}
	return append(doubts, unread...), nil
}

// Plan compares definitions with what is registered.
func (p *Project) Plan(ctx context.Context, desired *Definitions) (*plan.Plan, error) {
	engine, err := p.Registry(ctx)
	if err != nil {
		return nil, err
	}
	current, err := engine.Current(ctx, p.Config.Project)
	if err != nil {
		return nil, err
	}
	return plan.New(current, desired.Definitions), nil
}

// Apply makes a plan the project's next revision, all or nothing, and returns its number. It returns fault.ErrConflict
// if the project has changed since the plan was made. by is the user that applies.
func (p *Project) Apply(ctx context.Context, planned *plan.Plan, by string) (int64, error) {
	engine, err := p.Registry(ctx)
	if err != nil {
		return 0, err
	}
	return engine.Apply(ctx, planned.Commit(by, p.options.Now().UTC()))
}
