package main_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

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
