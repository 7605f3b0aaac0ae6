package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/plumbstore/plumb/bench/process"
	"github.com/plumbstore/plumb/bench/redis"
	"github.com/plumbstore/plumb/bench/rows"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

const (
	// windowEvents is how many events each entity has in the last 30 days.
	windowEvents = 300
	// windowCount is how many windows windowDefinitions has.
	windowCount = 3
	// windowRows is how many entities a call asks for.
	windowRows = 100
)

const windowDefinitions = `entities:
  - {name: user, join_keys: [{name: user_id, type: INT64}]}
sources:
  - {name: events, parquet: {path: ../events.parquet}, event_timestamp: event_timestamp}
feature_views:
  - name: spend
    entities: [user]
    source: events
    aggregations:
      - {of: amount, functions: [count, sum, max], windows: [30d, 1d, 1h]}
feature_services:
  - {name: windows, features: [{view: spend}]}
`

// withWindows prints the table of look-ups of windows beside a program that reads as many bytes of the same entities by
// one MGET.
func (s *servers) withWindows(ctx context.Context, plumb, folder string) (err error) {
	store, err := redis.Start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Stop()) }()
	project := filepath.Join(folder, "windows")
	if err := makeWindows(ctx, plumb, folder, project, store.URL()); err != nil {
		return err
	}
	var flags []string
	if s.chosen.profile != "" {
		if s.admin, err = process.FreeAddress(ctx); err != nil {
			return err
		}
		flags = []string{"--serving-admin", s.admin}
	}
	asked, err := startPlumb(ctx, plumb, project, store.URL(), flags...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, asked.stop()) }()
	if s.chosen.profile != "" {
		return s.profileWindows(ctx, asked)
	}
	keyBytes, stateBytes, err := bytesOfStates(ctx, store)
	if err != nil {
		return err
	}
	if err := writeFloor(ctx, store.Client, 1, keyBytes, stateBytes); err != nil {
		return err
	}
	floor, err := startFloor(ctx, store.Address, keyBytes)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, floor.stop()) }()
	return s.contestWindows(ctx, asked, floor, stateBytes)
}

// makeWindows makes events of all entities until now, and materializes their windows.
func makeWindows(ctx context.Context, plumb, folder, project, url string) error {
	query := fmt.Sprintf("SELECT (i %% %d)::BIGINT AS user_id, now()::TIMESTAMP - "+
		"to_microseconds((hash(i) %% 2592000000000)::BIGINT) AS event_timestamp, (hash(i * 3) %% 100000) / 100.0 AS amount "+
		"FROM range(%d) t(i)", entities, entities*windowEvents)
	path := filepath.Join(folder, "events.parquet")
	if err := rows.Execute(ctx, fmt.Sprintf("COPY (%s) TO '%s' (FORMAT parquet)", query, path)); err != nil {
		return err
	}
	settings := "project: windows\ndefinitions: [features]\noffline: {roots: [..], memory_limit: 1GB}\n"
	if err := applyProject(ctx, plumb, project, settings, windowDefinitions); err != nil {
		return err
	}
	_, err := process.Run(ctx, project, plumb, "materialize", "--to", "now", "--online-store", url)
	return err
}

// bytesOfStates are the lengths of a key, and of a state on average.
func bytesOfStates(ctx context.Context, store *redis.Server) (key, state int, err error) {
	const samples = 200
	total := 0
	for range samples {
		var length int
		if key, length, err = store.BytesOfARow(ctx); err != nil {
			return 0, 0, err
		}
		total += length
	}
	return key, total / samples, nil
}

func (s *servers) contestWindows(ctx context.Context, asked, floor *server, stateBytes int) error {
	fmt.Printf("\nLook-ups of %d entities with %d windows, whose states take %d bytes on average, beside one MGET of as "+
		"many bytes:\n\n| callers | plumb p50 | p99 | per second | floor p50 | p99 | per second | p50 ratio | "+
		"per second ratio | plumb processor time | floor processor time | ratio | target |\n"+
		"|---|---|---|---|---|---|---|---|---|---|---|---|---|\n", windowRows, windowCount, stateBytes)
	answer, err := asked.verifyWindows(ctx)
	if err != nil {
		return err
	}
	for _, count := range s.chosen.callers {
		var result outcome
		spent, err := processorTimes(asked, floor, func() (err error) {
			result, err = s.contest(ctx,
				func() ([]caller, error) { return asked.windowCallers(answer, count) },
				func() ([]caller, error) { return floor.floorCallers(shape{windowRows, 1}, answer, count) })
			return err
		})
		if err != nil {
			return fmt.Errorf("windows, %d callers: %w", count, err)
		}
		first, second := spent[0]/time.Duration(result.firstCalls), spent[1]/time.Duration(result.secondCalls)
		fmt.Printf("| %d | %s | %s | %.2f | %.2f | %s | %s | %.2f | p50 <= 1.6 |\n", count, figures(result.first),
			figures(result.second), result.p50, result.perSecond, milliseconds(first), milliseconds(second),
			float64(first)/float64(second))
	}
	return nil
}

