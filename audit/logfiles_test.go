package audit_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plumbstore/plumb/audit"
)

// put writes a file of the log.
func put(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAFileThatCannotBeRead_IsReported_AndOthersAreCompared(t *testing.T) {
	s := open(t)
	s.materialize(at(0))
	s.lookUp(nil, "a")
	s.finish()
	whole := must(os.ReadFile(s.logFile()))(t)
	day := filepath.Dir(s.logFile())
	damaged := append([]byte{}, whole...)
	for i := 4; i < 64; i++ { // The first column's first page.
		damaged[i] ^= 0xff
	}
	put(t, filepath.Join(day, "1.parquet"), whole[:len(whole)/2])
	put(t, filepath.Join(day, "2.parquet"), damaged)
	writeParquet(t, filepath.Join(day, "3.parquet"), `{"version": 99}`)
	writeParquet(t, filepath.Join(day, "4.parquet"), "")
	put(t, filepath.Join(day, "5.parquet"), nil)
	report := s.audit()
	if report.Matched != 2 || report.Values != 2 || report.Files != 1 {
		t.Errorf("what can be read is compared: %+v", report)
	}
	want := []string{"is not a whole Parquet file", "is damaged", "written by a newer version", "is not an audit log",
		"is not a whole Parquet file"}
	if len(report.UnreadableFiles) != len(want) {
		t.Fatalf("want %d unreadable files, got %+v", len(want), report.UnreadableFiles)
	}
	for i, file := range report.UnreadableFiles {
		if filepath.Base(file.File) != string(rune('1'+i))+".parquet" || !strings.Contains(file.Reason, want[i]) {
			t.Errorf("%+v does not say %q", file, want[i])
		}
	}
}

// What the metadata says of a column is what an audit takes its values for.
func TestALogFileWhoseColumnIsOfAnotherTypeThanItSays_IsReported(t *testing.T) {
	for said, instead := range map[string]string{
		`"type":"STRING"`:  `"type":"INT64" `, // The key shop.
		`"type":"FLOAT64"`: `"type":"STRING" `,
		`"type":"INT64"`:   `"type":"BYTES"`,
	} {
		s := open(t)
		s.materialize(at(0))
		s.lookUp(nil, "a")
		s.finish()
		whole := must(os.ReadFile(s.logFile()))(t)
		if !bytes.Contains(whole, []byte(said)) {
			t.Fatalf("the log has no %s", said)
		}
		put(t, filepath.Join(filepath.Dir(s.logFile()), "1.parquet"), bytes.Replace(whole, []byte(said), []byte(instead), 1))
		report := s.audit()
		if len(report.UnreadableFiles) != 1 || !strings.Contains(report.UnreadableFiles[0].Reason, "and its metadata says") {
			t.Errorf("%s instead of %s: got %+v", instead, said, report.UnreadableFiles)
		}
	}
}

func TestACopyOfALogFileCountsOnce(t *testing.T) {
	s := open(t)
	s.materialize(at(0))
	s.lookUp(nil, "a")
	s.finish()
	original := s.logFile()
	whole := must(os.ReadFile(original))(t)
	twin, moved := original[:len(original)-len(".parquet")]+"-copy.parquet", filepath.Join(s.logs(), "shops", "2026-03-02")
	if err := os.Mkdir(moved, 0o700); err != nil {
		t.Fatal(err)
	}
	put(t, twin, whole)
	put(t, filepath.Join(moved, "again.parquet"), whole)
	report := s.audit()
	if report.Rows != 1 || report.Files != 1 || report.Values != 2 || report.Matched != 2 {
		t.Errorf("the rows count once: %+v", report)
	}
	if len(report.CopiedFiles) != 2 {
		t.Fatalf("want 2 copies, got %+v", report.CopiedFiles)
	}
	for _, file := range report.CopiedFiles {
		if file.File == file.Of || file.Of != original && file.Of != twin {
			t.Errorf("%+v", file)
		}
	}
}

func TestR4_ServedBeforeItWasKnown_LeadsTheReport(t *testing.T) {
	s := open(t)
	s.writePrices("early", price{shop: "b", at: at(-20), known: at(30), euros: 3.5})
	s.materialize(at(0))
	s.lookUp(nil, "a", "b", "nobody")
	report := s.audit()
	want := audit.TooEarly{View: "price", Rows: 1, Of: 2}
	if len(report.TooEarly) != 1 || report.TooEarly[0] != want {
		t.Errorf("want %+v, got %+v", want, report.TooEarly)
	}
}

func TestR4_LateDataThatWasNotServed_IsNotServedTooEarly(t *testing.T) {
	s := open(t)
	s.materialize(at(0))
	s.lookUp(nil, "a")
	s.writePrices("late", price{shop: "a", at: at(-5), known: at(7), euros: 2.5})
	if report := s.audit(); len(report.TooEarly) != 0 || report.TooEarly == nil {
		t.Errorf("%+v", report.TooEarly)
	}
}
