package cli

import (
	"github.com/plumbstore/plumb/internal/document"
	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/store"
)

// instant reads the value of a flag: RFC 3339, or "now".
func (a *application) instant(flag, value string) (store.Instant, error) {
	if value == "now" {
		return store.InstantOf(a.now()), nil
	}
	at, ok := document.ParseInstant(value)
	if !ok {
		return 0, registry.Inputf(flag, "%q is not a time; write it as 2013-07-04T16:00:00Z, or say now", value)
	}
	return at, nil
}
