package redis_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/plumbstore/plumb/internal/redistest"
)

// Many reads at a time share round trips, and each gets the values that it asked for.
func TestReadsThatAreSentTogetherGetTheirOwnValues(t *testing.T) {
	cluster := redistest.StartCluster(t, 0)
	single := redistest.Start(t)
	for name, url := range map[string]string{"single": single.URL, "cluster": cluster.URL} {
		t.Run(name, func(t *testing.T) {
			store := open(t, url)
			rows, gets := numbered(500, 1)
			if _, err := store.Write(t.Context(), table, rows); err != nil {
				t.Fatal(err)
			}
			group, ctx := errgroup.WithContext(t.Context())
			for reader := range 64 {
				group.Go(func() error {
					for round := range 50 {
						from := (reader*37 + round*11) % 480
						count := 1 + (reader+round)%3*9
						values, err := store.Read(ctx, gets[from:from+min(count, 20)])
						if err != nil {
							return err
						}
						for i, value := range values {
							if !bytes.Equal(value, rows[from+i].Value) {
								return fmt.Errorf("row %d is %x", from+i, value)
							}
						}
					}
					return nil
				})
			}
			if err := group.Wait(); err != nil {
				t.Error(err)
			}
		})
	}
}

// A read of a key that holds something else is sent with others, and fails alone.
func TestAReadThatFailsFailsAlone(t *testing.T) {
	server := redistest.Start(t)
	store := open(t, server.URL)
	rows, gets := numbered(10, 1)
	if _, err := store.Write(t.Context(), table, rows); err != nil {
		t.Fatal(err)
	}
	if err := client(t, server).Set(t.Context(), "{test:foreign}", "text", 0).Err(); err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for reader := range 32 {
		wait.Go(func() {
			for range 50 {
				if reader%4 == 0 {
					if _, err := read(t.Context(), store, "foreign"); err == nil || !strings.Contains(err.Error(), "WRONGTYPE") {
						t.Errorf("the foreign key gives %v", err)
					}
					continue
				}
				values, err := store.Read(t.Context(), gets[reader%10:][:1])
				if err != nil || !bytes.Equal(values[0], rows[reader%10].Value) {
					t.Errorf("row %d is %x, %v", reader%10, values, err)
				}
			}
		})
	}
	wait.Wait()
}

// While a server does not answer, each read waits for as long as its own context allows and no longer, whichever batch
// it is in. The others return once the server answers.
func TestEachReadThatIsSentWithOthersHasItsOwnDeadline(t *testing.T) {
	server := redistest.Start(t)
	store, keys := open(t, server.URL), client(t, server)
	rows, gets := numbered(10, 1)
	if _, err := store.Write(t.Context(), table, rows); err != nil {
		t.Fatal(err)
	}
	if err := keys.Do(t.Context(), "CLIENT", "PAUSE", 1500).Err(); err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for reader := range 24 {
		wait.Go(func() {
			ctx, cancel, want := t.Context(), context.CancelFunc(func() {}), error(nil)
			switch reader % 3 {
			case 0:
				ctx, cancel = context.WithTimeout(ctx, 100*time.Millisecond)
				want = context.DeadlineExceeded
			case 1:
				ctx, cancel = context.WithCancel(ctx)
				time.AfterFunc(100*time.Millisecond, cancel)
				want = context.Canceled
			}
			defer cancel()
			values, err := store.Read(ctx, gets[:1])
			if want == nil {
				if err != nil || !bytes.Equal(values[0], rows[0].Value) {
					t.Errorf("a read that waits gets %x, %v", values, err)
				}
				return
			}
			if !errors.Is(err, want) {
				t.Errorf("reader %d: error is %v, want %v", reader, err, want)
			}
		})
	}
	wait.Wait()
}
