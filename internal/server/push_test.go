package server_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/server"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/push"
	"github.com/plumbstore/plumb/store/storetest"
)

// pushPrices is a push of the view price, with a row for each shop.
func pushPrices(shops []string, at []feature.Instant, euros []float64, notes ...string) *plumbv1.PushRequest {
	request := &plumbv1.PushRequest{View: "price", Keys: []*plumbv1.KeyColumn{texts("shop", shops...)},
		EventTimestamps: &plumbv1.TimeColumn{}}
	for _, instant := range at {
		request.EventTimestamps.Micros = append(request.EventTimestamps.Micros, int64(instant))
	}
	request.Features = []*plumbv1.PushColumn{
		{Name: "note", Values: texts("", notes...).Values},
		{Name: "euros", Values: &plumbv1.Values{
			Kind: &plumbv1.Values_Float64S{Float64S: &plumbv1.Float64Values{Values: euros}},
		}},
	}
	return request
}

func TestR14_PushedRowsAreServedAtOnceTheNewestOfEachKey(t *testing.T) {
	r := startShops(t)
	response := must(r.client.Push(t.Context(), pushPrices([]string{"a", "b", "a", "a"},
		[]feature.Instant{ago(3 * time.Minute), ago(time.Minute), ago(time.Minute), ago(2 * time.Minute)},
		[]float64{1, 2, 3, 4}, "w", "x", "y", "z")))(t)
	want := &plumbv1.PushResponse{Written: 2, Older: 2, Revision: 1}
	if diff := cmp.Diff(want, response, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	late := must(r.client.Push(t.Context(), pushPrices([]string{"a"}, []feature.Instant{ago(time.Hour)}, []float64{9},
		"late")))(t)
	if late.GetWritten() != 0 || late.GetOlder() != 1 {
		t.Errorf("a late row is answered %v", late)
	}
	request := prices(texts("shop", "a", "b"))
	request.EventTimestamps = true
	got := r.get(request)
	wanted := map[string][]storetest.Cell{
		"euros": {presentAt(3.0, ago(time.Minute)), presentAt(2.0, ago(time.Minute))},
		"note":  {presentAt("y", ago(time.Minute)), presentAt("x", ago(time.Minute))},
	}
	if diff := cmp.Diff(wanted, got); diff != "" {
		t.Error(diff)
	}
}

func presentAt(value any, event feature.Instant) storetest.Cell {
	return storetest.Cell{Value: value, Status: plumbv1.Status_PRESENT, Event: event}
}

// mixed has one row that can be stored, between three that cannot.
func mixed() *plumbv1.PushRequest {
	soon := feature.InstantOf(noon.Add(10*time.Second + time.Microsecond))
	edge := feature.InstantOf(noon.Add(10 * time.Second))
	request := pushPrices([]string{"", "a", "b", "c"}, []feature.Instant{edge, edge, soon, edge}, []float64{1, 2, 3, 4},
		"", "", "", "")
	request.Keys[0].Nulls = []byte{1, 0, 0, 0}
	request.EventTimestamps.Nulls = []byte{0, 0, 0, 1}
	request.Features[0].Nulls = []byte{0, 1, 0, 0}
	return request
}

var mixedRefused = []*plumbv1.RefusedRow{
	{Row: 0, Field: "shop", Reason: "is null; a row with a null key is never served"},
	{Row: 2, Field: "event_timestamps",
		Reason: "2026-03-01T12:00:10.000001Z is in the future, by more than the allowed clock skew of 10s"},
	{Row: 3, Field: "event_timestamps", Reason: "is null; a row without an event time is never visible"},
}

func TestR15_RowsThatCannotBeStoredAreRefusedOneByOneAndTheOthersLand(t *testing.T) {
	r := startShops(t)
	response := must(r.client.Push(t.Context(), mixed()))(t)
	want := &plumbv1.PushResponse{Written: 1, Refused: mixedRefused, Revision: 1}
	if diff := cmp.Diff(want, response, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	request := prices(texts("shop", "a", "b"))
	later := noon.Add(time.Minute)
	request.At = timestamppb.New(later)
	got := r.get(request)
	if got["euros"][0].Value != 2.0 || got["note"][0].Status != plumbv1.Status_NULL ||
		got["euros"][1].Status != plumbv1.Status_NOT_FOUND {
		t.Errorf("looked up: %v", got)
	}
}

func TestAnAtomicPushStoresNothingWhereARowIsRefused(t *testing.T) {
	r := startShops(t)
	request := mixed()
	request.Atomic = true
	response := must(r.client.Push(t.Context(), request))(t)
	want := &plumbv1.PushResponse{Refused: mixedRefused, Revision: 1}
	if diff := cmp.Diff(want, response, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	if got := r.get(prices(texts("shop", "a"))); got["euros"][0].Status != plumbv1.Status_NOT_FOUND {
		t.Errorf("looked up: %v", got)
	}
}

func TestAPushThatIsWrongAsAWholeSaysWhatIs(t *testing.T) {
	r := startShops(t, func(c *server.Config) { c.MaxRows = 3 })
	one := func(change func(*plumbv1.PushRequest)) *plumbv1.PushRequest {
		request := pushPrices([]string{"a"}, []feature.Instant{ago(0)}, []float64{1}, "x")
		change(request)
		return request
	}
	for name, c := range map[string]struct {
		request *plumbv1.PushRequest
		code    codes.Code
		want    []string
	}{
		"an unknown view": {one(func(p *plumbv1.PushRequest) { p.View = "prize" }), codes.NotFound,
			[]string{`no feature view is named "prize"; did you mean "price"?`}},
		"a view that is not online": {one(func(p *plumbv1.PushRequest) {
			p.View = "archive"
			p.Features = []*plumbv1.PushColumn{{Name: "founded", Values: &plumbv1.Values{Kind: &plumbv1.Values_Timestamps{
				Timestamps: &plumbv1.TimestampValues{Micros: []int64{1}},
			}}}}
		}), codes.FailedPrecondition, []string{"view archive has online: false"}},
		"no view": {one(func(p *plumbv1.PushRequest) { p.View = "" }), codes.InvalidArgument, []string{"view"}},
		"no rows": {&plumbv1.PushRequest{View: "price", EventTimestamps: &plumbv1.TimeColumn{}}, codes.InvalidArgument,
			[]string{"event_timestamps: has no rows"}},
		"too many rows": {pushPrices(make([]string, 4), make([]feature.Instant, 4), make([]float64, 4), "", "", "", ""),
			codes.InvalidArgument, []string{"has 4 rows; push at most 3 at once"}},
		"columns that are missing, surplus and twice": {one(func(p *plumbv1.PushRequest) {
			p.Keys = append(p.Keys, texts("shop", "b"))
			p.Features[0].Name = "notes"
		}), codes.InvalidArgument, []string{
			"shop: is given twice", `notes: is no feature of view price; did you mean "note"?`,
			"note: is missing; give a column of STRING values",
		}},
		"columns of another type or length": {one(func(p *plumbv1.PushRequest) {
			p.Keys[0] = numbers("shop", 1)
			p.Features[0].Values = texts("", "x", "y").Values
			p.Features[1].Nulls = []byte{2}
		}), codes.InvalidArgument, []string{
			"shop: holds INT64 values; it is STRING", "note: has 2 rows where event_timestamps has 1",
			"euros: has 2 for a null flag at 1",
		}},
		"created times where the source has none": {one(func(p *plumbv1.PushRequest) {
			p.CreatedTimestamps = &plumbv1.TimeColumn{Micros: []int64{1}}
		}), codes.InvalidArgument, []string{"created_timestamps: is given, and source rows of view price declares no"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := r.client.Push(t.Context(), c.request)
			if status.Code(err) != c.code {
				t.Errorf("code is %s: %v", status.Code(err), err)
			}
			for _, want := range c.want {
				if !strings.Contains(status.Convert(err).Message(), want) {
					t.Errorf("error is %q, want one with %q", status.Convert(err).Message(), want)
				}
			}
		})
	}
}

func TestAReadOnlyServerRefusesToPush(t *testing.T) {
	r := startShops(t, func(c *server.Config) { c.ReadOnly = true })
	_, err := r.client.Push(t.Context(), pushPrices([]string{"a"}, []feature.Instant{ago(0)}, []float64{1}, "x"))
	if status.Code(err) != codes.PermissionDenied {
		t.Errorf("error is %v", err)
	}
}

// tolls pushes one row of the view road with an array for each row.
func tolls(arrays *plumbv1.ArrayValues, nulls []byte) *plumbv1.PushRequest {
	return &plumbv1.PushRequest{
		View: "road", Keys: []*plumbv1.KeyColumn{numbers("dest", 1, 2, 3), numbers("origin", 1, 1, 1)},
		EventTimestamps: &plumbv1.TimeColumn{Micros: []int64{1, 1, 1}},
		Features: []*plumbv1.PushColumn{
			{Name: "metres", Values: numbers("", 1, 2, 3).Values},
			{Name: "tolls", Values: &plumbv1.Values{Kind: &plumbv1.Values_Arrays{Arrays: arrays}}, Nulls: nulls},
		},
	}
}

func TestPushedArraysAreServedAsTheyWereGiven(t *testing.T) {
	r := startShops(t)
	must(r.client.Push(t.Context(), tolls(&plumbv1.ArrayValues{
		Lengths: []uint32{2, 0, 0}, Elements: texts("", "x", "").Values, Nulls: []byte{0, 1},
	}, []byte{0, 0, 1})))(t)
	got := r.get(featuresRequest([]*plumbv1.KeyColumn{numbers("origin", 1, 1, 1), numbers("dest", 1, 2, 3)}, "road:tolls"))
	want := []storetest.Cell{
		{Value: []any{"x", nil}, Status: plumbv1.Status_PRESENT}, {Value: []any{}, Status: plumbv1.Status_PRESENT},
		{Status: plumbv1.Status_NULL},
	}
	if diff := cmp.Diff(want, got["tolls"]); diff != "" {
		t.Error(diff)
	}
}

func TestArraysWhoseLengthsAreNotThoseOfTheirElementsAreRefused(t *testing.T) {
	r := startShops(t)
	for name, arrays := range map[string]*plumbv1.ArrayValues{
		"too few elements":  {Lengths: []uint32{2, 0, 0}, Elements: texts("", "x").Values},
		"too many elements": {Lengths: []uint32{1, 0, 0}, Elements: texts("", "x", "y").Values},
		"a sum that wraps":  {Lengths: []uint32{1 << 31, 1 << 31, 0}, Elements: texts("").Values},
		"another type":      {Lengths: []uint32{1, 0, 0}, Elements: numbers("", 1).Values},
		"uneven null flags": {Lengths: []uint32{1, 0, 0}, Elements: texts("", "x").Values, Nulls: []byte{0, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := r.client.Push(t.Context(), tolls(arrays, nil)); status.Code(err) != codes.InvalidArgument {
				t.Errorf("error is %v", err)
			}
		})
	}
}

func TestPushedTextsThatAreTooLongAreRefusedOneByOne(t *testing.T) {
	r := startShops(t)
	key, note := strings.Repeat("k", push.MaxKeyText), strings.Repeat("n", push.MaxFeatureText)
	at := []feature.Instant{ago(time.Minute), ago(time.Minute), ago(time.Minute)}
	response := must(r.client.Push(t.Context(),
		pushPrices([]string{key, key + "k", "b"}, at, []float64{1, 2, 3}, note, "x", note+"n")))(t)
	want := &plumbv1.PushResponse{Written: 1, Revision: 1, Refused: []*plumbv1.RefusedRow{
		{Row: 1, Field: "shop", Reason: "has a text of 65,537 bytes; the most is 65,536"},
		{Row: 2, Field: "note", Reason: "has a text of 1,048,577 bytes; the most is 1,048,576"},
	}}
	if diff := cmp.Diff(want, response, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	if got := r.get(prices(texts("shop", key))); got["note"][0].Value != note {
		t.Error("the longest texts that are allowed do not come back")
	}
}
