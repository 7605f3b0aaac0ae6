package audit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/offline"
)

// Foresight is how much a training set knows too early, by default: of rows that became known only after the instant of
// the label (R4).
type Foresight struct {
	Labels string          `json:"labels"`
	Rows   int64           `json:"rows"`
	Views  []ViewForesight `json:"views"`
	// Untold are the uses of views, by alias, whose source does not tell when its rows were created.
	Untold []string `json:"untold"`
}

// ViewForesight is the foresight of one use of a view. With aggregations, events take the place of the row: it was
// unknown if a feature is another as known.
type ViewForesight struct {
	// View is the view's name and Alias that of its use.
	View  string `json:"view"`
	Alias string `json:"alias"`
	// Seen is the number of label rows that have a visible row by default, Unknown that of those whose row was not known
	// to have been created by then, and SeenAsKnown that of label rows that have a visible row as known.
	Seen        int64 `json:"seen"`
	Unknown     int64 `json:"unknown"`
	SeenAsKnown int64 `json:"seen_as_known"`
	// Features has, for each output, in how many label rows it is another as known.
	Features []FeatureForesight `json:"features"`
}

// FeatureForesight is in how many label rows a feature is another as known: its status, value or event time.
type FeatureForesight struct {
	Output  string `json:"output"`
	Feature string `json:"feature"`
	Changed int64  `json:"changed"`
}

// Share is the part of the rows seen that were not known yet.
func (v *ViewForesight) Share() float64 { return share(v.Unknown, v.Seen) }

// Foresee joins label rows with a selection by default and as known, and compares the two. It returns a
// *fault.InputError if no source of the selection has the times at which its rows were created.
func (a *Auditor) Foresee(ctx context.Context, selection *feature.Selection, labels, timestampColumn string) (
	found *Foresight, err error,
) {
	folder, err := os.MkdirTemp(a.config.TempDir, "plumb-audit-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the joins: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	found = &Foresight{Labels: labels, Untold: []string{}}
	request := offline.JoinRequest{Labels: labels, TimestampColumn: timestampColumn, Progress: a.config.Progress}
	for i, reference := range selection.References {
		if reference.View.Source.CreatedTimestamp == "" {
			found.Untold = append(found.Untold, reference.Alias)
			continue
		}
		view, err := a.foresee(ctx, selection, i, request, folder)
		if err != nil {
			return nil, err
		}
		found.Views = append(found.Views, view.ViewForesight)
		found.Rows = view.rows
	}
	if found.Views == nil {
		return nil, fault.Inputf("", "no source of what is asked for has a created_timestamp, so when rows became known "+
			"is not told; set it in the definition of a source of %s", strings.Join(found.Untold, ", "))
	}
	return found, nil
}

// foreseeing compares the two joins of one use of a view.
type foreseeing struct {
	ViewForesight
	rows            int64
	isWindowed      bool
	joined, asKnown *answers
}

func (a *Auditor) foresee(ctx context.Context, selection *feature.Selection, at int, request offline.JoinRequest,
	folder string,
) (found *foreseeing, err error) {
	reference := selection.References[at]
	p := &probe{reference: reference, keys: reference.LabelColumns}
	found = &foreseeing{ViewForesight: ViewForesight{View: reference.View.Name, Alias: reference.Alias},
		isWindowed: reference.View.Aggregated != nil}
	names := map[feature.StoredColumn]string{}
	for _, output := range selection.Stored() {
		names[output.StoredColumn] = output.Name
	}
	for _, f := range selection.Reads(at) {
		name := reference.View.Features[f].Name
		p.features = append(p.features, f)
		found.Features = append(found.Features, FeatureForesight{Feature: name,
			Output: cmp.Or(names[feature.StoredColumn{Reference: at, Feature: f}], reference.Alias+"__"+name)})
	}
	columns, err := a.config.Offline.Columns(ctx, reference.View.Source)
	if err != nil {
		return nil, err
	}
	p.created = canTellCreated(a.config.Offline, reference.View, columns)
	paths := [2]string{filepath.Join(folder, "joined.arrow"), filepath.Join(folder, "known.arrow")}
	report, err := p.run(ctx, a.config.Offline, request, paths[0])
	if err != nil {
		return nil, err
	}
	found.rows = report.Rows
	request.AsKnown = true
	if _, err := p.run(ctx, a.config.Offline, request, paths[1]); err != nil {
		return nil, err
	}
	if found.joined, err = openAnswers(paths[0]); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, found.joined.close()) }()
	if found.asKnown, err = openAnswers(paths[1]); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, found.asKnown.close()) }()
	return found, found.compare()
}

// compare goes through both joins side by side.
func (f *foreseeing) compare() error {
	for range f.rows {
		if err := errors.Join(f.joined.next(), f.asKnown.next()); err != nil {
			return err
		}
		joined, err := f.joined.sighting()
		if err != nil {
			return err
		}
		known, err := f.asKnown.sighting()
		if err != nil {
			return err
		}
		f.count(joined, known)
	}
	return nil
}

func (f *foreseeing) count(joined, known sighting) {
	changed := false
	for i := range f.Features {
		same := joined.statuses[i] == known.statuses[i] && joined.there == known.there && joined.event == known.event
		if same && joined.statuses[i] == plumbv1.Status_PRESENT {
			same = value.SameArrow(f.joined.values[i], f.joined.row, f.asKnown.values[i], f.asKnown.row)
		}
		if !same {
			f.Features[i].Changed++
			changed = true
		}
	}
	if known.visible() {
		f.SeenAsKnown++
	}
	if joined.visible() {
		f.Seen++
	}
	if f.isWindowed && joined.visible() && changed || !f.isWindowed && tooEarly(joined, known) {
		f.Unknown++
	}
}

// tooEarly says whether the row that the default join sees had not been created at the instant of the label: were it
// known, it would win as known too, being the greatest of all (R3).
func tooEarly(joined, known sighting) bool {
	return joined.visible() && (!known.there || known.event != joined.event || known.newerThan(joined) ||
		joined.newerThan(known))
}
