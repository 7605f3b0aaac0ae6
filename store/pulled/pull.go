package pulled

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/fault"
)

// batchRows is how many rows batches have.
const batchRows = 4096

// Snapshot is a query in one state of a database, which nothing changes.
type Snapshot interface {
	// Origin says which database it is.
	Origin() Origin
	// Columns are those of the query, and Fields the same as they are in files.
	Columns() []Column
	Fields() []arrow.Field
	// Rows hands out the rows of a window in batches, which are valid until yield returns. It returns how many there were.
	Rows(ctx context.Context, window Window, yield func(arrow.RecordBatch) error) (int64, error)
	// Outside counts the rows whose time is before a window, and after it.
	Outside(ctx context.Context, window Window) (before, after int64, err error)
}

// Origin is a database at an instant.
type Origin struct {
	// Address has no credentials.
	Address string
	// Identity distinguishes databases, whatever they are reached by; empty if the database does not say.
	Identity string
	// At is the database's clock when the snapshot's transaction began.
	At feature.Instant
}

// Window is what is pulled of a query: rows whose time is not before From, unless that is nil, and not after To; rows
// without a time; and rows whose time is infinite, which are an error. Without a column By it is all rows.
type Window struct {
	By   string
	From *feature.Instant
	To   feature.Instant
}

// Config says where a pull puts rows. All but Disk and Progress are required.
type Config struct {
	// Source is the name of the source, and Pull its query.
	Source string
	Pull   *feature.Pull
	// Folder is that of the source, an absolute path.
	Folder string
	// Disk is the machine's unless it is set.
	Disk disk.Disk
	// Memory is what the rows of the overlap may take, in bytes.
	Memory int64
	// Open begins the snapshot. The caller ends it.
	Open func(context.Context) (Snapshot, error)
	// Progress is called with how many rows came so far.
	Progress func(rows int64)
}

// Request is what is asked of a pull.
type Request struct {
	// Full pulls all rows into a new generation.
	Full bool
	// Overlap replaces that of the source unless it is nil.
	Overlap *time.Duration
	// KeepChanged accepts that rows of the overlap have been changed or deleted since they were pulled.
	KeepChanged bool
	// SkipCount leaves out the count of the rows that no pull has seen.
	SkipCount bool
}

// Report is what came of a pull.
type Report struct {
	// File is the path of what was written; empty if there was nothing new.
	File string
	// Full says that all rows were pulled, as was asked for or for want of files to go on from.
	Full bool
	// Rows were written. Again are those of the overlap that were there already.
	Rows, Again int64
	// Changed are rows of the overlap that the query does not return any more. Their files keep them.
	Changed int64
	// Waiting are rows with a time after the database's clock, which a later pull brings.
	Waiting int64
	// Missed are rows from before the overlap that no pull has brought: they came later than the overlap allows for. Gone
	// are rows from before the overlap that the query does not return any more. Only their difference is known, so one of
	// the two is 0.
	Missed, Gone int64
	// At is the database's instant.
	At feature.Instant
	// State is what the folder has now.
	State *State
}

// Run pulls. A *fault.InputError says that what was pulled before cannot be gone on with, or that another process
// pulls.
func Run(ctx context.Context, config Config, request Request) (report *Report, err error) {
	if config.Progress == nil {
		config.Progress = func(int64) {}
	}
	if err := config.Disk.MkdirAll(config.folder(), 0o755); err != nil {
		return nil, fmt.Errorf("make the folder of source %s: %w", config.Source, err)
	}
	lock, err := config.lock()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, config.unlock(lock)) }()
	if err := config.clean(); err != nil {
		return nil, err
	}
	state, err := Read(config.folder())
	if err != nil && !request.Full {
		return nil, err
	}
	run := &run{config: config, request: request, state: state}
	if run.generation, err = newestGeneration(config.folder()); err != nil {
		return nil, err
	}
	return run.pull(ctx)
}

// folder is that of the query's files.
func (c Config) folder() string { return filepath.Join(c.Folder, c.Pull.Folder()) }

const lockName = ".pulling"

