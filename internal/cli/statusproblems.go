package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/dustin/go-humanize/english"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/document"
	"github.com/plumbstore/plumb/materialize"
	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/store/pushlog"
)

// losses are what the online store has lost of the views. It is not asked where nothing was materialized, so that it is
// not made then.
func (p *project) losses(ctx context.Context, views []*feature.View) (map[string]materialize.Loss, error) {
	ledger, err := p.registry(ctx)
	if err != nil {
		return nil, err
	}
	recorded, err := ledger.Recorded(ctx, p.config.Project)
	if err != nil || len(recorded) == 0 {
		return nil, err
	}
	online, err := p.online(ctx)
	if err != nil {
		return nil, err
	}
	return materialize.Losses(ctx, ledger, online, p.config.Project, views)
}

// problemsOf are the problems of a view that its runs do not tell of.
func (a *application) problemsOf(p *project, view *feature.View, progress map[string]registry.Progress) (
	[]string, error,
) {
	if !view.Online {
		return nil, nil
	}
	var problems []string
	if done, ok := progress[view.Name]; ok {
		if err := materialize.AheadOfClock(view.Name, feature.Instant(done.Last().End), feature.InstantOf(a.now())); err != nil {
			problems = append(problems, err.Error())
		}
	}
	waiting, err := a.waitingRows(p, view)
	if waiting != "" {
		problems = append(problems, waiting)
	}
	return problems, err
}

// waitingRows tells of rows that were pushed long enough ago to be in a Parquet file, and are not; empty where there
// are none.
func (a *application) waitingRows(p *project, view *feature.View) (string, error) {
	// grace is how much longer than usual it may take.
	const grace = time.Minute
	if view.Source.Log == nil {
		return "", nil
	}
	folder, err := logFolder(p.config, view.Source.Log.Path)
	if err != nil {
		return "", err
	}
	left, err := pushlog.Unrolled(folder)
	if err != nil || left.Rows == 0 || a.now().Sub(left.Since) < p.config.Push.LogInterval+grace {
		return "", err
	}
	return fmt.Sprintf("%s in the push log since %s: training does not have them, and the online store may not. No plumb "+
		"serve keeps this log, or the online store does not take them",
		english.Plural(int(left.Rows), "pushed row waits", "pushed rows wait"),
		document.Instant(feature.InstantOf(left.Since))), nil
}
