package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/plumbstore/plumb/bench/process"
)

// feastProject is the program that makes a project of Feast, from the root of the repository.
const feastProject = "bench/online/feast_project.py"

// withFeast prints the table of look-ups of one view over HTTP beside those of Feast's server, whose store has the rows
// of the same file in the same Redis. One caller asks both, on connections that stay open.
func (s *servers) withFeast(ctx context.Context, folder string) (err error) {
	feast, err := s.startFeast(ctx, folder)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, feast.end()) }()
	fmt.Println("\n| rows x features | plumb p50 | p99 | per second | Feast p50 | p99 | per second | p50 ratio | " +
		"plumb processor time | Feast processor time | ratio |\n|---|---|---|---|---|---|---|---|---|---|---|")
	asked := s.plumb[few]
	for _, shape := range []shape{{1, 1}, {100, 1}} {
		ours, theirs := asked.newHTTPCaller(shape, true, 0), feast.newFeastCaller(shape)
		for range verified {
			if err := errors.Join(ours.verify(ctx), theirs.verify(ctx)); err != nil {
				return fmt.Errorf("%s: %w", shape, err)
			}
		}
		var result outcome
		spent, err := processorTimes(asked, feast, func() (err error) {
			result, err = s.contest(ctx, func() ([]caller, error) { return []caller{ours}, nil },
				func() ([]caller, error) { return []caller{theirs}, nil })
			return err
		})
		if err != nil {
			return fmt.Errorf("%s beside Feast: %w", shape, err)
		}
		first, second := spent[0]/time.Duration(result.firstCalls), spent[1]/time.Duration(result.secondCalls)
		fmt.Printf("| %d x %d | %s | %s | %.3f | %s | %s | %.3f |\n", shape.rows, features, figures(result.first),
			figures(result.second), result.p50, milliseconds(first), milliseconds(second), float64(first)/float64(second))
	}
	return nil
}

// startFeast returns once Feast's server is ready. It has one worker, as it does by default, that is not restarted.
func (s *servers) startFeast(ctx context.Context, folder string) (*server, error) {
	programs, err := filepath.Abs(filepath.Join(s.chosen.feast, "bin"))
	if err != nil {
		return nil, fmt.Errorf("find Feast: %w", err)
	}
	project := filepath.Join(folder, "feast")
	made := exec.CommandContext(ctx, filepath.Join(programs, "python"), feastProject, project,
		filepath.Join(folder, "v0.parquet"), s.redis.Address)
	if said, err := made.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("make a project of Feast in the environment that make bench-feast makes: %w: %s", err, said)
	}
	address, err := process.FreeAddress(ctx)
	if err != nil {
		return nil, err
	}
	feast := &server{http: address, process: exec.CommandContext(ctx, filepath.Join(programs, "feast"), "serve",
		"--port", address[strings.LastIndexByte(address, ':')+1:], "--no-access-log", "--max-requests", "0")}
	feast.process.Dir = project
	if err := feast.process.Start(); err != nil {
		return nil, fmt.Errorf("start Feast: %w", err)
	}
	if err := feast.awaitFeast(ctx); err != nil {
		return nil, errors.Join(err, feast.stop())
	}
	return feast, nil
}

// awaitFeast waits until Feast answers, and notes which processes do the work.
func (s *server) awaitFeast(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	for asked := newFeastCaller(s.http, shape{1, 1}); ; {
		err := asked.call(ctx)
		if err == nil {
			break
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("Feast does not answer: %w", err)
		case <-time.After(100 * time.Millisecond):
		}
	}
	id := s.process.Process.Pid
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", id, id))
	if err != nil {
		return fmt.Errorf("find the workers of Feast, which Linux knows: %w", err)
	}
	for child := range strings.FieldsSeq(string(children)) {
		worker, err := strconv.Atoi(child)
		if err != nil {
			return fmt.Errorf("the kernel says %q of the workers of Feast: %w", children, err)
		}
		s.workers = append(s.workers, worker)
	}
	return nil
}

// feastCaller asks Feast's server, and leaves answers as they come.
type feastCaller struct {
	client http.Client
	url    string
	shape  shape
	names  []string
	random *rand.Rand
	// answer is the last one.
	answer bytes.Buffer
}

func (s *server) newFeastCaller(shape shape) *feastCaller { return newFeastCaller(s.http, shape) }

func newFeastCaller(address string, shape shape) *feastCaller {
	c := &feastCaller{client: http.Client{Transport: &http.Transport{}}, url: "http://" + address + "/get-online-features",
		shape: shape, random: random(0)}
	for feature := range features {
		c.names = append(c.names, fmt.Sprintf("v0:f%d", feature))
	}
	return c
}

func (c *feastCaller) call(ctx context.Context) error {
	_, err := c.get(ctx)
	return err
}

// get asks for random users.
func (c *feastCaller) get(ctx context.Context) ([]int64, error) {
	users := someUsers(c.random, c.shape.rows)
	asked := map[string]any{"features": c.names, "entities": map[string]any{"user_id": users}}
	return users, post(ctx, &c.client, c.url, asked, &c.answer)
}

// verify checks every value of an answer against the expected one.
func (c *feastCaller) verify(ctx context.Context) error {
	users, err := c.get(ctx)
	if err != nil {
		return err
	}
	var answer struct {
		Metadata struct {
			Names []string `json:"feature_names"`
		}
		Results []struct{ Values []any }
	}
	if err := json.Unmarshal(c.answer.Bytes(), &answer); err != nil {
		return fmt.Errorf("read the answer of Feast: %w", err)
	}
	values := map[string][]any{}
	for i, result := range answer.Results {
		values[answer.Metadata.Names[i]] = result.Values
	}
	for feature := range features {
		name := fmt.Sprintf("f%d", feature)
		if len(values[name]) != len(users) {
			return fmt.Errorf("Feast answered %d values of %s, not %d", len(values[name]), name, len(users))
		}
		for row, user := range users {
			if got, want := values[name][row], inJSON(valueOf(feature, numberOf(user, 0, feature))); got != want {
				return fmt.Errorf("feature %s of user %d: Feast answers %v, not %v", name, user, got, want)
			}
		}
	}
	return nil
}

func (c *feastCaller) close() error {
	c.client.CloseIdleConnections()
	return nil
}
