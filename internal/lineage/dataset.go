package lineage

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/source/objects"
)

// dataset is data that a run reads or writes. The namespace is its location, and the name identifies it there.
type dataset struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Facets    facets `json:"facets"`
	// OutputFacets are those of what is written.
	OutputFacets facets `json:"outputFacets,omitempty"`
}

// files is the namespace of local files, whose names are absolute paths.
const files = "file"

// file is a local file, or an object: the namespace of objects is their bucket.
func (r *Recorder) file(path string) dataset {
	if location, err := objects.Parse(path); err == nil {
		key := location.Key
		location.Key = ""
		return dataset{Namespace: location.String(), Name: key, Facets: facets{}}
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(r.config.Folder, path)
	}
	return dataset{Namespace: files, Name: filepath.ToSlash(filepath.Clean(path)), Facets: facets{}}
}

// field is a column in a schema facet.
type field struct {
	Name string `json:"name"`
	Type string `json:"type,omitempty"`
}

func typed(name string, declared plumbv1.Type) field { return field{name, declared.String()} }

func (d *dataset) setSchema(fields []field) {
	d.Facets["schema"] = newFacet(schemaFacet, facet{"fields": list(fields)})
}

func (d *dataset) setVersion(version string) {
	if version != "" {
		d.Facets["version"] = newFacet(versionFacet, facet{"datasetVersion": version})
	}
}

func (d *dataset) setRows(rows int64) {
	d.OutputFacets = facets{"outputStatistics": newFacet(statisticsFacet, facet{"rowCount": rows})}
}

// input is a column that another one is made of.
type input struct {
	Namespace       string           `json:"namespace"`
	Name            string           `json:"name"`
	Field           string           `json:"field"`
	Transformations []transformation `json:"transformations"`
}

// transformation is what becomes of a column. It is DIRECT if its values are in the result, and INDIRECT if they decide
// which values are.
type transformation struct {
	Type    string `json:"type"`
	Subtype string `json:"subtype"`
}

var (
	identity = transformation{Type: "DIRECT", Subtype: "IDENTITY"}
	joined   = transformation{Type: "INDIRECT", Subtype: "JOIN"}
	derived  = transformation{Type: "DIRECT", Subtype: "TRANSFORMATION"}
	filtered = transformation{Type: "INDIRECT", Subtype: "FILTER"}
	counted  = transformation{Type: "DIRECT", Subtype: "AGGREGATION"}
)

func (d dataset) column(name string, how ...transformation) input {
	return input{d.Namespace, d.Name, name, how}
}

// made are the columns that a feature of a view is made of, by its position there. how is what becomes of a column that
// the feature is read from.
func (d dataset) made(view *feature.View, position int, how transformation) []input {
	if view.Kind == feature.Windows {
		how = counted
	}
	var inputs []input
	reads := view.ReadsOf(position)
	for _, name := range reads.Values {
		column := d.column(name, how)
		if slices.Contains(reads.Filter, name) {
			column = d.column(name, how, filtered)
		}
		inputs = append(inputs, column)
	}
	for _, name := range reads.Filter {
		if !slices.Contains(reads.Values, name) {
			inputs = append(inputs, d.column(name, filtered))
		}
	}
	return inputs
}

// columnLineage collects the columns of an output, and what each is made of.
//
// For example, of a training set with feature price: column price is made of column px of the prices' files (DIRECT,
// IDENTITY). Which row it comes from is decided by the label's ticker and time and by the source's ticker and times
// (INDIRECT, JOIN); since these decide every row, they are lineage of the whole dataset.
type columnLineage struct {
	fields  []field
	of      map[string]facet
	dataset []input
}

// add takes a column; one without inputs has a schema and no lineage.
func (c *columnLineage) add(column field, inputs ...input) {
	c.fields = append(c.fields, column)
	if len(inputs) == 0 {
		return
	}
	if c.of == nil {
		c.of = map[string]facet{}
	}
	c.of[column.Name] = facet{"inputFields": inputs}
}

// decide takes columns that decide which rows are in the output.
func (c *columnLineage) decide(inputs ...input) {
	for _, each := range inputs {
		same := func(other input) bool {
			return other.Namespace == each.Namespace && other.Name == each.Name && other.Field == each.Field
		}
		if each.Field != "" && !slices.ContainsFunc(c.dataset, same) {
			c.dataset = append(c.dataset, each)
		}
	}
}

// describe gives the output its schema and its lineage.
func (c *columnLineage) describe(output *dataset) {
	output.setSchema(c.fields)
	if c.of == nil {
		c.of = map[string]facet{}
	}
	output.Facets["columnLineage"] = newFacet(columnsFacet, facet{"fields": c.of, "dataset": list(c.dataset)})
}

// sources are the datasets that a run reads, each once: those of its views, and its labels, which may be a source too.
type sources struct {
	recorder *Recorder
	files    []feature.Input
	all      []dataset
}

// of returns the dataset that has the columns of a source: its files, or, for SQL, the source itself, which is named
// below the project; what it reads comes along. Columns are those that are read of it.
func (s *sources) of(source *feature.Source, columns []field) dataset {
	if files, ok := source.Files(); ok {
		if source.Log != nil {
			s.add(s.recorder.file(source.Log.Path), columns, "")
		}
		return s.add(s.recorder.file(files.Path), columns, s.version(source))
	}
	for _, read := range source.Reads() {
		if files, ok := read.Files(); ok {
			s.add(s.recorder.file(files.Path), nil, s.version(read))
		}
	}
	named := dataset{Namespace: "plumb://" + s.recorder.config.Project, Name: "sources/" + source.Name, Facets: facets{}}
	return s.add(named, columns, s.version(append(source.Reads(), source)...))
}

// add takes a dataset, or what is new about one that is there. A file may be a source of two views, and label rows may
// be the file of a source; a run names each dataset once.
func (s *sources) add(d dataset, columns []field, version string) dataset {
	at := slices.IndexFunc(s.all, func(o dataset) bool { return o.Namespace == d.Namespace && o.Name == d.Name })
	if at < 0 {
		at = len(s.all)
		s.all = append(s.all, d)
	}
	s.all[at].setVersion(version)
	known, _ := s.all[at].Facets["schema"]["fields"].([]field)
	for _, column := range columns {
		if column.Name != "" && !slices.ContainsFunc(known, func(f field) bool { return f.Name == column.Name }) {
			known = append(known, column)
		}
	}
	if known != nil {
		s.all[at].setSchema(known)
	}
	return s.all[at]
}

// version identifies the queries and the files of sources: if two versions differ, their content differs. It is empty
// if no file is known yet.
func (s *sources) version(of ...*feature.Source) string {
	hash, found := sha256.New(), false
	for _, source := range of {
		query, _ := source.Query()
		fmt.Fprintf(hash, "%q\n", query)
		for _, file := range s.files {
			if file.Source == source.Name {
				found = true
				fmt.Fprintf(hash, "%q %s\n", file.Name, file.Version.ID())
			}
		}
	}
	if !found {
		return ""
	}
	return hex.EncodeToString(hash.Sum(nil)[:16])
}

// sourceColumns are what a view reads of its source: keys, times and features, by the names that they have there.
func sourceColumns(view *feature.View) []field {
	var columns []field
	for _, column := range view.Columns() {
		columns = append(columns, typed(column.Name, column.Type))
	}
	for _, name := range []string{view.Source.EventTimestamp, view.Source.CreatedTimestamp} {
		columns = append(columns, typed(name, plumbv1.Type_TIMESTAMP))
	}
	return columns
}
