package server_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/plumbstore/plumb/dataset"
	"github.com/plumbstore/plumb/internal/operations"
	"github.com/plumbstore/plumb/internal/project"
	"github.com/plumbstore/plumb/internal/server"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// watchingOften makes a server send progress as often as a test wants to see it.
func watchingOften(t *testing.T) func(*server.Config) {
	ticker := time.NewTicker(time.Millisecond)
	t.Cleanup(ticker.Stop)
	return func(c *server.Config) { c.OperationTicks = ticker.C }
}

func TestAVerificationIsWatchedToItsEndAndHasTheDocumentOfTheCommand(t *testing.T) {
	f := startAirport(t, watchingOften(t))
	started := must(f.client.StartVerification(t.Context(), &plumbv1.StartVerificationRequest{
		Services: []string{"delay_model"}, Rows: 50, Seed: new(uint64(7)),
	}))(t).GetOperation()
	stream := must(f.client.WatchOperation(t.Context(), &plumbv1.WatchOperationRequest{Id: started.GetId()}))(t)
	steps, last := map[string]bool{}, started
	for !operations.HasEnded(last) {
		last = must(stream.Recv())(t).GetOperation()
		steps[last.GetProgress().GetStep()] = true
	}
	if len(steps) < 2 {
		t.Errorf("the steps that were seen are %v", steps)
	}
	want, err := f.project.Verify(t.Context(), project.VerifyRequest{
		Services: []string{"delay_model"}, Rows: 50, Seed: 7, Store: project.EmbeddedStore,
	})
	if got := asDocument(t, want, err); last.GetResult() != got {
		t.Errorf("the document is\n%s\nwant\n%s", last.GetResult(), got)
	}
	if last.GetVerdict() != plumbv1.Operation_PASSED || last.GetKind() != plumbv1.Operation_VERIFICATION {
		t.Errorf("at the end it is %v", last)
	}
	if left := f.leftOver(); left != nil {
		t.Errorf("left over are %v", left)
	}
}

func TestAVerificationTakesLabelRowsOfTheServer(t *testing.T) {
	f := startAirport(t)
	result := f.succeeded(f.client.StartVerification(t.Context(), &plumbv1.StartVerificationRequest{
		Services: []string{"delay_model"}, LabelsFile: "data/labels.parquet",
	}))
	var report struct {
		Totals struct {
			LabelRows int64 `json:"label_rows"`
		} `json:"totals"`
	}
	if err := json.Unmarshal([]byte(result), &report); err != nil || report.Totals.LabelRows == 0 {
		t.Errorf("the document is %s, %v", result, err)
	}
}

func TestAPlanIsVerifiedBeforeItIsApplied(t *testing.T) {
	f := startAirport(t)
	var files []*plumbv1.DefinitionFile
	for _, name := range []string{"entities.yaml", "sources.yaml", "views.yaml", "services.yaml"} {
		text := string(must(os.ReadFile(filepath.Join(f.folder, "features", name)))(t))
		text = strings.ReplaceAll(text, "name: delay_model", "name: lateness")
		files = append(files, &plumbv1.DefinitionFile{Path: name, Text: text})
	}
	result := f.succeeded(f.client.StartPlanVerification(t.Context(), &plumbv1.StartPlanVerificationRequest{
		Files: files, Rows: 20,
	}))
	for _, words := range []string{`"outcome":"passed"`, `"plan":true`, `"name":"lateness"`} {
		if !strings.Contains(result, words) {
			t.Errorf("%s is not in %s", words, result)
		}
	}
	files[0].Text = "entities: ["
	_, err := f.client.StartPlanVerification(t.Context(), &plumbv1.StartPlanVerificationRequest{Files: files})
	f.refusedFor("entities.yaml", err)
}

func TestAMaterializationHasTheDocumentOfEachView(t *testing.T) {
	f := startAirport(t)
	one := f.startedOverHTTP("materialize", `{"views":["weather","plane"],"to":"2013-07-03T20:00:00Z"}`)
	var done struct {
		Views []struct{ View, Outcome, End string }
	}
	if err := json.Unmarshal(one.Result, &done); err != nil {
		t.Fatal(err)
	}
	if one.State != "SUCCEEDED" || one.Verdict != "PASSED" || len(done.Views) != 2 || done.Views[0].View != "plane" &&
		done.Views[1].View != "plane" || done.Views[0].Outcome != "succeeded" ||
		done.Views[0].End != "2013-07-03T20:00:00Z" {
		t.Errorf("it is %+v with %s", one, one.Result)
	}
	again := f.startedOverHTTP("materialize", `{"views":["weather"],"to":"2013-07-03"}`)
	if !strings.Contains(string(again.Result), `"outcome":"nothing to do"`) {
		t.Errorf("again it is %s", again.Result)
	}
}

