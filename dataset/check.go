package dataset

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/registry"
)

// State is what became of a thing since the manifest was written.
type State string

// The states. NotCompared is none of the others: nobody knows.
const (
	Same        State = "same"
	Changed     State = "changed"
	Missing     State = "missing"
	Added       State = "added"
	NotCompared State = "not compared"
)

// Check is one thing that was compared with what the manifest says of it.
type Check struct {
	// Subject is manifest, output, labels, source with its name, sources, revision, definition or service.
	Subject string `json:"subject"`
	Name    string `json:"name"`
	State   State  `json:"state"`
	Detail  string `json:"detail,omitempty"`
}

// Present is a project as it is now.
type Present struct {
	// Folder is the project's.
	Folder  string
	Digests *FileDigests
	// Current is the newest revision.
	Current *registry.Snapshot
	// At returns an older one.
	At func(ctx context.Context, revision int64) (*registry.Snapshot, error)
	// Files lists what sources are read from now.
	Files func(ctx context.Context, sources []*registry.Source) ([]registry.SourceFile, error)
}

// CheckOutput compares the training set with its manifest.
func (f *Found) CheckOutput(ctx context.Context) (Check, error) {
	check := Check{Subject: "output", Name: f.Output, State: Same}
	if _, err := os.Stat(f.Output); errors.Is(err, os.ErrNotExist) {
		check.State = Missing
		return check, nil
	}
	t := table{path: f.Output, format: formatOf(f.Output), types: declaredTypes(byName(f.Manifest.Output.Columns))}
	scan, err := t.scan(ctx, nil)
	if input, ok := errors.AsType[*registry.InputError](err); ok {
		check.State, check.Detail = Changed, input.Message
		return check, nil
	}
	if err != nil {
		return check, err
	}
	if details := f.Manifest.Output.differsFrom(digested(scan)); details != "" {
		check.State, check.Detail = Changed, details
	}
	return check, nil
}

// digested is what was read of a table, by its digests alone.
func digested(scan *tableScan) Output {
	output := Output{Rows: scan.rows, Columns: make([]Column, len(scan.columns))}
	for i, column := range scan.columns {
		sum := column.digest.sum()
		output.Columns[i] = Column{Name: column.name, Digest: named(sum[:])}
	}
	output.Digest = contentDigest(output.Rows, output.Columns)
	return output
}

// differsFrom says in what the content of another output differs; empty where it is the same.
func (o Output) differsFrom(other Output) string {
	if o.Digest == other.Digest {
		return ""
	}
	var details, altered []string
	if other.Rows != o.Rows {
		details = append(details, fmt.Sprintf("it has %d rows in the place of %d", other.Rows, o.Rows))
	}
	was, is := byName(o.Columns), byName(other.Columns)
	for _, column := range other.Columns {
		switch before, ok := was[column.Name]; {
		case !ok:
			details = append(details, fmt.Sprintf("column %q was added", column.Name))
		case before.Digest != column.Digest:
			altered = append(altered, fmt.Sprintf("%q", column.Name))
		}
	}
	for _, column := range o.Columns {
		if _, ok := is[column.Name]; !ok {
			details = append(details, fmt.Sprintf("column %q is gone", column.Name))
		}
	}
	if altered != nil {
		details = append(details, "values differ in "+strings.Join(altered, ", "))
	}
	if details == nil {
		return "its columns stand in another order"
	}
	return strings.Join(details, "; ")
}

func byName(columns []Column) map[string]Column {
	named := make(map[string]Column, len(columns))
	for _, column := range columns {
		named[column.Name] = column
	}
	return named
}

// CheckInputs compares the label file and the sources' files with the manifest. The sources are those of the manifest's
// revision; where that is not known they are nil, and then nobody knows whether they have more files now.
func (m *Manifest) CheckInputs(ctx context.Context, present Present, sources []*registry.Source) ([]Check, error) {
	checks, err := m.checkFiles(ctx, present)
	if err != nil {
		return nil, err
	}
	further := Check{Subject: "sources", Name: "further files", State: NotCompared}
	if sources == nil {
		further.Detail = fmt.Sprintf("what revision %d read is not known", m.Revision)
		return append(checks, further), nil
	}
	now, err := present.Files(ctx, sources)
	if input, ok := errors.AsType[*registry.InputError](err); ok {
		further.Detail = input.Message
		return append(checks, further), nil
	}
	if err != nil {
		return nil, err
	}
	known := map[[2]string]bool{}
	for _, source := range m.Sources {
		known[[2]string{source.Source, source.Path}] = true
	}
	for _, file := range now {
		if !known[[2]string{file.Source, file.Path}] {
			checks = append(checks, Check{Subject: "source " + file.Source, Name: file.Path, State: Added})
		}
	}
	return checks, nil
}

