package duckdb

import (
	"sync"
	"time"

	"github.com/plumbstore/plumb/store/duckdb/session"
	"github.com/plumbstore/plumb/store/offline"
)

// progressInterval is how often a join reports its progress.
const progressInterval = 200 * time.Millisecond

// progress reports how far a join is while statements run. It counts in rows, since all steps of a join go over rows
// and their numbers are known beforehand. Within a step, DuckDB's own estimate says which part of its rows is done.
type progress struct {
	tell    func(offline.Progress)
	session *session.Session
	// done of total rows are read or written.
	done, total int64
}

func newProgress(tell func(offline.Progress), s *session.Session) *progress {
	return &progress{tell: tell, session: s}
}

// expect adds rows that turn out to be read too.
func (p *progress) expect(rows int64) { p.total += rows }

// during runs a step that goes through the given number of rows, and reports its progress at intervals.
func (p *progress) during(step string, rows int64, run func() error) error {
	if p.tell == nil {
		return run()
	}
	p.total = max(p.total, p.done+rows) // A pass that is made again was not expected.
	p.tell(offline.Progress{Step: step, Rows: p.done, Total: p.total})
	stop := make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() { p.watch(step, rows, stop) })
	err := run()
	close(stop)
	wait.Wait()
	p.done += rows
	return err
}

func (p *progress) watch(step string, rows int64, stop <-chan struct{}) {
	ticker := time.NewTicker(progressInterval)
	defer ticker.Stop()
	most := 0.0 // A statement in several parts may go back.
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
			most = min(max(p.session.Native().Progress(), most), 1)
			p.tell(offline.Progress{Step: step, Rows: p.done + int64(most*float64(rows)), Total: p.total})
		}
	}
}
