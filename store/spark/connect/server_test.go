package connect_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store/spark/connect"
	"github.com/plumbstore/plumb/store/spark/sparktest"
)

// These tests have a server of their own, with settings of its own, which does not outlive them.
func TestAServerOfItsOwn(t *testing.T) {
	const token = "a token that no output may have"
	server := sparktest.Start(t, "spark.connect.authenticate.token="+token,
		"spark.connect.execute.reattachable.senderMaxStreamDuration=300ms",
		"spark.connect.execute.reattachable.senderMaxStreamSize=2m")
	gateway := sparktest.Through(t, server, nil)
	right := connect.Config{Remote: gateway.Remote, Token: token}
	t.Run("lets nobody in without its token", func(t *testing.T) {
		for _, c := range []connect.Config{{Remote: gateway.Remote}, {Remote: gateway.Remote, Token: "another"},
			{Remote: gateway.Remote + "/;token=another"}} {
			_, err := connect.Dial(t.Context(), c)
			if _, refused := errors.AsType[*fault.RefusedError](err); !refused {
				t.Errorf("with the token %q: %v", c.Token, err)
			}
		}
		dial(t, connect.Config{Remote: gateway.Remote + "/;token=a%20token%20that%20no%20output%20may%20have"})
	})
	t.Run("ends each stream early, and is asked for the rest", func(t *testing.T) {
		s := dial(t, right)
		reattached := func(work func()) int {
			before := len(gateway.Calls())
			work()
			return len(slices.DeleteFunc(gateway.Calls()[before:], func(call string) bool { return call != "ReattachExecute" }))
		}
		ofSize := reattached(func() {
			rows, err := s.Query(t.Context(), many)
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := count(t, rows, nil); got != 1_000_000 {
				t.Errorf("%d rows", got)
			}
		})
		ofTime := reattached(func() {
			if got := one(t, s, "SELECT sum(id % 7) >= 0 FROM range(0, 1000000000, 1, 1)"); got != "true" {
				t.Error(got)
			}
		})
		if ofSize < 3 || ofTime < 3 {
			t.Errorf("%d streams were continued for their size, %d for their time", ofSize, ofTime)
		}
	})
	t.Run("is killed in mid-query", func(t *testing.T) {
		c := right
		c.Patience = time.Second
		s := dial(t, c)
		progress, running := watch()
		go func() {
			<-running
			server.Kill()
		}()
		isUnavailable(t, s.Watched(progress).Run(t.Context(), endless))
		isUnavailable(t, s.Run(t.Context(), "SELECT 1"))
	})
}
