package server_test

import (
	"context"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/redistest"
	"github.com/plumbstore/plumb/internal/server"
	"github.com/plumbstore/plumb/store/redis"
)

func TestCallsBeyondTheLimitAreRefusedAtOnceAndTheOthersAnswered(t *testing.T) {
	online := &hooked{Store: openSQLite(t)}
	r := startShops(t, func(c *server.Config) { c.Online, c.MaxConcurrent = online, 2 })
	entered, release := online.holdReads()
	first, second := r.call(t.Context()), r.call(t.Context())
	<-entered
	<-entered
	err := r.failure(anyLookup)
	if status.Code(err) != codes.ResourceExhausted || !strings.Contains(err.Error(), "serving.max_concurrent") {
		t.Errorf("want ResourceExhausted that names the setting, got %v", err)
	}
	push := pushPrices([]string{"a"}, []feature.Instant{ago(0)}, []float64{1}, "x")
	if _, err := r.client.Push(t.Context(), push); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("a push: want ResourceExhausted, got %v", err)
	}
	release()
	for _, outcome := range []<-chan error{first, second} {
		if err := <-outcome; err != nil {
			t.Errorf("a call within the limit failed: %v", err)
		}
	}
	r.get(anyLookup) // There is room again.
}

// The deadline of a call ends its wait for Redis, and the call after it is answered.
func TestADeadlineIsHonouredDownToRedis(t *testing.T) {
	cache := redistest.Start(t)
	online := must(redis.Open(t.Context(), cache.URL))(t)
	t.Cleanup(func() { online.Close() })
	r := startShops(t, func(c *server.Config) { c.Online, c.Timeout = online, time.Minute })
	r.write(r.view("price"), row(ago(0), []any{"a"}, 1.0, "x"))
	r.get(anyLookup)
	direct := goredis.NewClient(&goredis.Options{Addr: cache.Address})
	t.Cleanup(func() { direct.Close() })
	if err := direct.ClientPause(t.Context(), time.Hour).Err(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := <-r.call(ctx); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("while Redis is paused: want DeadlineExceeded, got %v", err)
	}
	cache.Restart()
	if got := r.get(anyLookup)["euros"][0].Value; got != 1.0 {
		t.Errorf("after the pause: got %v, want 1", got)
	}
}
