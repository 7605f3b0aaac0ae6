package server_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/plumbstore/plumb/internal/operations"
	"github.com/plumbstore/plumb/internal/server"
	"github.com/plumbstore/plumb/internal/server/auth"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry"
)

func TestACancelledVerificationLeavesNothingBehind(t *testing.T) {
	f := startAirport(t, watchingOften(t))
	id := f.long()
	must(f.client.CancelOperation(t.Context(), &plumbv1.CancelOperationRequest{Id: id}))(t)
	now := f.ended(f.client.GetOperation(t.Context(), &plumbv1.GetOperationRequest{Id: id}))
	if now.GetState() != plumbv1.Operation_CANCELLED || now.GetResult() != "" || now.GetError() != nil {
		t.Errorf("it is %v", now)
	}
	if left := f.leftOver(); left != nil {
		t.Errorf("left over are %v", left)
	}
}

// While another program writes to the online store's file, a materialization waits for it.
func TestACancelledMaterializationIsRecordedAndTheNextOneCompletes(t *testing.T) {
	f := startAirport(t, watchingOften(t))
	f.succeeded(f.client.StartMaterialization(t.Context(), &plumbv1.StartMaterializationRequest{Views: []string{"plane"}}))
	db := must(sql.Open("sqlite3", filepath.Join(f.folder, ".plumb", "online.db")))(t)
	defer db.Close()
	writer := must(db.Conn(t.Context()))(t)
	must(writer.ExecContext(t.Context(), "BEGIN IMMEDIATE"))(t)
	request := &plumbv1.StartMaterializationRequest{Views: []string{"plane"}, Full: true}
	id := must(f.client.StartMaterialization(t.Context(), request))(t).GetOperation().GetId()
	f.awaitRun("plane", registry.Running)
	if got := f.ask("POST", "/v1/operations/"+id+"/cancel", ""); got.status != 200 {
		t.Errorf("cancelling gives %d %s", got.status, got.body)
	}
	now := f.ended(f.client.GetOperation(t.Context(), &plumbv1.GetOperationRequest{Id: id}))
	if now.GetState() != plumbv1.Operation_CANCELLED {
		t.Errorf("it is %v", now)
	}
	must(writer.ExecContext(t.Context(), "ROLLBACK"))(t)
	if err := writer.Close(); err != nil {
		t.Error(err)
	}
	f.awaitRun("plane", registry.Failed)
	f.succeeded(f.client.StartMaterialization(t.Context(), request))
	f.awaitRun("plane", registry.Succeeded)
	if left := f.leftOver(); left != nil {
		t.Errorf("left over are %v", left)
	}
}

// awaitRun returns once the last run of a view has an outcome.
func (f *airport) awaitRun(view string, outcome registry.Outcome) {
	f.t.Helper()
	patience, cancel := context.WithTimeout(f.t.Context(), 20*time.Second)
	defer cancel()
	for {
		runs := must(f.project.Runs(patience, view, 1))(f.t)
		if len(runs) == 1 && runs[0].Outcome == outcome {
			return
		}
	}
}

func TestADrainCancelsOperationsAndWaits(t *testing.T) {
	f := startAirport(t, watchingOften(t))
	id := f.long()
	watch := must(f.client.WatchOperation(t.Context(), &plumbv1.WatchOperationRequest{Id: id}))(t)
	must(watch.Recv())(t)
	f.stop()
	<-f.running.ended
	if left := f.leftOver(); left != nil {
		t.Errorf("left over are %v", left)
	}
	if log := f.log.String(); !strings.Contains(log, "state=CANCELLED") {
		t.Errorf("the log is %s", log)
	}
	for {
		if _, err := watch.Recv(); err != nil {
			if status.Code(err) != codes.Unavailable {
				t.Errorf("the watch ends with %v", err)
			}
			return
		}
	}
}

