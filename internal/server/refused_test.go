package server_test

import (
	"strings"
	"testing"

	goredis "github.com/redis/go-redis/v9"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/plumbstore/plumb/internal/redistest"
	"github.com/plumbstore/plumb/internal/server"
	"github.com/plumbstore/plumb/store/redis"
)

// If Redis refuses, the client gets advice on what to do, and not a report that something is wrong with the server.
func TestARedisThatRefusesIsAFailedPreconditionWithItsAdvice(t *testing.T) {
	cache := redistest.Start(t)
	online := must(redis.Open(t.Context(), cache.URL))(t)
	t.Cleanup(func() { online.Close() })
	r := startShops(t, func(c *server.Config) { c.Online = online })
	r.write(r.view("price"), row(ago(0), []any{"a"}, 1.0, "x"))
	r.get(anyLookup)
	direct := goredis.NewClient(&goredis.Options{Addr: cache.Address})
	t.Cleanup(func() { direct.Close() })
	if err := direct.Do(t.Context(), "ACL", "SETUSER", "default", "-mget", "-get").Err(); err != nil {
		t.Fatal(err)
	}
	found := status.Convert(r.failure(anyLookup))
	if found.Code() != codes.FailedPrecondition || !strings.HasPrefix(found.Message(), "the online store refuses: ") {
		t.Fatalf("got %v", found)
	}
	for _, detail := range found.Details() {
		failure, ok := detail.(*errdetails.PreconditionFailure)
		if !ok || len(failure.GetViolations()) != 1 || failure.GetViolations()[0].GetType() != "STORE" ||
			!strings.HasSuffix(found.Message(), failure.GetViolations()[0].GetDescription()) {
			t.Errorf("got %v", detail)
		}
	}
	if len(found.Details()) != 1 {
		t.Errorf("got %d details", len(found.Details()))
	}
}
