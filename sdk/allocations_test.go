//go:build !race

package plumb

import (
	"fmt"
	"testing"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// The allocations of an answer do not grow with its columns, once the first answer has set their names.
func TestAnAnswerAllocatesNothingForEachColumn(t *testing.T) {
	for _, columns := range []int{10, 250} {
		response := &plumbv1.GetOnlineFeaturesResponse{}
		for i := range columns {
			response.Columns = append(response.Columns, &plumbv1.FeatureColumn{
				Name: fmt.Sprint("feature", i), Values: pack([]float64{1.5}), Statuses: []byte{byte(Present)},
			})
		}
		reply, known := wire(t, response), new(layouts)
		allocations := testing.AllocsPerRun(100, func() {
			if f, err := newFeatures(reply, known, "service"); err != nil || f.Len() != 1 {
				t.Fatal("the answer is broken", err)
			}
		})
		if t.Logf("%d columns: %v allocations", columns, allocations); allocations > 5 {
			t.Errorf("%d columns: %v allocations, want at most 5", columns, allocations)
		}
	}
}
