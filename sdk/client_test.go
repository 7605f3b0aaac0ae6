package plumb_test

import (
	"context"
	"crypto/tls"
	"net"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	plumb "github.com/plumbstore/plumb/sdk"
)

func connect(t *testing.T, target string, with ...plumb.Option) *plumb.Client {
	t.Helper()
	client, err := plumb.Connect(target, with...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func TestATargetThatCannotBeIsRefused(t *testing.T) {
	for _, c := range []struct {
		target string
		with   plumb.Option
		want   string
	}{
		{"127.0.0.1:6570", nil, "write grpc://host:port"},
		{"http://127.0.0.1:6570", nil, "write grpc://host:port"},
		{"grpc://127.0.0.1", nil, "write grpc://host:port"},
		{"grpc://127.0.0.1:6570", plumb.WithTLS(&tls.Config{}), "TLS is configured, so write grpcs://host:port"},
		{"grpc://features.example:6570", plumb.WithToken("s3cr3t"), "a token would be readable on the way"},
	} {
		with := []plumb.Option{}
		if c.with != nil {
			with = append(with, c.with)
		}
		_, err := plumb.Connect(c.target, with...)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%s: error is %v, want one with %q", c.target, err, c.want)
		}
	}
}

func TestAServerThatIsNotThereIsUnavailable(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = connect(t, "grpc://"+address).Views(t.Context())
	if status.Code(err) != codes.Unavailable {
		t.Errorf("error is %v, want UNAVAILABLE", err)
	}
}

func TestACallEndsAtItsTimeout(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") // It accepts connections and never answers.
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	silent := "grpc://" + listener.Addr().String()
	_, err = connect(t, silent, plumb.WithTimeout(50*time.Millisecond)).Views(t.Context())
	if status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("error is %v, want DEADLINE_EXCEEDED", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err = connect(t, silent).Views(ctx); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("error is %v, want DEADLINE_EXCEEDED", err)
	}
}

func TestOptionsOfGRPCAreThoseOfEachCall(t *testing.T) {
	var called []string
	note := func(ctx context.Context, method string, request, reply any, c *grpc.ClientConn, invoke grpc.UnaryInvoker,
		options ...grpc.CallOption) error {
		called = append(called, method)
		return invoke(ctx, method, request, reply, c, options...)
	}
	client := connect(t, target, plumb.WithDialOptions(grpc.WithChainUnaryInterceptor(note)))
	if _, err := client.Views(t.Context()); err != nil || len(called) != 1 {
		t.Errorf("the interceptor saw %q, %v", called, err)
	}
}

func TestAServiceAndFeaturesAreOneTooMany(t *testing.T) {
	_, err := connect(t, target).Online(t.Context(), plumb.OnlineRequest{Service: "delay_model",
		Features: []string{"weather:*"}})
	if err == nil || !strings.Contains(err.Error(), `both service "delay_model" and features are given`) {
		t.Errorf("error is %v", err)
	}
}

func TestWhatIsNotRegisteredIsNotFound(t *testing.T) {
	client := connect(t, target)
	if _, err := client.View(t.Context(), "wether"); status.Code(err) != codes.NotFound {
		t.Errorf("error is %v, want NOT_FOUND", err)
	}
	if _, err := client.Service(t.Context(), "delay"); status.Code(err) != codes.NotFound {
		t.Errorf("error is %v, want NOT_FOUND", err)
	}
	_, err := client.Online(t.Context(), plumb.OnlineRequest{Service: "delay"})
	if status.Code(err) != codes.NotFound {
		t.Errorf("error is %v, want NOT_FOUND", err)
	}
}

func TestTheRegistryIsRead(t *testing.T) {
	client := connect(t, target)
	view, err := client.View(t.Context(), "plane")
	if err != nil || len(view.GetFeatures()) != 4 {
		t.Errorf("the view is %v, %v", view, err)
	}
	service, err := client.Service(t.Context(), "delay_model")
	if err != nil || !service.GetFullNames() {
		t.Errorf("the service is %v, %v", service, err)
	}
	services, err := client.Services(t.Context())
	if err != nil || len(services) != 4 {
		t.Errorf("the services are %v, %v", services, err)
	}
	onDemand, err := client.OnDemandView(t.Context(), "departure")
	if err != nil || len(onDemand.GetFeatures()) != 5 {
		t.Errorf("the on-demand view is %v, %v", onDemand, err)
	}
	if all, err := client.OnDemandViews(t.Context()); err != nil || len(all) != 2 {
		t.Errorf("the on-demand views are %v, %v", all, err)
	}
	entities, err := client.Entities(t.Context())
	if err != nil || len(entities) != 3 {
		t.Errorf("the entities are %v, %v", entities, err)
	}
	sources, err := client.Sources(t.Context())
	if err != nil || len(sources) < 4 {
		t.Errorf("the sources are %v, %v", sources, err)
	}
}

func TestR25_FeaturesAreComputedFromInputs(t *testing.T) {
	far, near := "SFO", "BOS"
	features, err := connect(t, target).Online(t.Context(), plumb.OnlineRequest{
		Features: []string{"departure:far", "departure:local_hour"}, At: midnight, EventTimestamps: true,
		Inputs: []plumb.Input{plumb.NewNullableInput("dest", &far, &near, nil)},
	})
	if err != nil {
		t.Fatal(err)
	}
	crossing, err := plumb.ColumnOf[bool](features, "far")
	if err != nil {
		t.Fatal(err)
	}
	for row, want := range []struct {
		far, there bool
		status     plumb.Status
	}{{true, true, plumb.Present}, {false, true, plumb.Present}, {false, false, plumb.Null}} {
		got, there := crossing.At(row)
		event, _ := crossing.EventTime(row)
		if got != want.far || there != want.there || crossing.Status(row) != want.status || !event.Equal(midnight) {
			t.Errorf("row %d: %t, %t, %s at %s", row, got, there, crossing.Status(row), event)
		}
	}
	_, err = connect(t, target).Online(t.Context(), plumb.OnlineRequest{Features: []string{"departure:far"}})
	if err == nil || !strings.Contains(err.Error(), "dest: is missing; give a column of STRING values") {
		t.Errorf("without the input the error is %v", err)
	}
}

func TestR8_ANullKeyIsNotFound(t *testing.T) {
	airport := "EWR"
	features, err := connect(t, target).Online(t.Context(), plumb.OnlineRequest{
		Features: []string{"weather:temp"}, At: midnight, EventTimestamps: true,
		Keys: []plumb.Key{plumb.NewNullableKey("airport", &airport, nil)},
	})
	if err != nil {
		t.Fatal(err)
	}
	temps, err := plumb.ColumnOf[float64](features, "temp")
	if err != nil {
		t.Fatal(err)
	}
	if temps.Status(0) != plumb.Present || temps.Status(1) != plumb.NotFound {
		t.Errorf("the statuses are %v, %v", temps.Status(0), temps.Status(1))
	}
	if _, ok := temps.EventTime(1); ok {
		t.Error("what is not there has an event time")
	}
}

func TestR14_ALaterCorrectionIsServedAndAnEarlierOneIsNot(t *testing.T) {
	client := connect(t, target)
	push := func(created time.Time, flights int64) plumb.PushReport {
		report, err := client.Push(t.Context(), plumb.PushRequest{
			View: "carrier_day", Keys: []plumb.Key{plumb.NewKey("carrier", "P1")},
			EventTimes: []time.Time{midnight}, CreatedTimes: []time.Time{created},
			Features: []plumb.Feature{
				plumb.NewFeature("flights", flights), plumb.NewNullableFeature[float64]("mean_arr_delay", nil),
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		return report
	}
	correction, older := push(midnight.Add(2*time.Hour), 182), push(midnight.Add(time.Hour), 181)
	if correction.Written != 1 || older.Written != 0 || older.Older != 1 {
		t.Errorf("the reports are %+v, %+v", correction, older)
	}
	features, err := client.Online(t.Context(), plumb.OnlineRequest{Features: []string{"carrier_day:*"}, At: midnight,
		Keys: []plumb.Key{plumb.NewKey("carrier", "P1")}})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range features.Rows() {
		flights, _ := row.Value("flights")
		delay, status := row.Value("mean_arr_delay")
		if flights != int64(182) || delay != nil || status != plumb.Null {
			t.Errorf("the row has %v flights, delay %v, %v", flights, delay, status)
		}
	}
}

func TestAnAtomicPushStoresAllOrNothing(t *testing.T) {
	client := connect(t, target)
	report, err := client.Push(t.Context(), plumb.PushRequest{
		View: "plane", Keys: []plumb.Key{plumb.NewKey("tailnum", "N4PLUMB", "N5PLUMB")}, Atomic: true,
		EventTimes: []time.Time{midnight, midnight.AddDate(1000, 0, 0)},
		Features: []plumb.Feature{
			plumb.NewFeature("year", int32(2013), int32(2013)), plumb.NewFeature("engines", int32(2), int32(2)),
			plumb.NewFeature("seats", int32(1), int32(1)), plumb.NewFeature("manufacturer", "", ""),
		},
	})
	if err != nil || report.Written != 0 || len(report.Refused) != 1 || report.Refused[0].Row != 1 {
		t.Errorf("the report is %+v, %v", report, err)
	}
}
