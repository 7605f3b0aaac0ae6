package feature

import "time"

// Instant is a UTC instant in microseconds since 1970-01-01T00:00:00Z (R1).
type Instant int64

// InstantOf floors t to the microsecond.
func InstantOf(t time.Time) Instant { return Instant(t.UnixMicro()) }

// Time returns the instant as a time in UTC.
func (i Instant) Time() time.Time { return time.UnixMicro(int64(i)).UTC() }

// String is RFC 3339 with microseconds.
func (i Instant) String() string { return i.Time().Format("2006-01-02T15:04:05.000000Z07:00") }
