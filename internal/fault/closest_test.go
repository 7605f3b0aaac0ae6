package fault_test

import (
	"strings"
	"testing"

	"github.com/plumbstore/plumb/internal/fault"
)

func TestClosest_FindsWhatDiffersLeast(t *testing.T) {
	names := []string{"carrier_day", "plane", "weather", "weather_hourly"}
	for name, want := range map[string]string{
		"weather": "weather", "Weather": "weather", "wether": "weather", "weather_hour": "weather_hourly",
		"carrierday": "carrier_day", "plan": "plane", "p": "", "": "", "PLANE": "plane", "population": "",
		strings.Repeat("weather", 1_000_000): "",
	} {
		if got := fault.Closest(name, names); got != want {
			t.Errorf("closest to %.20q is %q, not %q", name, got, want)
		}
	}
	if got := fault.Closest("x", []string{"K", "TS", "X"}); got != "X" {
		t.Errorf("closest to x is %q, not X", got)
	}
}

func TestClosest_CountsCaseOnlyBetweenEquallyCloseNames(t *testing.T) {
	for name, want := range map[string]string{"x": "X", "ts": "TS", "k": "K", "Value": "value", "VALUE": "vALuE"} {
		if got := fault.Closest(name, []string{"K", "TS", "X", "vALuE", "value"}); got != want {
			t.Errorf("closest to %q is %q, not %q", name, got, want)
		}
	}
}
