package push_test

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/redistest"
	"github.com/plumbstore/plumb/push"
	"github.com/plumbstore/plumb/store/online"
)

// childPushes names, in the environment, the project that this process pushes to instead of running tests, and
// childStore the Redis that it pushes to instead of a SQLite file of the project; childFirst is the number of its first
// row.
const (
	childPushes = "PLUMB_TEST_PUSH"
	childStore  = "PLUMB_TEST_STORE"
	childFirst  = "PLUMB_TEST_FIRST"
)

// acknowledged precedes the number of a row in what a child prints.
const acknowledged = "acknowledged "

// pushers is how many push at once.
const pushers = 4

// TestPushingChildProcess is no test of its own: it is what the test below runs in another process. It pushes until it
// is killed: the rows of its callers are those whose number has the same rest.
func TestPushingChildProcess(t *testing.T) {
	folder, ok := os.LookupEnv(childPushes)
	if !ok {
		return
	}
	p := openProject(t, folder)
	pusher, view := p.pusher(p.childStore(os.Getenv(childStore)), smallFiles), p.View("price")
	first := must(strconv.Atoi(os.Getenv(childFirst)))(t)
	if err := pusher.Recover(t.Context(), must(p.Registry.Current(t.Context(), "shops"))(t).Views()); err != nil {
		t.Fatal(err)
	}
	var pushing sync.WaitGroup
	for caller := range pushers {
		pushing.Go(func() {
			for number := first + caller; ; number += pushers {
				row := price{Shop: fmt.Sprint("s", number), At: at(11), Euros: float64(number)}
				if _, err := pusher.Push(context.Background(), view, rowsOf(t, row), false); err != nil {
					fmt.Println("failed:", err)
					return
				}
				fmt.Printf("%s%d\n", acknowledged, number)
				if err := pusher.RollDue(t.Context()); err != nil {
					fmt.Println("failed:", err)
					return
				}
			}
		})
	}
	pushing.Wait()
}

// smallFiles makes a Parquet file of the log after a few pushes.
func smallFiles(c *push.Config) { c.LogBytes, c.LogInterval = 4000, time.Hour }

// childStore is the Redis of a URL, or else the SQLite file of the project.
func (p *project) childStore(url string) online.Store {
	if url != "" {
		return openRedis(p.T, url)
	}
	return openSQLite(p.T, filepath.Join(p.Folder, "online.db"))
}

// pushAndKill lets a child push, kills it after that many acknowledgements, and returns all acknowledgements that there
// were.
func (p *project) pushAndKill(url string, first, after int) []int {
	p.T.Helper()
	child := exec.Command(os.Args[0], "-test.run=^TestPushingChildProcess$", "-test.v")
	child.Env = append(os.Environ(), childPushes+"="+p.Folder, childStore+"="+url, fmt.Sprintf("%s=%d", childFirst, first))
	output := must(child.StdoutPipe())(p.T)
	if err := child.Start(); err != nil {
		p.T.Fatal(err)
	}
	var numbers []int
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		text, ok := strings.CutPrefix(lines.Text(), acknowledged)
		if number, err := strconv.Atoi(text); ok && err == nil {
			numbers = append(numbers, number)
		} else if strings.HasPrefix(lines.Text(), "failed:") {
			p.T.Error(lines.Text())
		}
		if len(numbers) == after {
			if err := child.Process.Kill(); err != nil {
				p.T.Fatal(err)
			}
		}
	}
	_ = child.Wait() // It says that the child was killed.
	if status, ok := child.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
		p.T.Fatalf("the child ended with %s, and was to be killed", child.ProcessState)
	}
	return numbers
}

// A process that is killed in the middle of pushes leaves every row that it acknowledged in the store, and exactly once
// in the log; and what it did not acknowledge is in both or in neither, once the log has been opened again.
func TestR17_AcknowledgedRowsAreServedAndLoggedOnceHoweverOftenAProcessIsKilled(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for name, url := range map[string]string{"sqlite": "", "redis": redistest.Start(t).URL} {
		t.Run(name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0))
			p := newProject(t)
			p.Apply(withLog())
			var numbers []int
			const kills, apart = 12, 100_000
			for round := range kills {
				numbers = append(numbers, p.pushAndKill(url, round*apart, 1+random.IntN(40))...)
			}
			online := p.childStore(url)
			pusher := p.pusher(online)
			if err := pusher.Recover(t.Context(), []*feature.View{p.View("price")}); err != nil {
				t.Fatal(err)
			}
			if err := pusher.Close(); err != nil {
				t.Fatal(err)
			}
			logged := p.logged()
			for _, number := range numbers {
				if count := logged[fmt.Sprint("s", number)]; count != 1 {
					t.Errorf("row %d was acknowledged and is in the log %d times", number, count)
				}
			}
			shops := slices.Sorted(maps.Keys(logged))
			served, trained := p.Look(online, at(12), shops...), p.offlineAnswer(t, at(12), shops...)
			if !sameCells(served, trained) {
				t.Errorf("online has %v, offline %v", served, trained)
			}
			for i, shop := range shops {
				number := must(strconv.Atoi(shop[1:]))(t)
				if served[i].Value != float64(number) || logged[shop] != 1 {
					t.Errorf("%s is %v, %d times in the log", shop, served[i], logged[shop])
				}
			}
			t.Logf("%d rows acknowledged, %d logged", len(numbers), len(logged))
		})
	}
}