// lock takes the folder for this process, until it ends in whatever way.
func (c Config) lock() (*disk.File, error) {
	path := filepath.Join(c.Folder, lockName)
	lock, err := c.Disk.CreateLocked(path, 0o644)
	if errors.Is(err, fs.ErrExist) {
		lock, err = c.Disk.TakeOver(path)
	}
	if errors.Is(err, disk.ErrTaken) || errors.Is(err, fs.ErrNotExist) {
		return nil, fault.Inputf("", "source %s is being pulled by another process; wait until it has ended (if none is, "+
			"and the file system has no locks, remove %s)", c.Source, path)
	}
	if err != nil {
		return nil, fmt.Errorf("lock the folder of source %s: %w", c.Source, err)
	}
	return lock, nil
}

func (c Config) unlock(lock *disk.File) error {
	return errors.Join(c.Disk.Discard(lock.Name()), lock.Close())
}

// clean removes files of former generations, and what killed processes have left. The names of the files that are gone
// on from are made durable: a process may have been killed before its last one was.
func (c Config) clean() error {
	if err := c.Disk.SyncFolder(c.folder()); err != nil {
		return fmt.Errorf("look for what was pulled for source %s: %w", c.Source, err)
	}
	_, others, err := list(c.folder())
	if err != nil {
		others = nil // What is missing is reported by Read, and mended by a full pull.
	}
	for i, other := range others {
		others[i] = filepath.Join(c.folder(), other)
	}
	if err := c.Disk.Remove(others...); err != nil {
		return fmt.Errorf("remove what no longer counts of source %s: %w", c.Source, err)
	}
	return nil
}

// run is one pull.
type run struct {
	config  Config
	request Request
	// state is nil if there is nothing to go on from. generation is the newest that has files, whether or not they can be
	// read; 0 if there is none.
	state      *State
	generation int

	snapshot Snapshot
	window   Window
	known    *known
	writer   *writer
	header   header
	report   Report
}

func (r *run) pull(ctx context.Context) (*Report, error) {
	pull := r.config.Pull
	if r.request.Full || pull.By == "" {
		r.state = nil
	}
	r.report.Full = r.state == nil
	r.window.By, r.known = pull.By, newKnown(r.config.Memory)
	if r.state != nil {
		r.window.From = r.from()
		from := feature.Instant(-1 << 63)
		if r.window.From != nil {
			from = *r.window.From
		}
		if err := r.known.read(ctx, r.state, pull.By, from); err != nil {
			return nil, err
		}
	}
	snapshot, err := r.config.Open(ctx)
	if err != nil {
		return nil, err
	}
	r.snapshot, r.window.To, r.report.At = snapshot, snapshot.Origin().At, snapshot.Origin().At
	if r.state != nil && r.state.Latest != nil {
		r.window.To = max(r.window.To, *r.state.Latest) // The database's clock may have been set back.
	}
	if err := r.checkSame(); err != nil {
		return nil, err
	}
	if err := r.copy(ctx); err != nil {
		return nil, err
	}
	r.report.State, err = Read(r.config.folder())
	return &r.report, err
}

// from is where the window begins: nil for everywhere.
func (r *run) from() *feature.Instant {
	overlap := r.config.Pull.Overlap
	if r.request.Overlap != nil {
		overlap = *r.request.Overlap
	}
	if r.state.Latest == nil {
		return nil
	}
	from := *r.state.Latest - feature.Instant(overlap.Microseconds())
	if from > *r.state.Latest {
		return nil // It is before all instants.
	}
	return &from
}

// checkSame refuses to add rows of another database, or of other columns, to what is there.
func (r *run) checkSame() error {
	const remedy = "; pull all rows again with plumb pull %s --full"
	origin, columns := r.snapshot.Origin(), r.snapshot.Columns()
	r.header = header{Version: version, Source: r.config.Source, Database: origin.Address, Identity: origin.Identity,
		By: r.config.Pull.By, Columns: columns, At: origin.At}
	if r.state == nil {
		return nil
	}
	if was := r.state.identity; was != "" && origin.Identity != "" && was != origin.Identity {
		return fault.Inputf("", "what was pulled for source %s came from another database, %s, than connection %s now leads "+
			"to, %s"+remedy, r.config.Source, r.state.Database, r.config.Pull.Connection, origin.Address, r.config.Source)
	}
	if slices.Equal(r.state.columns, columns) {
		return nil
	}
	return fault.Inputf("", "the query of source %s returns other columns than when it was last pulled: %s"+remedy,
		r.config.Source, difference(r.state.columns, columns), r.config.Source)
}

