package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// shape is what one call asks for: the features of the first views, for a number of entities.
type shape struct{ rows, views int }

func (s shape) String() string {
	return fmt.Sprintf("%d x %d of %d views", s.rows, s.views*features, s.views)
}

// short is how a shape is called on the command line.
func (s shape) short() string { return fmt.Sprintf("%dx%d", s.rows, s.views*features) }

// plumbCaller asks plumb serve, with the generated client.
type plumbCaller struct {
	conn   *grpc.ClientConn
	client plumbv1.ServingServiceClient
	shape  shape
	// suffix ends the name of the service.
	suffix string
	// events says whether event times are asked for.
	events bool
	random *rand.Rand
}

func (c *plumbCaller) call(ctx context.Context) error {
	users, response, err := c.get(ctx)
	if err != nil {
		return err
	}
	columns := response.GetColumns()
	if len(columns) != c.shape.views*features {
		return fmt.Errorf("%d columns were answered, not %d", len(columns), c.shape.views*features)
	}
	return check(columns[len(columns)-1], users, len(columns)-1)
}

// undecoded is a plumbCaller that leaves the answers as they come, as the floor's callers do.
type undecoded struct {
	*plumbCaller
	// answer is how long answers are, give or take what numbers of other users take.
	answer int
}

func (c undecoded) call(ctx context.Context) error {
	_, request := c.request()
	var answer []byte
	err := c.conn.Invoke(ctx, plumbv1.ServingService_GetOnlineFeatures_FullMethodName, request, &answer,
		grpc.ForceCodec(answerCodec{}))
	if err != nil {
		return fmt.Errorf("ask plumb: %w", err)
	}
	if len(answer) < c.answer/2 {
		return fmt.Errorf("plumb answered %d bytes, where %d are usual", len(answer), c.answer)
	}
	return nil
}

// answerCodec writes requests as protobuf and leaves answers as they are.
type answerCodec struct{ bytesCodec }

func (answerCodec) Name() string { return "proto" }

func (answerCodec) Marshal(v any) ([]byte, error) { return proto.Marshal(v.(proto.Message)) }

func (c *plumbCaller) get(ctx context.Context) ([]int64, *plumbv1.GetOnlineFeaturesResponse, error) {
	users, request := c.request()
	response, err := c.client.GetOnlineFeatures(ctx, request)
	if err != nil {
		return nil, nil, fmt.Errorf("ask plumb: %w", err)
	}
	return users, response, nil
}

// request asks for random users.
func (c *plumbCaller) request() ([]int64, *plumbv1.GetOnlineFeaturesRequest) {
	users := someUsers(c.random, c.shape.rows)
	return users, &plumbv1.GetOnlineFeaturesRequest{
		Selection: &plumbv1.GetOnlineFeaturesRequest_FeatureService{
			FeatureService: serviceOf(c.shape.views) + c.suffix},
		EventTimestamps: c.events,
		Keys: []*plumbv1.KeyColumn{{Name: "user_id", Values: &plumbv1.Values{
			Kind: &plumbv1.Values_Int64S{Int64S: &plumbv1.Int64Values{Values: users}},
		}}},
	}
}

// someUsers are as many random ones.
func someUsers(random *rand.Rand, count int) []int64 {
	users := make([]int64, count)
	for i := range users {
		users[i] = random.Int64N(entities)
	}
	return users
}

// serviceOf returns the name of the service with that many views.
func serviceOf(views int) string { return "of" + strconv.Itoa(views) }

// verify checks every value of an answer against the expected one, and returns the length of the answer in bytes.
func (c *plumbCaller) verify(ctx context.Context) (int, error) {
	users, response, err := c.get(ctx)
	if err != nil {
		return 0, err
	}
	for i, column := range response.GetColumns() {
		if err := check(column, users, i); err != nil {
			return 0, err
		}
	}
	return proto.Size(response), nil
}

func (c *plumbCaller) close() error { return c.conn.Close() }

// check says whether a column at this position has the users' values.
func check(column *plumbv1.FeatureColumn, users []int64, position int) error {
	view, feature := position/features, position%features
	if want := fmt.Sprintf("v%d__f%d", view, feature); column.GetName() != want {
		return fmt.Errorf("column %d is %q, not %q", position, column.GetName(), want)
	}
	if len(column.GetStatuses()) != len(users) {
		return fmt.Errorf("column %q has %d rows, not %d", column.GetName(), len(column.GetStatuses()), len(users))
	}
	for row, user := range users {
		status := plumbv1.Status(column.GetStatuses()[row])
		if status != plumbv1.Status_PRESENT || !same(column.GetValues(), row, numberOf(user, view, feature)) {
			return fmt.Errorf("column %q, user %d: is wrong, with status %s: %v", column.GetName(), user, status,
				column.GetValues())
		}
	}
	return nil
}

func same(values *plumbv1.Values, row int, number int64) bool {
	answered, err := value.ReadWire(values).At(row)
	if err != nil {
		return false
	}
	switch answered := answered.(type) {
	case float64:
		return answered == float64(number)/7
	case int64:
		return answered == number
	case string:
		return answered == "item "+strconv.FormatInt(number, 10)
	case bool:
		return answered == (number%2 == 0)
	}
	return false
}
