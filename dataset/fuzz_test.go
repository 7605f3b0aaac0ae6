package dataset

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/hostiletest"
)

var manifestLimit = hostiletest.Limit{Allocated: 256 << 20, Time: 30 * time.Second}

// parseAnything reads text as a manifest: it is one that can be written again, or the error says what is wrong.
func parseAnything(t *testing.T, text []byte) {
	t.Helper()
	manifestLimit.Within(t, text, func(context.Context) {
		manifest, err := Parse(text)
		if manifest == nil || err != nil && !errors.Is(err, ErrEdited) {
			return
		}
		_ = manifest.contradiction()
		_ = Compare(manifest, sample())
		if _, err := Differences(manifest, sample()); err != nil {
			t.Errorf("it cannot be compared: %v", err)
		}
	})
}

// findAnything finds the manifest within content, which has the name of a training set.
func findAnything(t *testing.T, name string, content []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	manifestLimit.Within(t, content, func(context.Context) {
		_, err := Find(path)
		if _, input := errors.AsType[*fault.InputError](err); err != nil && !input {
			t.Errorf("got %v", err)
		}
	})
}

// FuzzManifest reads anything as a manifest, beside a training set and within one.
func FuzzManifest(f *testing.F) {
	f.Add(marshalled(f, sample()))
	f.Fuzz(func(t *testing.T, text []byte) {
		parseAnything(t, text)
		findAnything(t, "out.parquet"+Suffix, text)
		findAnything(t, "out.parquet", text)
		findAnything(t, "out.arrow", text)
	})
}

func TestAManifest_ThatIsDamagedIsRefusedWithinItsLimit(t *testing.T) {
	whole := marshalled(t, sample())
	for n := range 2_000 {
		parseAnything(t, hostiletest.Mutation(whole, n))
	}
}
