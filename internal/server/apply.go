package server

import (
	"context"
	"fmt"
	"net"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/server/auth"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry/plan"
	"github.com/plumbstore/plumb/registry/spec"
)

// Plan returns what would change.
func (d *definitions) Plan(ctx context.Context, request *plumbv1.PlanRequest) (*plumbv1.PlanResponse, error) {
	planned, err := d.plan(ctx, request.GetFiles())
	if err != nil {
		return nil, err
	}
	return &plumbv1.PlanResponse{
		Project:   planned.Project,
		Base:      planned.Base,
		Changes:   changesOf(planned),
		Hazardous: len(planned.Hazards()) > 0,
	}, nil
}

// Apply makes the definitions the next revision, unless they are as registered.
//
// A caller that has planned before gives the revision that it has planned against, so that it applies what it has seen
// or nothing. Without that, the definitions are planned here against the newest revision. Either way another apply may
// come between the plan and the commit; the registry then refuses the commit.
func (d *definitions) Apply(ctx context.Context, request *plumbv1.ApplyRequest) (*plumbv1.ApplyResponse, error) {
	if d.server.config.ReadOnly {
		return nil, status.Error(codes.PermissionDenied, "this server is read-only: apply where plumb serve runs without "+
			"--read-only, or with plumb apply")
	}
	planned, err := d.plan(ctx, request.GetFiles())
	if err != nil {
		return nil, err
	}
	if request.ExpectedRevision != nil && request.GetExpectedRevision() != planned.Base {
		return nil, fmt.Errorf("the project is at revision %d, not at %d: %w", planned.Base, request.GetExpectedRevision(),
			fault.ErrConflict)
	}
	if !request.GetAllowHazards() && len(planned.Hazards()) > 0 {
		return nil, &hazardsError{planned.Details()}
	}
	response := &plumbv1.ApplyResponse{Project: planned.Project, Revision: planned.Base, Changes: changesOf(planned)}
	if !planned.Empty() {
		response.Revision, err = d.commit(ctx, planned, author(ctx, request))
	}
	return response, err
}

// commit makes the plan the next revision, and has the server serve it. If serving it fails, the follower tries again.
func (d *definitions) commit(ctx context.Context, planned *plan.Plan, by string) (int64, error) {
	config := d.server.config
	revision, err := config.Registry.Apply(ctx, planned.Commit(by, config.Now().UTC()))
	if err != nil {
		return 0, err
	}
	config.Logger.Info("applied a revision", "project", planned.Project, "revision", revision, "by", by)
	if err := d.server.following.reach(ctx, revision); err != nil {
		config.Logger.Warn("a revision was applied and is not served yet", "revision", revision, "error", err)
	}
	return revision, nil
}

// plan checks the definitions and compares them with the current revision.
func (d *definitions) plan(ctx context.Context, files []*plumbv1.DefinitionFile) (*plan.Plan, error) {
	texts := make([]spec.Text, len(files))
	for i, file := range files {
		texts[i] = spec.Text{File: file.GetPath(), Data: []byte(file.GetText())}
	}
	desired, err := d.read(ctx, texts)
	if err != nil {
		return nil, err
	}
	current, err := d.current(ctx)
	if err != nil {
		return nil, err
	}
	return plan.New(current, desired), nil
}

// read checks texts. A caller waits until its deadline at most, and so does the next one. A check that a source or a
// query delays for longer goes on by itself until it sees that its context is done.
func (d *definitions) read(ctx context.Context, texts []spec.Text) (*plumbv1.Definitions, error) {
	select {
	case d.checking <- struct{}{}:
		defer func() { <-d.checking }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	type outcome struct {
		definitions *plumbv1.Definitions
		err         error
	}
	done := make(chan outcome, 1)
	go func() {
		defer func() {
			if failure := recover(); failure != nil {
				done <- outcome{err: panicked(failure)}
			}
		}()
		definitions, err := spec.ReadTexts(ctx, texts, d.server.config.Inspector)
		done <- outcome{definitions, err}
	}()
	select {
	case read := <-done:
		return read.definitions, read.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// author says who applies: the caller that the guard knows, and the author that the caller names.
func author(ctx context.Context, request *plumbv1.ApplyRequest) string {
	caller, known := auth.CallerOf(ctx)
	switch {
	case known && request.GetAuthor() != "":
		return request.GetAuthor() + " as " + caller.Name
	case known:
		return caller.Name
	case request.GetAuthor() != "":
		return request.GetAuthor()
	}
	host := "unknown"
	if caller, ok := peer.FromContext(ctx); ok {
		host = caller.Addr.String()
		if alone, _, err := net.SplitHostPort(host); err == nil {
			host = alone
		}
	}
	return "unknown@" + host
}

func changesOf(planned *plan.Plan) []*plumbv1.Change {
	details := planned.Details()
	changes := make([]*plumbv1.Change, len(details))
	for i, detail := range details {
		changes[i] = changeOf(detail)
	}
	return changes
}

// enumName is the name in an enum of a word of a description, such as ON_DEMAND_VIEW.
func enumName[T ~string](word T) string {
	return strings.ToUpper(strings.NewReplacer("-", "_", " ", "_").Replace(string(word)))
}

// changeOf relies on the names of the enums.
func changeOf(detail plan.Detail) *plumbv1.Change {
	change := &plumbv1.Change{
		Action: plumbv1.Change_Action(plumbv1.Change_Action_value[enumName(detail.Action)]),
		Kind:   plumbv1.Change_Kind(plumbv1.Change_Kind_value[enumName(detail.Kind)]),
		Name:   detail.Name,
	}
	for _, each := range detail.Differences {
		change.Differences = append(change.Differences, &plumbv1.Difference{Field: each.Field, From: each.From, To: each.To})
	}
	for _, each := range detail.Hazards {
		change.Hazards = append(change.Hazards, &plumbv1.Hazard{Code: each.Code, Message: each.Message})
	}
	for _, each := range detail.Outputs {
		change.Outputs = append(change.Outputs, outputOf(each))
	}
	return change
}

func outputOf(output plan.Output) *plumbv1.ComputedOutput {
	message := &plumbv1.ComputedOutput{Name: output.Name, Type: plumbv1.Type(plumbv1.Type_value[output.Type]),
		Computes: output.Computes}
	if output.Length != "" {
		message.Window = output.Message()
	}
	return message
}

// hazardsError says that a plan has hazards which the caller has not allowed.
type hazardsError struct{ changes []plan.Detail }

func (e *hazardsError) Error() string {
	var hazards []string
	for _, violation := range e.violations() {
		hazards = append(hazards, violation.GetSubject()+": "+violation.GetType()+" "+violation.GetDescription())
	}
	return "the changes have hazards; read them, then accept them with allow_hazards: " + strings.Join(hazards, "; ")
}

// violations has one for each hazard.
func (e *hazardsError) violations() []*errdetails.PreconditionFailure_Violation {
	var all []*errdetails.PreconditionFailure_Violation
	for _, change := range e.changes {
		for _, hazard := range change.Hazards {
			all = append(all, &errdetails.PreconditionFailure_Violation{
				Type: hazard.Code, Subject: string(change.Kind) + " " + change.Name, Description: hazard.Message,
			})
		}
	}
	return all
}

func shortenHazard(violation *errdetails.PreconditionFailure_Violation) {
	violation.Description = shortened(violation.GetDescription(), maxDescription)
}

func moreHazards(text string) *errdetails.PreconditionFailure_Violation {
	return &errdetails.PreconditionFailure_Violation{Description: text}
}
