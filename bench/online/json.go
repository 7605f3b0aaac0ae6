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
	"strconv"
	"strings"
	"time"
)

// withJSON prints the table of the processor time that the server takes for a look-up over HTTP, which answers in JSON,
// beside gRPC. Both are asked the same, by one caller whose connection stays open.
func (s *servers) withJSON(ctx context.Context) error {
	fmt.Println("\n| rows x features | event times | HTTP processor time | gRPC processor time | ratio | target |\n" +
		"|---|---|---|---|---|---|")
	for _, shape := range s.chosen.shapes {
		answer, err := s.plumb[shape.views].verify(ctx, shape)
		if err != nil {
			return fmt.Errorf("%s: %w", shape, err)
		}
		for _, events := range []bool{false, true} {
			if err := s.contestJSON(ctx, shape, events, answer); err != nil {
				return fmt.Errorf("%s as JSON: %w", shape, err)
			}
		}
	}
	return nil
}

// contestJSON prints one line of the table. Both sides take turns, as in contest.
func (s *servers) contestJSON(ctx context.Context, shape shape, events bool, answer int) error {
	asked := s.plumb[shape.views]
	overHTTP := asked.newHTTPCaller(shape, events, 0)
	if err := overHTTP.verify(ctx); err != nil {
		return err
	}
	overGRPC, err := asked.undecodedCallers(shape, answer, 1)
	if err != nil {
		return err
	}
	overGRPC[0].(undecoded).events = events
	sides, spent := [2][]caller{{overHTTP}, overGRPC}, [2][]time.Duration{}
	for turn := range 2 * s.chosen.rounds {
		side := (turn + turn/2) % 2
		took, err := asked.spentOn(ctx, sides[side])
		if err != nil {
			return err
		}
		spent[side] = append(spent[side], took)
	}
	ratios := make([]float64, s.chosen.rounds)
	for i := range ratios {
		ratios[i] = float64(spent[0][i]) / float64(spent[1][i])
	}
	same := func(d time.Duration) time.Duration { return d }
	fmt.Printf("| %s | %s | %s | %s | %.2f | %s |\n", shape, map[bool]string{true: "yes", false: "no"}[events],
		milliseconds(medianBy(spent[0], same)), milliseconds(medianBy(spent[1], same)),
		medianBy(ratios, func(r float64) float64 { return r }), targetOfJSON(shape))
	return errors.Join(closeAll(sides[0]), closeAll(sides[1]))
}

// targetOfJSON is the ratio to reach.
func targetOfJSON(shape shape) string {
	switch shape {
	case shapes[0]:
		return "<= 1.5"
	case shapes[1]:
		return "<= 2.5"
	}
	return ""
}

// spentOn returns the processor time that the server takes for a call.
func (s *server) spentOn(ctx context.Context, callers []caller) (time.Duration, error) {
	before, err := s.processorTime()
	if err != nil {
		return 0, err
	}
	came, err := press(ctx, callers)
	if err != nil {
		return 0, err
	}
	after, err := s.processorTime()
	return (after - before) / time.Duration(came.calls), err
}

// processorTime is what the server's processes have taken so far, in user code and in the kernel.
func (s *server) processorTime() (total time.Duration, err error) {
	for _, id := range append([]int{s.process.Process.Pid}, s.workers...) {
		taken, err := processorTimeOf(id)
		if err != nil {
			return 0, fmt.Errorf("read the processor time of a server, which Linux has: %w", err)
		}
		total += taken
	}
	return total, nil
}

// processorTimeOf is that of one process. Linux counts it in hundredths of a second; see proc_pid_stat(5).
func processorTimeOf(id int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", id))
	if err != nil {
		return 0, err
	}
	// The name of the program is in parentheses and may contain anything.
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	const user, system = 11, 12
	if len(fields) <= system {
		return 0, fmt.Errorf("the kernel says %q of it", text)
	}
	var ticks int64
	for _, field := range fields[user : system+1] {
		count, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += count
	}
	return time.Duration(ticks) * (time.Second / 100), nil
}

// httpCaller asks plumb serve over HTTP, on a connection that stays open, and leaves answers as they come.
type httpCaller struct {
	client http.Client
	url    string
	shape  shape
	// events says whether event times are asked for.
	events bool
	random *rand.Rand
	// answer is the last one.
	answer bytes.Buffer
}

func (s *server) newHTTPCaller(shape shape, events bool, number int) *httpCaller {
	// Each has a connection of its own.
	return &httpCaller{client: http.Client{Transport: &http.Transport{}}, url: "http://" + s.http + "/v1/online-features",
		shape: shape, events: events, random: random(number)}
}

func (c *httpCaller) call(ctx context.Context) error {
	_, err := c.get(ctx)
	return err
}

// get asks for random users.
func (c *httpCaller) get(ctx context.Context) ([]int64, error) {
	users := someUsers(c.random, c.shape.rows)
	asked := map[string]any{
		"service": serviceOf(c.shape.views), "keys": map[string]any{"user_id": users}, "event_timestamps": c.events,
	}
	return users, post(ctx, &c.client, c.url, asked, &c.answer)
}

// post sends JSON and replaces what is in the buffer by the answer.
func post(ctx context.Context, client *http.Client, url string, asked any, answer *bytes.Buffer) error {
	text, err := json.Marshal(asked)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(text))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("ask over HTTP: %w", err)
	}
	defer response.Body.Close()
	answer.Reset()
	if _, err := answer.ReadFrom(response.Body); err != nil {
		return fmt.Errorf("read an answer over HTTP: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s: %s", url, response.Status, answer.Bytes())
	}
	return nil
}

// verify checks every value of an answer against the expected one.
func (c *httpCaller) verify(ctx context.Context) error {
	users, err := c.get(ctx)
	if err != nil {
		return err
	}
	var answer struct {
		Rows []struct {
			Features map[string]struct {
				Value any
				Event string `json:"event_timestamp"`
			}
		}
	}
	if err := json.Unmarshal(c.answer.Bytes(), &answer); err != nil {
		return fmt.Errorf("read plumb's answer over HTTP: %w", err)
	}
	if len(answer.Rows) != len(users) {
		return fmt.Errorf("%d rows were answered, not %d", len(answer.Rows), len(users))
	}
	for row, user := range users {
		for position := range c.shape.views * features {
			view, feature := position/features, position%features
			name := fmt.Sprintf("v%d__f%d", view, feature)
			got, want := answer.Rows[row].Features[name], inJSON(valueOf(feature, numberOf(user, view, feature)))
			if got.Value != want || (got.Event != "") != c.events {
				return fmt.Errorf("output %q, user %d: is %v with the event time %q, not %v", name, user, got.Value, got.Event,
					want)
			}
		}
	}
	return nil
}

// inJSON is a value as encoding/json reads it, for which every number is a float64.
func inJSON(value any) any {
	if number, ok := value.(int64); ok {
		return float64(number)
	}
	return value
}

func (c *httpCaller) close() error {
	c.client.CloseIdleConnections()
	return nil
}
