package parity

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/plumbstore/plumb/internal/printable"
)

// The elements of a JUnit report, as CI systems read it.
type (
	testSuites struct {
		XMLName  xml.Name    `xml:"testsuites"`
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Time     string      `xml:"time,attr"`
		Suites   []testSuite `xml:"testsuite"`
	}
	testSuite struct {
		Name     string     `xml:"name,attr"`
		Tests    int        `xml:"tests,attr"`
		Failures int        `xml:"failures,attr"`
		Errors   int        `xml:"errors,attr"`
		Skipped  int        `xml:"skipped,attr"`
		Time     string     `xml:"time,attr"`
		Cases    []testCase `xml:"testcase"`
	}
	testCase struct {
		Name    string       `xml:"name,attr"`
		Class   string       `xml:"classname,attr"`
		Time    string       `xml:"time,attr"`
		Failure *testFailure `xml:"failure"`
		Skipped *testSkipped `xml:"skipped"`
		Output  string       `xml:"system-out,omitempty"`
	}
	testFailure struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
		Text    string `xml:",chardata"`
	}
	testSkipped struct {
		Message string `xml:"message,attr"`
	}
)

// noTime is used because the time of a single test case is not known: all are verified together.
const noTime = "0"

// WriteJUnit writes the report as JUnit XML: a suite for each target, with a test case for each feature, and one with a
// test case for the windows of each view.
func (r *Report) WriteJUnit(w io.Writer) error {
	all := testSuites{Name: "plumb verify " + r.Project, Time: fmt.Sprintf("%.3f", r.Seconds.Total)}
	for _, target := range r.Targets {
		suite := testSuite{Name: target.Name, Time: noTime}
		for _, feature := range target.Features {
			suite.Cases = append(suite.Cases, target.testCase(feature))
		}
		all.Suites = append(all.Suites, suite)
	}
	windows := testSuite{Name: "windows of materialization", Time: noTime}
	for _, view := range r.Views {
		windows.Cases = append(windows.Cases, view.testCase())
	}
	skipped := testSuite{Name: "not compared", Time: noTime}
	for _, each := range r.Skipped {
		skipped.Cases = append(skipped.Cases, testCase{Name: each.Name, Class: "plumb.verify.skipped", Time: noTime,
			Skipped: &testSkipped{each.Reason}})
	}
	for _, suite := range []testSuite{windows, skipped} {
		if len(suite.Cases) > 0 {
			all.Suites = append(all.Suites, suite)
		}
	}
	all.count()
	text := bytes.NewBufferString(xml.Header)
	encoder := xml.NewEncoder(text)
	encoder.Indent("", "  ")
	if err := encoder.Encode(all); err != nil {
		return err
	}
	return printable.To(w).Lines(text.String() + "\n")
}

func (s *testSuites) count() {
	for i := range s.Suites {
		suite := &s.Suites[i]
		suite.Tests = len(suite.Cases)
		for _, c := range suite.Cases {
			if c.Failure != nil {
				suite.Failures++
			}
			if c.Skipped != nil {
				suite.Skipped++
			}
		}
		s.Tests, s.Failures = s.Tests+suite.Tests, s.Failures+suite.Failures
	}
}

// testCase is one feature of a target. A feature of which nothing was compared has failed: a pass would say that the
// two sides agree, which nobody has looked at.
func (r *TargetReport) testCase(f FeatureReport) testCase {
	c := testCase{Name: f.Feature, Class: "plumb.verify." + r.Name, Time: noTime}
	compared := f.Matches + f.Mismatches
	switch {
	case compared == 0:
		c.Failure = &testFailure{Message: "nothing was compared", Type: "nothing compared"}
	case f.Mismatches > 0:
		var text strings.Builder
		for _, example := range r.examples {
			if example.Feature == f.Feature {
				example.write(printable.To(&text))
			}
		}
		c.Failure = &testFailure{Type: string(f.Causes[0].Cause), Text: text.String(),
			Message: fmt.Sprintf("%d of %d values differ between training and serving", f.Mismatches, compared)}
	default:
		c.Output = fmt.Sprintf("%d values compared, all equal", compared)
	}
	return c
}

func (v ViewReport) testCase() testCase {
	c := testCase{Name: v.View, Class: "plumb.verify.windows", Time: noTime}
	if len(v.Mismatches) == 0 {
		c.Output = fmt.Sprintf("%d windows read %d rows, as many as the source has in them", v.Windows, v.Read)
		return c
	}
	var text strings.Builder
	for _, m := range v.Mismatches {
		printable.To(&text).Printf("after %s up to %s: %d rows read, %d there\n", orBeginning(m.After), m.Through, m.Read,
			m.SourceRows)
	}
	c.Failure = &testFailure{Type: string(Window), Text: text.String(), Message: fmt.Sprintf(
		"%d of %d windows did not read the rows that the source has in them", len(v.Mismatches), v.Windows)}
	return c
}
