package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"

	sdk "github.com/plumbstore/plumb/sdk"
)

// clientCaller asks plumb serve with the Go client, as a service would.
type clientCaller struct {
	client *sdk.Client
	shape  shape
	random *rand.Rand
}

func (c *clientCaller) call(ctx context.Context) error {
	users, answer, err := c.get(ctx)
	if err != nil {
		return err
	}
	return c.check(answer, users, c.shape.views*features-1)
}

func (c *clientCaller) close() error { return c.client.Close() }

func (c *clientCaller) get(ctx context.Context) ([]int64, *sdk.Features, error) {
	users := someUsers(c.random, c.shape.rows)
	answer, err := c.client.Online(ctx, sdk.OnlineRequest{
		Service: serviceOf(c.shape.views), Keys: []sdk.Key{sdk.NewKey("user_id", users...)},
	})
	if err != nil {
		return nil, nil, fmt.Errorf("ask plumb: %w", err)
	}
	return users, answer, nil
}

// verify checks every value of an answer against the expected one.
func (c *clientCaller) verify(ctx context.Context) error {
	users, answer, err := c.get(ctx)
	if err != nil {
		return err
	}
	for position := range c.shape.views * features {
		if err := c.check(answer, users, position); err != nil {
			return err
		}
	}
	return nil
}

// check says whether the column at this position has the users' values.
func (c *clientCaller) check(answer *sdk.Features, users []int64, position int) error {
	view, feature := position/features, position%features
	name := fmt.Sprintf("v%d__f%d", view, feature)
	if answer.Len() != len(users) {
		return fmt.Errorf("%d rows were answered, not %d", answer.Len(), len(users))
	}
	for i, row := range answer.Rows() {
		value, status := row.Value(name)
		if want := valueOf(feature, numberOf(users[i], view, feature)); value != want {
			return fmt.Errorf("output %q, user %d: is %v, with status %s, not %v", name, users[i], value, status, want)
		}
	}
	return nil
}

// valueOf is the value of a feature that is made of a number.
func valueOf(feature int, number int64) any {
	switch typeOf(feature) {
	case "FLOAT64":
		return float64(number) / 7
	case "INT64":
		return number
	case "STRING":
		return "item " + strconv.FormatInt(number, 10)
	}
	return number%2 == 0
}
