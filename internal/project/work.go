package project

import (
	"bytes"
	"context"
	"errors"
	"strings"

	"github.com/plumbstore/plumb/audit"
	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/document"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/operations"
	"github.com/plumbstore/plumb/materialize"
	"github.com/plumbstore/plumb/parity"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/offline"
)

// The methods of this file turn long use cases into the work of operations, which callers start over the network. Each
// checks its request as far as that is quick, and returns the rest of the work, so that the call that starts an
// operation fails if its request is wrong. Files that a request names have to be below offline.roots.
//
// The work opens the project anew, with a share of the memory. So when an operation has ended, its engines and all that
// they hold are gone.

// inOwn makes work of a use case, whose result is value and verdict. A value that comes with an error is what was done
// until then, such as the views that were materialized before the operation was cancelled, and becomes the result all
// the same.
func (p *Project) inOwn(run func(ctx context.Context, own *Project, progress func(offline.Progress)) (
	value any, verdict plumbv1.Operation_Verdict, err error),
) operations.Work {
	return func(ctx context.Context, progress func(offline.Progress)) (result operations.Result, err error) {
		own := p.withShare()
		defer func() { err = p.shortened(errors.Join(err, own.Close())) }()
		value, verdict, err := run(ctx, own, progress)
		if value == nil {
			return operations.Result{}, err
		}
		var text bytes.Buffer
		err = errors.Join(err, document.Write(&text, value))
		return operations.Result{Document: strings.TrimSuffix(text.String(), "\n"), Verdict: verdict}, err
	}
}

// withShare returns the project with the memory that one operation has.
func (p *Project) withShare() *Project {
	own := *p.Config
	own.Offline.MemoryLimit = p.Config.ServingShare()
	return Open(&own, p.options)
}

// VerificationWork is Verify. request.Store is not taken from callers: they could name any server.
func (p *Project) VerificationWork(ctx context.Context, request VerifyRequest) (operations.Work, error) {
	request.Store = EmbeddedStore
	wanted, err := p.toVerify(ctx, request)
	if err != nil {
		return nil, err
	}
	if request.Labels != "" {
		if err := wanted.label(request.Labels, request.TimestampColumn); err != nil {
			return nil, inField(labelsFileField, err)
		}
		if request.Labels, err = p.locateLabels(ctx, request.Labels); err != nil {
			return nil, err
		}
	}
	return p.inOwn(func(ctx context.Context, own *Project, progress func(offline.Progress)) (
		any, plumbv1.Operation_Verdict, error,
	) {
		request.Progress = progress
		report, err := own.Verify(ctx, request)
		if err != nil {
			return nil, 0, err
		}
		if report.Outcome == parity.Failed {
			return report, plumbv1.Operation_NOT_PASSED, nil
		}
		return report, plumbv1.Operation_PASSED, nil
	}), nil
}

// AuditWork is Audit. The folder may be empty, and is that of the configuration then.
func (p *Project) AuditWork(ctx context.Context, request audit.Request) (operations.Work, error) {
	if request.From >= request.To {
		return nil, fault.Inputf("from", "%s is not before to, %s; give an earlier one", request.From, request.To)
	}
	folder, err := p.locateLog(ctx, request.Folder)
	if err != nil {
		return nil, err
	}
	request.Project, request.Folder = p.Config.Project, folder
	return p.inOwn(func(ctx context.Context, own *Project, progress func(offline.Progress)) (
		any, plumbv1.Operation_Verdict, error,
	) {
		report, err := own.Audit(ctx, request, progress)
		if err != nil {
			return nil, 0, err
		}
		p.shortenLog(report)
		return report, auditVerdict(report), nil
	}), nil
}

// shortenLog shortens the names of the files of an audit log.
func (p *Project) shortenLog(report *audit.Report) {
	for i := range report.UnreadableFiles {
		file := &report.UnreadableFiles[i]
		file.File, file.Reason = p.shorten(file.File), p.shorten(file.Reason)
	}
	for i := range report.CopiedFiles {
		file := &report.CopiedFiles[i]
		file.File, file.Of = p.shorten(file.File), p.shorten(file.Of)
	}
}

// auditVerdict is the verdict on an audit: it passes if all was read and compared, and all that differs is explained.
func auditVerdict(report *audit.Report) plumbv1.Operation_Verdict {
	switch {
	case report.Unexplained > 0:
		return plumbv1.Operation_NOT_PASSED
	case !report.AllChecked():
		return plumbv1.Operation_NOT_ALL_CHECKED
	}
	return plumbv1.Operation_PASSED
}

// ForesightWork is Foresee.
func (p *Project) ForesightWork(ctx context.Context, request ForesightRequest) (operations.Work, error) {
	snapshot, err := p.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := Select(snapshot, request.Selection); err != nil {
		return nil, err
	}
	given := request.Labels
	if request.Labels, err = p.locateLabels(ctx, given); err != nil {
		return nil, err
	}
	return p.inOwn(func(ctx context.Context, own *Project, progress func(offline.Progress)) (
		any, plumbv1.Operation_Verdict, error,
	) {
		request.Progress = progress
		found, err := own.Foresee(ctx, request)
		if err != nil {
			return nil, 0, err
		}
		found.Labels = given
		return found, plumbv1.Operation_PASSED, nil
	}), nil
}

// TrainingSetVerificationWork is VerifyTrainingSet.
func (p *Project) TrainingSetVerificationWork(ctx context.Context, path, labels string) (operations.Work, error) {
	path, err := p.locateTrainingSet(ctx, "path", path)
	if err == nil && labels != "" {
		labels, err = p.locateLabels(ctx, labels)
	}
	if err != nil {
		return nil, err
	}
	return p.inOwn(func(ctx context.Context, own *Project, progress func(offline.Progress)) (
		any, plumbv1.Operation_Verdict, error,
	) {
		progress(offline.Progress{Step: "comparing"})
		found, err := own.VerifyTrainingSet(ctx, path, labels)
		if err != nil {
			return nil, 0, err
		}
		found.shorten(p.shorten)
		if found.Same {
			return found, plumbv1.Operation_PASSED, nil
		}
		return found, plumbv1.Operation_NOT_PASSED, nil
	}), nil
}

// Materializations is what came of a materialization of several views.
type Materializations struct {
	Views []Materialized `json:"views"`
}

// MaterializationWork is Materialize.
func (p *Project) MaterializationWork(ctx context.Context, views []string, request materialize.Request) (
	operations.Work, error,
) {
	snapshot, err := p.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := materialize.Views(snapshot, views); err != nil {
		return nil, err
	}
	return p.inOwn(func(ctx context.Context, own *Project, progress func(offline.Progress)) (
		any, plumbv1.Operation_Verdict, error,
	) {
		done := &Materializations{Views: []Materialized{}}
		err := own.Materialize(ctx, Materialization{
			Views:   views,
			Request: request,
			Begin:   func(view *feature.View) { progress(materializing(view.Name, 0)) },
			Progress: func(view string, rows int64) {
				progress(materializing(view, rows))
			},
			End: func(_ *feature.View, report materialize.Report, err error) error {
				if err == nil || report.Run.ID != 0 {
					done.Views = append(done.Views, NewMaterialized(report))
				}
				return err
			},
		})
		return done, plumbv1.Operation_PASSED, err
	}), nil
}

func materializing(view string, rows int64) offline.Progress {
	return offline.Progress{Step: "materializing " + view, Rows: rows}
}
