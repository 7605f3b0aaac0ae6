package push_test

import (
	"errors"
	"testing"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/push"
)

func TestAViewWithAggregationsTakesNoPushes(t *testing.T) {
	err := push.Admit(&feature.View{Name: "spend", Kind: feature.Windows, Online: true})
	const want = "view spend has aggregations and takes no pushes: it computes its features from the rows of its source"
	if _, ok := errors.AsType[*fault.PreconditionError](err); !ok || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if err := push.Admit(&feature.View{Name: "plane"}); err != nil {
		t.Errorf("a view of features: %v", err)
	}
}
