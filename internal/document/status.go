package document

import (
	"fmt"

	"github.com/dustin/go-humanize/english"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// Status says how far each view has been materialized.
type Status struct {
	Project  string       `json:"project"`
	Revision int64        `json:"revision"`
	Views    []ViewStatus `json:"views"`
	// LossesUnknown says why it is not known whether the online store has lost rows.
	LossesUnknown string `json:"losses_unknown,omitempty"`
}

// ViewStatus is what is said of a view. Times are RFC 3339; null if there are none.
//
// A view that is done up to 10:00 and from 11:00 to 12:00 has a Start of null, an End of 10:00 and the gap from 10:00
// to 11:00: what is complete ends at the first gap, however much was done after it.
type ViewStatus struct {
	View   string `json:"view"`
	Online bool   `json:"online"`
	State  string `json:"state"`
	// Start and End bound what is complete, up to the first gap.
	Start *string `json:"start"`
	End   *string `json:"end"`
	// Gaps are the windows that are missing between others.
	Gaps []Window `json:"gaps"`
	// FreshnessSeconds is how long ago End is.
	FreshnessSeconds *float64 `json:"freshness_seconds"`
	LastRun          *Run     `json:"last_run"`
	// StoredWindows says what is stored for windows; nil unless the view has aggregations.
	StoredWindows *StoredWindows `json:"stored_windows,omitempty"`
	// Problems are sentences that say what is not as it should be, and what to do.
	Problems []string `json:"problems,omitempty"`
}

// StoredWindows says what is stored of the entities of a view with aggregations; see plumbv1.StoredWindows.
type StoredWindows struct {
	Windows []feature.WindowWords `json:"windows"`
	// Floor is since when look-ups are exact; null if nothing is done.
	Floor     *string  `json:"floor"`
	MostTiles int64    `json:"most_tiles"`
	MeanTiles *float64 `json:"mean_tiles"`
	MeanBytes *float64 `json:"mean_bytes"`
}

// Window is a half-open interval of event times.
type Window struct {
	Start *string `json:"start"`
	End   string  `json:"end"`
}

// Run is a materialization of one view. A start of null means that the window has no beginning.
type Run struct {
	View      string  `json:"view"`
	Outcome   string  `json:"outcome"`
	Start     *string `json:"start"`
	End       string  `json:"end"`
	Read      int64   `json:"read"`
	Written   int64   `json:"written"`
	Older     int64   `json:"older"`
	NullKeys  int64   `json:"null_keys"`
	NullTimes int64   `json:"null_times"`
	// Skipped counts the rows with values that do not fit, Bytes those that the store was given, and Tiles the tiles in
	// them, of a view with aggregations.
	Skipped int64   `json:"skipped"`
	Bytes   int64   `json:"bytes"`
	Tiles   int64   `json:"tiles,omitempty"`
	Seconds float64 `json:"seconds"`
	// Run is the id that the provenance of rows names; absent if there was nothing to do.
	Run   int64  `json:"run,omitempty"`
	Error string `json:"error,omitempty"`
}

const microsPerSecond = 1_000_000

// NewStatus is the document of a status.
func NewStatus(from *plumbv1.StatusResponse) Status {
	status := Status{Project: from.GetProject(), Revision: from.GetRevision(), Views: []ViewStatus{},
		LossesUnknown: from.GetLossesUnknown()}
	for _, view := range from.GetViews() {
		status.Views = append(status.Views, NewViewStatus(view))
	}
	return status
}

// NewViewStatus is the document of the status of a view.
func NewViewStatus(from *plumbv1.ViewStatus) ViewStatus {
	status := ViewStatus{View: from.GetView(), Online: from.GetOnline(), State: from.GetState(), Gaps: []Window{},
		Problems: problemsOf(from)}
	for i, done := range from.GetDone() {
		if i == 0 {
			status.Start, status.End = instantOrNil(done.StartMicros), instantOrNil(&done.EndMicros)
			continue
		}
		status.Gaps = append(status.Gaps, Window{
			Start: instantOrNil(&from.GetDone()[i-1].EndMicros), End: *instantOrNil(done.StartMicros),
		})
	}
	if from.FreshnessMicros != nil {
		status.FreshnessSeconds = new(float64(from.GetFreshnessMicros()) / microsPerSecond)
	}
	if from.GetLastRun() != nil {
		status.LastRun = new(NewRun(from.GetLastRun()))
	}
	if from.GetStoredWindows() != nil {
		status.StoredWindows = newStoredWindows(from.GetStoredWindows())
	}
	return status
}

func newStoredWindows(from *plumbv1.StoredWindows) *StoredWindows {
	stored := &StoredWindows{Windows: []feature.WindowWords{}, Floor: instantOrNil(from.FloorMicros),
		MostTiles: from.GetMostTiles(), MeanTiles: from.MeanTiles, MeanBytes: from.MeanBytes}
	for _, window := range from.GetWindows() {
		stored.Windows = append(stored.Windows, feature.WindowWords{Length: window.GetLength(), Hop: window.GetHop(),
			Longest: window.GetLongest(), Offset: window.GetOffset()})
	}
	return stored
}

// NewRun is the document of a run.
func NewRun(from *plumbv1.Run) Run {
	run := Run{
		View: from.GetView(), Outcome: from.GetOutcome(), Start: instantOrNil(from.GetWindow().StartMicros),
		End:  value.FormatInstant(feature.Instant(from.GetWindow().GetEndMicros())),
		Read: from.GetRead(), Written: from.GetWritten(), Older: from.GetOlder(), NullKeys: from.GetNullKeys(),
		NullTimes: from.GetNullTimes(), Skipped: from.GetSkipped(), Bytes: from.GetBytes(), Tiles: from.GetTiles(),
		Run:   from.GetId(),
		Error: from.GetError(),
	}
	if from.GetFinishedMicros() != 0 {
		run.Seconds = float64(from.GetFinishedMicros()-from.GetStartedMicros()) / microsPerSecond
	}
	return run
}

func problemsOf(status *plumbv1.ViewStatus) []string {
	var problems []string
	if status.GetAheadOfClock() != "" {
		problems = append(problems, status.GetAheadOfClock())
	}
	if rows := status.GetWaitingRows(); rows > 0 {
		problems = append(problems, fmt.Sprintf("%s in the push log since %s: training does not have them, and the online "+
			"store may not. No plumb serve keeps this log, or the online store does not take them",
			english.Plural(int(rows), "pushed row waits", "pushed rows wait"),
			value.FormatInstant(feature.Instant(status.GetWaitingSinceMicros()))))
	}
	return problems
}

func instantOrNil(micros *int64) *string {
	if micros == nil {
		return nil
	}
	return new(value.FormatInstant(feature.Instant(*micros)))
}
