package project

import (
	"context"
	"errors"
	"fmt"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/store/online"
)

// Holding is what the online store holds of one generation of a view.
type Holding struct {
	online.Holding
	// State is "current", or says why nobody reads the rows: "removed", "not online", "set aside", or "unknown" if the
	// store does not know of which view they are.
	State string `json:"state"`
}

// Holdings counts the rows that the online store holds.
func (p *Project) Holdings(ctx context.Context) ([]Holding, error) {
	current, online, err := p.stored(ctx)
	if err != nil {
		return nil, err
	}
	holdings, err := online.Survey(ctx, p.Config.Project)
	if err != nil {
		return nil, err
	}
	held := make([]Holding, 0, len(holdings))
	for _, holding := range holdings {
		held = append(held, Holding{holding, stateOf(current, holding)})
	}
	return held, nil
}

func stateOf(current *feature.Snapshot, holding online.Holding) string {
	view, err := current.View(holding.View)
	switch {
	case holding.View == "":
		return "unknown"
	case err != nil:
		return "removed"
	case view.Generation != holding.Generation:
		return "set aside"
	case !view.Online:
		return "not online"
	}
	return "current"
}

// Storage says how the online store keeps the rows of entities; nil if there is nothing to say.
func (p *Project) Storage(ctx context.Context) (*online.Storage, error) {
	store, err := p.Online(ctx)
	if err != nil {
		return nil, err
	}
	advisor, ok := store.(online.StorageAdvisor)
	if !ok {
		return nil, nil
	}
	storage, err := advisor.Storage(ctx, p.Config.Project)
	return &storage, err
}

// UpgradeStore moves the online rows of all views into the layout of this version, and returns what it moved.
func (p *Project) UpgradeStore(ctx context.Context, progress func(moved int64)) (online.UpgradeReport, error) {
	current, store, err := p.stored(ctx)
	if err != nil {
		return online.UpgradeReport{}, err
	}
	upgrader, ok := store.(online.Upgrader)
	if !ok {
		return online.UpgradeReport{}, nil
	}
	// It looks through the store even if that says that there are no older rows: an older version may have written since.
	var tables []online.Table
	for _, view := range current.Views() {
		tables = append(tables, online.NewTable(view, 0))
	}
	report, err := upgrader.Upgrade(ctx, p.Config.Project, tables, progress)
	if err == nil && report.Unmoved == 0 && report.Others == 0 {
		_, err = upgrader.HasOlder(ctx, p.Config.Project) // So that the store records that there are none.
	}
	return report, err
}

// CheckTeardown refuses a name that neither a view nor a stored row has: it is a slip. A view that is no longer defined
// may still have rows, and then its name is none.
func (p *Project) CheckTeardown(ctx context.Context, view string) error {
	current, online, err := p.stored(ctx)
	if err != nil {
		return err
	}
	_, unknown := current.View(view)
	if unknown == nil {
		return nil
	}
	holdings, err := online.Survey(ctx, p.Config.Project)
	if err != nil {
		return err
	}
	for _, holding := range holdings {
		if holding.View == view {
			return nil
		}
	}
	return unknown
}

// Teardown removes all online rows of a view, and returns how many those were. The view's next materialization starts
// from the beginning. If it fails, it can be called again. Rows that a materialization writes meanwhile may stay.
func (p *Project) Teardown(ctx context.Context, view string) (int64, error) {
	ledger, err := p.Registry(ctx)
	if err != nil {
		return 0, err
	}
	if err := p.refuseDivided(ctx, view); err != nil {
		return 0, err
	}
	_, online, err := p.stored(ctx)
	if err != nil {
		return 0, err
	}
	// The progress goes first: whatever stops what follows, the next run begins anew.
	if err := ledger.Forget(ctx, p.Config.Project, view); err != nil {
		return 0, err
	}
	removed, err := online.Remove(ctx, p.Config.Project, view)
	if err != nil {
		return removed, fmt.Errorf("%d rows are removed, and others may be left; do it again: %w", removed, err)
	}
	return removed, nil
}

// upkeep is an online store that can be looked over and cleared.
type upkeep interface {
	online.Surveyor
	online.Remover
}

// stored opens what says which rows there are and which are read. The project may have no revision.
func (p *Project) stored(ctx context.Context) (*feature.Snapshot, upkeep, error) {
	engine, err := p.Registry(ctx)
	if err != nil {
		return nil, nil, err
	}
	current, err := engine.Current(ctx, p.Config.Project)
	if err != nil {
		return nil, nil, err
	}
	online, err := p.Online(ctx)
	if err != nil {
		return nil, nil, err
	}
	able, ok := online.(upkeep)
	if !ok {
		return nil, nil, errors.New("this online store can neither count nor remove rows")
	}
	return current, able, nil
}