func TestWhatIsWrongWithAMaterializationIsToldAtOnce(t *testing.T) {
	f := startAirport(t)
	early, late := timestamppb.New(evening.Add(-time.Hour)), timestamppb.New(evening)
	for field, request := range map[string]*plumbv1.StartMaterializationRequest{
		"from":            {From: late, To: early},
		"to":              {To: &timestamppb.Timestamp{Nanos: -1}},
		"lookback":        {Lookback: durationpb.New(time.Hour), Full: true},
		"max_failed_rows": {MaxFailedRows: -1},
	} {
		_, err := f.client.StartMaterialization(t.Context(), request)
		f.refusedFor(field, err)
	}
	_, err := f.client.StartMaterialization(t.Context(), &plumbv1.StartMaterializationRequest{Views: []string{"wether"}})
	if status.Code(err) != codes.NotFound {
		t.Errorf("an unknown view gives %v", err)
	}
	if got := f.ask("POST", "/v1/operations/materialize", `{"lookback":"soon","to":"later"}`); got.status != 400 ||
		!strings.Contains(got.body, "lookback:") || !strings.Contains(got.body, "to:") {
		t.Errorf("over HTTP: %d %s", got.status, got.body)
	}
	listed := must(f.client.ListOperations(t.Context(), &plumbv1.ListOperationsRequest{}))(t)
	if listed.GetOperations() != nil {
		t.Errorf("what is wrong was started: %v", listed)
	}
}

func TestForesightHasTheDocumentOfTheCommand(t *testing.T) {
	f := startAirport(t)
	ended := f.ended(f.client.StartForesight(t.Context(), &plumbv1.StartForesightRequest{
		Selection: &plumbv1.StartForesightRequest_Features{
			Features: &plumbv1.FeatureList{References: []string{"carrier_day:*"}},
		},
		LabelsFile: "data/labels.parquet",
	}))
	want, err := f.project.Foresee(t.Context(), project.ForesightRequest{
		Selection: dataset.Selection{Features: []string{"carrier_day:*"}},
		Labels:    filepath.Join(f.folder, "data", "labels.parquet"), TimestampColumn: "event_timestamp",
	})
	if err != nil {
		t.Fatal(err)
	}
	want.Labels = "data/labels.parquet"
	if got := asDocument(t, want, nil); ended.GetResult() != got {
		t.Errorf("it is %v, want %s", ended, got)
	}
}

