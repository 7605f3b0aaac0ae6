package server_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/server"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/registry/plan"
	"github.com/plumbstore/plumb/registry/spec"
	"github.com/plumbstore/plumb/store/duckdb"
)

// flights is the folder of the project whose sources the servers of these tests look into.
const flights = "../../testdata/nycflights"

const (
	entities = "entities: [{name: plane, join_keys: [{name: tailnum, type: STRING}]}]\n"
	sources  = "sources: [{name: planes, parquet: {path: data/planes.parquet}, event_timestamp: registered_at}]\n"
	planes   = "feature_views:\n  - name: plane\n    entities: [plane]\n    source: planes\n    ttl: 30d\n" +
		"    features: [{name: seats, type: INT32}]\n"
	services = "feature_services: [{name: fleet, features: [{view: plane}]}]\n"
)

func file(path, text string) *plumbv1.DefinitionFile {
	return &plumbv1.DefinitionFile{Path: path, Text: text}
}

// fleet is a project of one view, whose definition is given.
func fleet(views string) []*plumbv1.DefinitionFile {
	return []*plumbv1.DefinitionFile{
		file("entities.yaml", entities), file("sources.yaml", sources), file("views.yaml", views),
		file("services.yaml", services),
	}
}

var shorterTTL = strings.Replace(planes, "30d", "7d", 1)

// startFleet runs a server that looks into the flights with DuckDB. Nothing is applied.
func startFleet(t testing.TB, changes ...func(*server.Config)) *running {
	t.Helper()
	inspector := must(duckdb.Open(duckdb.Config{ProjectDir: flights, Roots: []string{"data"}}))(t)
	t.Cleanup(func() { inspector.Close() })
	looking := func(c *server.Config) { c.Inspector = inspector }
	return start(t, append([]func(*server.Config){looking}, changes...)...)
}

func (r *running) definitions() plumbv1.RegistryServiceClient {
	return plumbv1.NewRegistryServiceClient(r.conn)
}

// applyFiles applies over gRPC, and accepts hazards.
func (r *running) applyFiles(files []*plumbv1.DefinitionFile) *plumbv1.ApplyResponse {
	r.t.Helper()
	request := &plumbv1.ApplyRequest{Files: files, AllowHazards: true, Author: "ann@laptop"}
	return must(r.definitions().Apply(r.t.Context(), request))(r.t)
}

func (r *running) revision() int64 {
	r.t.Helper()
	return must(r.registry.Current(r.t.Context(), "shops"))(r.t).Revision
}

func TestAPlanOverGRPCIsThePlanOfTheSameFiles(t *testing.T) {
	r := startFleet(t)
	plans := func(files []*plumbv1.DefinitionFile) (*plumbv1.PlanResponse, *plan.Plan) {
		var texts []spec.Text
		for _, each := range files {
			texts = append(texts, spec.Text{File: each.GetPath(), Data: []byte(each.GetText())})
		}
		desired := must(spec.ReadTexts(t.Context(), texts, nil))(t)
		current := must(r.registry.Current(t.Context(), "shops"))(t)
		return must(r.definitions().Plan(t.Context(), &plumbv1.PlanRequest{Files: files}))(t), plan.New(current, desired)
	}
	for step, files := range [][]*plumbv1.DefinitionFile{
		fleet(planes),
		fleet(shorterTTL),
		fleet(strings.Replace(planes, "seats, type: INT32", "seats, type: INT64", 1)),
		{file("one.yaml", entities+sources)},
		fleet(planes),
	} {
		got, want := plans(files)
		if got.GetBase() != want.Base || got.GetProject() != want.Project || got.GetHazardous() != (len(want.Hazards()) > 0) {
			t.Errorf("step %d: the plan is %v, want base %d and %d hazards", step, got, want.Base, len(want.Hazards()))
		}
		if diff := cmp.Diff(want.Details(), details(got.GetChanges())); diff != "" {
			t.Errorf("step %d: changes (-want +got):\n%s", step, diff)
		}
		if revision := r.revision(); revision != int64(step) {
			t.Fatalf("step %d: the plan made revision %d", step, revision)
		}
		r.applyFiles(files)
	}
}

// details are changes in the words of the command line.
func details(changes []*plumbv1.Change) []plan.Detail {
	all := make([]plan.Detail, len(changes))
	for i, change := range changes {
		all[i].Action = plan.Action(strings.ToLower(change.GetAction().String()))
		all[i].Kind = plan.Kind(strings.ToLower(change.GetKind().String()))
		all[i].Name = change.GetName()
		for _, each := range change.GetDifferences() {
			difference := plan.Difference{Field: each.GetField(), From: each.GetFrom(), To: each.GetTo()}
			all[i].Differences = append(all[i].Differences, difference)
		}
		for _, each := range change.GetHazards() {
			all[i].Hazards = append(all[i].Hazards, plan.Hazard{Code: each.GetCode(), Message: each.GetMessage()})
		}
	}
	return all
}

