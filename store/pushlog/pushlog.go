// Package pushlog keeps pushed rows in a folder of Parquet files, which the offline store reads beside a view's source.
//
// Rows are first appended to a write-ahead file, NAME.wal, and are durable once Append returns. A write-ahead file that
// is closed becomes NAME.parquet: written under another name, made durable, renamed, and only then is the write-ahead
// file removed. So at every instant each appended row is in exactly one of the two, or in both under one name, of which
// the Parquet file counts. A process that was killed leaves a write-ahead file behind that nobody has locked; whoever
// opens the log next takes it over. What was being appended when it was killed was never acknowledged, and is dropped.
//
// A name begins with the time at which the file was begun, and is greater than all there were in the folder, also where
// the clock was set back. So files in the order of their names have rows in the order in which one process appended
// them.
package pushlog

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
)

// Extensions of the files of a log.
const (
	walExtension     = ".wal"
	parquetExtension = ".parquet"
)

// Config says where a log is and when its files are closed. Folder and Now are required.
type Config struct {
	// Folder is made where it is not there.
	Folder string
	Now    func() time.Time
	// MaxBytes closes a write-ahead file; 64 MB where 0.
	MaxBytes int64
	// MaxAge is how old a write-ahead file may become before RollDue closes it.
	MaxAge time.Duration
	// Replay, where set, is given the rows of a write-ahead file that a killed process left, before they become a Parquet
	// file: some may have been appended and not been acknowledged. Where it fails the file stays, and Open fails.
	Replay func(arrow.RecordBatch) error
}

// Log is one process's part of a push log. It is safe for concurrent use.
type Log struct {
	config Config
	// id tells the files of this log from those of other processes.
	id string

	mu sync.Mutex
	// current takes rows; nil until there are any.
	current *segment
	// closed wait to become Parquet files.
	closed []*segment
	// rolling is held by who makes Parquet files.
	rolling sync.Mutex
}

// Open makes the folder and makes Parquet files of what killed processes have left in it.
func Open(config Config) (*Log, error) {
	const defaultBytes = 64 << 20
	if config.MaxBytes == 0 {
		config.MaxBytes = defaultBytes
	}
	if err := os.MkdirAll(config.Folder, 0o755); err != nil {
		return nil, fmt.Errorf("make the folder of a push log: %w", err)
	}
	var id [4]byte
	if _, err := rand.Read(id[:]); err != nil {
		return nil, fmt.Errorf("name a push log: %w", err)
	}
	l := &Log{config: config, id: hex.EncodeToString(id[:])}
	return l, l.recover()
}

// recover takes over the write-ahead files that no process holds.
func (l *Log) recover() error {
	entries, err := os.ReadDir(l.config.Folder)
	if err != nil {
		return fmt.Errorf("look for what was left in a push log: %w", err)
	}
	for _, entry := range entries {
		name, isWAL := strings.CutSuffix(entry.Name(), walExtension)
		if !isWAL {
			continue
		}
		left, err := takeOver(l.config.Folder, name)
		if left == nil || err != nil {
			if err != nil {
				return err
			}
			continue
		}
		if err := l.finish(left); err != nil {
			return errors.Join(err, left.close())
		}
	}
	return nil
}

// finish replays what a killed process has left, and makes a Parquet file of it.
func (l *Log) finish(left *segment) error {
	if l.config.Replay != nil {
		if err := left.read(l.config.Replay); err != nil {
			return fmt.Errorf("bring rows online that a killed process has left in %s: %w", left.path(walExtension), err)
		}
	}
	return left.roll()
}

// Append adds rows, batch by batch, and returns once they are durable. Where it returns an error some may be there all
// the same.
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
		l.retire() // What the disk has of it is not known: nothing may be appended after that.
		return fmt.Errorf("append to the push log in %s: %w", l.config.Folder, err)
	case l.current.size >= l.config.MaxBytes:
		l.retire()
	}
	return nil
}

// write adds a batch to the current write-ahead file, or to a new one where there is none or its schema is another.
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

// begin makes a write-ahead file whose name comes after all in the folder, and another where it is taken over at once.
func (l *Log) begin(schema *arrow.Schema) (*segment, error) {
	for {
		begun, err := l.tryToBegin(schema)
		if !errors.Is(err, errTaken) {
			return begun, err
		}
	}
}

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
	return newSegment(l.config.Folder, fmt.Sprintf("%020d-%s", number, l.id), schema, now)
}

// RollDue makes Parquet files of what is closed, and of what is as old as it may become.
func (l *Log) RollDue() error {
	l.mu.Lock()
	if l.current != nil && l.config.Now().Sub(l.current.begun).Abs() >= l.config.MaxAge {
		l.retire()
	}
	l.mu.Unlock()
	return l.roll()
}

// Roll makes Parquet files of all rows that were appended before.
func (l *Log) Roll() error {
	l.mu.Lock()
	l.retire()
	l.mu.Unlock()
	return l.roll()
}

// roll goes through what is closed in order. What fails is tried again the next time.
func (l *Log) roll() error {
	l.rolling.Lock()
	defer l.rolling.Unlock()
	for {
		next := l.next()
		if next == nil {
			return nil
		}
		if err := next.roll(); err != nil {
			return fmt.Errorf("make a file of the push log in %s: %w", l.config.Folder, err)
		}
		l.mu.Lock()
		l.closed = l.closed[1:]
		l.mu.Unlock()
	}
}

func (l *Log) next() *segment {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.closed) == 0 {
		return nil
	}
	return l.closed[0]
}

// Close makes Parquet files of all rows. Rows of which that fails are durable, and the next who opens the log does it.
func (l *Log) Close() error {
	err := l.Roll()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, left := range l.closed {
		err = errors.Join(err, left.close())
	}
	l.closed = nil
	return err
}