func TestTrainingSetsAreListedShownComparedAndVerified(t *testing.T) {
	f := startAirport(t)
	train, days := f.makeSet("train.parquet", "plane:*"), f.makeSet("days.csv", "carrier_day:*")
	spoilt := filepath.Join(f.folder, "data", "old.csv"+dataset.Suffix)
	if err := os.WriteFile(spoilt, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	listed := must(f.client.ListTrainingSets(t.Context(), &plumbv1.ListTrainingSetsRequest{}))(t)
	sets := listed.GetTrainingSets()
	if len(sets) != 3 || sets[0].GetPath() != days || sets[1].GetPath() != "data/old.csv" || sets[2].GetPath() != train ||
		listed.GetMore() {
		t.Fatalf("listed are %v", listed)
	}
	if old := sets[1]; old.GetProblem() == "" || strings.Contains(old.GetProblem(), f.folder) {
		t.Errorf("the one without a manifest that can be read is %v", old)
	}
	if made := sets[2]; made.GetProblem() != "" || !slices.Equal(made.GetFeatures(), []string{"plane:*"}) ||
		made.GetRevision() != 1 || made.GetRows() == 0 || made.GetCreatedMicros() != evening.UnixMicro() {
		t.Errorf("the training set is %v", made)
	}
	one := f.ask("GET", "/v1/training-sets?limit=1", "")
	if one.status != 200 || !strings.Contains(one.body, `"more":true`) {
		t.Errorf("one of them is %d %s", one.status, one.body)
	}
	shown := must(f.client.GetTrainingSet(t.Context(), &plumbv1.GetTrainingSetRequest{Path: train}))(t)
	beside := must(os.ReadFile(filepath.Join(f.folder, train+dataset.Suffix)))(t)
	if strings.TrimSpace(string(beside)) != shown.GetManifest() || shown.GetTrainingSet().GetDigest() == "" {
		t.Errorf("the manifest is %v, want %s", shown, beside)
	}
	if got := f.ask("GET", "/v1/training-sets/manifest?path="+train, ""); got.status != 200 ||
		!strings.Contains(got.body, `"manifest":{"format"`) {
		t.Errorf("over HTTP it is %d %s", got.status, got.body)
	}
	compared, err := f.project.CompareSets(t.Context(), train, days)
	f.expect("GET", "/v1/training-sets/diff?a="+train+"&b="+days, "", 200, asDocument(t, compared, err))
	unchanged := f.startedOverHTTP("dataset-verify", `{"path":"`+train+`"}`)
	want := f.verified(train)
	if unchanged.Verdict != "PASSED" || string(unchanged.Result) != want {
		t.Errorf("verified it is %+v\n%s\nwant\n%s", unchanged, unchanged.Result, want)
	}
	if err := os.WriteFile(filepath.Join(f.folder, days), []byte("a\n1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	changed := f.ended(f.client.StartTrainingSetVerification(t.Context(),
		&plumbv1.StartTrainingSetVerificationRequest{Path: days + dataset.Suffix}))
	if changed.GetVerdict() != plumbv1.Operation_NOT_PASSED || !strings.Contains(changed.GetResult(), `"same":false`) {
		t.Errorf("one that was changed is %v", changed)
	}
}

// verified is what the command prints in the project's folder.
func (f *airport) verified(path string) string {
	f.t.Helper()
	result, err := f.project.VerifyTrainingSet(f.t.Context(), filepath.Join(f.folder, path), "")
	return strings.ReplaceAll(asDocument(f.t, result, err), f.folder+"/", "")
}

func TestAnAuditReadsTheLogOfTheServerAndNothingElse(t *testing.T) {
	f := startAirport(t)
	from, to := timestamppb.New(evening.Add(-time.Hour)), timestamppb.New(evening)
	_, err := f.client.StartAudit(t.Context(), &plumbv1.StartAuditRequest{From: from, To: to})
	f.refusedFor("folder", err)
	_, err = f.client.StartAudit(t.Context(), &plumbv1.StartAuditRequest{From: to, To: from, Folder: "data"})
	f.refusedFor("from", err)
	_, err = f.client.StartAudit(t.Context(), &plumbv1.StartAuditRequest{From: from, Folder: "data"})
	f.refusedFor("to", err)
	// A log without the look-ups that are asked for is a mistake that only the audit finds.
	ended := f.ended(f.client.StartAudit(t.Context(), &plumbv1.StartAuditRequest{From: from, To: to, Folder: "data"}))
	if ended.GetState() != plumbv1.Operation_FAILED || ended.GetError().GetCode() != "INVALID_ARGUMENT" ||
		!strings.Contains(ended.GetError().GetMessage(), "no look-up of project nycflights is logged in data as served") {
		t.Errorf("an empty log gives %v", ended)
	}
}

func TestNoOperationReadsOutsideOfTheRoots(t *testing.T) {
	f := startAirport(t)
	outside := filepath.Join(f.folder, "labels.parquet")
	text := must(os.ReadFile(filepath.Join(f.folder, "data", "labels.parquet")))(t)
	if err := os.WriteFile(outside, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(f.folder, "data", "link.parquet")); err != nil {
		t.Fatal(err)
	}
	set := f.makeSet("train.parquet", "plane:*")
	for _, path := range []string{outside, "labels.parquet", "data/../labels.parquet", "data/link.parquet", "none.parquet",
		"/etc/hosts.csv"} {
		_, err := f.client.StartVerification(t.Context(), &plumbv1.StartVerificationRequest{
			Services: []string{"delay_model"}, LabelsFile: path,
		})
		f.refusedFor("labels_file", err)
		_, err = f.client.StartForesight(t.Context(), &plumbv1.StartForesightRequest{
			Selection:  &plumbv1.StartForesightRequest_FeatureService{FeatureService: "delay_model"},
			LabelsFile: path,
		})
		f.refusedFor("labels_file", err)
		_, err = f.client.StartTrainingSetVerification(t.Context(),
			&plumbv1.StartTrainingSetVerificationRequest{Path: set, LabelsFile: path})
		f.refusedFor("labels_file", err)
		_, err = f.client.StartTrainingSetVerification(t.Context(),
			&plumbv1.StartTrainingSetVerificationRequest{Path: path})
		f.refusedFor("path", err)
		_, err = f.client.GetTrainingSet(t.Context(), &plumbv1.GetTrainingSetRequest{Path: path})
		f.refusedFor("path", err)
		_, err = f.client.CompareTrainingSets(t.Context(), &plumbv1.CompareTrainingSetsRequest{A: set, B: path})
		f.refusedFor("b", err)
		_, err = f.client.StartAudit(t.Context(), &plumbv1.StartAuditRequest{
			From: timestamppb.New(noon), To: timestamppb.New(noon.Add(time.Hour)), Folder: filepath.Dir(path) + "/..",
		})
		f.refusedFor("folder", err)
	}
}
