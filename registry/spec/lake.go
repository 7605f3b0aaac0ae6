package spec

import (
	"cmp"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// checkTable refuses a time that is none.
func (c *checker) checkTable(source *plumbv1.Source) {
	asOf := cmp.Or(source.GetIceberg().GetAsOf(), source.GetDelta().GetAsOf())
	if asOf == "" {
		return
	}
	at := path{"iceberg", "as_of"}
	if source.GetDelta() != nil {
		at[0] = "delta"
	}
	if _, ok := feature.ParseInstant(asOf); !ok {
		c.add(source, at, "%q is not a time; write one such as 2013-07-03T20:00:00Z", asOf)
	}
}