func TestMistakesInFilesAreToldAllAtOnceWithTheirPlaces(t *testing.T) {
	r := startFleet(t)
	files := []*plumbv1.DefinitionFile{
		file("entities.yaml", entities),
		file("team/sources.yaml", strings.ReplaceAll(sources, "registered_at", "registered")),
		file("team/views.yaml", strings.Replace(planes, "source: planes", "source: plains", 1)+"    colour: red\n"),
		file("empty.yaml", ""),
		file("broken.yaml", "entities: [\n"),
	}
	_, planning := r.definitions().Plan(t.Context(), &plumbv1.PlanRequest{Files: files})
	_, applying := r.definitions().Apply(t.Context(), &plumbv1.ApplyRequest{Files: files})
	var texts []spec.Text
	for _, each := range files {
		texts = append(texts, spec.Text{File: each.GetPath(), Data: []byte(each.GetText())})
	}
	offline := must(duckdb.Open(duckdb.Config{ProjectDir: flights, Roots: []string{"data"}}))(t)
	_, err := spec.ReadTexts(t.Context(), texts, offline)
	want := map[string]string{}
	problems, ok := errors.AsType[*spec.Problems](err)
	if !ok {
		t.Fatalf("want problems, got %v", err)
	}
	for _, problem := range problems.All {
		want[problem.Place()] = problem.Message
	}
	if len(want) < 4 {
		t.Fatalf("the files have the mistakes %q, want several", want)
	}
	for call, err := range map[string]error{"Plan": planning, "Apply": applying} {
		if status.Code(err) != codes.InvalidArgument {
			t.Errorf("%s: want InvalidArgument, got %v", call, err)
		}
		if diff := cmp.Diff(want, violations(err)); diff != "" {
			t.Errorf("%s: violations (-want +got):\n%s", call, diff)
		}
	}
	if got := violations(planning)["team/views.yaml:7:5"]; !strings.Contains(got, `"colour"`) {
		t.Errorf("the unknown key is reported as %q", got)
	}
	if got := r.revision(); got != 0 {
		t.Errorf("mistaken files made revision %d", got)
	}
}

func TestWhatIsWrongWithAPlanRequestIsToldByField(t *testing.T) {
	r := startFleet(t)
	for name, c := range map[string]struct {
		files []*plumbv1.DefinitionFile
		field string
	}{
		"no files":            {nil, "files"},
		"a file without path": {[]*plumbv1.DefinitionFile{file("", entities)}, "files[0].path"},
		"one path twice":      {[]*plumbv1.DefinitionFile{file("a.yaml", entities), file("a.yaml", sources)}, "a.yaml"},
		"a source beyond the roots": {
			[]*plumbv1.DefinitionFile{file("a.yaml", strings.ReplaceAll(sources, "data/planes.parquet", "../../go.mod"))},
			"a.yaml:1:42",
		},
		"a source that is not a file": {
			[]*plumbv1.DefinitionFile{file("a.yaml", strings.ReplaceAll(sources, "planes.parquet", "plains.parquet"))},
			"a.yaml:1:42",
		},
	} {
		_, err := r.definitions().Plan(t.Context(), &plumbv1.PlanRequest{Files: c.files})
		if status.Code(err) != codes.InvalidArgument || violations(err)[c.field] == "" {
			t.Errorf("%s: want InvalidArgument for %s, got %v with %q", name, c.field, err, violations(err))
		}
	}
	for name, request := range map[string]*plumbv1.ApplyRequest{
		"expected_revision": {Files: fleet(planes), ExpectedRevision: new(int64(-1))},
		"author":            {Files: fleet(planes), Author: "ann\x1b[31m"},
	} {
		_, err := r.definitions().Apply(t.Context(), request)
		if status.Code(err) != codes.InvalidArgument || violations(err)[name] == "" {
			t.Errorf("want InvalidArgument for %s, got %v with %q", name, err, violations(err))
		}
	}
	if got := r.revision(); got != 0 {
		t.Errorf("mistaken requests made revision %d", got)
	}
}

