package delta

import (
	"slices"
	"strings"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/source/lake"
)

// The versions of the protocol for readers: the first, the one that brought the mapping of columns, and the one that
// lists features.
const (
	withMapping  = 2
	withFeatures = 3
)

const columnMapping = "columnMapping"

// known are the features for readers that are read. Widened types need nothing here: readers of files bring each
// file's column to the type that the table has, or refuse it.
var known = []string{columnMapping, "deletionVectors", "timestampNtz", "typeWidening", "typeWidening-preview",
	"v2Checkpoint", "vacuumProtocolCheck"}

// check refuses a table that has a feature which is not known.
func (p *protocol) check() error {
	switch {
	case p.Reader < 1 || p.Reader > withFeatures:
		return fault.Inputf("", "the table has version %d of Delta's protocol for readers, and this version of Plumb "+
			"reads 1 to %d; upgrade it", p.Reader, withFeatures)
	case p.Reader < withFeatures:
		return nil
	}
	var unknown []string
	for _, feature := range p.ReaderFeatures {
		if !slices.Contains(known, feature) {
			unknown = append(unknown, lake.Shown(feature))
		}
	}
	if unknown != nil {
		return fault.Inputf("", "the table has the Delta feature %s, which this version of Plumb does not read; have the "+
			"table's engine drop it, or upgrade Plumb", strings.Join(unknown, ", "))
	}
	return nil
}

// mapsColumns says whether the table's property of the mapping counts.
func (p *protocol) mapsColumns() bool {
	return p.Reader == withMapping || p.Reader == withFeatures && slices.Contains(p.ReaderFeatures, columnMapping)
}
