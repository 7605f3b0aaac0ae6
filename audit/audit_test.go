package audit_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/google/go-cmp/cmp"

	"github.com/plumbstore/plumb/audit"
	"github.com/plumbstore/plumb/audit/auditlog"
	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry/sqldb"
	"github.com/plumbstore/plumb/store/offline"
)

func TestR4_TheReportSaysWhetherTrainingAsKnownMatchesWhatWasServed(t *testing.T) {
	s := open(t)
	s.writePrices("b", price{shop: "b", at: at(-20), known: nil, euros: 3.5})
	s.materialize(at(0))
	s.lookUp(nil, "a", "b", "nobody")
	s.writePrices("late", price{shop: "a", at: at(-5), known: at(7), euros: 2.5})
	report := s.audit()
	want := &audit.Knowledge{Compared: 3, MatchedDefault: 2, MatchedAsKnown: 2, Seen: 2, Unknown: 2, Served: 2,
		ServedUnknown: 1}
	if diff := cmp.Diff(want, report.Views[0].Knowledge); diff != "" {
		t.Errorf("shop a is matched as known, and shop b by default, since when its row was created is not known: %s", diff)
	}
	if report.Views[1].View != "stock" || report.Views[1].Knowledge != nil {
		t.Errorf("the source of %+v does not tell when rows were created", report.Views[1])
	}
}

func TestStalenessIsHowOldTheRowsWereThatWereServed(t *testing.T) {
	s := open(t)
	s.materialize(at(0))
	s.lookUp(nil, "a", "nobody")
	s.set(at(10))
	s.lookUp(nil, "a")
	s.set(at(60)) // The price has expired: nothing was served from it.
	s.lookUp(nil, "a")
	report := s.audit()
	if price := report.Views[0].Staleness; price.P50 != 30*60 || price.P99 != 40*60 {
		t.Errorf("%+v", price)
	}
	if stock := report.Views[1].Staleness; stock.P50 != 40*60 || stock.P99 != 90*60 {
		t.Errorf("%+v", stock)
	}
}

func sensitive(d *plumbv1.Definitions) {
	d.Entities[0].JoinKeys[0].Sensitive = true
	d.FeatureViews[0].Features[0].Sensitive = true
}

func openSensitive(t *testing.T) *shop {
	s := open(t, func(s *shop) { s.hasher = auditlog.NewHasher("a key of the test") })
	s.change(sensitive)
	s.tick()
	s.materialize(at(0))
	return s
}

func TestSensitiveColumnsAreComparedByTheirHashes(t *testing.T) {
	s := openSensitive(t)
	s.lookUp(nil, "a", "nobody")
	s.forge("price", "a", 1.25)
	s.lookUp(nil, "a")
	report := s.audit()
	if report.Matched != 3 || report.Unexplained != 1 || report.NotCompared != 2 {
		t.Errorf("%+v", report)
	}
	want := []audit.Skipped{{Reason: "the hash of a sensitive key is of no key that the source has", Values: 2}}
	if diff := cmp.Diff(want, report.Skipped); diff != "" {
		t.Error(diff)
	}
	example := report.Examples[0]
	for _, shown := range []any{example.Keys[0].Value, example.Served.Value, example.Joined.Value} {
		if text, ok := shown.(string); !ok || !strings.HasPrefix(text, "hash ") {
			t.Errorf("the example shows %v", shown)
		}
	}
}

func TestHashesOfAnotherKey_AreNotCompared(t *testing.T) {
	s := openSensitive(t)
	s.lookUp(nil, "a")
	for words, hasher := range map[string]*auditlog.Hasher{
		"set serving.audit.hash_key": nil, "made with another key": auditlog.NewHasher("another key"),
	} {
		s.hasher = hasher
		report := s.audit()
		if report.Matched != 0 || report.NotCompared != 2 || report.Values != 2 {
			t.Errorf("%+v", report)
		}
		expectSkipped(t, report, words)
	}
}

// expectSkipped checks that all reasons of a report are of the input, and that one of them has the words.
func expectSkipped(t *testing.T, report *audit.Report, words string) {
	t.Helper()
	var reasons []string
	for _, skipped := range report.Skipped {
		if !skipped.Input {
			t.Errorf("%q is not of the input", skipped.Reason)
		}
		reasons = append(reasons, skipped.Reason)
	}
	if !strings.Contains(strings.Join(reasons, "\n"), words) {
		t.Errorf("what was not compared is said to be so for %q; want %q", reasons, words)
	}
}

