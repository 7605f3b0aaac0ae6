// Package audit holds what was served against what training sees: it joins the keys of logged look-ups again, each at
// the instant that it was looked up for, and compares status, value and event time bit for bit.
//
// What differs has one cause, which is decided by evidence alone: what the log says of the served row, the times of the
// row that the join finds, the runs in the ledger, the revisions in the registry, and the source files as a run found
// them and as they are now. A difference without evidence is a bug, in Plumb or in what was done to its stores.
//
// If a source has the times at which its rows were created, the rows are joined as known too (R4): the report says
// whether training on that would have matched what was served, and how much the default join knows too early.
package audit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/plumbstore/plumb/audit/auditlog"
	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/value"
	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/store/offline"
)

// Registry is what an audit reads of a registry.Registry.
type Registry interface {
	Current(ctx context.Context, project string) (*feature.Snapshot, error)
	At(ctx context.Context, project string, revision int64) (*feature.Snapshot, error)
	History(ctx context.Context, project string) ([]registry.Revision, error)
}

// Ledger is what an audit reads of a registry.Ledger.
type Ledger interface {
	Runs(ctx context.Context, project, view string) ([]registry.Run, error)
}

// Config says what logs are held against. Registry, Ledger, Offline, LogFolder, Now and TempDir are required.
type Config struct {
	Registry Registry
	Ledger   Ledger
	Offline  offline.Store
	// Hasher has the key that sensitive columns were hashed with; nil if there is none.
	Hasher *auditlog.Hasher
	// Retention is how long the online store keeps an expired row at least (R13).
	Retention time.Duration
	// LogFolder returns the folder of a push log, from its path as in the definition.
	LogFolder func(path string) (string, error)
	// TempDir is where labels and joins are kept for the duration of an audit.
	TempDir string
	Now     func() time.Time
	// Progress is called with what is being done. May be nil.
	Progress func(offline.Progress)
}

// Request says which look-ups are audited.
type Request struct {
	Project string
	// Folder is that of the audit log.
	Folder string
	// From and To bound when look-ups were served: from From on, and before To.
	From, To feature.Instant
	// Service, if set, leaves out what did not ask for this feature service.
	Service string
}

// Auditor audits. It is for one audit at a time.
type Auditor struct{ config Config }

// New returns an auditor.
func New(config Config) *Auditor {
	if config.Progress == nil {
		config.Progress = func(offline.Progress) {}
	}
	return &Auditor{config}
}

// Run audits. It returns a *fault.InputError if there is nothing to audit. Log files that cannot be read are in the
// report, and the rest is compared; if none can be read, the error names them all. It wraps fault.ErrNewer if one is
// of a later format. What cannot be compared for another reason, such as a source that is gone, is reported as skipped.
func (a *Auditor) Run(ctx context.Context, request Request) (report *Report, err error) {
	if request.From >= request.To {
		return nil, fault.Inputf("--from", "%s is not before --to %s; give an earlier one", request.From, request.To)
	}
	began := a.config.Now()
	found, err := a.find(ctx, request)
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp(a.config.TempDir, "plumb-audit-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the joins of the audit: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	t := newTally()
	for i, group := range found.groups {
		one := &groupAudit{auditor: a, request: request, group: group, tally: t,
			folder: filepath.Join(folder, fmt.Sprint(i))}
		if err := one.run(ctx); err != nil {
			return nil, err
		}
	}
	report = t.report()
	report.Project, report.Files, report.Rows = request.Project, found.files, found.rows
	report.UnreadableFiles, report.CopiedFiles = found.unreadable, found.copies
	report.From, report.To = value.FormatInstant(request.From), value.FormatInstant(request.To)
	report.Seconds = a.config.Now().Sub(began).Seconds()
	return report, nil
}
