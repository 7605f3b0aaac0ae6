package lineage

import (
	"context"
	"net/url"
)

// PullRequest is a pull of a source from a database.
type PullRequest struct {
	Source string
	// Query is in the SQL of the database.
	Query string
	// Database is the address of the database as a URL, without user and password.
	Database string
	// Path is the folder of the files, relative to the project.
	Path string
}

// Pull is the run of a pull.
type Pull struct {
	run
	request PullRequest
}

// sqlFacet is the query of a job.
const sqlFacet = facetSchemas + "1-0-1/SQLJobFacet.json#/$defs/SQLJobFacet"

// StartPull records that a pull begins.
func (r *Recorder) StartPull(request PullRequest) *Pull {
	if r == nil {
		return nil
	}
	p := &Pull{request: request}
	inputs, outputs := p.datasets(r)
	name, description := "pull."+request.Source, "the rows of source "+request.Source+" from a database"
	started := r.config.Now()
	p.run = run{recorder: r, id: r.runID(name, started), job: r.job(name, description)}
	p.job.Facets["sql"] = newFacet(sqlFacet, facet{"query": request.Query})
	p.emit("START", started, nil, inputs, outputs)
	return p
}

// End records how it ended, and how many rows were written.
func (p *Pull) End(ctx context.Context, rows int64, failure error) {
	if p == nil {
		return
	}
	inputs, outputs := p.datasets(p.recorder)
	if failure == nil {
		outputs[0].setRows(rows)
	}
	p.end(ctx, failure, inputs, outputs)
}

// datasets are the database, as other tools call it, and the folder as joins that read it call it. The tables that a
// query reads are in its text alone.
func (p *Pull) datasets(r *Recorder) (inputs, outputs []dataset) {
	database := dataset{Namespace: p.request.Database, Name: p.request.Source, Facets: facets{}}
	if parsed, err := url.Parse(p.request.Database); err == nil && parsed.Host != "" {
		database.Namespace, database.Name = "postgres://"+parsed.Host, parsed.Path[min(len(parsed.Path), 1):]
	}
	return []dataset{database}, []dataset{r.file(p.request.Path)}
}
