package arrowipc_test

import (
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/internal/arrowipc"
)

// FuzzArrow reads anything as an Arrow file or stream.
func FuzzArrow(f *testing.F) {
	for _, content := range samples(f) {
		f.Add(content)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		used := allocated(func() {
			_, _ = read(t, content, testLimit, func(batch arrow.RecordBatch) { _ = arrowipc.WrittenOut(batch) })
		})
		if used > 256<<20+uint64(200*len(content)) {
			t.Errorf("%d bytes are asked for of %d", used, len(content))
		}
	})
}
