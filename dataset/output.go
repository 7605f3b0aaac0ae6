package dataset

import (
	"context"
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/offline"
)

// Describe reads the rows that a join has written to a file, which may not have its final path yet, and says in the
// manifest what they are. The manifest's options have to be there.
func (m *Manifest) Describe(ctx context.Context, written, path string, selection *feature.Selection,
	report offline.JoinReport,
) error {
	known := columnsOf(selection, m.Options)
	t := table{path: written, format: formatOf(path), types: declaredTypes(known), whole: true}
	scan, err := t.scan(ctx, measuring(known))
	if err != nil {
		return fmt.Errorf("read the result: %w", err)
	}
	return m.describe(scan, known, selection, report)
}

// Description describes rows that a join hands out, as they pass. It is for rows that are sent to a client instead of
// being written here. The manifest is the same as that of a file with these rows, since neither the content digest nor
// the distributions depend on how the rows come in batches.
type Description struct {
	manifest  *Manifest
	selection *feature.Selection
	known     map[string]Column
	scan      *tableScan
}

// Describing begins to describe the rows of a join. The manifest's options have to be there.
func (m *Manifest) Describing(selection *feature.Selection) *Description {
	return &Description{manifest: m, selection: selection, known: columnsOf(selection, m.Options)}
}

// Add takes the next rows.
func (d *Description) Add(batch arrow.RecordBatch) error {
	if d.scan == nil {
		d.scan = newTableScan(batch.Schema())
		measuring(d.known)(batch.Schema(), d.scan)
	}
	return d.scan.add(batch)
}

// End says in the manifest what the rows are. At least one batch has to have been added, which may be empty.
func (d *Description) End(report offline.JoinReport) error {
	return d.manifest.describe(d.scan, d.known, d.selection, report)
}

// measuring is what is wanted of a table besides digests: statuses and distributions. A sensitive column has no
// distribution, since the least and the greatest value would reveal values of single rows.
func measuring(known map[string]Column) func(*arrow.Schema, *tableScan) {
	return func(schema *arrow.Schema, scan *tableScan) {
		for i, column := range scan.columns {
			known := known[column.name]
			if known.Kind == StatusColumn {
				column.statuses = map[string]int64{}
			} else if !known.Sensitive {
				column.spread = newSpread(schema.Field(i).Type)
			}
		}
	}
}

func (m *Manifest) describe(scan *tableScan, known map[string]Column, selection *feature.Selection,
	report offline.JoinReport,
) error {
	if scan.rows != report.Rows {
		return fmt.Errorf("the result has %d rows, and there are %d labels", scan.rows, report.Rows)
	}
	m.Output = outputOf(scan, known, selection)
	if m.Labels.Path == "" {
		m.Labels.Content = contentDigest(m.Output.Rows, m.labelColumns())
	}
	for i, view := range report.Views {
		m.Uses[i].Matched = view.Matched
	}
	return nil
}

// outputOf is a table as it was read.
func outputOf(scan *tableScan, known map[string]Column, selection *feature.Selection) Output {
	output := Output{Rows: scan.rows, Columns: described(scan, known, selection)}
	output.Digest = contentDigest(output.Rows, output.Columns)
	return output
}

// usesOf lists the uses of views.
func usesOf(selection *feature.Selection) []Use {
	uses := make([]Use, len(selection.References))
	for i, reference := range selection.References {
		uses[i] = Use{Alias: reference.Alias, View: reference.View.Name}
		for j, key := range reference.View.Keys {
			uses[i].Keys = append(uses[i].Keys, Key{Name: key.Name, Column: reference.LabelColumns[j]})
		}
	}
	return uses
}

// columnsOf says what is known of the output's columns, by name; of the labels', which are sensitive.
func columnsOf(selection *feature.Selection, options Options) map[string]Column {
	columns := map[string]Column{}
	for _, name := range selection.SensitiveColumns() {
		columns[name] = Column{Sensitive: true}
	}
	for _, output := range selection.Outputs {
		f := selection.Describe(output)
		columns[output.Name] = Column{Kind: FeatureColumn, View: f.View, Feature: f.Name, Type: f.Type.String(),
			Sensitive: f.Sensitive}
		if options.Statuses {
			columns[output.Name+"__status"] = Column{Kind: StatusColumn, View: f.View, Feature: f.Name}
		}
	}
	for _, reference := range selection.References {
		if options.Provenance {
			for _, column := range offline.ProvenanceOf(reference.View) {
				columns[reference.Alias+"__"+column.Name] = Column{Kind: ProvenanceColumn, View: reference.View.Name,
					Type: column.Type.String()}
			}
		}
		if options.EventTimestamps {
			columns[reference.Alias+"__event_timestamp"] = Column{Kind: TimeColumn, View: reference.View.Name,
				Type: plumbv1.Type_TIMESTAMP.String()}
		}
	}
	return columns
}

// declaredTypes are the types that CSV is read in.
func declaredTypes(columns map[string]Column) map[string]plumbv1.Type {
	types := map[string]plumbv1.Type{}
	for name, column := range columns {
		types[name] = plumbv1.Type(plumbv1.Type_value[column.Type])
	}
	return types
}

// described are the columns as they were read. What stands before the first feature is the labels'.
func described(scan *tableScan, known map[string]Column, selection *feature.Selection) []Column {
	first := slices.IndexFunc(scan.columns, func(c *columnScan) bool {
		return len(selection.Outputs) > 0 && c.name == selection.Outputs[0].Name
	})
	statuses := map[string]map[string]int64{}
	distributions := scan.distributions()
	columns := make([]Column, len(scan.columns))
	for i, read := range scan.columns {
		column := known[read.name]
		column.Name = read.name
		if i < first && column.Kind == "" {
			column.Kind = LabelColumn
		}
		if column.Type == "" {
			column.Type = read.digest.typeName
		}
		sum := read.digest.sum()
		column.Digest, column.Nulls = named(sum[:]), read.digest.nullCount
		column.Distribution = distributions[i]
		if read.statuses != nil {
			statuses[column.Name] = read.statuses
		}
		columns[i] = column
	}
	for i := range columns {
		columns[i].Statuses = statuses[columns[i].Name+"__status"]
	}
	return columns
}
