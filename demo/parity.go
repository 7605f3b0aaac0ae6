package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// perRequest is how many keys go into one request.
const perRequest = 500

// outcome is what one side says about a feature of a key: the value, which is nil unless PRESENT, its status, and the
// row's event time in microseconds since the epoch, which is nil where NOT_FOUND.
type outcome struct {
	value     any
	status    string
	eventTime *int64
}

// compare holds what is served for the keys at an instant to what plumb historical says of them: value bit for bit,
// status, and event time (R17).
func (d *demo) compare(ctx context.Context, server *server, keys []key, at time.Time) error {
	expected, err := d.expected(ctx, keys, at)
	if err != nil {
		return err
	}
	matches, differences := map[string]int{}, []string{}
	for start := 0; start < len(keys); start += perRequest {
		batch := keys[start:min(start+perRequest, len(keys))]
		reply, err := server.online(ctx, batch, at)
		if err != nil {
			return err
		}
		for _, column := range reply.GetColumns() {
			if len(expected[column.GetName()]) != len(keys) {
				return fmt.Errorf("the training set has no %s with its status and event time", column.GetName())
			}
			for i, k := range batch {
				served, err := servedAt(column, i)
				if err != nil {
					return err
				}
				if wanted := expected[column.GetName()][start+i]; same(served, wanted) {
					matches[served.status]++
				} else {
					differences = append(differences, difference(column.GetName(), k, served, wanted))
				}
			}
		}
	}
	return d.tellComparison(len(keys), len(expected), matches, differences)
}

func (d *demo) tellComparison(keys, features int, matches map[string]int, differences []string) error {
	total := 0
	var byStatus []string
	for _, status := range []string{"PRESENT", "NULL", "NOT_FOUND", "EXPIRED"} {
		total += matches[status]
		byStatus = append(byStatus, fmt.Sprintf("%s %d", status, matches[status]))
	}
	d.say("   %d keys x %d features: %d equal (%s), %d different",
		keys, features, total, strings.Join(byStatus, ", "), len(differences))
	if len(differences) > 0 {
		return fmt.Errorf("served values differ from the training set's, such as\n%s",
			strings.Join(differences[:min(10, len(differences))], "\n"))
	}
	if total != keys*features {
		return fmt.Errorf("compared %d values of %d", total, keys*features)
	}
	return nil
}

func same(a, b outcome) bool {
	return a.status == b.status && sameValue(a.value, b.value) &&
		(a.eventTime == nil) == (b.eventTime == nil) && (a.eventTime == nil || *a.eventTime == *b.eventTime)
}

// sameValue compares floats by their bits, so that 0.0 and -0.0 differ and NaN equals itself.
func sameValue(a, b any) bool {
	x, isFloat := a.(float64)
	y, too := b.(float64)
	if isFloat && too {
		return math.Float64bits(x) == math.Float64bits(y)
	}
	return a == b
}

func difference(name string, k key, served, wanted outcome) string {
	var parts []string
	for _, part := range k.parts() {
		parts = append(parts, orNone(part))
	}
	return fmt.Sprintf("%s of %s: served %v %s, training set %v %s", name, strings.Join(parts, " "),
		served.value, served.status, wanted.value, wanted.status)
}

// expected asks plumb historical for the keys at an instant, and returns the outcomes by output name, in key order.
func (d *demo) expected(ctx context.Context, keys []key, at time.Time) (map[string][]outcome, error) {
	const labels, out = "keys.parquet", "expected.parquet"
	if err := d.flights.writeKeys(ctx, labels, keys, at); err != nil {
		return nil, fmt.Errorf("write the keys: %w", err)
	}
	if _, err := d.plumb.historical(ctx, labels, out, "--statuses", "--event-timestamps"); err != nil {
		return nil, err
	}
	files := map[string]string{"expected": out}
	described, err := d.flights.query(ctx, "DESCRIBE SELECT * FROM @expected", files)
	if err != nil {
		return nil, fmt.Errorf("read the training set: %w", err)
	}
	names := make([]string, len(described))
	for i, column := range described {
		names[i] = column[0].(string)
	}
	rows, err := d.flights.query(ctx, "SELECT * FROM @expected", files)
	if err != nil {
		return nil, fmt.Errorf("read the training set: %w", err)
	}
	if len(rows) != len(keys) {
		return nil, fmt.Errorf("the training set has %d rows for %d keys", len(rows), len(keys))
	}
	return outcomes(names, rows), nil
}

// outcomes collects each output column with the status and event time columns that go with it.
func outcomes(names []string, rows [][]any) map[string][]outcome {
	found := map[string][]outcome{}
	for value, name := range names {
		status := slices.Index(names, name+"__status")
		view, _, _ := strings.Cut(name, "__")
		eventTime := slices.Index(names, view+"__event_timestamp")
		if status < 0 || eventTime < 0 {
			continue
		}
		for _, row := range rows {
			found[name] = append(found[name], outcome{row[value], fmt.Sprint(row[status]), micros(row[eventTime])})
		}
	}
	return found
}

func micros(value any) *int64 {
	t, ok := value.(time.Time)
	if !ok {
		return nil
	}
	return new(t.UnixMicro())
}

// online looks keys up over gRPC.
func (s *server) online(ctx context.Context, keys []key, at time.Time) (*plumbv1.GetOnlineFeaturesResponse, error) {
	request := &plumbv1.GetOnlineFeaturesRequest{
		Selection:       &plumbv1.GetOnlineFeaturesRequest_FeatureService{FeatureService: service},
		EventTimestamps: true,
		At:              timestamppb.New(at),
	}
	for i, name := range columns {
		values, nulls := make([]string, len(keys)), make([]byte, len(keys))
		for j, k := range keys {
			if part := k.parts()[i]; part != nil {
				values[j] = *part
			} else {
				nulls[j] = 1
			}
		}
		request.Keys = append(request.Keys, &plumbv1.KeyColumn{Name: name, Nulls: nulls, Values: &plumbv1.Values{
			Kind: &plumbv1.Values_Strings{Strings: &plumbv1.StringValues{Values: values}}}})
	}
	reply, err := s.client.GetOnlineFeatures(ctx, request)
	if err != nil {
		return nil, fmt.Errorf("look up %d keys: %w", len(keys), err)
	}
	for _, column := range reply.GetColumns() {
		if len(column.GetStatuses()) != len(keys) || len(column.GetEventTimestamps()) != len(keys) {
			return nil, fmt.Errorf("%s has %d rows for %d keys", column.GetName(), len(column.GetStatuses()), len(keys))
		}
	}
	return reply, nil
}

// servedAt reads one row of a served column.
func servedAt(column *plumbv1.FeatureColumn, row int) (outcome, error) {
	served := outcome{status: plumbv1.Status(column.GetStatuses()[row]).String()}
	if served.status != plumbv1.Status_NOT_FOUND.String() {
		served.eventTime = new(column.GetEventTimestamps()[row])
	}
	if served.status != plumbv1.Status_PRESENT.String() {
		return served, nil
	}
	switch values := column.GetValues().GetKind().(type) {
	case *plumbv1.Values_Int32S:
		served.value = values.Int32S.GetValues()[row]
	case *plumbv1.Values_Int64S:
		served.value = values.Int64S.GetValues()[row]
	case *plumbv1.Values_Float64S:
		served.value = values.Float64S.GetValues()[row]
	case *plumbv1.Values_Strings:
		served.value = values.Strings.GetValues()[row]
	default:
		return served, fmt.Errorf("%s: the flights have no values of type %T", column.GetName(), values)
	}
	return served, nil
}
