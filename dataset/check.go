package dataset

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/feature"
)

// State is what became of a thing since the manifest was written.
type State string

// The states. Moved is the same in another place. NotCompared is none of the others: nobody knows.
const (
	Same        State = "same"
	Moved       State = "moved"
	Changed     State = "changed"
	Missing     State = "missing"
	Added       State = "added"
	NotCompared State = "not compared"
)

// Holds says whether the thing is what the manifest says, wherever it is now.
func (s State) Holds() bool { return s == Same || s == Moved }

// Check is one thing that was compared with what the manifest says of it.
type Check struct {
	// Subject is manifest, output, labels, source with its name, sources, revision, definition or service.
	Subject string `json:"subject"`
	Name    string `json:"name"`
	State   State  `json:"state"`
	Detail  string `json:"detail,omitempty"`
}

// Rename rewrites the texts of checks that may name files.
func Rename(checks []Check, text func(string) string) {
	for i := range checks {
		checks[i].Name, checks[i].Detail = text(checks[i].Name), text(checks[i].Detail)
	}
}

// Present is a project as it is now.
type Present struct {
	// Folder is the project's.
	Folder string
	// Search are the folders that moved files are looked for in, with all below them.
	Search []string
	// Labels, unless it is empty, is where the label rows are now. LabelsObject is the name and the version of the object
	// that this is a copy of; nil if it is none.
	Labels       string
	LabelsObject *feature.Input
	// Object asks for the version of an object, and says false if there is none.
	Object  func(ctx context.Context, path string) (feature.ObjectVersion, bool, error)
	Digests *FileDigests
	// Current is the newest revision.
	Current *feature.Snapshot
	// At returns an older one.
	At func(ctx context.Context, revision int64) (*feature.Snapshot, error)
	// Files lists what sources are read from now.
	Files func(ctx context.Context, sources []*feature.Source) ([]feature.Input, error)
}

// differsFrom says how the content of another output differs; empty if it is the same.
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

// CheckDefinitions compares the views that were used with those of a revision.
func (m *Manifest) CheckDefinitions(at *feature.Snapshot) []Check {
	var checks []Check
	for _, was := range m.Views {
		check := Check{Subject: "definition", Name: was.Name, State: Same}
		hash, ok := at.DefinitionHash(was.Name)
		switch {
		case !ok:
			check.State, check.Detail = Missing, fmt.Sprintf("revision %d has no such view", at.Revision)
		case hash.String() != was.Hash:
			check.State = Changed
			check.Detail = fmt.Sprintf("between revisions %d and %d", m.Revision, at.Revision)
			if m.Revision == 0 {
				check.Detail = fmt.Sprintf("revision %d has another", at.Revision)
			}
		}
		checks = append(checks, check)
	}
	if m.Selection.Service != "" {
		checks = append(checks, m.checkService(at))
	}
	return checks
}

// checkService compares the features that the service selects now with those in the manifest, and their names. The
// definition of the service may differ otherwise. How many rows matched a use is not compared, since it is not part of
// a definition.
func (m *Manifest) checkService(at *feature.Snapshot) Check {
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

func featuresOf(selection *feature.Selection) []string {
	var features []string
	for _, output := range selection.Outputs {
		f := selection.Describe(output)
		features = append(features, output.Name+" of "+f.View+":"+f.Name)
	}
	return features
}

// Of resolves what was asked for.
func (s Selection) Of(snapshot *feature.Snapshot) (*feature.Selection, error) {
	if s.Service != "" {
		return snapshot.SelectService(s.Service, s.FullNames)
	}
	return snapshot.SelectFeatures(s.Features, s.FullNames)
}

// sourcesOf are those that a selection reads, each once. It is not nil if there are none.
func sourcesOf(selection *feature.Selection) []*feature.Source {
	sources := []*feature.Source{}
	for _, reference := range selection.References {
		if !slices.Contains(sources, reference.View.Source) {
			sources = append(sources, reference.View.Source)
		}
	}
	return sources
}
