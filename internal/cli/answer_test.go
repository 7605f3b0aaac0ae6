package cli

import (
	"testing"
)

func TestATableShowsTextThatCanBeReadAsItIsAndTellsNullApart(t *testing.T) {
	for want, value := range map[string]any{
		"-":        nil,
		`"-"`:      "-",
		`""`:       "",
		"é b":      "é b",
		`"a\tb"`:   "a\tb",
		"1.5":      1.5,
		`[1,null]`: []any{1, nil},
	} {
		if got := cell(value); got != want {
			t.Errorf("%v is shown as %s, want %s", value, got, want)
		}
	}
}

func TestAFreshnessIsSaidInItsLargestUnits(t *testing.T) {
	for seconds, want := range map[float64]string{
		-1: "0s", 0.5: "0s", 59: "59s", 61: "1m1s", 3600: "1h0m", 86399: "23h59m", 86400: "1d0h", 200000: "2d7h",
		9223372036854.775807: "106751991d4h", // The greatest number of microseconds.
	} {
		if got := age(seconds); got != want {
			t.Errorf("%v s are shown as %s, want %s", seconds, got, want)
		}
	}
}
