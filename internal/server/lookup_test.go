package server_test

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/redistest"
	"github.com/plumbstore/plumb/internal/server"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/redis"
	"github.com/plumbstore/plumb/store/storetest"
)

// onStores runs a test over every online store.
func onStores(t *testing.T, test func(t *testing.T, r *running)) {
	t.Run("sqlite", func(t *testing.T) { test(t, startShops(t)) })
	t.Run("redis", func(t *testing.T) {
		online := must(redis.Open(t.Context(), redistest.Start(t).URL))(t)
		t.Cleanup(func() { online.Close() })
		test(t, startShops(t, func(c *server.Config) { c.Online = online }))
	})
}

func present(value any, event feature.Instant) storetest.Cell {
	return storetest.Cell{Value: value, Status: plumbv1.Status_PRESENT, Event: event}
}

func valueless(status plumbv1.Status, event feature.Instant) storetest.Cell {
	return storetest.Cell{Status: status, Event: event}
}

func TestR13_StatusesTellEveryKindOfAbsenceApart(t *testing.T) {
	onStores(t, func(t *testing.T, r *running) {
		r.write(r.view("price"),
			row(ago(time.Minute), []any{"here"}, 1.5, "fresh"),
			row(ago(2*time.Minute), []any{"null"}, nil, ""),
			row(ago(2*time.Hour), []any{"old"}, 2.5, "stale"),
		)
		keys := texts("shop", "here", "null", "old", "nowhere", "")
		keys.Nulls = []byte{0, 0, 0, 0, 1}
		request := featuresRequest([]*plumbv1.KeyColumn{keys}, "price:*")
		request.EventTimestamps = true
		want := map[string][]storetest.Cell{
			"euros": {
				present(1.5, ago(time.Minute)),
				valueless(plumbv1.Status_NULL, ago(2*time.Minute)), // R7
				valueless(plumbv1.Status_EXPIRED, ago(2*time.Hour)),
				valueless(plumbv1.Status_NOT_FOUND, 0),
				valueless(plumbv1.Status_NOT_FOUND, 0), // R8
			},
			"note": {
				present("fresh", ago(time.Minute)),
				present("", ago(2*time.Minute)),
				valueless(plumbv1.Status_EXPIRED, ago(2*time.Hour)),
				valueless(plumbv1.Status_NOT_FOUND, 0),
				valueless(plumbv1.Status_NOT_FOUND, 0),
			},
		}
		if diff := cmp.Diff(want, r.get(request)); diff != "" {
			t.Errorf("answer (-want +got):\n%s", diff)
		}
	})
}

func TestR2_TTLIsExactAtTheInstantAskedFor(t *testing.T) {
	r := startShops(t)
	event := ago(3 * time.Hour)
	r.write(r.view("price"), row(event, []any{"a"}, 1.0, nil))
	for name, c := range map[string]struct {
		at   time.Time
		want plumbv1.Status
	}{
		"a microsecond before the event": {event.Time().Add(-time.Microsecond), plumbv1.Status_NOT_FOUND},
		"at the event":                   {event.Time(), plumbv1.Status_PRESENT},
		"at the end of the ttl":          {event.Time().Add(time.Hour), plumbv1.Status_PRESENT},
		"a microsecond after the ttl":    {event.Time().Add(time.Hour + time.Microsecond), plumbv1.Status_EXPIRED},
		"nanoseconds are floored":        {event.Time().Add(time.Hour + 999), plumbv1.Status_PRESENT},
	} {
		request := featuresRequest([]*plumbv1.KeyColumn{texts("shop", "a")}, "price:euros")
		request.At = timestamppb.New(c.at)
		if got := r.get(request)["euros"][0].Status; got != c.want {
			t.Errorf("%s: status is %s, want %s", name, got, c.want)
		}
	}
	without := featuresRequest([]*plumbv1.KeyColumn{texts("shop", "a")}, "price:euros")
	if got := r.get(without)["euros"][0].Status; got != plumbv1.Status_EXPIRED {
		t.Errorf("at the server's clock, three hours later: status is %s, want EXPIRED", got)
	}
}

func TestR9_CompositeKeysAreKeptApart(t *testing.T) {
	onStores(t, func(t *testing.T, r *running) {
		r.write(r.view("road"),
			row(ago(0), []any{int64(1), int64(11)}, int64(math.MaxInt64), []any{"a", nil, ""}),
			row(ago(0), []any{int64(11), int64(1)}, int64(math.MinInt64), []any{}),
		)
		got := r.get(featuresRequest([]*plumbv1.KeyColumn{numbers("dest", 11, 1, 1), numbers("origin", 1, 11, 1)}, "road:*"))
		absent := valueless(plumbv1.Status_NOT_FOUND, 0)
		want := map[string][]storetest.Cell{
			"metres": {present(int64(math.MaxInt64), 0), present(int64(math.MinInt64), 0), absent},
			"tolls":  {present([]any{"a", nil, ""}, 0), present([]any{}, 0), absent},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("answer (-want +got):\n%s", diff)
		}
	})
}

func TestR11_OneViewIsLookedUpTwiceUnderAliases(t *testing.T) {
	onStores(t, func(t *testing.T, r *running) {
		r.write(r.view("price"), row(ago(0), []any{"a"}, 1.0, nil), row(ago(0), []any{"b"}, 2.0, nil))
		got := r.get(serviceRequest("rivals", texts("their_shop", "b", "a"), texts("our_shop", "a", "c")))
		want := map[string][]storetest.Cell{
			"ours__euros":   {present(1.0, 0), valueless(plumbv1.Status_NOT_FOUND, 0)},
			"theirs__euros": {present(2.0, 0), present(1.0, 0)},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("answer (-want +got):\n%s", diff)
		}
	})
}

func TestR10_FullNamesAreGivenWhereAskedFor(t *testing.T) {
	r := startShops(t)
	request := serviceRequest("basket", texts("shop", "a"), numbers("origin", 1), numbers("dest", 2))
	for _, full := range []bool{false, true} {
		request.FullNames = full
		want := []string{"euros", "note", "metres"}
		if full {
			want = []string{"price__euros", "price__note", "road__metres"}
		}
		response := must(r.client.GetOnlineFeatures(t.Context(), request))(t)
		var got []string
		for _, column := range response.GetColumns() {
			got = append(got, column.GetName())
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("names with full_names %t (-want +got):\n%s", full, diff)
		}
	}
}

func TestR12_AnEntityLessViewHasOneRowForEveryone(t *testing.T) {
	onStores(t, func(t *testing.T, r *running) {
		r.write(r.view("world"), row(ago(0), nil, float32(0.5)))
		r.write(r.view("price"), row(ago(0), []any{"a"}, 1.0, nil))
		alone := r.get(featuresRequest(nil, "world:rate"))
		if diff := cmp.Diff(map[string][]storetest.Cell{"rate": {present(float32(0.5), 0)}}, alone); diff != "" {
			t.Errorf("without keys (-want +got):\n%s", diff)
		}
		beside := r.get(featuresRequest([]*plumbv1.KeyColumn{texts("shop", "a", "b")}, "price:euros", "world:rate"))
		want := map[string][]storetest.Cell{
			"euros": {present(1.0, 0), valueless(plumbv1.Status_NOT_FOUND, 0)},
			"rate":  {present(float32(0.5), 0), present(float32(0.5), 0)},
		}
		if diff := cmp.Diff(want, beside); diff != "" {
			t.Errorf("beside another view (-want +got):\n%s", diff)
		}
	})
}
