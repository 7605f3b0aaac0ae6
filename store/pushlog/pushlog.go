// Package pushlog keeps pushed rows in a folder of Parquet files, which the offline store reads beside a view's source.
//
// Rows are first appended to a write-ahead file, NAME.wal, and are durable once Append returns. A write-ahead file that
// is closed becomes NAME.parquet: written under another name, made durable, renamed, and only then is the write-ahead
// file removed. So at every instant each appended row is in exactly one of the two, or in both under one name, of which
// the Parquet file counts. A process that was killed leaves behind a write-ahead file that no process has locked. The
// next process that opens the log takes it over. What was being appended when it was killed was never acknowledged, and
// is dropped.
//
// Parquet files may be kept elsewhere (Config.Rolled), such as in an object store. Then a Parquet file is written here
// too, kept there, and removed here with its write-ahead file. An empty file NAME.rolled stays here in its place, until
// there is one with a greater name.
//
// A name begins with the time at which the file was begun, and is greater than all earlier names in the folder, even if
// the clock was set back. So files in the order of their names have rows in the order in which one process appended
// them.
//
// A log that takes rows while an older file of it becomes a Parquet file has, for example:
//
//	00001714555800000000-1f0c9a2b.parquet     begun at 09:30:00, finished
//	00001714555860000000-1f0c9a2b.wal         begun at 09:31:00, closed
//	00001714555860000000-1f0c9a2b.unfinished  its Parquet file, while it is written
//	00001714555920000000-1f0c9a2b.wal         begun at 09:32:00, takes rows
//
// The number is in microseconds, with zeros before it, so that names in bytewise order are in the order of time; that
// is the source order of R3. What follows it distinguishes the logs of processes that share the folder.
package pushlog

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/internal/disk"
)

// Extensions of the files of a log.
const (
	walExtension     = ".wal"
	parquetExtension = ".parquet"
)

// Config says where a log is and when its files are closed. Folder and Now are required.
type Config struct {
	// Folder is created if it does not exist.
	Folder string
	// Disk is the machine's unless it is set.
	Disk disk.Disk
	Now  func() time.Time
	// MaxBytes is the size at which a write-ahead file is closed; 64 MB if 0.
	MaxBytes int64
	// MaxAge is how old a write-ahead file may become before RollDue closes it.
	MaxAge time.Duration
	// Rolled, if set, is where Parquet files are kept in the place of the folder, which then has write-ahead files alone.
	Rolled Rolled
	// Replay, if set, brings rows online. Then rows become a Parquet file, which training reads, only once they are
	// online: Settled has said so, or Replay took them without an error.
	Replay func(context.Context, arrow.RecordBatch) error
}

// Rolled keeps the Parquet files of a log elsewhere than in its folder.
type Rolled interface {
	// Keep makes the file at a path durable under a name, as a whole, and returns nil if there is one of that name: it has
	// the same rows, since it was made of the same write-ahead file.
	Keep(ctx context.Context, path, name string) error
}

// Log is one process's part of a push log. It is safe for concurrent use, but for Append, Settled, Settle and Unsettle,
// which speak of the rows appended so far and are called one at a time.
//
// A write-ahead file is current while rows are appended to it, then closed, and gone once it has become a Parquet file.
// If Replay is set, a closed file waits until its rows are online, however long that takes: training must not have rows
// that serving lacks (R17).
type Log struct {
	config Config
	// id distinguishes the files of this log from those of other processes.
	id string

	mu sync.Mutex
	// current takes rows; nil until there are any.
	current *segment
	// closed wait to become Parquet files: own ones, and those taken over.
	closed []*segment
	// rolling is held while Parquet files are made.
	rolling sync.Mutex
}

// Open makes the folder, brings online what killed processes have left in it, and makes Parquet files of that, unless
// they are kept elsewhere: these are made when others are. Where it fails their files stay as they are.
func Open(ctx context.Context, config Config) (*Log, error) {
	const defaultBytes = 64 << 20
	if config.MaxBytes == 0 {
		config.MaxBytes = defaultBytes
	}
	if err := config.Disk.MkdirAll(config.Folder, 0o755); err != nil {
		return nil, fmt.Errorf("make the folder of a push log: %w", err)
	}
	var id [4]byte
	if _, err := rand.Read(id[:]); err != nil {
		return nil, fmt.Errorf("name a push log: %w", err)
	}
	l := &Log{config: config, id: hex.EncodeToString(id[:])}
	err := l.Adopt()
	if err == nil {
		err = l.Settle(ctx)
	}
	if err == nil && config.Rolled == nil { // What is elsewhere may not answer, and rows can be pushed all the same.
		err = l.RollClosed()
	}
	if err != nil {
		return nil, errors.Join(err, l.Release())
	}
	return l, nil
}

