package auditlog

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/plumbstore/plumb/internal/disk"
)

// Config says where a log is and when its files are finished. Folder, Project and Now are required.
type Config struct {
	// Folder is made if it does not exist. Several processes may write to one.
	Folder, Project string
	// Disk is the machine's unless it is set.
	Disk disk.Disk
	Now  func() time.Time
	// MaxBytes finishes a file: 64 MB if 0.
	MaxBytes int64
	// MaxAge is after how long FinishDue finishes a file.
	MaxAge time.Duration
	// Finished, if set, is called for every file that is whole and durable, Lost for rows of which that is not known.
	Finished func(rows, bytes int64)
	Lost     func(rows int64)
}

// maxOpen and maxGathered bound the files that are written at a time, and the rows that all have gathered in memory.
const (
	maxOpen     = 64
	maxGathered = 64 << 20
)

// Writer writes log files. It is for one goroutine.
type Writer struct {
	config Config
	// id distinguishes the files of this writer from those of other processes.
	id       string
	requests int64
	files    int64
	open     map[fileKey]*file
}

// fileKey is what the rows of one file have in common.
type fileKey struct {
	layout [sha256.Size]byte
	day    string
}

// NewWriter makes the folder, or fails if nothing can be written to it, and removes what killed processes left half
// written.
func NewWriter(config Config) (*Writer, error) {
	const defaultBytes = 64 << 20
	config.MaxBytes = cmp.Or(config.MaxBytes, defaultBytes)
	project := filepath.Join(config.Folder, config.Project)
	if err := config.Disk.MkdirAll(project, 0o750); err != nil {
		return nil, fmt.Errorf("make the folder of the audit log: %w", err)
	}
	probe, err := config.Disk.CreatePartial(filepath.Join(project, "writable"))
	if err == nil {
		err = errors.Join(config.Disk.Discard(probe.Name()), probe.Close())
	}
	if err != nil {
		return nil, fmt.Errorf("write to the folder of the audit log: %w", err)
	}
	if err := removeLeft(config.Disk, project); err != nil {
		return nil, fmt.Errorf("remove what a killed process left of the audit log: %w", err)
	}
	var id [4]byte
	if _, err := rand.Read(id[:]); err != nil {
		return nil, fmt.Errorf("name the files of the audit log: %w", err)
	}
	return &Writer{config: config, id: hex.EncodeToString(id[:]), open: map[fileKey]*file{}}, nil
}

// Write adds the rows of an entry. They are durable once their file is finished. If it fails, Config.Lost is called
// with the number of lost rows, and the next entry begins a new file.
func (w *Writer) Write(entry *Entry) error {
	w.requests++
	key := fileKey{entry.Layout.id, entry.ServedAt.Time().Format(dayForm)}
	f := w.open[key]
	if f == nil {
		f = w.begin(key, entry)
	}
	if err := f.encoder.add(w.requests, entry); err != nil {
		w.lost(int64(len(entry.Rows)))
		return fmt.Errorf("log a look-up of project %q: %w", w.config.Project, err)
	}
	f.rows += int64(len(entry.Rows))
	if f.size() >= w.config.MaxBytes {
		return w.finish(key)
	}
	if f.encoder.bytes >= rowGroupBytes || f.encoder.rows >= rowGroupRows {
		return w.flush(key)
	}
	return w.holdToBounds()
}

// begin makes a file whose name comes after those of earlier look-ups: the time is written with leading zeros, so that
// names sort as times do. The id of the writer and a number keep files of one microsecond apart.
func (w *Writer) begin(key fileKey, entry *Entry) *file {
	w.files++
	name := fmt.Sprintf("%020d-%s-%d", max(entry.ServedAt, 0), w.id, w.files)
	f := &file{
		encoder: newEncoder(entry.Layout), disk: w.config.Disk, begun: w.config.Now(),
		path: filepath.Join(w.config.Folder, w.config.Project, key.day, name),
	}
	w.open[key] = f
	return f
}

// holdToBounds finishes the oldest file if there are too many, and flushes the largest if too much is gathered.
func (w *Writer) holdToBounds() error {
	var oldest, largest fileKey
	gathered := 0
	for key, f := range w.open {
		gathered += f.encoder.bytes
		if first := w.open[oldest]; first == nil || f.begun.Before(first.begun) {
			oldest = key
		}
		if most := w.open[largest]; most == nil || f.encoder.bytes > most.encoder.bytes {
			largest = key
		}
	}
	switch {
	case len(w.open) > maxOpen:
		return w.finish(oldest)
	case gathered > maxGathered:
		return w.flush(largest)
	}
	return nil
}

func (w *Writer) flush(key fileKey) error {
	f := w.open[key]
	if err := f.flush(); err != nil {
		return w.abandon(key, err)
	}
	return nil
}

func (w *Writer) finish(key fileKey) error {
	f := w.open[key]
	if f.rows == 0 {
		delete(w.open, key)
		return nil
	}
	bytes, err := f.finish()
	if err != nil {
		return w.abandon(key, err)
	}
	delete(w.open, key)
	if w.config.Finished != nil {
		w.config.Finished(f.rows, bytes)
	}
	return nil
}

// abandon gives a file up which could not be written.
func (w *Writer) abandon(key fileKey, failure error) error {
	f := w.open[key]
	delete(w.open, key)
	w.lost(f.rows)
	return fmt.Errorf("write the audit log: %w", errors.Join(failure, f.abandon()))
}

func (w *Writer) lost(rows int64) {
	if w.config.Lost != nil {
		w.config.Lost(rows)
	}
}

// FinishDue finishes the files that are as old as they may become. The age counts in both directions: after the clock
// was set back, a file would otherwise stay open until the clock has come that far again.
func (w *Writer) FinishDue() error {
	var failures []error
	now := w.config.Now()
	for key, f := range w.open {
		if now.Sub(f.begun).Abs() >= w.config.MaxAge {
			failures = append(failures, w.finish(key))
		}
	}
	return errors.Join(failures...)
}

// Close finishes all files.
func (w *Writer) Close() error {
	var failures []error
	for key := range w.open {
		failures = append(failures, w.finish(key))
	}
	return errors.Join(failures...)
}