func TestALogOfARevisionThatIsGone_IsNotCompared(t *testing.T) {
	s := open(t)
	s.materialize(at(0))
	s.lookUp(nil, "a")
	s.registry = must(sqldb.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "empty.db")))(t)
	t.Cleanup(func() { s.registry.Close() })
	report := s.audit()
	if report.Matched != 0 || report.NotCompared != 2 {
		t.Errorf("%+v", report)
	}
	expectSkipped(t, report, "was served under revision 1 of the registry, which is no longer there")
}

func TestAViewWhoseSourceIsGone_IsNotCompared_AndOthersAre(t *testing.T) {
	s := open(t)
	s.materialize(at(0))
	s.lookUp(nil, "a")
	s.remove("stocks", "first")
	report := s.audit()
	if report.Matched != 1 || report.NotCompared != 1 || report.Mismatched != 0 {
		t.Errorf("%+v", report)
	}
	expectSkipped(t, report, "source stocks of view stock cannot be read")
}

func TestASourceThatHasMoved_IsReadWhereTheNewestRevisionHasIt(t *testing.T) {
	s := open(t)
	s.materialize(at(0))
	s.lookUp(nil, "a")
	data := filepath.Join(s.folder, "data")
	if err := os.Rename(filepath.Join(data, "stocks"), filepath.Join(data, "shelves")); err != nil {
		t.Fatal(err)
	}
	s.change(func(d *plumbv1.Definitions) { d.Sources[1].GetParquet().Path = "data/shelves/*.parquet" })
	report := s.audit()
	if report.Matched != 2 || report.NotCompared != 0 || report.Mismatched != 0 {
		t.Errorf("%+v", report)
	}

	// Another event time makes another source of it.
	s.change(func(d *plumbv1.Definitions) {
		d.Sources[1].GetParquet().Path, d.Sources[1].EventTimestamp = "data/shelves/*.parquet", "pieces"
	})
	report = s.audit()
	expectSkipped(t, report, "source stocks of view stock cannot be read")
}

func TestProgressCountsWhatIsCompared(t *testing.T) {
	s := open(t)
	s.materialize(at(0))
	s.lookUp(nil, "a", "b", "c")
	most := map[string]offline.Progress{}
	s.progress = func(p offline.Progress) { most[p.Step] = p }
	s.audit()
	for _, step := range []string{"reading logged keys", "comparing"} {
		if last := most[step]; last.Rows != 3 || last.Total != 3 {
			t.Errorf("%s ends with %d of %d rows", step, last.Rows, last.Total)
		}
	}
	if last, told := most["looking for causes in view stock"]; !told || last.Total != 0 {
		t.Errorf("what comes after is told as %+v, %v", last, told)
	}
}

func TestAServiceThatIsAskedFor_LeavesOthersOut(t *testing.T) {
	s := open(t)
	s.materialize(at(0))
	s.lookUp(nil, "a")
	s.finish()
	request := audit.Request{Project: "shops", Folder: s.logs(), From: at(-60), To: at(60), Service: "basket"}
	if report := must(s.auditor().Run(t.Context(), request))(t); report.Rows != 1 {
		t.Errorf("%+v", report)
	}
	request.Service = "another"
	refused(t, s.auditor(), request, `no look-up of feature service "another" of project shops is logged`)
}

// refused runs an audit that has to be refused as a mistake in the input, with the words.
func refused(t *testing.T, auditor *audit.Auditor, request audit.Request, words ...string) {
	t.Helper()
	report, err := auditor.Run(t.Context(), request)
	if err == nil {
		t.Fatalf("want an error, got %+v", report)
	}
	var input *fault.InputError
	if !errors.As(err, &input) && !errors.Is(err, fault.ErrNewer) {
		t.Errorf("%v is no mistake in the input", err)
	}
	for _, each := range words {
		if !strings.Contains(err.Error(), each) {
			t.Errorf("%v does not say %q", err, each)
		}
	}
}

