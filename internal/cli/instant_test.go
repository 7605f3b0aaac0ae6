package cli

import (
	"errors"
	"testing"
	"time"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/value"
)

func TestR1_TimesAreInstantsInUTC(t *testing.T) {
	a := &application{now: func() time.Time { return time.Date(2013, 7, 4, 16, 0, 0, 999, time.UTC) }}
	for text, want := range map[string]string{
		"2013-07-04T16:00:00Z":             "2013-07-04T16:00:00Z",
		"2013-07-04T18:30:00+02:30":        "2013-07-04T16:00:00Z",
		"2013-07-04T16:00:00":              "2013-07-04T16:00:00Z",
		"2013-07-04":                       "2013-07-04T00:00:00Z",
		"2013-07-04T16:00:00.5Z":           "2013-07-04T16:00:00.5Z",
		"2013-07-04T16:00:00.123456789":    "2013-07-04T16:00:00.123456Z",
		"1969-12-31T23:59:59.9999999Z":     "1969-12-31T23:59:59.999999Z",
		"0001-01-01T00:00:00.000001+00:00": "0001-01-01T00:00:00.000001Z",
		"2013-07-04 16:00:00":              "2013-07-04T16:00:00Z",
		"2013-07-04 16:00":                 "2013-07-04T16:00:00Z",
		"2013-07-04T16:00":                 "2013-07-04T16:00:00Z",
		"2013-07-04 16:00:00.123456":       "2013-07-04T16:00:00.123456Z",
		"2013-07-04 18:30:00+02:30":        "2013-07-04T16:00:00Z",
		"2013-07-04 18:30+02:30":           "2013-07-04T16:00:00Z",
		"2013-07-04T16:00Z":                "2013-07-04T16:00:00Z",
		"now":                              "2013-07-04T16:00:00Z",
		"today":                            "2013-07-04T00:00:00Z",
		"yesterday":                        "2013-07-03T00:00:00Z",
		"-2d":                              "2013-07-02T16:00:00Z",
		"-1d12h":                           "2013-07-03T04:00:00Z",
		"-90s":                             "2013-07-04T15:58:30Z",
	} {
		got, err := a.instant("--at", text)
		if err != nil || value.FormatInstant(got) != want {
			t.Errorf("%s is %s, %v; want %s", text, value.FormatInstant(got), err, want)
		}
	}
}

func TestWhatIsNoTimeNamesTheFlagAndTheText(t *testing.T) {
	a := &application{now: func() time.Time { return time.Unix(0, 0) }}
	for _, text := range []string{"", "Now", "16:00", "2013-07-04  16:00:00", "2013-02-30T00:00:00Z", "2013-02-30 00:00",
		"2d", "-2", "--2d", "-2days", "- 2d", "-", "tomorrow", "31.03.1998", "03/31/1998", "2013-07-04 16", "1372953600"} {
		_, err := a.instant("--to", text)
		var input *fault.InputError
		if !errors.As(err, &input) || input.Field != "--to" {
			t.Errorf("%q: %v", text, err)
		}
	}
}