// Adopt takes over the write-ahead files that no process holds. Their rows may not be online.
func (l *Log) Adopt() error {
	entries, err := os.ReadDir(l.config.Folder)
	if err != nil {
		return fmt.Errorf("look for what was left in a push log: %w", err)
	}
	for _, entry := range entries {
		name, isWAL := strings.CutSuffix(entry.Name(), walExtension)
		if !isWAL {
			continue
		}
		left, err := takeOver(l.config.Disk, l.config.Folder, name)
		if err != nil {
			return err
		}
		if left != nil {
			l.mu.Lock()
			l.closed = append(l.closed, left)
			l.mu.Unlock()
		}
	}
	return nil
}

// Append adds rows, batch by batch, and returns once they are durable. If it returns an error, some may be there all
// the same, but only those that are known to be durable.
func (l *Log) Append(batches ...arrow.RecordBatch) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var err error
	for _, batch := range batches {
		if err = l.write(batch); err != nil {
			break
		}
	}
	if err == nil {
		err = l.current.sync()
	}
	switch {
	case err != nil:
		// What the disk has of it is not known: nothing may be appended after that, and the file is not synced again.
		l.current.cut()
		l.retire()
		return fmt.Errorf("append to the push log in %s: %w", l.config.Folder, err)
	case l.current.size >= l.config.MaxBytes:
		l.retire()
	}
	return nil
}

// write adds a batch to the current write-ahead file, or to a new one if there is none or it has another schema. A
// Parquet file has one schema.
func (l *Log) write(batch arrow.RecordBatch) error {
	if l.current != nil && !l.current.schema.Equal(batch.Schema()) {
		if err := l.current.sync(); err != nil {
			return err
		}
		l.retire()
	}
	if l.current == nil {
		begun, err := l.begin(batch.Schema())
		if err != nil {
			return err
		}
		l.current = begun
	}
	return l.current.append(batch)
}

// retire closes the current write-ahead file to further rows.
func (l *Log) retire() {
	if l.current != nil {
		l.closed, l.current = append(l.closed, l.current), nil
	}
}

// begin makes a write-ahead file whose name comes after all in the folder, and another one if it is taken over at once.
func (l *Log) begin(schema *arrow.Schema) (*segment, error) {
	for {
		begun, err := l.tryToBegin(schema)
		if !errors.Is(err, disk.ErrTaken) {
			return begun, err
		}
	}
}

// tryToBegin names a file by the clock, or by one more than the greatest number in the folder if the clock is not
// beyond that: it may have been set back, or another file may have been begun in the same microsecond.
func (l *Log) tryToBegin(schema *arrow.Schema) (*segment, error) {
	now := l.config.Now()
	entries, err := os.ReadDir(l.config.Folder)
	if err != nil {
		return nil, err
	}
	number := max(now.UnixMicro(), 0)
	for _, entry := range entries {
		digits, _, _ := strings.Cut(entry.Name(), "-")
		if taken, err := strconv.ParseInt(digits, 10, 64); err == nil && taken >= number {
			number = taken + 1
		}
	}
	return newSegment(l.config.Disk, l.config.Folder, fmt.Sprintf("%020d-%s", number, l.id), schema, now)
}

// Retire closes the write-ahead file to further rows; with due only if it has reached its maximum age. It reports
// whether any file waits to become a Parquet file. A file from the clock's future is as due as an old one: after the
// clock was set back, it would otherwise stay open until the clock has caught up.
func (l *Log) Retire(due bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !due || l.current != nil && l.config.Now().Sub(l.current.begun).Abs() >= l.config.MaxAge {
		l.retire()
	}
	return len(l.closed) > 0
}

// RollClosed makes Parquet files of what is closed and online, in order. What fails is tried again the next time. A
// file whose rows are not online yet does not hold up those behind it: files are read in the order of their names,
// whenever they appear.
func (l *Log) RollClosed() error {
	l.rolling.Lock()
	defer l.rolling.Unlock()
	for {
		next := l.next()
		if next == nil {
			return nil
		}
		err := next.roll(l.config.Rolled)
		l.mu.Lock()
		next.rolling = false
		if err == nil {
			l.closed = slices.DeleteFunc(l.closed, func(s *segment) bool { return s == next })
		}
		l.mu.Unlock()
		if err != nil {
			return fmt.Errorf("make a file of the push log in %s: %w", l.config.Folder, err)
		}
	}
}

// next is the first closed file whose rows are online. From now on it is left alone.
func (l *Log) next() *segment {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.closed {
		if l.isOnline(s) {
			s.rolling = true
			return s
		}
	}
	return nil
}

// Close makes Parquet files of all rows that are online. The others stay in their write-ahead files, durable, and the
// next process that opens the log brings them online first.
func (l *Log) Close() error {
	l.Retire(false)
	return errors.Join(l.RollClosed(), l.Release())
}

// Release gives up the write-ahead files as they are, for others to take over. Nothing may be appended after it.
func (l *Log) Release() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.retire()
	var err error
	for _, left := range l.closed {
		err = errors.Join(err, left.close())
	}
	l.closed = nil
	return err
}
