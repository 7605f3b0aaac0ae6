package materialize_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/materialize"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/storetest"
)

// A recorded end beyond the clock is reported, since rows would otherwise be left out until that time comes.
func TestR5_AnEndBeyondTheClockIsAnErrorWithAWayBack(t *testing.T) {
	onStores(t, func(t *testing.T, store online.Store) {
		p := newProject(t, price{"a", at(8), nil, 1.0})
		ahead := p.Materializer(store, func(c *materialize.Config) { c.Now = at(12 + 24*365).Time })
		must(ahead.Run(t.Context(), p.View("price"), materialize.Request{To: at(12 + 24*365)}))(t)
		p.Write(price{"a", at(8), nil, 1.0}, price{"a", at(9), nil, 2.0})
		_, err := p.Materializer(store).Run(t.Context(), p.View("price"), materialize.Request{To: at(12)})
		var told *fault.PreconditionError
		if !errors.As(err, &told) || !strings.Contains(told.Message, "plumb materialize --view price --full --to now") {
			t.Fatalf("error is %v", err)
		}
		p.Run(store, materialize.Request{To: at(12), Full: true})
		if got := p.Look(store, at(12), "a"); !sameCells(got, []storetest.Cell{present(2, at(9))}) {
			t.Errorf("after --full online has %v", got)
		}
		p.Run(store, materialize.Request{To: at(12)})
	})
}

// Two machines whose clocks are a little apart are no fault.
func TestR5_ClocksThatAreALittleApartAreNoFault(t *testing.T) {
	p := newProject(t, price{"a", at(8), nil, 1.0})
	online := openSQLite(t, filepath.Join(t.TempDir(), "online.db"))
	ahead := p.Materializer(online, func(c *materialize.Config) { c.Now = noon.Add(5 * time.Second).UTC })
	must(ahead.Run(t.Context(), p.View("price"), materialize.Request{To: feature.InstantOf(noon.Add(5 * time.Second))}))(t)
	p.Run(online, materialize.Request{To: at(12)})
}
