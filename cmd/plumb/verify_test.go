package main_test

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbstore/plumb/internal/redistest"
)

// What a verification writes to a Redis that others use is removed, and nothing else is (R16).
func TestCtrlCAtAnyPointOfAVerificationLeavesNothingBehind(t *testing.T) {
	l := large{filepath.Join(t.TempDir(), "flights"), t.TempDir()}
	initialize := l.command("init", l.folder)
	initialize.Dir = t.TempDir()
	if output, err := initialize.CombinedOutput(); err != nil {
		t.Fatalf("plumb init: %v\n%s", err, output)
	}
	redis := redistest.Start(t)
	client := redis.Client(t)
	if err := client.Set(t.Context(), "another's", "value", 0).Err(); err != nil {
		t.Fatal(err)
	}
	before := files(t, l.folder)
	args := []string{"verify", "--plan", "--rows", "20", "--store", redis.URL}
	check := func() {
		t.Helper()
		if left := files(t, l.temp); len(left) > 0 {
			t.Errorf("the temporary folder holds %q", left)
		}
		if after := files(t, l.folder); !slices.Equal(after, before) {
			t.Errorf("the project holds %q, and held %q", after, before)
		}
		keys, err := client.Keys(t.Context(), "*").Result()
		if err != nil || !slices.Equal(keys, []string{"another's"}) {
			t.Errorf("the store holds %q, %v", keys, err)
		}
	}
	rounds(t, func(ticks int) bool {
		defer check()
		return l.interrupt(t, ticks, args...)
	})
	output, err := l.command(args...).CombinedOutput()
	if err != nil || !strings.Contains(string(output), "Passed: training and serving agree on all of them.") {
		t.Errorf("a run that is left alone: %v\n%s", err, output)
	}
	check()
}

// A Redis and the embedded store are one and the same to a verification, with windows and on-demand views too: all of
// its counts are equal, and neither keeps anything.
func TestAVerificationOverRedisFindsWhatOneOverTheEmbeddedStoreFinds(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "flights")
	l := large{folder, t.TempDir()}
	initialize := l.command("init", folder)
	initialize.Dir = t.TempDir()
	if output, err := initialize.CombinedOutput(); err != nil {
		t.Fatalf("plumb init: %v\n%s", err, output)
	}
	redis := redistest.Start(t)
	reports := map[string]map[string]any{}
	for _, store := range []string{"embedded", redis.URL} {
		command := l.command("verify", "--plan", "--rows", "40", "--output", "json", "--store", store)
		output, err := command.Output()
		if err != nil {
			t.Fatalf("%s: %v\n%s", store, err, output)
		}
		var report map[string]any
		if err := json.Unmarshal(output, &report); err != nil {
			t.Fatal(err)
		}
		delete(report, "seconds")
		reports[store] = report
	}
	if diff := cmp.Diff(reports["embedded"], reports[redis.URL]); diff != "" {
		t.Errorf("(-embedded +Redis):\n%s", diff)
	}
	var names []any
	for _, target := range reports[redis.URL]["targets"].([]any) {
		names = append(names, target.(map[string]any)["name"])
	}
	for _, name := range []string{"delay_model_windows", "departures", "flights"} {
		if !slices.Contains(names, any(name)) {
			t.Errorf("%s is not among %v, which were verified", name, names)
		}
	}
	if keys, err := redis.Client(t).Keys(t.Context(), "*").Result(); err != nil || len(keys) > 0 {
		t.Errorf("the store still holds %q, %v", keys, err)
	}
}