// checkFiles compares the files that the manifest names.
func (m *Manifest) checkFiles(ctx context.Context, present Present) ([]Check, error) {
	labels, err := present.checkFile(ctx, "labels", m.Labels)
	if err != nil {
		return nil, err
	}
	checks := []Check{labels}
	for _, source := range m.Sources {
		check, err := present.checkFile(ctx, "source "+source.Source, source.File)
		if err != nil {
			return nil, err
		}
		checks = append(checks, check)
	}
	return checks, nil
}

func (p Present) checkFile(ctx context.Context, subject string, was File) (Check, error) {
	check := Check{Subject: subject, Name: was.Path, State: Same}
	path := absolute(p.Folder, was.Path)
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		check.State = Missing
		return check, nil
	case err == nil && info.Size() != was.Size:
		check.State = Changed
		check.Detail = fmt.Sprintf("it has %d bytes in the place of %d", info.Size(), was.Size)
		return check, nil
	}
	now, err := p.Digests.Of(ctx, []string{path})
	if err != nil {
		return check, err
	}
	if now[0].Digest != was.Digest {
		check.State, check.Detail = Changed, "it has other bytes, as many as before"
	}
	return check, nil
}

// CheckDefinitions compares the views that were used with those of a revision.
func (m *Manifest) CheckDefinitions(at *registry.Snapshot) []Check {
	var checks []Check
	for _, was := range m.Views {
		check := Check{Subject: "definition", Name: was.Name, State: Same}
		view, err := at.View(was.Name)
		switch {
		case err != nil:
			check.State, check.Detail = Missing, fmt.Sprintf("revision %d has no such view", at.Revision)
		case view.Hash.String() != was.Hash:
			check.State = Changed
			check.Detail = fmt.Sprintf("between revisions %d and %d", m.Revision, at.Revision)
		}
		checks = append(checks, check)
	}
	if m.Selection.Service != "" {
		checks = append(checks, m.checkService(at))
	}
	return checks
}

// checkService compares what the service asks for.
func (m *Manifest) checkService(at *registry.Snapshot) Check {
	check := Check{Subject: "service", Name: m.Selection.Service, State: Same}
	selection, err := m.Selection.Of(at)
	if err != nil {
		check.State, check.Detail = Missing, err.Error()
		if _, there := at.Service(m.Selection.Service); there == nil {
			check.State = Changed
		}
		return check
	}
	was, now := slices.Clone(m.Uses), usesOf(selection)
	for i := range was {
		was[i].Matched = 0
	}
	if !reflect.DeepEqual(was, now) || !slices.Equal(m.features(), featuresOf(selection)) {
		check.State, check.Detail = Changed, fmt.Sprintf("at revision %d it asks for other features", at.Revision)
	}
	return check
}

// features are the output's feature columns as featuresOf writes them.
func (m *Manifest) features() []string {
	var features []string
	for _, column := range m.Output.Columns {
		if column.Kind == FeatureColumn {
			features = append(features, column.Name+" of "+column.View+":"+column.Feature)
		}
	}
	return features
}

func featuresOf(selection *registry.Selection) []string {
	features := make([]string, len(selection.Outputs))
	for i, output := range selection.Outputs {
		view := selection.References[output.Reference].View
		features[i] = output.Name + " of " + view.Name + ":" + view.Features[output.Feature].Name
	}
	return features
}

// Of resolves what was asked for.
func (s Selection) Of(snapshot *registry.Snapshot) (*registry.Selection, error) {
	if s.Service != "" {
		return snapshot.SelectService(s.Service, s.FullNames)
	}
	return snapshot.SelectFeatures(s.Features, s.FullNames)
}

// sourcesOf are those that a selection reads, each once.
func sourcesOf(selection *registry.Selection) []*registry.Source {
	var sources []*registry.Source
	for _, reference := range selection.References {
		if !slices.Contains(sources, reference.View.Source) {
			sources = append(sources, reference.View.Source)
		}
	}
	return sources
}
