package feature_test

import (
	"testing"
	"time"

	"github.com/plumbstore/plumb/feature"
)

func TestR1_TextsOfTimesAreInstantsInUTC(t *testing.T) {
	for text, want := range map[string]string{
		"2013-07-04T16:00:00Z":          "2013-07-04T16:00:00Z",
		"2013-07-04T18:30:00+02:30":     "2013-07-04T16:00:00Z",
		"2013-07-04T16:00:00":           "2013-07-04T16:00:00Z",
		"2013-07-04T16:00:00.123456789": "2013-07-04T16:00:00.123456Z",
		"1969-12-31T23:59:59.9999999Z":  "1969-12-31T23:59:59.999999Z",
		"2013-07-04T16:00":              "2013-07-04T16:00:00Z",
		"2013-07-04T16:00Z":             "2013-07-04T16:00:00Z",
		"2013-07-04 16:00:00":           "2013-07-04T16:00:00Z",
		"2013-07-04 18:30:00+02:30":     "2013-07-04T16:00:00Z",
		"2013-07-04 16:00":              "2013-07-04T16:00:00Z",
		"2013-07-04 18:30+02:30":        "2013-07-04T16:00:00Z",
		"2013-07-04":                    "2013-07-04T00:00:00Z",
	} {
		got, ok := feature.ParseInstant(text)
		if spelled := got.Time().Format(time.RFC3339Nano); !ok || spelled != want {
			t.Errorf("%q is %s, %t, want %s", text, spelled, ok, want)
		}
	}
	for _, text := range []string{"", "16:00", "2013-07-04  16:00:00", "2013-02-30", "2013-02-30 00:00", "31.03.1998",
		"2013-07-04 16", "1372953600"} {
		if got, ok := feature.ParseInstant(text); ok {
			t.Errorf("%q is taken for %s", text, got)
		}
	}
}
