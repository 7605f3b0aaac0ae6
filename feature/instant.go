package feature

import (
	"strings"
	"time"
)

// Instant is a UTC instant in microseconds since 1970-01-01T00:00:00Z (R1).
type Instant int64

// InstantOf floors t to the microsecond.
func InstantOf(t time.Time) Instant { return Instant(t.UnixMicro()) }

// Time returns the instant as a time in UTC.
func (i Instant) Time() time.Time { return time.UnixMicro(int64(i)).UTC() }

// String is RFC 3339 with microseconds.
func (i Instant) String() string { return i.Time().Format("2006-01-02T15:04:05.000000Z07:00") }

// instantLayouts are the forms of a time: RFC 3339, also with a space for the T, without seconds or without a zone, and
// a date (R1: UTC, and its midnight).
var instantLayouts = []string{
	time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00", "2006-01-02T15:04",
	"2006-01-02 15:04:05Z07:00", time.DateTime, "2006-01-02 15:04Z07:00", "2006-01-02 15:04", time.DateOnly,
}

// ParseInstant reads a time; ok is false for text that is none. It is how people and programs write times to the
// product: in flags, in requests over HTTP, and in rows that are pushed. For one space in a layout, time.Parse takes
// several.
func ParseInstant(text string) (at Instant, ok bool) {
	if strings.Contains(text, "  ") {
		return 0, false
	}
	for _, layout := range instantLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			return InstantOf(t), true
		}
	}
	return 0, false
}