func TestManyMistakesFitIntoAStatusAndTheirNumberIsTold(t *testing.T) {
	r := startFleet(t)
	var views strings.Builder
	views.WriteString("feature_views:\n")
	for i := range 500 {
		fmt.Fprintf(&views, "  - {name: v%d, source: nowhere, features: [{name: x, type: INT32}]}\n", i)
	}
	path := strings.Repeat("d", 240) + ".yaml"
	files := []*plumbv1.DefinitionFile{file(path, views.String())}
	_, err := r.definitions().Plan(t.Context(), &plumbv1.PlanRequest{Files: files})
	answer := status.Convert(err)
	if size := proto.Size(answer.Proto()); size > 6<<10 {
		t.Errorf("the status has %d bytes", size)
	}
	found := answer.Details()[0].(*errdetails.BadRequest).GetFieldViolations()
	want := fmt.Sprintf("and %d more", 500-(len(found)-1))
	if last := found[len(found)-1].GetDescription(); last != want {
		t.Errorf("the last violation says %q, want %q", last, want)
	}
	if first := found[0].GetField(); first != path+":2:24" {
		t.Errorf("the first place is %q, want it whole", first)
	}
}

func TestAnApplyIsTheNextRevisionAndServedAtOnce(t *testing.T) {
	r := startFleet(t)
	fleetSeats := serviceRequest("fleet", texts("tailnum", "N14228"))
	if err := r.failure(fleetSeats); status.Code(err) == codes.NotFound {
		t.Fatalf("before the apply: %v", err)
	}
	response := r.applyFiles(fleet(planes))
	if response.GetRevision() != 1 || len(response.GetChanges()) != 4 || response.GetProject() != "shops" {
		t.Errorf("the apply answers %v, want revision 1 with 4 changes", response)
	}
	// The server has had no tick.
	if got := must(r.client.GetOnlineFeatures(t.Context(), fleetSeats))(t).GetRevision(); got != 1 {
		t.Errorf("a look-up after the apply follows revision %d, want 1", got)
	}
	again := r.applyFiles(fleet(planes))
	if again.GetRevision() != 1 || len(again.GetChanges()) != 0 || r.revision() != 1 {
		t.Errorf("applying the same again answers %v, want revision 1 without changes", again)
	}
	if !strings.Contains(r.log.String(), "by=ann@laptop") {
		t.Errorf("the log does not say who applied: %s", r.log)
	}
}

func TestAnApplyThatWasPlannedAgainstAnotherRevisionIsAborted(t *testing.T) {
	r := startFleet(t)
	stale := &plumbv1.ApplyRequest{Files: fleet(shorterTTL), AllowHazards: true, ExpectedRevision: new(int64(0))}
	r.applyFiles(fleet(planes))
	_, err := r.definitions().Apply(t.Context(), stale)
	if status.Code(err) != codes.Aborted || !strings.Contains(err.Error(), "at revision 1, not at 0") {
		t.Errorf("want Aborted that names both revisions, got %v", err)
	}
	if got := r.revision(); got != 1 {
		t.Fatalf("a stale apply made revision %d", got)
	}
	stale.ExpectedRevision = new(int64(1))
	if got := must(r.definitions().Apply(t.Context(), stale))(t).GetRevision(); got != 2 {
		t.Errorf("with the current revision it made revision %d, want 2", got)
	}
}

// overtaken is a registry to which another caller applies after a plan was made and before it is committed.
type overtaken struct {
	registry.Registry
	by func()
}

func (o *overtaken) Apply(ctx context.Context, commit registry.Commit) (int64, error) {
	if by := o.by; by != nil {
		o.by = nil
		by()
	}
	return o.Registry.Apply(ctx, commit)
}

func TestAnApplyThatIsOvertakenIsAborted(t *testing.T) {
	overtaking := &overtaken{}
	r := startFleet(t, func(c *server.Config) { overtaking.Registry = c.Registry; c.Registry = overtaking })
	overtaking.by = func() { r.applyFiles(fleet(planes)) }
	_, err := r.definitions().Apply(t.Context(), &plumbv1.ApplyRequest{Files: fleet(shorterTTL), AllowHazards: true})
	if status.Code(err) != codes.Aborted {
		t.Errorf("want Aborted, got %v", err)
	}
	view := must(r.definitions().GetFeatureView(t.Context(), &plumbv1.GetFeatureViewRequest{Name: "plane"}))(t)
	if got := view.GetFeatureView().GetTtl().AsDuration(); view.GetRevision() != 1 || got != 30*24*time.Hour {
		t.Errorf("revision %d has ttl %s, want 1 with what overtook", view.GetRevision(), got)
	}
}

