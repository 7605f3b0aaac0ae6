package server_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/plumbstore/plumb/internal/server"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/push"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/packed"
	"github.com/plumbstore/plumb/store/storetest"
)

// violations are the fields of the BadRequest detail, each with what is wrong.
func violations(err error) map[string]string {
	fields := map[string]string{}
	for _, detail := range status.Convert(err).Details() {
		if bad, ok := detail.(*errdetails.BadRequest); ok {
			for _, violation := range bad.GetFieldViolations() {
				fields[violation.GetField()] = violation.GetDescription()
			}
		}
	}
	return fields
}

func TestR9_WhatIsWrongWithARequestIsToldAllAtOnce(t *testing.T) {
	r := startShops(t)
	shop := texts("shop", "a")
	uneven := numbers("dest", 1)
	flagged := texts("shop", "a", "b")
	flagged.Nulls = []byte{1}
	floats := &plumbv1.KeyColumn{Name: "shop", Values: &plumbv1.Values{
		Kind: &plumbv1.Values_Float64S{Float64S: &plumbv1.Float64Values{Values: []float64{1.5}}},
	}}
	badInstant := featuresRequest([]*plumbv1.KeyColumn{shop}, "price:euros")
	badInstant.At = &timestamppb.Timestamp{Nanos: -1}
	for name, c := range map[string]struct {
		request *plumbv1.GetOnlineFeaturesRequest
		fields  map[string]string
	}{
		"neither service nor features": {&plumbv1.GetOnlineFeaturesRequest{}, map[string]string{"selection": "required"}},
		"an empty list":                {featuresRequest(nil), map[string]string{"features": "at least one"}},
		"a reference without a view":   {featuresRequest(nil, "euros"), map[string]string{"features": "view:feature"}},
		"one name twice": {
			featuresRequest(nil, "price:euros", "price:euros"), map[string]string{"features": `"euros" is wanted by`},
		},
		"no keys": {serviceRequest("basket"), map[string]string{"shop": "missing", "origin": "missing", "dest": "missing"}},
		"a missing, an ill-typed and a surplus key": {
			serviceRequest("basket", shop, texts("origin", "1"), numbers("destiny", 2)),
			map[string]string{"origin": "STRING", "dest": "missing", "destiny": `did you mean "dest"?`},
		},
		"keys of two lengths": {
			serviceRequest("basket", shop, numbers("origin", 1, 2), uneven), map[string]string{"origin": "2 rows"},
		},
		"a key twice":             {prices(shop, shop), map[string]string{"shop": "given twice"}},
		"no rows":                 {prices(texts("shop")), map[string]string{"shop": "no rows"}},
		"too few null flags":      {prices(flagged), map[string]string{"shop": "null flags"}},
		"a key of no key's type":  {prices(floats), map[string]string{"shop": "FLOAT64"}},
		"an instant that is none": {badInstant, map[string]string{"at": "not an instant"}},
	} {
		err := r.failure(c.request)
		if got := status.Code(err); got != codes.InvalidArgument {
			t.Errorf("%s: code is %s, want InvalidArgument: %v", name, got, err)
		}
		got := violations(err)
		for field, part := range c.fields {
			if !strings.Contains(got[field], part) {
				t.Errorf("%s: %q is said of field %s, want something with %q", name, got[field], field, part)
			}
			if !strings.Contains(status.Convert(err).Message(), got[field]) {
				t.Errorf("%s: the message %q lacks %q", name, status.Convert(err).Message(), got[field])
			}
		}
		if len(got) != len(c.fields) {
			t.Errorf("%s: violations are %q, want those of %d fields", name, got, len(c.fields))
		}
	}
}