func TestOnlyLookUpsOfTheTimeAreAudited(t *testing.T) {
	s := open(t)
	s.materialize(at(0))
	for minute := range 4 {
		s.set(at(float64(minute)))
		s.lookUp(nil, "a")
	}
	s.finish()
	request := audit.Request{Project: "shops", Folder: s.logs(), From: at(1), To: at(3)}
	report := must(s.auditor().Run(t.Context(), request))(t)
	if report.Rows != 2 || report.Matched != 4 || report.From != "2026-03-01T12:01:00Z" {
		t.Errorf("from a time on, and before the other: %+v", report)
	}
	request.From, request.To = at(20), at(30)
	refused(t, s.auditor(), request, "widen --from and --to")
	request.From = at(40)
	refused(t, s.auditor(), request, "is not before --to")
	request = audit.Request{Project: "others", Folder: s.logs(), From: at(1), To: at(3)}
	refused(t, s.auditor(), request, "set serving.audit.dir in plumb.yaml")
	request.Folder = filepath.Join(s.folder, "nowhere")
	refused(t, s.auditor(), request, "is not a folder")
}

func TestLogFilesThatCannotBeReadAreAllNamed(t *testing.T) {
	s := open(t)
	s.materialize(at(0))
	s.lookUp(nil, "a")
	s.finish()
	day := filepath.Join(s.logs(), "shops", "2026-03-01")
	original := s.logFile()
	whole := must(os.ReadFile(original))(t)
	halved, newer := filepath.Join(day, "1.parquet"), filepath.Join(day, "2.parquet")
	strange := filepath.Join(day, "3.parquet")
	if err := os.WriteFile(halved, whole[:len(whole)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	writeParquet(t, newer, `{"version": 99}`)
	writeParquet(t, strange, "")
	if err := os.Remove(original); err != nil {
		t.Fatal(err)
	}
	request := audit.Request{Project: "shops", Folder: s.logs(), From: at(-60), To: at(60)}
	refused(t, s.auditor(), request, halved, "is not a whole Parquet file", newer, "written by a newer version", strange,
		"is not an audit log")
	for _, path := range []string{halved, newer, strange} {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	put(t, original, whole)
	if err := os.WriteFile(filepath.Join(day, "4.parquet.partial"), whole[:len(whole)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	if report := must(s.auditor().Run(t.Context(), request))(t); report.Matched != 2 {
		t.Errorf("a file that is still written does no harm: %+v", report)
	}
}

// writeParquet writes a file with the metadata of a log.
func writeParquet(t *testing.T, path, header string) {
	t.Helper()
	var metadata *arrow.Metadata
	if header != "" {
		metadata = new(arrow.NewMetadata([]string{"plumb.audit_log"}, []string{header}))
	}
	schema := arrow.NewSchema([]arrow.Field{{Name: "a", Type: arrow.PrimitiveTypes.Int64}}, metadata)
	builder := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	builder.Field(0).(*array.Int64Builder).Append(1)
	file := must(os.Create(path))(t)
	writer := must(pqarrow.NewFileWriter(schema, file, parquet.NewWriterProperties(),
		pqarrow.NewArrowWriterProperties(pqarrow.WithStoreSchema())))(t)
	if err := errors.Join(writer.Write(builder.NewRecordBatch()), writer.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestR4_ForesightIsHowMuchATrainingSetKnowsTooEarly(t *testing.T) {
	s := open(t)
	s.writePrices("late",
		price{shop: "a", at: at(-5), known: at(7), euros: 2.5},
		price{shop: "a", at: at(-6), known: at(-6), euros: 1.5},
		price{shop: "b", at: at(-5), known: at(7), euros: 2.5})
	labels := filepath.Join(s.folder, "labels.csv")
	content := "shop,when\na,2026-03-01T11:54:30Z\na,2026-03-01T11:56:00Z\na,2026-03-01T12:08:00Z\n" +
		"b,2026-03-01T11:56:00Z\nnobody,2026-03-01T11:56:00Z\n"
	if err := os.WriteFile(labels, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	selection := must(s.current().SelectService("basket", false))(t)
	found := must(s.auditor().Foresee(t.Context(), selection, labels, "when"))(t)
	want := []audit.ViewForesight{
		{View: "price", Alias: "price", Seen: 4, Unknown: 2, SeenAsKnown: 3,
			Features: []audit.FeatureForesight{{Output: "euros", Feature: "euros", Changed: 2}}},
	}
	untold := slices.Equal(found.Untold, []string{"stock"})
	if diff := cmp.Diff(want, found.Views); diff != "" || found.Rows != 5 || !untold {
		t.Error(found.Rows, found.Untold, diff)
	}
	selection = must(s.current().SelectFeatures([]string{"stock:*"}, false))(t)
	if _, err := s.auditor().Foresee(t.Context(), selection, labels, "when"); err == nil ||
		!strings.Contains(err.Error(), "no source of what is asked for has a created_timestamp") {
		t.Error(err)
	}
}
