package cli

import (
	"context"
	"strings"

	"github.com/dustin/go-humanize/english"

	"github.com/plumbstore/plumb/internal/project"
	"github.com/plumbstore/plumb/registry/plan"
)

// definitions reads the definition files, and warns of sources that may not be what was meant. These are notes and no
// errors, since only the user knows what was meant.
func (a *application) definitions(ctx context.Context, p *project.Project) (*project.Definitions, error) {
	shown := a.progress("checking the definitions against the sources")
	defer shown.stop()
	definitions, err := p.ReadDefinitions(ctx)
	if err != nil {
		return nil, err
	}
	for _, doubt := range definitions.Doubts {
		a.note("%s", doubtText(doubt))
	}
	return definitions, nil
}

// planned compares the definition files with what is registered.
func (a *application) planned(ctx context.Context, p *project.Project) (*plan.Plan, error) {
	desired, err := a.definitions(ctx, p)
	if err != nil {
		return nil, err
	}
	return p.Plan(ctx, desired)
}

func doubtText(doubt project.Doubt) string {
	name := doubt.Source.Name
	switch {
	case doubt.Midnights:
		return "source " + name + ": all event times are midnights, so a row of a day counts as known when that day " +
			"begins; where it describes the whole day, declare created_timestamp, or add the delay in a SQL source"
	case len(doubt.Ties) > 0:
		return "source " + name + ": where rows tie in the order that " + strings.Join(doubt.Ties, " or ") + " goes by, " +
			"the result may depend on the order of rows, which differs from run to run; order by columns that tell all rows " +
			"apart"
	}
	const most = 5
	names := strings.Join(doubt.LeftOut[:min(len(doubt.LeftOut), most)], ", ")
	if len(doubt.LeftOut) > most {
		names += ", …"
	}
	files, _ := doubt.Source.Files()
	return "source " + name + " does not read " + english.Plural(len(doubt.LeftOut), "file", "") + " in " +
		files.Path + " whose names have other endings: " + names
}
