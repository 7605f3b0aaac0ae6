package parity

import (
	"encoding/xml"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbstore/plumb/internal/printable"
)

var update = flag.Bool("update", false, "rewrite what the text should be")

// failed is a report with everything in it.
func failed() *Report {
	told := func(value, status, event string) Told {
		said := Told{Status: status}
		if value != "" {
			said.Value = &value
		}
		if event != "" {
			said.EventTimestamp = &event
		}
		return said
	}
	example := Example{
		Target: "model", Row: 7, Kind: AtTTL, Keys: []KeyText{{"sensor", "3"}, {"shop", `"<a&b>"`}},
		At: "2024-01-01T01:00:00.000000Z", Feature: "level", Cause: TTLEdge,
		Training:    told("-0", "PRESENT", "2024-01-01T00:00:00.000000Z"),
		Served:      told("", "EXPIRED", "2024-01-01T00:00:00.000000Z"),
		SourceEvent: new("2024-01-01T00:00:00.000000Z"), SourceRows: 1, MaterializedTo: "2024-01-01T02:00:00.000000Z",
	}
	target := &TargetReport{Name: "model", LabelRows: 5, Kinds: []KindReport{{Uniform, 4, 0}, {AtTTL, 1, 1}},
		Features: []FeatureReport{
			{Feature: "level", View: "reading", Matches: 4, Mismatches: 1, Statuses: StatusCounts{Present: 3, Expired: 1},
				Causes: []CauseCount{{TTLEdge, 1}}},
			{Feature: "people", View: "visit", Matches: 5, Statuses: StatusCounts{Null: 5}},
		}, examples: []Example{example}}
	return &Report{
		Outcome: Failed, Project: "shops", Revision: 3, Seed: 9, Targets: []*TargetReport{target},
		Totals:   Totals{LabelRows: 5, Values: 10, Matches: 9, Mismatches: 1, Windows: 4, WindowMismatches: 1},
		Causes:   []CauseCount{{Window, 1}, {TTLEdge, 1}},
		Examples: []Example{example}, Skipped: []Skipped{{"view late", "it has online: false and is never served"}},
		Views: []ViewReport{{View: "reading", Windows: 4, Read: 12, Written: 8,
			Mismatches: []WindowMismatch{{nil, "2024-01-01T02:00:00.000000Z", 7, 6}}}},
		Seconds: Seconds{Total: 1.25},
	}
}

func TestTheTextSaysWhatDiffersAndWhatEachSideSays(t *testing.T) {
	var text strings.Builder
	if err := failed().WriteText(printable.To(&text)); err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/failed.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// CI systems read suites with test cases, each with at most one failure, and counts that add up.
func TestJUnitHasATestCaseForEachFeatureAndForTheWindowsOfEachView(t *testing.T) {
	var text strings.Builder
	if err := failed().WriteJUnit(&text); err != nil {
		t.Fatal(err)
	}
	var read testSuites
	if err := xml.Unmarshal([]byte(text.String()), &read); err != nil {
		t.Fatalf("%v in\n%s", err, &text)
	}
	var got []string
	for _, suite := range read.Suites {
		tests, failures := 0, 0
		for _, c := range suite.Cases {
			tests++
			line := c.Class + " " + c.Name
			if c.Failure != nil {
				failures++
				line += " fails: " + c.Failure.Type + ": " + c.Failure.Message
			}
			if c.Skipped != nil {
				line += " is skipped: " + c.Skipped.Message
			}
			got = append(got, line)
		}
		if suite.Tests != tests || suite.Failures != failures {
			t.Errorf("suite %s counts %d tests and %d failures, and has %d and %d", suite.Name, suite.Tests, suite.Failures,
				tests, failures)
		}
	}
	want := []string{
		"plumb.verify.model level fails: ttl edge: 1 of 5 values differ between training and serving",
		"plumb.verify.model people",
		"plumb.verify.windows reading fails: window: 1 of 4 windows did not read the rows that the source has in them",
		"plumb.verify.skipped view late is skipped: it has online: false and is never served",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if read.Tests != 4 || read.Failures != 2 {
		t.Errorf("%d tests, %d failures", read.Tests, read.Failures)
	}
	if !strings.Contains(read.Suites[0].Cases[0].Failure.Text, `shop="<a&b>"`) {
		t.Errorf("the failure says %s", read.Suites[0].Cases[0].Failure.Text)
	}
}

func TestThePageSaysWhatTheTextSays(t *testing.T) {
	var text strings.Builder
	if err := failed().Page("plumb verify, 1.0").Write(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"Training and serving do not agree", "FAILED: 1 of the values and 1 of 4 windows do not agree", "ttl edge",
		"shop=&#34;&lt;a&amp;b&gt;&#34;", "EXPIRED\nof 2024-01-01T00:00:00Z",
		"it has online: false and is never served",
		"1, first after the beginning up to 2024-01-01T02:00:00.000000Z: 7 read, 6 there", "plumb verify, 1.0",
		"revision 3", "--seed 9",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the page does not say %s", want)
		}
	}
	passed := failed()
	passed.Outcome, passed.Causes, passed.Examples = Passed, nil, nil
	text.Reset()
	if err := passed.Page("").Write(&text); err != nil || !strings.Contains(text.String(), "Training and serving agree") ||
		strings.Contains(text.String(), "<h2>Examples") {
		t.Errorf("a page of what passed: %v", err)
	}
}
