package redis_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/redistest"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/redis"
)

// clock is a clock that a test sets.
type clock struct {
	mutex sync.Mutex
	now   time.Time
}

func (c *clock) Now() time.Time {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.now = c.now.Add(d)
}

// reply is an error that a server gives.
type reply string

func (r reply) Error() string { return string(r) }
func (reply) RedisError()     {}

var refused = &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}

// calls makes calls that end with an error after some time, and returns how many of them reached the server.
func calls(circuit *redis.Circuit, clock *clock, count int, took time.Duration, end error) (reached int, last error) {
	process := circuit.ProcessHook(func(context.Context, goredis.Cmder) error {
		reached++
		clock.advance(took)
		return end
	})
	for range count {
		last = process(context.Background(), goredis.NewCmd(context.Background(), "ping"))
	}
	return reached, last
}

func TestACircuitAnswersForAServerThatIsGone(t *testing.T) {
	clock := &clock{now: time.Unix(0, 0)}
	circuit := redis.NewCircuit(clock.Now)
	if reached, _ := calls(circuit, clock, 8, 0, refused); reached != 5 {
		t.Errorf("%d calls reached a server that is gone, want 5", reached)
	}
	_, err := calls(circuit, clock, 1, 0, nil)
	if !errors.Is(err, fault.ErrUnavailable) || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("error is %v, want ErrUnavailable with the cause", err)
	}
	clock.advance(time.Second)
	if reached, _ := calls(circuit, clock, 3, 0, refused); reached != 1 {
		t.Errorf("%d calls tried a server that is still gone, want 1", reached)
	}
	clock.advance(time.Second)
	if reached, err := calls(circuit, clock, 3, 0, nil); reached != 3 || err != nil {
		t.Errorf("%d of 3 calls reached the server that is back, %v", reached, err)
	}
}

func TestOnlyWhatSaysThatAServerIsGoneCounts(t *testing.T) {
	const many = 20
	for _, c := range []struct {
		name  string
		took  time.Duration
		end   error
		opens bool
	}{
		{"refused", 0, refused, true},
		{"cut off", 0, io.EOF, true},
		{"silent for long", time.Second, os.ErrDeadlineExceeded, true},
		{"a caller who waited for long", time.Second, context.DeadlineExceeded, true},
		{"a caller in a hurry", 50 * time.Millisecond, context.DeadlineExceeded, false},
		{"a time-out for a caller in a hurry", 50 * time.Millisecond, os.ErrDeadlineExceeded, false},
		{"a caller who gave up", time.Hour, fmt.Errorf("read: %w", context.Canceled), false},
		{"no free connection", time.Second, goredis.ErrPoolTimeout, false},
		{"out of memory", 0, reply("OOM command not allowed"), false},
		{"loading", 0, reply("LOADING"), false},
		{"nothing there", 0, goredis.Nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			clock := &clock{now: time.Unix(0, 0)}
			reached, _ := calls(redis.NewCircuit(clock.Now), clock, many, c.took, c.end)
			if opened := reached < many; opened != c.opens {
				t.Errorf("%d of %d calls reached the server, want the circuit to open: %t", reached, many, c.opens)
			}
		})
	}
}

func TestFailuresInARowOpenTheCircuitAndNoOthers(t *testing.T) {
	clock := &clock{now: time.Unix(0, 0)}
	circuit := redis.NewCircuit(clock.Now)
	for range 10 {
		calls(circuit, clock, 4, 0, refused)
		if reached, err := calls(circuit, clock, 1, 0, reply("OOM")); reached != 1 {
			t.Fatalf("the circuit is open, %v", err)
		}
	}
}

// A connection that is made for the call that tries again greets the server first, and that has to go through too.
func TestAStoreHealsByItselfOnceItsServerIsBack(t *testing.T) {
	clock := &clock{now: time.Unix(1_700_000_000, 0)}
	server := redistest.Start(t)
	store, err := redis.Open(t.Context(), server.URL, redis.WithClock(clock.Now))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	row := versionedRow("key", 1)
	if _, err := store.Write(t.Context(), table, []online.Row{row}); err != nil {
		t.Fatal(err)
	}
	server.Kill()
	for range 6 {
		_, err = read(t.Context(), store, "key")
		wantUnavailable(t, err, server.Address)
	}
	if !strings.Contains(err.Error(), "it did not answer the last 5 calls") {
		t.Errorf("error is %v, want the circuit's", err)
	}
	server.Restart()
	if _, err = read(t.Context(), store, "key"); err == nil || !strings.Contains(err.Error(), "the last 5 calls") {
		t.Errorf("before it is time to try again: %v", err)
	}
	redistest.Await(t, "the row", func(ctx context.Context) (bool, any) {
		clock.advance(time.Second)
		got, err := read(ctx, store, "key")
		return err == nil && bytes.Equal(got, row.Value), err
	})
}
