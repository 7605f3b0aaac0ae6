package cli

import (
	"time"

	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/store"
)

// instantLayouts are the forms of a time: RFC 3339 with a zone, without one, and a date (R1: UTC, and its midnight).
var instantLayouts = []string{time.RFC3339, "2006-01-02T15:04:05", time.DateOnly}

// instant reads the value of a flag: RFC 3339, or "now".
func (a *application) instant(flag, value string) (store.Instant, error) {
	if value == "now" {
		return store.InstantOf(a.now()), nil
	}
	for _, layout := range instantLayouts {
		if t, err := time.Parse(layout, value); err == nil {
			return store.InstantOf(t), nil
		}
	}
	return 0, registry.Inputf(flag, "%q is not a time; write it as 2013-07-04T16:00:00Z, or say now", value)
}

// shortTime is RFC 3339 with as many digits of a second's fraction as there are, at most six.
func shortTime(i store.Instant) string { return i.Time().Format(time.RFC3339Nano) }
