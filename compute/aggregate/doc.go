// Package aggregate computes functions of events, such as the sum of a column or its most frequent values (R20, R21).
// It does no I/O, and knows nothing of windows or stores: its callers choose the events.
//
//	plan := aggregate.NewPlan([]aggregate.Spec{
//		{Function: aggregate.Mean, Column: 0, By: aggregate.None, Type: plumbv1.Type_FLOAT64}})
//	states := make([]aggregate.States, len(plan.Parts()))
//	for i, part := range plan.Parts() {
//		states[i] = aggregate.NewStates(part)
//		states[i].Grow(places)
//		states[i].Add(place, events, row)
//	}
//	out := []*expression.Column{aggregate.NewResult(plumbv1.Type_FLOAT64, rows)}
//	plan.Result(0, states, place, out, row)
//
// What is kept of events is divided into parts, which functions share: a mean reads an exact sum and a count, and so
// does a deviation. States of a part lie at numbered places of flat arrays, so that a place costs no memory of its own
// in usual cases. A place may be a pane, a tile or a window: states are merged, subtracted (if the part is invertible),
// written as bytes and read back, in any way, and the same events have the same bytes and results (R20). What each part
// keeps, how its results are computed, and where:
//
//   - rows and counts (counts.go): numbers of events, of values, and of invalid values, which make results invalid
//     (R26).
//   - sums (sums.go): integers in 128 bits, and their squares in 192; doubles and their squares in package exact. A
//     variance is the exact rational of those, rounded once (result.go).
//   - least and greatest values (extremes.go), and values of the first or last events (lasts.go). An invalid value of
//     an event is below a null there, and a null below all others.
//   - distinct values (distinct.go): a HyperLogLog with 4,096 registers, whose standard error is 1.6%, over xxhash64 of
//     the canonical bytes of each value.
//   - buckets (buckets.go): a log-linear histogram. A percentile is the middle of the bucket that has the value of the
//     rank ceil(q * n), counted from 1 and at least 1. It is not clamped to the least and the greatest value, which
//     would not be invertible. The middle is that of the integers of a bucket if the column is one of integers, so
//     small integers are exact.
//   - groups (groups.go): states of another part for each value of a column. TopK and Histogram read the number of
//     events for each value of their own column.
//
// What is not obvious:
//
//   - Values are compared as words or texts whose order is R3's (values.go): all NaNs are one value, and -0.0 is below
//     and different from 0.0.
//   - MaxValues is a matter of results alone. States keep all values and groups, whatever their number, since
//     subtracting may make them few again. So their memory follows the number of different values.
//   - A group whose state is empty is as one that is not there. So the groups are those of the part that counts rows.
//   - Groups make a result invalid if one of them has an invalid value, also one that would not be among the largest,
//     or if a value of the column is invalid though its group is null.
//   - No product is added to a sum unless it was rounded by a conversion, and no function of package math is called
//     that is not exact. So results have the same bits on every architecture.
//   - States are not for use by several goroutines at once, even to read: some sort what they have before they write
//     it.
package aggregate