func TestUnknownThingsAreNotFoundByKindAndName(t *testing.T) {
	r := startShops(t)
	for name, c := range map[string]struct {
		request *plumbv1.GetOnlineFeaturesRequest
		want    *errdetails.ResourceInfo
	}{
		"a service": {
			serviceRequest("baskets"),
			&errdetails.ResourceInfo{ResourceType: "feature service", ResourceName: "baskets"},
		},
		"a view": {
			featuresRequest(nil, "prize:*"), &errdetails.ResourceInfo{ResourceType: "feature view", ResourceName: "prize"},
		},
		"a feature": {
			featuresRequest(nil, "price:euro"),
			&errdetails.ResourceInfo{ResourceType: "feature of view price", ResourceName: "euro"},
		},
	} {
		err := r.failure(c.request)
		if got := status.Code(err); got != codes.NotFound {
			t.Errorf("%s: code is %s, want NotFound: %v", name, got, err)
		}
		details := status.Convert(err).Details()
		if len(details) != 1 {
			t.Errorf("%s: details are %v, want one", name, details)
			continue
		}
		got, _ := details[0].(*errdetails.ResourceInfo)
		if got.GetResourceType() != c.want.GetResourceType() || got.GetResourceName() != c.want.GetResourceName() {
			t.Errorf("%s: detail is %v, want %v", name, got, c.want)
		}
		if !strings.Contains(got.GetDescription(), "did you mean") {
			t.Errorf("%s: description %q suggests nothing", name, got.GetDescription())
		}
	}
}

func TestAViewThatIsNotOnlineFailsThePrecondition(t *testing.T) {
	r := startShops(t)
	err := r.failure(serviceRequest("history", texts("shop", "a")))
	if status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), "archive") {
		t.Errorf("want FailedPrecondition that names the view, got %v", err)
	}
	details := status.Convert(err).Details()
	if len(details) != 1 {
		t.Fatalf("details are %v, want one", details)
	}
	if _, ok := details[0].(*errdetails.PreconditionFailure); !ok {
		t.Errorf("detail is %T, want a PreconditionFailure", details[0])
	}
}

// A client that takes 8 KiB of trailers has to be able to read every error, whatever the request held.
func TestErrorsStaySmallWhateverTheRequestHolds(t *testing.T) {
	r := startShops(t)
	long := strings.Repeat("ü", 100_000)
	var surplus []*plumbv1.KeyColumn
	repeated := make([]string, 50_000)
	for i := range repeated {
		repeated[i] = "price:euros"
		surplus = append(surplus, texts(fmt.Sprintf("key_%d", i), "a"))
	}
	for name, request := range map[string]*plumbv1.GetOnlineFeaturesRequest{
		"a long service":                  serviceRequest(long),
		"a long reference":                featuresRequest(nil, long),
		"a long feature":                  featuresRequest(nil, "price:"+long),
		"a long key":                      prices(texts(long, "a")),
		"many surplus keys":               featuresRequest(surplus, "price:*"),
		"one feature many times":          featuresRequest(nil, repeated...),
		"one feature under two spellings": featuresRequest(nil, "price:*", "price:euros"),
	} {
		answer := status.Convert(r.failure(request))
		if size := proto.Size(answer.Proto()); size > 6<<10 {
			t.Errorf("%s: the status has %d bytes", name, size)
		}
		if code := answer.Code(); code != codes.InvalidArgument && code != codes.NotFound {
			t.Errorf("%s: code is %s", name, code)
		}
	}
}

func TestTooManyRowsAreRefusedWithTheLimit(t *testing.T) {
	r := startShops(t)
	shops := make([]string, 100_000)
	err := r.failure(prices(texts("shop", shops...)))
	want := map[string]string{"shop": "has 100000 rows; ask for at most 10000 at once"}
	if diff := cmp.Diff(want, violations(err)); diff != "" || status.Code(err) != codes.InvalidArgument {
		t.Errorf("%v: violations (-want +got):\n%s", err, diff)
	}
	cells := r.get(featuresRequest([]*plumbv1.KeyColumn{texts("shop", shops[:10_000]...)}, "price:euros"))
	if got := len(cells["euros"]); got != 10_000 {
		t.Errorf("as many as are allowed gave %d rows", got)
	}
}

func TestKeysThatAreTooLongAreRefusedWithTheLimit(t *testing.T) {
	r := startShops(t)
	longest := strings.Repeat("x", push.MaxKeyText)
	err := r.failure(prices(texts("shop", longest, longest+"x")))
	want := map[string]string{"shop": "has a text of 65537 bytes; the most is 65536"}
	if diff := cmp.Diff(want, violations(err)); diff != "" || status.Code(err) != codes.InvalidArgument {
		t.Errorf("%v: violations (-want +got):\n%s", err, diff)
	}
	if cells := r.get(prices(texts("shop", longest))); cells["euros"][0].Status != plumbv1.Status_NOT_FOUND {
		t.Errorf("the longest key that is allowed: %v", cells)
	}
}

