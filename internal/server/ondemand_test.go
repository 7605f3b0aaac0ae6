package server_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/server"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/storetest"
)

// startBaskets serves an on-demand view over prices of shops, with a row of one shop.
func startBaskets(t *testing.T) *running {
	t.Helper()
	r := start(t, overHTTP, overFeast, func(c *server.Config) { c.MaxRows = 3 })
	definitions := shops()
	definitions.OnDemandViews = []*plumbv1.OnDemandView{{Name: "change",
		Request: []*plumbv1.RequestInput{{Name: "paid", Type: plumbv1.Type_FLOAT64},
			{Name: "coins", Type: plumbv1.Type_INT32}},
		Views: []*plumbv1.ViewInput{{View: "price"}},
		Features: []*plumbv1.ComputedFeature{
			{Name: "back", Type: plumbv1.Type_FLOAT64, Expression: "paid - price.euros"},
			{Name: "each", Type: plumbv1.Type_INT32, Expression: "100 / coins"},
		}}}
	r.apply(storetest.StateOf(definitions))
	r.waitFor(healthpb.HealthCheckResponse_SERVING)
	view := r.view("price")
	r.write(view, row(feature.InstantOf(noon), []any{"a"}, 1.5, nil))
	return r
}

func TestR25_FeaturesAreComputedOverHTTPAsOverGRPC(t *testing.T) {
	r := startBaskets(t)
	r.expect("POST", "/v1/online-features", `{"features":["change:*"],"keys":{"shop":["a","b",null]},
		"inputs":{"paid":[2.0,"Infinity",null],"coins":[0,3,null]}}`, 200,
		`{"rows":[{"keys":{"shop":"a"},"inputs":{"paid":2.0,"coins":0},"features":{`+
			`"back":{"value":0.5,"status":"PRESENT","event_timestamp":"2026-03-01T12:00:00Z"},`+
			`"each":{"value":null,"status":"INVALID","event_timestamp":"2026-03-01T12:00:00Z"}}},`+
			`{"keys":{"shop":"b"},"inputs":{"paid":"Infinity","coins":3},"features":{`+
			`"back":{"value":null,"status":"NULL","event_timestamp":"2026-03-01T12:00:00Z"},`+
			`"each":{"value":33,"status":"PRESENT","event_timestamp":"2026-03-01T12:00:00Z"}}},`+
			`{"keys":{"shop":null},"inputs":{"paid":null,"coins":null},"features":{`+
			`"back":{"value":null,"status":"NULL","event_timestamp":"2026-03-01T12:00:00Z"},`+
			`"each":{"value":null,"status":"NULL","event_timestamp":"2026-03-01T12:00:00Z"}}}],"revision":1}`)
	paid, _ := value.ToWire(plumbv1.Type_FLOAT64, []any{2.0, 3.0})
	got := r.get(&plumbv1.GetOnlineFeaturesRequest{
		Selection: &plumbv1.GetOnlineFeaturesRequest_Features{
			Features: &plumbv1.FeatureList{References: []string{"change:back"}}},
		Keys: storetest.KeyColumns(t, r.view("price").Keys, []any{"a"}, []any{"b"}), EventTimestamps: true,
		Inputs: []*plumbv1.InputColumn{{Name: "paid", Values: paid}},
	})
	at := feature.InstantOf(noon)
	want := map[string][]storetest.Cell{"back": {{Value: 0.5, Status: plumbv1.Status_PRESENT, Event: at},
		{Status: plumbv1.Status_NULL, Event: at}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestInputsThatDoNotFitAreRefusedByTheirPlaceInTheBody(t *testing.T) {
	r := startBaskets(t)
	for name, c := range map[string]struct{ body, want string }{
		"a missing one": {`{"features":["change:each"]}`, `inputs.coins: is missing; give a list of INT32`},
		"one among the keys": {`{"features":["change:each"],"keys":{"coins":[1]}}`,
			`keys.coins: is given as inputs.coins`},
		"a key among them": {`{"features":["change:back"],"inputs":{"shop":["a"],"paid":[1.0]}}`,
			`inputs.shop: is given as keys.shop`},
		"other types": {`{"features":["change:each"],"inputs":{"coins":[1,3000000000]}}`,
			`inputs.coins: row 2: 3000000000 does not fit INT32 exactly`},
		"another type in one row": {`{"features":["change:back"],"keys":{"shop":["a","b"]},"inputs":{"paid":[1.0,"x"]}}`,
			`"message":"inputs.paid: row 2: \"x\" does not fit FLOAT64 exactly"`},
		"other lengths": {`{"features":["change:back"],"keys":{"shop":["a","b"]},"inputs":{"paid":[1.0]}}`,
			`inputs.paid: has 1 values where shop has 2`},
		"an unknown one": {`{"features":["change:each"],"inputs":{"coin":[1]}}`, `did you mean \"coins\"?`},
		"too many rows": {`{"features":["change:each"],"inputs":{"coins":[1,2,3,4]}}`,
			`coins: has 4 rows; ask for at most 3`},
		"no object": {`{"features":["change:each"],"inputs":[1]}`, `inputs`},
	} {
		if got := r.ask("POST", "/v1/online-features", c.body); got.status != 400 || !strings.Contains(got.body, c.want) {
			t.Errorf("%s: %d %s, want %s", name, got.status, got.body, c.want)
		}
	}
}

func TestOnDemandViewsAreReadFromTheRegistry(t *testing.T) {
	r := startBaskets(t)
	if got := r.ask("GET", "/v1/registry/on-demand-views", ""); got.status != 200 ||
		!strings.HasPrefix(got.body, `{"on-demand-views":[{"name":"change","request":[{"name":"paid","type":"FLOAT64"}`) {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := r.ask("GET", "/v1/registry/on-demand-views/change", ""); got.status != 200 ||
		!strings.Contains(got.body, `"expression":"100 / coins"`) {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := r.ask("GET", "/v1/registry/on-demand-views/chance", ""); got.status != 404 ||
		!strings.Contains(got.body, `did you mean \"change\"?`) {
		t.Errorf("%d %s", got.status, got.body)
	}
}
