package server_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/plumbstore/plumb/internal/server"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/online"
)

// tally counts on one side of the calls that many clients make.
type tally struct {
	sent, answered atomic.Int64

	mutex sync.Mutex
	lost  []error
}

func (t *tally) lose(doing string, err error) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.lost = append(t.lost, fmt.Errorf("%s: %w", doing, err))
}

// counted is a store that counts the look-ups that it answers.
type counted struct {
	online.Store
	reads atomic.Int64
}

func (c *counted) Read(ctx context.Context, gets []online.Get) ([][]byte, error) {
	values, err := c.Store.Read(ctx, gets)
	if len(gets) == 1 && gets[0].Table.View == "world" { // Not what the server reads to see whether the store answers.
		c.reads.Add(1)
	}
	return values, err
}

// Clients that keep their connections call without a pause while the server stops. Each call that was sent is answered:
// a client learns from its last answer that it has to connect again, and is refused then.
func TestNoCallOfAClientThatKeepsItsConnectionIsLostWhenTheServerStops(t *testing.T) {
	const rounds, clients = 10, 24
	for round := range rounds {
		online := &counted{Store: openSQLite(t)}
		r := startShops(t, overHTTP, func(c *server.Config) { c.Online = online })
		var asked, called tally
		var running sync.WaitGroup
		begun := make(chan bool, 2*clients)
		for range clients {
			running.Go(func() { r.keepAsking(&asked, begun) })
			running.Go(func() { r.keepCalling(&called, begun) })
		}
		for range 2 * clients {
			<-begun
		}
		r.stop()
		running.Wait()
		<-r.ended
		for name, calls := range map[string]*tally{"HTTP": &asked, "gRPC": &called} {
			if len(calls.lost) > 0 || calls.sent.Load() != calls.answered.Load() {
				t.Errorf("round %d: of %d calls over %s %d were answered, and these were lost: %v", round, calls.sent.Load(),
					name, calls.answered.Load(), errors.Join(calls.lost...))
			}
		}
		done := online.reads.Load()
		if had := asked.answered.Load() + called.answered.Load(); done != had {
			t.Errorf("round %d: the server answered %d calls, clients had %d answers", round, done, had)
		}
	}
}

// keepAsking looks up over HTTP until no connection can be made, by hand: http.Client would hide a lost call by sending
// it again.
func (r *running) keepAsking(calls *tally, begun chan<- bool) {
	const body = `{"features":["world:rate"]}`
	request := fmt.Sprintf("POST /v1/online-features HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s",
		len(body), body)
	for first := true; ; {
		conn, err := net.Dial("tcp", r.server.HTTPAddress())
		if err != nil {
			if !errors.Is(err, syscall.ECONNREFUSED) {
				calls.lose("connect", err)
			}
			return
		}
		replies := bufio.NewReader(conn)
		for last := false; !last; {
			if _, err := conn.Write([]byte(request)); err != nil {
				calls.lose("send", err)
				_ = conn.Close()
				return
			}
			calls.sent.Add(1)
			reply, err := http.ReadResponse(replies, nil)
			if err == nil && reply.StatusCode != http.StatusOK {
				err = errors.New(reply.Status)
			}
			if err != nil {
				calls.lose("receive", err)
				_ = conn.Close()
				return
			}
			_, err = io.Copy(io.Discard, reply.Body)
			if err := errors.Join(err, reply.Body.Close()); err != nil {
				calls.lose("receive", err)
			}
			calls.answered.Add(1)
			last = reply.Close
			if first {
				first = false
				begun <- true
			}
		}
		_ = conn.Close()
	}
}

// keepCalling looks up over gRPC on a connection of its own until no connection can be made.
func (r *running) keepCalling(calls *tally, begun chan<- bool) {
	conn, err := grpc.NewClient(r.address, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDisableRetry())
	if err != nil {
		calls.lose("connect", err)
		return
	}
	defer conn.Close()
	client := plumbv1.NewServingServiceClient(conn)
	for first := true; ; first = false {
		if _, err := client.GetOnlineFeatures(context.Background(), featuresRequest(nil, "world:rate")); err != nil {
			if !strings.Contains(err.Error(), "connection refused") {
				calls.lose("call", err)
			}
			return
		}
		calls.sent.Add(1)
		calls.answered.Add(1)
		if first {
			begun <- true
		}
	}
}
