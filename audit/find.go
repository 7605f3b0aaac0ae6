package audit

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/plumbstore/plumb/audit/auditlog"
	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store/offline"
)

// group is the log files that have the same columns for the same selection under one revision. They are joined as one,
// since a join reads all sources, however few labels it has: a day of log files costs about as much as one of them.
type group struct {
	header *auditlog.Header
	paths  []string
	rows   int64
}

// logs are the files with look-ups that a request is about.
type logs struct {
	groups      []*group
	files, rows int64
	unreadable  []UnreadableFile
	copies      []CopiedFile

	byHeader map[string]*group
	// byContent has the first file with each digest.
	byContent map[[sha256.Size]byte]string
}

// find reads which files have look-ups of the request. It is an error if all files with such look-ups cannot be read.
func (a *Auditor) find(ctx context.Context, request Request) (*logs, error) {
	paths, err := auditlog.Find(request.Folder, request.Project, request.From, request.To)
	if err != nil {
		return nil, err
	}
	found := &logs{unreadable: []UnreadableFile{}, copies: []CopiedFile{}, byHeader: map[string]*group{},
		byContent: map[[sha256.Size]byte]string{}}
	var failures []error
	for i, path := range paths {
		step := fmt.Sprintf("reading file %d of %d of the audit log", i+1, len(paths))
		a.config.Progress(offline.Progress{Step: step, Rows: found.rows})
		err := found.add(ctx, request, path)
		if err == nil {
			continue
		}
		file, ok := unreadable(path, err)
		if !ok {
			return nil, err
		}
		found.unreadable, failures = append(found.unreadable, file), append(failures, err)
	}
	if found.rows == 0 && failures != nil {
		return nil, errors.Join(failures...)
	}
	if found.rows == 0 {
		return nil, a.nothing(request, len(paths))
	}
	return found, nil
}

// nothing says that there is nothing to audit, and what may be done about it.
func (a *Auditor) nothing(request Request, files int) error {
	what := "no look-up"
	if request.Service != "" {
		what = fmt.Sprintf("no look-up of feature service %q", request.Service)
	}
	hint := "set serving.audit.dir in plumb.yaml, so that plumb serve logs look-ups, and wait until a file is finished"
	if files > 0 {
		hint = "widen --from and --to"
	}
	return fault.Inputf("", "%s of project %s is logged in %s as served from %s up to %s; %s", what, request.Project,
		request.Folder, request.From, request.To, hint)
}

func (l *logs) add(ctx context.Context, request Request, path string) error {
	file, err := auditlog.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if request.Service != "" && file.Header.Service != request.Service {
		return nil
	}
	rows, err := checkRows(ctx, file, request)
	if err != nil || rows == 0 {
		return err
	}
	if again, err := l.isCopy(path); err != nil || again {
		return err
	}
	key, err := groupKey(file.Header)
	if err != nil {
		return err
	}
	if l.byHeader[key] == nil {
		l.byHeader[key] = &group{header: &file.Header}
		l.groups = append(l.groups, l.byHeader[key])
	}
	g := l.byHeader[key]
	g.paths, g.rows = append(g.paths, path), g.rows+rows
	l.files, l.rows = l.files+1, l.rows+rows
	return nil
}

// groupKey is equal for files of one group, whatever version of Plumb wrote them.
func groupKey(header auditlog.Header) (string, error) {
	header.Product = ""
	text, err := json.Marshal(header)
	return string(text), err
}

// readServed yields the rows of a file that were served when the request asks for, as slices of its batches. Rows of
// other times may stand between them, since answers that are made at the same time are queued in any order.
func readServed(ctx context.Context, file *auditlog.File, request Request,
	yield func(arrow.RecordBatch) error,
) error {
	return file.Read(ctx, func(batch arrow.RecordBatch) error {
		c := &columns{batch: batch}
		served := typed[*array.Timestamp](c, auditlog.ServedAtColumn)
		if c.missing != nil {
			return fault.Inputf(file.Path, "is damaged: %v", c.missing)
		}
		if nulls := served.NullN(); nulls > 0 {
			return fault.Inputf(file.Path, "is damaged: its column %q has %d nulls", auditlog.ServedAtColumn, nulls)
		}
		for from := 0; from < served.Len(); {
			to := from
			for to < served.Len() && request.covers(served, to) {
				to++
			}
			if to > from {
				if err := yield(batch.NewSlice(int64(from), int64(to))); err != nil {
					return err
				}
			}
			from = to + 1
		}
		return nil
	})
}

// covers says whether a row was served in the time that the request asks for.
func (r Request) covers(served *array.Timestamp, row int) bool {
	at := feature.Instant(served.Value(row))
	return at >= r.From && at < r.To
}

// read goes through the rows of a group, file by file.
func (g *group) read(ctx context.Context, request Request,
	yield func(path string, batch arrow.RecordBatch) error,
) error {
	for _, path := range g.paths {
		file, err := auditlog.Open(path)
		if err != nil {
			return err
		}
		err = readServed(ctx, file, request, func(batch arrow.RecordBatch) error { return yield(path, batch) })
		if err := errors.Join(err, file.Close()); err != nil {
			return err
		}
	}
	return nil
}
