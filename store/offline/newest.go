package offline

import (
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
)

// Window is the half-open interval (Start, End] of event times (R5). A nil Start means that it has no beginning.
type Window struct {
	Start *feature.Instant
	End   feature.Instant
}

// NewestRequest asks for what a materialization of a window has to write.
type NewestRequest struct {
	View   *feature.View
	Window Window
	// MaxFailed is how many rows may fail and are left out.
	MaxFailed int64
	// CountBefore asks for NewestReport.Before.
	CountBefore bool
	// Part, if not nil, is all that is read.
	Part *Part
}

// NewestReport counts the source rows of a window.
type NewestReport struct {
	// Read is the number of rows with an event time in the window and no null key.
	Read int64
	// NullKeys counts rows in the window with a null key, NullTimes rows of the whole source with a null event time.
	NullKeys, NullTimes int64
	// Before counts the rows with an event time up to the window's start, with or without keys; 0 if that was not asked
	// for, or if the window has no start.
	Before int64
	// Failed counts rows that cannot be served, and Failures are the first of them in source order.
	Failed   int64
	Failures []FailedRow
	// Files are the source files that may hold rows of the window; of a SQL source, all that it reads.
	Inputs []feature.Input
}

// FailedRow is a row of a window with a value that does not fit its declared type (R9): in a key, or, if the row is the
// newest of its key, in a feature. The row is omitted. No older row of the window takes its place, since that would be
// served as the newest (R17): its key keeps what was stored before.
type FailedRow struct {
	// File and Row, which counts from 1, say where the row is. They are empty for a SQL source, and if the place is not
	// known.
	File string `json:"file,omitempty"`
	Row  int64  `json:"row,omitempty"`
	// Column is the first with such a value, and Value the beginning of the value's text.
	Column string `json:"column"`
	Value  string `json:"value"`
	Reason string `json:"reason"`
}

func (f FailedRow) String() string {
	place := "a row"
	if f.File != "" {
		place = fmt.Sprintf("row %d of %s", f.Row, f.File)
	}
	return fmt.Sprintf("column %q, %s: %s %s", f.Column, place, f.Value, f.Reason)
}

// FailureSamples is how many failed rows are named at the most.
const FailureSamples = 10

// TooManyFailed is the error of more failed rows than are allowed, which names those that the report has.
func TooManyFailed(report NewestReport, allowed int64) error {
	var texts []string
	for _, failure := range report.Failures {
		texts = append(texts, failure.String())
	}
	if unnamed := report.Failed - int64(len(texts)); unnamed > 0 {
		texts = append(texts, fmt.Sprintf("and %s more", humanize.Comma(unnamed)))
	}
	rows := "rows"
	if report.Failed == 1 {
		rows = "row"
	}
	return fault.Inputf("", "%s %s cannot be stored, where --max-failed-rows allows %s: %s",
		humanize.Comma(report.Failed), rows, humanize.Comma(allowed), strings.Join(texts, "; "))
}
