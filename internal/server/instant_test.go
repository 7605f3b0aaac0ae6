package server_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/server"
)

// A row that is pushed after a look-up has come and before it is read lies at an instant that the look-up's has to be
// no older than: the store has no older row any more.
func TestR2_ALookUpsInstantIsNoOlderThanWhatItReads(t *testing.T) {
	online := &hooked{Store: openSQLite(t)}
	var clock atomic.Int64
	clock.Store(int64(ago(0)))
	r := startShops(t, overHTTP, func(c *server.Config) {
		c.Online, c.Now = online, func() time.Time { return feature.Instant(clock.Load()).Time() }
	})
	r.write(r.view("price"), row(ago(time.Minute), []any{"a"}, 1.5, "before"))
	online.onRead(func(context.Context) {
		r.write(r.view("price"), row(feature.Instant(clock.Add(1)), []any{"a"}, 2.5, "pushed meanwhile"))
	})
	if got := r.get(prices(texts("shop", "a")))["euros"][0]; got.Value != 2.5 {
		t.Errorf("over gRPC a key that always had a value is %v", got)
	}
	r.expect("POST", "/v1/online-features", `{"features":["price:euros"],"keys":{"shop":["a"]},"event_timestamps":false}`,
		200, `{"rows":[{"keys":{"shop":"a"},"features":{"euros":{"value":2.5,"status":"PRESENT"}}}],"revision":1}`)
}
