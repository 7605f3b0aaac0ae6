package cli

import (
	"strings"
	"time"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
)

// timeForms says in a flag's help what instant reads.
const timeForms = "such as 2013-07-04T16:00:00Z, 2013-07-04, now, yesterday or -2d"

// instant reads the value of a flag: a time, or one that is relative to now.
func (a *application) instant(flag, value string) (feature.Instant, error) {
	if at, ok := feature.ParseInstant(value); ok {
		return at, nil
	}
	if at, ok := relativeTime(value, a.now()); ok {
		return feature.InstantOf(at), nil
	}
	return 0, fault.Inputf(flag, "%q is not a time; write it as 2013-07-04T16:00:00Z, \"2013-07-04 16:00\" (UTC) or "+
		"2013-07-04, or say now, today, yesterday or -2d", value)
}

// relativeTime reads now, today and yesterday, which are their midnights (R1), and a duration before now, such as -2d.
func relativeTime(value string, now time.Time) (time.Time, bool) {
	year, month, day := now.UTC().Date()
	switch value {
	case "now":
		return now, true
	case "today":
		return time.Date(year, month, day, 0, 0, 0, 0, time.UTC), true
	case "yesterday":
		return time.Date(year, month, day-1, 0, 0, 0, 0, time.UTC), true
	}
	length, ok := strings.CutPrefix(value, "-")
	if !ok {
		return time.Time{}, false
	}
	before, err := feature.ParseDuration(length)
	return now.Add(-before), err == nil
}
