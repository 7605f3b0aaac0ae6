package auditlog_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/audit/auditlog"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/hostiletest"
)

var fileLimit = hostiletest.Limit{Allocated: 256 << 20, Time: 30 * time.Second}

// readAnything reads content as a log: it can be read, or the error says what is wrong with it.
func readAnything(t *testing.T, content []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "log.parquet")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	fileLimit.Within(t, content, func(ctx context.Context) {
		err := readLog(ctx, path)
		if _, input := errors.AsType[*fault.InputError](err); err != nil && !input &&
			!errors.Is(err, fault.ErrNewer) {
			t.Errorf("got %v", err)
		}
	})
}

func readLog(ctx context.Context, path string) error {
	file, err := auditlog.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(file.Read(ctx, func(arrow.RecordBatch) error { return nil }), file.Close())
}

func sampleLog(t testing.TB) []byte {
	content, err := os.ReadFile("testdata/format_1/test/2026-03-01/00001772366400000005-99e5e57e-1.parquet")
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// FuzzLog reads anything as an audit log.
func FuzzLog(f *testing.F) {
	f.Add(sampleLog(f))
	f.Fuzz(readAnything)
}

func TestDamagedLogsAreRefusedWithinTheirLimit(t *testing.T) {
	whole := sampleLog(t)
	for n := range 2_000 {
		readAnything(t, hostiletest.Mutation(whole, n))
	}
}
