package pushlog

import (
	"context"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
)

// isOnline says whether all rows of a file are known to be online. l.mu is held.
func (l *Log) isOnline(s *segment) bool { return l.config.Replay == nil || s.settled >= s.size }

// Settled says that all rows are online that were appended so far.
func (l *Log) Settled() { l.settleAll(func(s *segment) { s.settled, s.online = s.size, s.rows }) }

// Unsettle says that no row which is not in a Parquet file yet is known to be online any more: the view that they were
// written to has another definition now.
func (l *Log) Unsettle() { l.settleAll(func(s *segment) { s.settled, s.online = 0, 0 }) }

func (l *Log) settleAll(set func(*segment)) {
	for _, s := range l.waiting(func(*segment) bool { return true }) {
		l.mu.Lock()
		set(s)
		l.mu.Unlock()
	}
}

// waiting are those of the files that are not becoming Parquet files, in the order in which rows were appended. A file
// that is becoming a Parquet file is left out: its rows were online when that began, and it is closed at the end.
func (l *Log) waiting(want func(*segment) bool) []*segment {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []*segment
	for _, s := range l.closed {
		if !s.rolling && want(s) {
			found = append(found, s)
		}
	}
	if l.current != nil && want(l.current) {
		found = append(found, l.current)
	}
	return found
}

// Settle replays the rows that are not known to be online, in the order in which they were appended. After a failure it
// goes on with those that are left the next time. Each record that went online moves the file's offset, so records are
// not replayed twice because a later one failed.
func (l *Log) Settle(ctx context.Context) error {
	for _, s := range l.waiting(func(s *segment) bool { return !l.isOnline(s) }) {
		err := s.readFrom(s.settled, func(batch arrow.RecordBatch, end int64) error {
			if err := l.config.Replay(ctx, batch); err != nil {
				return err
			}
			l.mu.Lock()
			defer l.mu.Unlock()
			s.settled, s.online = end, s.online+batch.NumRows()
			return nil
		})
		if err != nil {
			return fmt.Errorf("bring rows online that wait in %s: %w", s.path(walExtension), err)
		}
		l.mu.Lock()
		s.settled, s.online = s.size, s.rows // What follows the last whole record was never acknowledged.
		l.mu.Unlock()
	}
	return nil
}

// IsSettled says whether all rows are known to be online that are in no Parquet file yet.
func (l *Log) IsSettled() bool {
	return len(l.waiting(func(s *segment) bool { return !l.isOnline(s) })) == 0
}

// Waiting is how many rows are in the log and not known to be online.
func (l *Log) Waiting() int64 {
	var rows int64
	for _, s := range l.waiting(func(s *segment) bool { return !l.isOnline(s) }) {
		l.mu.Lock()
		rows += s.rows - s.online
		l.mu.Unlock()
	}
	return rows
}
