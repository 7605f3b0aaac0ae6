package cli

import (
	"bytes"
	"testing"

	"github.com/plumbstore/plumb/internal/printable"
	"github.com/plumbstore/plumb/store/online"
)

func TestTheSettingsOfAServerAreAdvisedWithWhatTheyChange(t *testing.T) {
	const (
		larger = "\nRedis keeps 3 of 10 entities that were looked at in a larger form than necessary.\n" +
			"In the compact form they would take about 25% less memory.\n"
		searched = "\nRedis keeps 2 of 10 entities that were looked at in the compact form, though they have many\n" +
			"rows. In the larger form look-ups of them would take less time.\n"
		until = " It applies to entities that are written from then on.\n"
	)
	for want, storage := range map[string]online.Storage{
		"": {},
		"\nRedis keeps the rows in their compact form.\n":               {Entities: 10, Compact: 10},
		"\nRedis keeps the rows in the form that suits their number.\n": {Entities: 10, Compact: 8},
		larger + "The server setting for that: value 64." + until: {Entities: 10, Compact: 7, Larger: 3, Bytes: 400,
			CompactBytes: 300, Settings: []string{"value 64"}},
		searched + "The server setting for that: entries 64." + until: {Entities: 10, Compact: 10, Searched: 2,
			Settings: []string{"entries 64"}},
		larger + searched + "The server setting for that: a and b." + until: {Entities: 10, Compact: 7, Larger: 3,
			Searched: 2, Bytes: 4, CompactBytes: 3, Settings: []string{"a", "b"}},
	} {
		var out bytes.Buffer
		if err := writeStorage(printable.To(&out), &storage); err != nil || out.String() != want {
			t.Errorf("of %+v is said %q, %v; want %q", storage, out.String(), err, want)
		}
	}
}