func TestOfAppliesAtOnceOneWinsAndTheOthersAreAborted(t *testing.T) {
	r := startFleet(t)
	outcomes := make([]codes.Code, 4)
	var callers errgroup.Group
	for i := range outcomes {
		ttl := fmt.Sprintf("%dd", i+1)
		request := &plumbv1.ApplyRequest{
			Files: fleet(strings.Replace(planes, "30d", ttl, 1)), ExpectedRevision: new(int64(0)),
		}
		callers.Go(func() error {
			_, err := r.definitions().Apply(t.Context(), request)
			outcomes[i] = status.Code(err)
			return nil
		})
	}
	if err := callers.Wait(); err != nil {
		t.Fatal(err)
	}
	counts := map[codes.Code]int{}
	for _, code := range outcomes {
		counts[code]++
	}
	if diff := cmp.Diff(map[codes.Code]int{codes.OK: 1, codes.Aborted: 3}, counts); diff != "" || r.revision() != 1 {
		t.Errorf("revision %d, outcomes (-want +got):\n%s", r.revision(), diff)
	}
}

func TestHazardsHaveToBeAllowed(t *testing.T) {
	r := startFleet(t)
	r.applyFiles(fleet(planes))
	_, err := r.definitions().Apply(t.Context(), &plumbv1.ApplyRequest{Files: fleet(shorterTTL)})
	answer := status.Convert(err)
	text := "allow_hazards: view plane: PB104 "
	if answer.Code() != codes.FailedPrecondition || !strings.Contains(answer.Message(), text) {
		t.Fatalf("want FailedPrecondition with the hazard, got %v", err)
	}
	planned := must(r.definitions().Plan(t.Context(), &plumbv1.PlanRequest{Files: fleet(shorterTTL)}))(t)
	want := &errdetails.PreconditionFailure{Violations: []*errdetails.PreconditionFailure_Violation{{
		Type: "PB104", Subject: "view plane", Description: planned.GetChanges()[0].GetHazards()[0].GetMessage(),
	}}}
	if diff := cmp.Diff([]any{want}, answer.Details(), protocmp.Transform()); diff != "" {
		t.Errorf("details (-want +got):\n%s", diff)
	}
	if got := r.revision(); got != 1 {
		t.Errorf("hazards that were not allowed made revision %d", got)
	}
}

func TestAReadOnlyServerPlansAndRefusesToApply(t *testing.T) {
	r := startFleet(t, func(c *server.Config) { c.ReadOnly = true })
	must(r.definitions().Plan(t.Context(), &plumbv1.PlanRequest{Files: fleet(planes)}))(t)
	_, err := r.definitions().Apply(t.Context(), &plumbv1.ApplyRequest{Files: fleet(planes)})
	if status.Code(err) != codes.PermissionDenied || !strings.Contains(err.Error(), "read-only") || r.revision() != 0 {
		t.Errorf("want PermissionDenied and nothing applied, got %v and revision %d", err, r.revision())
	}
}

// slow is an inspector that signals when it is asked, and answers when its caller gives up.
type slow struct {
	spec.Inspector
	asked chan struct{}
}

func (s *slow) ColumnsOfEach(ctx context.Context, _ []*feature.Source,
	_ func(*feature.Source, []feature.Column, error) error,
) error {
	s.asked <- struct{}{}
	<-ctx.Done()
	return ctx.Err()
}

func TestAPlanHasABoundOfItsOwnAndWaitsForTheOneBefore(t *testing.T) {
	stuck := &slow{asked: make(chan struct{}, 10)}
	r := start(t, func(c *server.Config) {
		c.Inspector, c.Timeout, c.PlanTimeout = stuck, time.Nanosecond, time.Hour
	})
	first, giveUp := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := r.definitions().Plan(first, &plumbv1.PlanRequest{Files: fleet(planes)})
		ended <- err
	}()
	<-stuck.asked // So the bound of other calls has not ended this one.
	second, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := r.definitions().Plan(second, &plumbv1.PlanRequest{Files: fleet(planes)})
	if status.Code(err) != codes.DeadlineExceeded || len(stuck.asked) != 0 {
		t.Errorf("a plan beside another one: want DeadlineExceeded without a look into sources, got %v", err)
	}
	giveUp()
	if err := <-ended; status.Code(err) != codes.Canceled {
		t.Errorf("a caller that gives up gets %v, want Canceled", err)
	}
	bounded := start(t, func(c *server.Config) { c.Inspector, c.PlanTimeout = stuck, time.Nanosecond })
	_, err = bounded.definitions().Plan(t.Context(), &plumbv1.PlanRequest{Files: fleet(planes)})
	if status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("a plan beyond the server's bound: want DeadlineExceeded, got %v", err)
	}
}
