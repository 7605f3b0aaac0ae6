package sourcefiles

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
)

func TestBracesAreBounded(t *testing.T) {
	finder := fileTree(t, []string{"data/a.parquet"}, nil)
	many := feature.Files{Path: "data/" + strings.Repeat("{a,b}", 25) + "/*.parquet"}
	_, err := finder.Find(t.Context(), &feature.Source{Kind: many}, nil)
	if _, ok := errors.AsType[*fault.InputError](err); !ok ||
		!strings.Contains(err.Error(), "stand for more than 1000 paths") {
		t.Errorf("got %v, want an input error", err)
	}
	for pattern, want := range map[string]int{
		"a": 1, "{a,b}": 2, "{a,b}{c,d}": 4, "{a,{b,c}}": 3, `\{a,b}`: 1, "{a,b}{c,{d,e}f}": 6,
	} {
		if got := alternatives(pattern); got != want {
			t.Errorf("%s stands for %d, want %d", pattern, got, want)
		}
	}
}

func TestAWalkEndsWithItsContext(t *testing.T) {
	finder := fileTree(t, []string{"data/a.parquet"}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	source := &feature.Source{Kind: feature.Files{Path: "data/**/*.parquet"}}
	if _, err := finder.Find(ctx, source, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