// difference says in words how the columns have changed.
func difference(before, after []Column) string {
	for i, column := range after {
		switch at := slices.IndexFunc(before, func(c Column) bool { return c.Name == column.Name }); {
		case at < 0:
			return fmt.Sprintf("%s is new", column.Name)
		case before[at].Type != column.Type:
			return fmt.Sprintf("%s was %s and is %s", column.Name, before[at].Type, column.Type)
		case len(before) == len(after) && at != i:
			return "they are in another order"
		}
	}
	for _, column := range before {
		if !slices.ContainsFunc(after, func(c Column) bool { return c.Name == column.Name }) {
			return fmt.Sprintf("%s is gone", column.Name)
		}
	}
	return "they are in another order"
}

// copy writes what is new to a file. It gets its name after everything has been checked.
func (r *run) copy(ctx context.Context) (err error) {
	next := name{r.generation, 1}
	if r.state != nil {
		next.sequence = r.state.sequence + 1
	} else {
		next.generation++
	}
	if max(next.generation, next.sequence) > last {
		return fault.Inputf("", "source %s has been pulled more often than files can be numbered; name another path",
			r.config.Source)
	}
	path := filepath.Join(r.config.folder(), next.String())
	if r.writer, err = newWriter(r.config.Disk, path, r.snapshot.Fields()); err != nil {
		return err
	}
	if err := r.fill(ctx); err != nil {
		return errors.Join(err, r.writer.discard())
	}
	// A generation without rows is a file without rows, so that the source can be read.
	if r.report.Rows == 0 && r.state != nil {
		return r.writer.discard()
	}
	r.report.File = path
	return r.writer.publish(r.header)
}

func (r *run) fill(ctx context.Context) error {
	received := int64(0)
	total, err := r.snapshot.Rows(ctx, r.window, func(batch arrow.RecordBatch) error {
		received += batch.NumRows()
		r.config.Progress(received)
		return r.add(batch)
	})
	if err != nil {
		return err
	}
	if total != received {
		return fmt.Errorf("the database speaks of %d rows and sent %d", total, received)
	}
	r.header.Rows = r.report.Rows
	inOverlap := r.known.rows
	if r.report.Changed = r.known.left(); r.report.Changed > 0 && !r.request.KeepChanged {
		return fault.Inputf("", "rows that were pulled for source %s and have been changed or deleted since: %d; pull all "+
			"rows again with plumb pull %[1]s --full, or keep them as they were, beside what they have become, with "+
			"--keep-changed", r.config.Source, r.report.Changed)
	}
	return r.count(ctx, inOverlap)
}

// count compares how many rows there are before the window with how many were pulled of them. Rows that came later than
// the overlap allows for are so detected, though not which they are.
func (r *run) count(ctx context.Context, inOverlap int64) error {
	if r.request.SkipCount || r.window.By == "" {
		return nil
	}
	before, after, err := r.snapshot.Outside(ctx, r.window)
	if err != nil {
		return err
	}
	r.report.Waiting = after
	if r.state != nil {
		pulled := r.state.Rows - inOverlap
		r.report.Missed, r.report.Gone = max(before-pulled, 0), max(pulled-before, 0)
	}
	return nil
}

// add writes the rows of a batch that are new.
func (r *run) add(batch arrow.RecordBatch) error {
	begin, rows := 0, int(batch.NumRows())
	for row := range rows {
		again, err := r.known.take(batch, row)
		if err != nil {
			return err
		}
		if !again {
			continue
		}
		if err := r.write(batch, begin, row); err != nil {
			return err
		}
		r.report.Again, begin = r.report.Again+1, row+1
	}
	return r.write(batch, begin, rows)
}

// write writes some rows of a batch, and notes their times.
func (r *run) write(batch arrow.RecordBatch, begin, end int) error {
	if begin == end {
		return nil
	}
	part := batch.NewSlice(int64(begin), int64(end))
	defer part.Release()
	r.report.Rows += part.NumRows()
	if indices := part.Schema().FieldIndices(r.window.By); len(indices) == 1 {
		times := part.Column(indices[0])
		for row := range times.Len() {
			switch at, ok := timeOf(times, row); {
			case !ok:
				r.header.Timeless++
			case r.header.Latest == nil || at > *r.header.Latest:
				r.header.Latest = &at
			}
		}
	}
	return r.writer.write(part)
}
