package materialize

import (
	"context"
	"fmt"

	"github.com/plumbstore/plumb/store/online"
)

// hasOlder says whether a run that begins a view anew has to move rows that an older version has stored in a layout of
// its own. It is found out before the run writes, while the store has the least to look through.
func (m *Materializer) hasOlder(ctx context.Context, p *plan) (bool, error) {
	upgrader, ok := m.config.Online.(online.Upgrader)
	if !ok || !p.anew {
		return false, nil
	}
	return upgrader.HasOlder(ctx, p.view.Project)
}

// upgrade moves what the run has not written again: rows of entities that the source does not have any more, and rows
// that were pushed.
func (m *Materializer) upgrade(ctx context.Context, p *plan, table online.Table, report *Report) error {
	upgrader := m.config.Online.(online.Upgrader)
	given := report.Run.Written + report.Run.Older
	moved, err := upgrader.Upgrade(ctx, p.view.Project, []online.Table{table}, func(moved int64) {
		m.config.Progress(p.view.Name, given+moved)
	})
	if moved.Moved > 0 {
		report.Notes = append(report.Notes, fmt.Sprintf("%d rows of view %q that an older version had stored are in the "+
			"layout of this version now", moved.Moved, p.view.Name))
	}
	if err != nil {
		return err
	}
	if moved.Unmoved > 0 {
		report.Notes = append(report.Notes, fmt.Sprintf("an older version has written %d rows of view %q meanwhile; "+
			"stop it, and run plumb online-store upgrade", moved.Unmoved, p.view.Name))
	}
	return nil
}
