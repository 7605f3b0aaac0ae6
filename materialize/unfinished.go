package materialize

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/plumbstore/plumb/store/pushlog"
)

// copyAll is copyWindow of all rows that have been pushed by now, if the run begins anew: rows in write-ahead files
// were written to a table that is no longer read, or lost with the store. Other processes hold those files, so they are
// copied.
//
// Each copy has the name that its file will have in the log. If a file becomes a Parquet file while the run reads, the
// engine thus reads its rows once.
func (m *Materializer) copyAll(ctx context.Context, p *plan, maxFailed int64, report *Report) (err error) {
	if p.states != nil {
		return m.copyStates(ctx, p, maxFailed, report)
	}
	if !p.anew || p.view.Source.Log == nil || m.config.LogFolder == nil {
		return m.copyWindow(ctx, p, maxFailed, report)
	}
	folder, err := m.config.LogFolder(p.view.Source.Log.Path)
	if err != nil {
		return err
	}
	copies, err := os.MkdirTemp(m.config.TempDir, "plumb-pushed-")
	if err != nil {
		return fmt.Errorf("copy pushed rows that are in no Parquet file yet: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(copies)) }()
	files, err := pushlog.Snapshot(folder, copies)
	if err != nil {
		return err
	}
	with := *p
	with.view = p.view.WithUnfinished(files)
	return m.copyWindow(ctx, &with, maxFailed, report)
}
