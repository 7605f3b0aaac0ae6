package pushlog_test

import (
	"context"
	"errors"
	"testing"

	"github.com/plumbstore/plumb/store/pushlog"
)

func TestRowsThatAreNotInAParquetFileAreCountedWhoeverHoldsTheirFile(t *testing.T) {
	folder, clock := t.TempDir(), newClock()
	if got, err := pushlog.Unrolled(t.Context(), folder); err != nil || got.Rows != 0 {
		t.Errorf("without a file: %+v, %v", got, err)
	}
	log := open(t, folder, clock)
	begun := clock.now
	add(t, log, 1, 2, 3)
	add(t, log, 4)
	got, err := pushlog.Unrolled(t.Context(), folder)
	if err != nil || got.Rows != 4 || !got.Since.Equal(begun) {
		t.Errorf("got %+v, %v, want 4 rows since %s", got, err, begun)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := pushlog.Unrolled(canceled, folder); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled, the count gives %v", err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := pushlog.Unrolled(t.Context(), folder); err != nil || got.Rows != 0 {
		t.Errorf("once the file is rolled: %+v, %v", got, err)
	}
}