// processorTimes are what each of two servers takes while something runs.
func processorTimes(first, second *server, run func() error) (spent [2]time.Duration, err error) {
	servers, before := [2]*server{first, second}, [2]time.Duration{}
	for i, each := range servers {
		if before[i], err = each.processorTime(); err != nil {
			return spent, err
		}
	}
	if err := run(); err != nil {
		return spent, err
	}
	for i, each := range servers {
		after, err := each.processorTime()
		if err != nil {
			return spent, err
		}
		spent[i] = after - before[i]
	}
	return spent, nil
}

func (s *servers) profileWindows(ctx context.Context, asked *server) error {
	answer, err := asked.verifyWindows(ctx)
	if err != nil {
		return err
	}
	return s.profile(ctx, s.chosen.profile, func(ctx context.Context, _ int) error {
		callers, err := asked.windowCallers(answer, s.mostCallers())
		if err != nil {
			return err
		}
		_, err = press(ctx, callers)
		return errors.Join(err, closeAll(callers))
	})
}

// windowCaller asks plumb serve for windows, and leaves answers as they come.
type windowCaller struct {
	conn   *grpc.ClientConn
	answer int
	random *rand.Rand
}

func (s *server) windowCallers(answer, count int) ([]caller, error) {
	callers := make([]caller, count)
	for i := range callers {
		conn, err := dial(s.address)
		if err != nil {
			return nil, err
		}
		callers[i] = &windowCaller{conn: conn, answer: answer, random: random(i)}
	}
	return callers, nil
}

func (c *windowCaller) request() *plumbv1.GetOnlineFeaturesRequest {
	users := make([]int64, windowRows)
	for i := range users {
		users[i] = int64(c.random.Uint32N(entities))
	}
	return &plumbv1.GetOnlineFeaturesRequest{
		Selection: &plumbv1.GetOnlineFeaturesRequest_FeatureService{FeatureService: "windows"},
		Keys: []*plumbv1.KeyColumn{{Name: "user_id", Values: &plumbv1.Values{
			Kind: &plumbv1.Values_Int64S{Int64S: &plumbv1.Int64Values{Values: users}}}}},
	}
}

func (c *windowCaller) call(ctx context.Context) error {
	var answer []byte
	err := c.conn.Invoke(ctx, plumbv1.ServingService_GetOnlineFeatures_FullMethodName, c.request(), &answer,
		grpc.ForceCodec(answerCodec{}))
	if err != nil {
		return fmt.Errorf("ask plumb: %w", err)
	}
	if len(answer) < c.answer/2 {
		return fmt.Errorf("plumb answered %d bytes; %d are usual", len(answer), c.answer)
	}
	return nil
}

func (c *windowCaller) close() error { return c.conn.Close() }

// verifyWindows checks that the longest window counts all events, and returns how long an answer is. A window of 30d is
// longer than that by up to a day (R18), which is more than benchmarks take.
func (s *server) verifyWindows(ctx context.Context) (answer int, err error) {
	callers, err := s.windowCallers(0, 1)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, closeAll(callers)) }()
	asked := callers[0].(*windowCaller)
	reply, err := plumbv1.NewServingServiceClient(asked.conn).GetOnlineFeatures(ctx, asked.request())
	if err != nil {
		return 0, fmt.Errorf("ask plumb: %w", err)
	}
	counts := reply.GetColumns()[0]
	for row, count := range counts.GetValues().GetInt64S().GetValues() {
		if count != windowEvents || counts.GetStatuses()[row] != byte(plumbv1.Status_PRESENT) {
			return 0, fmt.Errorf("%s, row %d: is %d, not %d", counts.GetName(), row, count, windowEvents)
		}
	}
	return proto.Size(reply), nil
}
