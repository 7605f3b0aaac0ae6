package project

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"

	"github.com/plumbstore/plumb/audit"
	"github.com/plumbstore/plumb/audit/auditlog"
	"github.com/plumbstore/plumb/dataset"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store/offline"
)

// Audit compares what was served with what training sees.
func (p *Project) Audit(ctx context.Context, request audit.Request, progress func(offline.Progress)) (
	*audit.Report, error,
) {
	auditor, err := p.auditor(ctx, progress)
	if err != nil {
		return nil, err
	}
	return auditor.Run(ctx, request)
}

// ForesightRequest asks what of label rows was not known yet at their time.
type ForesightRequest struct {
	Selection       dataset.Selection
	Labels          string
	TimestampColumn string
	Progress        func(offline.Progress)
}

// Foresee says how much of a training set was not known yet.
func (p *Project) Foresee(ctx context.Context, request ForesightRequest) (found *audit.Foresight, err error) {
	snapshot, err := p.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := LabelFile(request.Labels); err != nil {
		return nil, err
	}
	selection, err := Select(snapshot, request.Selection)
	if err != nil {
		return nil, err
	}
	auditor, err := p.auditor(ctx, request.Progress)
	if err != nil {
		return nil, err
	}
	stage := p.staging()
	defer func() { err = stage.end(err) }()
	labels, err := stage.labels(ctx, request.Labels)
	if err != nil {
		return nil, err
	}
	if found, err = auditor.Foresee(ctx, selection, labels.Path, request.TimestampColumn); found != nil {
		found.Labels = request.Labels
	}
	return found, err
}

// auditor opens what an audit needs.
func (p *Project) auditor(ctx context.Context, progress func(offline.Progress)) (*audit.Auditor, error) {
	offline, err := p.Offline(ctx)
	if err != nil {
		return nil, err
	}
	engine, err := p.Registry(ctx)
	if err != nil {
		return nil, err
	}
	temporary := p.Config.Offline.TempDir
	if temporary != "" && !filepath.IsAbs(temporary) {
		temporary = filepath.Join(p.Config.ProjectDir, temporary)
	}
	return audit.New(audit.Config{
		Registry:  engine,
		Ledger:    engine,
		Offline:   offline,
		Hasher:    auditlog.NewHasher(p.Config.Serving.Audit.HashKey.Reveal()),
		Retention: p.Config.OnlineRetention,
		LogFolder: p.LogFolder,
		TempDir:   temporary,
		Now:       p.options.Now,
		Progress:  progress,
	}), nil
}

// Recorder opens the audit log, or returns nil if none is kept.
//
// It is an error if something that is served is sensitive and there is no key to hash it with. The recorder would keep
// nothing of such look-ups, and it is better to learn that when the server starts than when the log is needed.
func (p *Project) Recorder(ctx context.Context, logger *slog.Logger) (*auditlog.Recorder, error) {
	kept := p.Config.Serving.Audit
	if kept.Dir == "" {
		return nil, nil //nolint:nilnil // Nothing is kept, and nothing is wrong.
	}
	hasher := auditlog.NewHasher(kept.HashKey.Reveal())
	if hasher == nil {
		if err := p.checkNothingSensitive(ctx); err != nil {
			return nil, err
		}
	}
	return auditlog.NewRecorder(auditlog.RecorderConfig{
		Writer: auditlog.Config{
			Folder: kept.Dir, Project: p.Config.Project, Now: p.options.Now, MaxBytes: kept.FileSize, MaxAge: kept.Interval,
		},
		Product: p.options.Version, Rate: kept.Rate, Hasher: hasher, Logger: logger,
	})
}

// checkNothingSensitive returns an error if a view that is served has something sensitive. What is applied later is
// withheld from the log, and so is what cannot be read of the registry now.
func (p *Project) checkNothingSensitive(ctx context.Context) error {
	engine, err := p.Registry(ctx)
	if err != nil {
		return err
	}
	current, err := engine.Current(ctx, p.Config.Project)
	if err != nil {
		return nil //nolint:nilerr // The server goes on without the registry, and says so.
	}
	var sensitive []string
	for _, view := range current.Views() {
		if names := view.Sensitive(); view.Online && names != nil {
			sensitive = append(sensitive, fmt.Sprintf("%s of feature view %s", strings.Join(names, ", "), view.Name))
		}
	}
	for _, view := range current.OnDemandViews() {
		if names := view.Sensitive(); names != nil {
			sensitive = append(sensitive, fmt.Sprintf("%s of on-demand view %s", strings.Join(names, ", "), view.Name))
		}
	}
	if sensitive == nil {
		return nil
	}
	return fault.Inputf("serving.audit.hash_key", "is missing, so what is sensitive cannot be kept in the audit "+
		"log: %s; set it to a secret, such as ${PLUMB_AUDIT_KEY}", strings.Join(sensitive, "; "))
}