func TestMessagesBeyondTheLimitsAreRefused(t *testing.T) {
	large := prices(texts("shop", strings.Repeat("x", 5<<20)))
	if err := startShops(t).failure(large); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("a request of 5 MiB: want ResourceExhausted, got %v", err)
	}
	narrow := startShops(t, func(c *server.Config) { c.MaxResponseBytes = 64 })
	request := prices(texts("shop", make([]string, 100)...))
	if err := narrow.failure(request); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("a response beyond 64 bytes: want ResourceExhausted, got %v", err)
	}
}

// tampered returns a packed row of the view price, changed.
func tampered(r *running, shop string, change func([]byte) []byte) online.Row {
	view := r.view("price")
	packed := storetest.Pack(r.t, view.Keys, view.Schema(), row(ago(0), []any{shop}, 1.0, "x"))[0]
	packed.Value = change(packed.Value)
	return packed
}

func TestStoredRowsThatCannotBeReadAreNeverAnswered(t *testing.T) {
	r := startShops(t)
	for shop, c := range map[string]struct {
		change func([]byte) []byte
		code   codes.Code
		text   string
	}{
		"newer": {
			func(b []byte) []byte { b[packed.PrecedenceSize(b)] |= 0x40; return b },
			codes.FailedPrecondition, "newer version of plumb",
		},
		"cut":    {func(b []byte) []byte { return b[:len(b)-3] }, codes.DataLoss, "damaged"},
		"header": {func(b []byte) []byte { return b[:packed.PrecedenceSize(b)] }, codes.DataLoss, "damaged"},
		"stray": {
			func(b []byte) []byte { b[packed.PrecedenceSize(b)-1]++; return b },
			codes.FailedPrecondition, "definition that the registry does not have",
		},
	} {
		rows := []online.Row{tampered(r, shop, c.change)}
		must(r.online.Write(t.Context(), online.NewTable(r.view("price"), 0), rows))(t)
		err := r.failure(prices(texts("shop", shop)))
		if status.Code(err) != c.code || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: want %s with %q, got %v", shop, c.code, c.text, err)
		}
		if !strings.Contains(r.log.String(), "row 1 of the keys") {
			t.Errorf("%s: the log does not say which row: %s", shop, r.log)
		}
	}
}

func TestAPanicIsAnsweredWithoutInternalsAndLogged(t *testing.T) {
	online := &hooked{Store: openSQLite(t)}
	r := startShops(t, func(c *server.Config) { c.Online = online })
	online.onRead(func(ctx context.Context) {
		if _, call := grpc.Method(ctx); !call {
			return // The server itself asks whether the store answers.
		}
		var none []int
		_ = none[len(t.Name())]
	})
	err := r.failure(prices(texts("shop", "a")))
	if status.Code(err) != codes.Internal || strings.Contains(err.Error(), "index") {
		t.Errorf("want Internal without its cause, got %v", err)
	}
	if log := r.log.String(); !strings.Contains(log, "index out of range") || !strings.Contains(log, "errors_test.go") {
		t.Errorf("the log has no stack: %s", log)
	}
	online.onRead(nil)
	r.get(prices(texts("shop", "a")))
}

func TestFaultsAreAnsweredWithoutInternalsAndLogged(t *testing.T) {
	online := openSQLite(t)
	r := startShops(t, func(c *server.Config) { c.Online = online })
	if err := online.Close(); err != nil {
		t.Fatal(err)
	}
	err := r.failure(prices(texts("shop", "a")))
	if code := status.Code(err); code != codes.Internal && code != codes.Unavailable {
		t.Errorf("want Internal or Unavailable, got %v", err)
	}
	if strings.Contains(err.Error(), "sql") {
		t.Errorf("the answer tells its cause: %v", err)
	}
	if !strings.Contains(r.log.String(), "a call failed") {
		t.Errorf("the cause was not logged: %s", r.log)
	}
}