func TestMoreOperationsThanMayWaitAreRefused(t *testing.T) {
	f := startAirport(t, watchingOften(t), func(c *server.Config) { c.Operations = operations.Limits{Queue: 1} })
	running := f.long()
	waiting := must(f.client.StartVerification(t.Context(), &plumbv1.StartVerificationRequest{}))(t).GetOperation()
	if waiting.GetState() != plumbv1.Operation_QUEUED {
		t.Errorf("the second is %v", waiting)
	}
	_, err := f.client.StartVerification(t.Context(), &plumbv1.StartVerificationRequest{})
	if status.Code(err) != codes.ResourceExhausted || !strings.Contains(err.Error(), "1 run and 1 wait") {
		t.Errorf("the third gives %v", err)
	}
	if got := f.ask("POST", "/v1/operations/verify", `{}`); got.status != 429 || got.header.Get("Retry-After") == "" {
		t.Errorf("over HTTP it gives %d %s", got.status, got.body)
	}
	listed := f.ask("GET", "/v1/operations", "")
	first, second := strings.Index(listed.body, waiting.GetId()), strings.Index(listed.body, running)
	if first < 0 || second < first {
		t.Errorf("listed are %s", listed.body)
	}
	for _, id := range []string{waiting.GetId(), running} {
		must(f.client.CancelOperation(t.Context(), &plumbv1.CancelOperationRequest{Id: id}))(t)
	}
}

func TestAnUnknownOperationIsNotFound(t *testing.T) {
	r := start(t, overHTTP)
	client := plumbv1.NewProjectServiceClient(r.conn)
	_, got := client.GetOperation(t.Context(), &plumbv1.GetOperationRequest{Id: "none", WaitSeconds: 60})
	_, cancelled := client.CancelOperation(t.Context(), &plumbv1.CancelOperationRequest{Id: "none"})
	_, watched := must(client.WatchOperation(t.Context(), &plumbv1.WatchOperationRequest{Id: "none"}))(t).Recv()
	for call, err := range map[string]error{"get": got, "cancel": cancelled, "watch": watched} {
		if status.Code(err) != codes.NotFound {
			t.Errorf("%s gives %v", call, err)
		}
	}
	for method, path := range map[string]string{"GET": "/none", "POST": "/none/cancel"} {
		if got := r.ask(method, "/v1/operations"+path, ""); got.status != 404 {
			t.Errorf("%s %s gives %d %s", method, path, got.status, got.body)
		}
	}
	for _, wait := range []string{"61", "-1", "soon"} {
		if got := r.ask("GET", "/v1/operations/none?wait="+wait, ""); got.status != 400 {
			t.Errorf("to wait %s gives %d %s", wait, got.status, got.body)
		}
	}
}

func TestAServerWithoutAProjectRunsNoOperations(t *testing.T) {
	r := start(t, overHTTP)
	_, err := plumbv1.NewProjectServiceClient(r.conn).StartVerification(t.Context(), &plumbv1.StartVerificationRequest{})
	if status.Code(err) != codes.Unimplemented {
		t.Errorf("a start gives %v", err)
	}
}

func TestAReadOnlyServerVerifiesAndDoesNotMaterialize(t *testing.T) {
	f := startAirport(t, func(c *server.Config) { c.ReadOnly = true })
	_, err := f.client.StartMaterialization(t.Context(), &plumbv1.StartMaterializationRequest{})
	if status.Code(err) != codes.PermissionDenied {
		t.Errorf("a materialization gives %v", err)
	}
	f.succeeded(f.client.StartVerification(t.Context(), &plumbv1.StartVerificationRequest{Rows: 5}))
}

func TestAnOperationNamesWhoStartedIt(t *testing.T) {
	var tokens map[string]string
	f := startAirport(t, func(c *server.Config) {
		c.Project = "shops" // The tokens are for that one.
		c.Guard, tokens = newGuard(t, c.Logger)
	})
	ctx := bearing(t.Context(), tokens[auth.Write.String()])
	started := must(f.client.StartVerification(ctx, &plumbv1.StartVerificationRequest{Rows: 5}))(t).GetOperation()
	if started.GetStartedBy() != "write" {
		t.Errorf("started is %v", started)
	}
	reader := bearing(t.Context(), tokens[auth.Read.String()])
	must(f.client.GetOperation(reader, &plumbv1.GetOperationRequest{Id: started.GetId(), WaitSeconds: 60}))(t)
}
