package lineage

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
)

// producer identifies what makes the events.
const producer = "https://github.com/plumbstore/plumb"

// The published schemas that events and their facets follow.
const (
	eventSchema      = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
	facetSchemas     = "https://openlineage.io/spec/facets/"
	schemaFacet      = facetSchemas + "1-2-0/SchemaDatasetFacet.json#/$defs/SchemaDatasetFacet"
	versionFacet     = facetSchemas + "1-0-1/DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet"
	columnsFacet     = facetSchemas + "1-2-0/ColumnLineageDatasetFacet.json#/$defs/ColumnLineageDatasetFacet"
	statisticsFacet  = facetSchemas + "1-0-2/" + statistics + ".json#/$defs/" + statistics
	statistics       = "OutputStatisticsOutputDatasetFacet"
	errorFacet       = facetSchemas + "1-0-1/ErrorMessageRunFacet.json#/$defs/ErrorMessageRunFacet"
	engineFacet      = facetSchemas + "1-1-1/ProcessingEngineRunFacet.json#/$defs/ProcessingEngineRunFacet"
	typeFacet        = facetSchemas + "2-0-3/JobTypeJobFacet.json#/$defs/JobTypeJobFacet"
	descriptionFacet = facetSchemas + "1-1-0/DocumentationJobFacet.json#/$defs/DocumentationJobFacet"
)

// event is a RunEvent of OpenLineage.
type event struct {
	Type      string    `json:"eventType"`
	Time      string    `json:"eventTime"`
	Run       runFacets `json:"run"`
	Job       job       `json:"job"`
	Inputs    []dataset `json:"inputs"`
	Outputs   []dataset `json:"outputs"`
	Producer  string    `json:"producer"`
	SchemaURL string    `json:"schemaURL"`
}

// facet is one group of facts about a run, a job or a dataset; its keys are those of its schema.
type facet map[string]any

// facets are facets by their names.
type facets map[string]facet

func newFacet(schema string, content facet) facet {
	content["_producer"], content["_schemaURL"] = producer, schema
	return content
}

type runFacets struct {
	ID     string `json:"runId"`
	Facets facets `json:"facets"`
}

func (r *Recorder) runOf(id string, failure error) runFacets {
	told := facets{"processing_engine": newFacet(engineFacet, facet{"name": "plumb", "version": r.config.Version})}
	if failure != nil {
		told["errorMessage"] = newFacet(errorFacet, facet{"message": failure.Error(), "programmingLanguage": "Go"})
	}
	return runFacets{id, told}
}

type job struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Facets    facets `json:"facets"`
}

func (r *Recorder) job(name, description string) job {
	return job{Namespace: r.config.Project, Name: name, Facets: facets{
		"jobType":       newFacet(typeFacet, facet{"processingType": "BATCH", "integration": "PLUMB", "jobType": "JOB"}),
		"documentation": newFacet(descriptionFacet, facet{"description": description}),
	}}
}

// runID returns a UUID of version 7 that is derived from the run: events that are delivered twice belong to one run,
// and runs sort by their beginning. The first 48 bits are the milliseconds, as in any UUID of version 7, and the others
// are a hash of what distinguishes the run.
func (r *Recorder) runID(job string, started time.Time) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %d %q", r.config.Project, job, started.UnixNano(), r.config.Instance))
	id := sum[:16]
	for i := range 6 {
		id[i] = byte(started.UnixMilli() >> (40 - 8*i))
	}
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
	digits := hex.EncodeToString(id)
	return digits[:8] + "-" + digits[8:12] + "-" + digits[12:16] + "-" + digits[16:20] + "-" + digits[20:]
}

// list is never null in JSON.
func list[T any](values []T) []T {
	if values == nil {
		return []T{}
	}
	return values
}
