package feature_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/plumbstore/plumb/feature"
)

func TestDurationsAreReadExactly(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"90s":                90 * time.Second,
		"6h":                 6 * time.Hour,
		"7d":                 7 * 24 * time.Hour,
		"1d12h":              36 * time.Hour,
		"1d2h3m4s5ms6us":     26*time.Hour + 3*time.Minute + 4*time.Second + 5006*time.Microsecond,
		"1.5h":               90 * time.Minute,
		"0.000001s":          time.Microsecond,
		"1us":                time.Microsecond,
		"0s":                 0,
		"106751d":            106751 * 24 * time.Hour,
		"9223372036854775us": 9223372036854775 * time.Microsecond,
	} {
		got, err := feature.ParseDuration(text)
		if err != nil || got != want {
			t.Errorf("%s is %v, %v; want %v", text, got, err, want)
		}
	}
}

func TestWrongDurationsAreRefusedWithTheValidForms(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "90s, 6h, 7d or 1d12h",
		"3":                             "90s, 6h, 7d or 1d12h",
		"-1h":                           "90s, 6h, 7d or 1d12h",
		"1 h":                           "90s, 6h, 7d or 1d12h",
		"1H":                            "90s, 6h, 7d or 1d12h",
		"1w":                            "90s, 6h, 7d or 1d12h",
		"12h1d":                         "90s, 6h, 7d or 1d12h",
		"1h1h":                          "90s, 6h, 7d or 1d12h",
		"1.h":                           "90s, 6h, 7d or 1d12h",
		"1e3s":                          "90s, 6h, 7d or 1d12h",
		"100ns":                         "90s, 6h, 7d or 1d12h",
		"1.5us":                         "whole number of microseconds",
		"0.0000001s":                    "whole number of microseconds",
		"106752d":                       "106751 days",
		"9223372036854776us":            "106751 days",
		strings.Repeat("9", 5000) + "s": "106751 days",
	} {
		if got, err := feature.ParseDuration(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20s gives %v, %v; want an error with %q", text, got, err, want)
		}
	}
}

func TestDurationsAreWrittenShort(t *testing.T) {
	for want, duration := range map[string]time.Duration{
		"3h":      3 * time.Hour,
		"1d12h":   36 * time.Hour,
		"1m30s":   90 * time.Second,
		"1s500ms": 1500 * time.Millisecond,
		"1us":     time.Microsecond,
		"1d1us":   24*time.Hour + time.Microsecond,
	} {
		if got, err := feature.FormatDuration(duration); err != nil || got != want {
			t.Errorf("%v is written %q, %v; want %q", duration, got, err, want)
		}
	}
	for _, duration := range []time.Duration{0, -time.Second, time.Nanosecond} {
		if got, err := feature.FormatDuration(duration); err == nil {
			t.Errorf("%v is written %q; it should be refused", duration, got)
		}
	}
}

func TestDurationsReadBackAsTheyWereWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := time.Duration(rapid.Int64Range(1, 9223372036854775).Draw(t, "us")) * time.Microsecond
		text, err := feature.FormatDuration(want)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := feature.ParseDuration(text); err != nil || got != want {
			t.Fatalf("%v is written %s and read as %v, %v", want, text, got, err)
		}
	})
}
