package native

import (
	"strings"
	"testing"
)

func TestADriverWithoutItsConnectionIsAnError(t *testing.T) {
	for _, other := range []any{nil, 7, struct{ conn int }{1}, &struct{ db int }{1}} {
		if _, err := Of(other); err == nil || !strings.Contains(err.Error(), "has changed") {
			t.Errorf("%T: got error %v, want one that says what has changed", other, err)
		}
	}
}
