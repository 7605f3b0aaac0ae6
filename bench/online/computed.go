package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// computedOutputs is how many features of an on-demand view are asked for beside those that are stored.
const computedOutputs = 10

// computedSuffix ends the name of a service that has them too.
const computedSuffix = "_computed"

// computedExpression is that of a computed feature, over features that the service has as well. They are FLOAT64.
func computedExpression(output, views int) string {
	a, b := output%views, (output+1)%views
	return fmt.Sprintf("v%d.f%d > 0.0 ? v%d.f%d / (v%d.f%d + 1.0) : 0.0", a, output%floats, b, (output+2)%floats, a,
		output%floats)
}

// computedView is the definition of the on-demand view over the first views.
func computedView(views int) string {
	var text strings.Builder
	text.WriteString("on_demand_views:\n  - name: computed\n    views: [")
	for view := range views {
		fmt.Fprintf(&text, "{view: v%d}, ", view)
	}
	text.WriteString("]\n    features:\n")
	for output := range computedOutputs {
		fmt.Fprintf(&text, "      - {name: c%d, type: FLOAT64, expression: '%s'}\n", output,
			computedExpression(output, views))
	}
	return text.String()
}

// withComputed prints the table of look-ups that compute features beside the same look-ups without.
func (s *servers) withComputed(ctx context.Context) error {
	fmt.Printf("\nThe same look-up with and without %d features of an on-demand view, at one caller:\n\n"+
		"| rows x features | with p50 | without p50 | p50 ratio | processor time with | without | ratio | target |\n"+
		"|---|---|---|---|---|---|---|---|\n", computedOutputs)
	for _, shape := range s.chosen.shapes {
		if shape.views != few {
			continue
		}
		if err := s.contestComputed(ctx, shape); err != nil {
			return fmt.Errorf("%s with computed features: %w", shape, err)
		}
	}
	return nil
}

// contestComputed prints one line of the table. Both sides take turns, as in contest.
func (s *servers) contestComputed(ctx context.Context, shape shape) error {
	asked := s.plumb[shape.views]
	answer, err := asked.verify(ctx, shape)
	if err != nil {
		return err
	}
	var sides [2][]caller
	for side := range sides {
		if sides[side], err = asked.undecodedCallers(shape, answer, 1); err != nil {
			return err
		}
	}
	with := sides[0][0].(undecoded)
	with.suffix = computedSuffix
	if err := with.verifyComputed(ctx); err != nil {
		return err
	}
	loads, spent := [2][]load{}, [2][]time.Duration{}
	for turn := range 2 * s.chosen.rounds {
		side := (turn + turn/2) % 2
		before, err := asked.processorTime()
		if err != nil {
			return err
		}
		came, err := press(ctx, sides[side])
		if err != nil {
			return err
		}
		after, err := asked.processorTime()
		if err != nil {
			return err
		}
		loads[side] = append(loads[side], came)
		spent[side] = append(spent[side], (after-before)/time.Duration(came.calls))
	}
	waits, works := make([]float64, s.chosen.rounds), make([]float64, s.chosen.rounds)
	for i := range waits {
		waits[i] = float64(loads[0][i].p50) / float64(loads[1][i].p50)
		works[i] = float64(spent[0][i]) / float64(spent[1][i])
	}
	number := func(r float64) float64 { return r }
	duration := func(d time.Duration) time.Duration { return d }
	fmt.Printf("| %s | %s | %s | %.2f | %s | %s | %.2f | <= 1.05 |\n", shape, milliseconds(medianOf(loads[0]).p50),
		milliseconds(medianOf(loads[1]).p50), medianBy(waits, number), milliseconds(medianBy(spent[0], duration)),
		milliseconds(medianBy(spent[1], duration)), medianBy(works, number))
	return errors.Join(closeAll(sides[0]), closeAll(sides[1]))
}

// verifyComputed checks the computed values of an answer.
func (c *plumbCaller) verifyComputed(ctx context.Context) error {
	users, response, err := c.get(ctx)
	if err != nil {
		return err
	}
	for output := range computedOutputs {
		column := response.GetColumns()[c.shape.views*features+output]
		for row, user := range users {
			float := func(view, feature int) float64 { return float64(numberOf(user, view, feature)) / 7 }
			a, b := output%c.shape.views, (output+1)%c.shape.views
			want, divisor := 0.0, float(a, output%floats)+1
			if divisor > 1 {
				want = float(b, (output+2)%floats) / divisor
			}
			got := column.GetValues().GetFloat64S().GetValues()[row]
			if got != want || column.GetStatuses()[row] != byte(plumbv1.Status_PRESENT) {
				return fmt.Errorf("output %q, user %d: is %v, not %v", column.GetName(), user, got, want)
			}
		}
	}
	return nil
}
