package packed_test

import (
	"math"
	"testing"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/store/packed"
)

func TestAnOriginIsARunOrAPushOrUnknown(t *testing.T) {
	for _, c := range []struct {
		name   string
		origin packed.Origin
		run    int64
		pushed feature.Instant
	}{
		{"a run", packed.RunOrigin(7), 7, 0},
		{"the greatest run", packed.RunOrigin(math.MaxInt64), math.MaxInt64, 0},
		{"no run", packed.RunOrigin(-7), 0, 0},
		{"a push", packed.PushOrigin(1357020000000000), 0, 1357020000000000},
		{"the latest push", packed.PushOrigin(math.MaxInt64), 0, math.MaxInt64},
		{"a push by a clock before the epoch", packed.PushOrigin(-1), 0, 0},
		{"unknown", 0, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			if run, ok := c.origin.Run(); ok != (c.run != 0) || ok && run != c.run {
				t.Errorf("run is %d, %t, want %d", run, ok, c.run)
			}
			if pushed, ok := c.origin.Pushed(); ok != (c.pushed != 0) || ok && pushed != c.pushed {
				t.Errorf("pushed is %d, %t, want %d", pushed, ok, c.pushed)
			}
		})
	}
}
