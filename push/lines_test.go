package push

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/hostiletest"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// pushedView is a view whose rows are pushed.
func pushedView() *feature.View {
	return &feature.View{
		Name: "v",
		Keys: []feature.Field{{Name: "k", Type: plumbv1.Type_INT64}},
		Features: []feature.Feature{
			{Field: feature.Field{Name: "f", Type: plumbv1.Type_FLOAT64}},
			{Field: feature.Field{Name: "b", Type: plumbv1.Type_BYTES}},
			{Field: feature.Field{Name: "list", Type: plumbv1.Type_STRING_ARRAY}},
		},
		Source: &feature.Source{Name: "s", EventTimestamp: "at"},
	}
}

const pushedLines = `{"k": 1, "at": "2026-01-01T00:00:00Z", "f": 1.5, "b": "aGk=", "list": ["x", null]}
{"k": "2", "at": "2026-01-01T00:00:00.123456+01:00", "f": "NaN", "b": null, "list": []}
`

// pushLines reads content as rows to push. Rows that are wrong are refused, one by one.
func pushLines(t *testing.T, content []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rows.jsonl")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	limit := hostiletest.Limit{Allocated: 64 << 20, Time: 30 * time.Second}
	limit.Within(t, content, func(ctx context.Context) {
		err := Lines{path}.Decode(ctx, pushedView(), func(rows Rows) error {
			for _, refusal := range rows.Refused {
				if refusal.Row < 0 || refusal.Row >= int64(rows.Len()) {
					t.Errorf("row %d of %d is refused", refusal.Row, rows.Len())
				}
			}
			return nil
		})
		if err != nil {
			t.Errorf("got %v", err)
		}
	})
}

// FuzzPushedLines reads anything as a file of rows to push.
func FuzzPushedLines(f *testing.F) {
	f.Add([]byte(pushedLines))
	f.Fuzz(pushLines)
}

func TestDamagedLinesAreRefusedWithinTheirLimit(t *testing.T) {
	for n := range 2_000 {
		pushLines(t, hostiletest.Mutation([]byte(pushedLines), n))
	}
}

func TestALineOfRowsToPushIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rows.jsonl")
	content := append([]byte("{}\n"), bytes.Repeat([]byte("x"), maxLine+1)...)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	err := Lines{path}.Decode(t.Context(), pushedView(), func(Rows) error { return nil })
	if _, ok := errors.AsType[*fault.InputError](err); !ok {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err = Lines{path}.Decode(ctx, pushedView(), func(Rows) error { return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("of a push that was ended: got %v", err)
	}
}
