package pushlog_test

import (
	"testing"
	"time"

	"github.com/plumbstore/plumb/store/pushlog"
)

func TestARowIsPendingUntilTheWriteAheadFileOfItsTimeIsRolled(t *testing.T) {
	c, folder := newClock(), t.TempDir()
	first := c.now
	expect := func(accepted time.Time, want bool, when string) {
		t.Helper()
		if got, err := pushlog.Pending(folder, accepted); err != nil || got != want {
			t.Errorf("a row of %s is pending %s: %v, %v", accepted, when, got, err)
		}
	}
	expect(first, false, "in a log without files")
	log := open(t, folder, c)
	add(t, log, 1)
	expect(first, true, "while its file is open")
	expect(first.Add(time.Hour), true, "while an older file is open")
	expect(first.Add(-time.Hour), false, "while only a later file is open")
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	expect(first, false, "once its file is rolled")
	c.now = first.Add(time.Hour)
	log = open(t, folder, c)
	add(t, log, 2)
	expect(first, false, "while only a later file is open")
	expect(c.now, true, "while its own is")
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
}
