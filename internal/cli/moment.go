package cli

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/plumbstore/plumb/store/offline"
)

// moment is how far a piece of work is.
type moment struct {
	offline.Progress
	elapsed time.Duration
	// left is an estimate of the time that it still takes, or 0 if there is none.
	left time.Duration
}

// String says it in words: reading view weather: 8.4M of 20M rows, 42%, 3s, about 4s left.
func (m moment) String() string {
	var parts []string
	switch {
	case m.Total > 0:
		done := min(max(m.Rows, 0), m.Total)
		percent := int(100 * float64(done) / float64(m.Total))
		parts = append(parts, shortCount(m.Rows)+" of "+shortCount(m.Total)+" rows", fmt.Sprintf("%d%%", percent))
	case m.Rows > 0:
		parts = append(parts, shortCount(m.Rows)+" rows")
	}
	parts = append(parts, shortDuration(m.elapsed))
	if m.left > 0 {
		parts = append(parts, "about "+shortDuration(m.left)+" left")
	}
	separator := ": "
	if len(parts) == 1 { // The time alone.
		separator = ", "
	}
	return m.Step + separator + strings.Join(parts, ", ")
}

// progressDocument is a moment for programs.
type progressDocument struct {
	Progress struct {
		Step    string  `json:"step"`
		Rows    int64   `json:"rows"`
		Total   int64   `json:"total"`
		Seconds float64 `json:"seconds"`
	} `json:"progress"`
}

func (m moment) document() progressDocument {
	var document progressDocument
	document.Progress.Step, document.Progress.Rows, document.Progress.Total = m.Step, m.Rows, m.Total
	document.Progress.Seconds = math.Round(m.elapsed.Seconds()*10) / 10
	return document
}

// rate is the basis of an estimate: the point at which counting began for the rows of the current piece of work.
//
// Steps differ in their speed, as reading a source and writing a result do. So each piece of work is measured by
// itself, from the first report that has a total.
type rate struct {
	counting bool
	rows     int64
	at       time.Time
	// latest is how many rows were done last.
	latest int64
}

// start notes the point at which counting begins. A new piece of work begins if there is nothing to count, or if fewer
// rows are done than before. The rate of the previous piece says nothing about it.
func (r *rate) start(next offline.Progress, now time.Time) {
	switch {
	case next.Total == 0:
		*r = rate{}
	case !r.counting || next.Rows < r.latest:
		*r = rate{true, next.Rows, now, next.Rows}
	default:
		r.latest = next.Rows
	}
}

// left estimates the time until all rows are done from the rows so far. It is 0, no estimate, in the first second and
// before a hundredth of the rows is done, which bounds it to a hundred times what the work has taken.
func (r *rate) left(latest offline.Progress, now time.Time) time.Duration {
	taken, done := now.Sub(r.at), latest.Rows-r.rows
	if !r.counting || taken < time.Second || done <= 0 || latest.Rows >= latest.Total ||
		float64(done) < float64(latest.Total)/100 {
		return 0
	}
	return time.Duration(float64(taken) * float64(latest.Total-latest.Rows) / float64(done))
}

// shortCount writes a count with three digits or so: 950, 8.4M, 20M, 123M.
func shortCount(count int64) string {
	if count < 10_000 {
		return fmt.Sprint(count)
	}
	value, unit := float64(count)/1000, 0
	for ; value >= 999.5 && unit < 3; unit++ {
		value /= 1000
	}
	if value >= 99.95 {
		return fmt.Sprintf("%.0f%c", value, "KMGT"[unit])
	}
	return strings.TrimSuffix(fmt.Sprintf("%.1f", value), ".0") + "KMGT"[unit:unit+1]
}

// shortDuration writes whole seconds: 3s, 2m05s, 1h00m.
func shortDuration(d time.Duration) string {
	seconds := int64(d.Round(time.Second) / time.Second)
	switch {
	case seconds < 60:
		return fmt.Sprintf("%ds", seconds)
	case seconds < 3600:
		return fmt.Sprintf("%dm%02ds", seconds/60, seconds%60)
	}
	return fmt.Sprintf("%dh%02dm", seconds/3600, seconds%3600/60)
}
