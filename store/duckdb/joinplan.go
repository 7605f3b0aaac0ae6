package duckdb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/duckdb/labelfile"
	"github.com/plumbstore/plumb/store/duckdb/relation"
	"github.com/plumbstore/plumb/store/duckdb/session"
	"github.com/plumbstore/plumb/store/offline"
)

// PlanJoin implements offline.Store.
func (e *Engine) PlanJoin(ctx context.Context, request offline.JoinRequest) (planned offline.Join, err error) {
	if err := request.Selection.RequireKnown(); err != nil {
		return nil, err
	}
	s, err := e.newSession(ctx)
	if err != nil {
		return nil, err
	}
	j := &join{engine: e, request: request}
	err = j.planIn(ctx, s)
	if err != nil || j.planned.HasQueries() {
		err = errors.Join(err, s.Close())
	} else {
		j.ready.Store(s)
	}
	if err != nil {
		return nil, errors.Join(err, j.Close())
	}
	return j, nil
}

func (j *join) planIn(ctx context.Context, s *session.Session) (err error) {
	e, request := j.engine, j.request
	if j.labels, err = labelfile.Describe(ctx, s, request.Labels, request.LabelsName); err != nil {
		return err
	}
	if err := j.checkLabels(); err != nil {
		return err
	}
	only := request.Only
	if request.Shard != nil {
		only, j.labels.Within = request.Shard.Inputs, &request.Shard.Window
	}
	if j.planned, err = relation.Plan(ctx, e.finder, s, j.sources(), only, e.Scratch); err != nil {
		return j.ofView(err)
	}
	if request.Shard != nil {
		if err := offline.CheckInputs(request.Shard.Inputs, j.Inputs()); err != nil {
			return err
		}
	}
	return j.plan(ctx)
}

// plan plans the uses of views, the computations and the columns of the result.
func (j *join) plan(ctx context.Context) error {
	if err := j.planUses(ctx, j.planned); err != nil {
		return err
	}
	if err := j.planComputed(); err != nil {
		return err
	}
	return j.nameColumns()
}

// ofView names the view and the source that a file which cannot be read is of.
func (j *join) ofView(err error) error {
	var input *fault.InputError
	if !errors.As(err, &input) {
		return err
	}
	for _, reference := range j.request.Selection.References {
		source := reference.View.Source
		if files, ok := source.Files(); ok && strings.Contains(input.Message, files.Path) {
			return fault.Inputf("", "view %s, source %s: %s", reference.View.Name, source.Name, input.Message)
		}
	}
	return err
}

// checkLabels finds the time column, every key column and every request input, and reports all that are missing.
func (j *join) checkLabels() error {
	var errs []error
	at, err := j.labels.Find(j.request.TimestampColumn, "the instant of each row")
	if err == nil {
		_, err = j.labels.Times(at)
	}
	j.timeColumn = at
	errs = append(errs, err)
	for _, reference := range j.request.Selection.References {
		if j.request.AsKnown && reference.View.Source.CreatedTimestamp == "" {
			errs = append(errs, fault.Inputf("",
				"view %s cannot be joined as known: its source %s has no created_timestamp; "+
					"declare the column that says when a row became known, or join without --as-known (as_known)",
				reference.View.Name, reference.View.Source.Name))
		}
		for i, name := range reference.LabelColumns {
			purpose := fmt.Sprintf("the join key %s of view %s", reference.View.Keys[i].Name, reference.View.Name)
			at, err := j.labels.Find(name, purpose)
			if err == nil {
				if _, unfit := j.labels.ToKey(at, reference.View.Keys[i].Type); unfit != nil {
					err = fault.Inputf("", "label column %q, %s: %v", name, purpose, unfit)
				}
			}
			if err == nil {
				j.addKey(at, reference.View.Keys[i].Type)
			}
			errs = append(errs, err)
		}
	}
	return errors.Join(append(errs, j.checkInputs()...)...)
}

// addKey notes that a label column is a join key. One that is text for one view is text.
func (j *join) addKey(at int, declared plumbv1.Type) {
	if j.keyTypes == nil {
		j.keyTypes = map[int]plumbv1.Type{}
	}
	if j.keyTypes[at] != plumbv1.Type_STRING {
		j.keyTypes[at] = declared
	}
}

// sources lists the sources of the views, each once.
func (j *join) sources() []*feature.Source {
	var sources []*feature.Source
	for _, reference := range j.request.Selection.References {
		if !slices.Contains(sources, reference.View.Source) {
			sources = append(sources, reference.View.Source)
		}
	}
	return sources
}
