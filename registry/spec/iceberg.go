package spec

import (
	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// checkIceberg refuses a time that is none.
func (c *checker) checkIceberg(source *plumbv1.Source) {
	asOf := source.GetIceberg().GetAsOf()
	if asOf == "" {
		return
	}
	if _, ok := feature.ParseInstant(asOf); !ok {
		c.add(source, path{"iceberg", "as_of"}, "%q is not a time; write one such as 2013-07-03T20:00:00Z", asOf)
	}
}
