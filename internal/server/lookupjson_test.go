package server_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/document"
	"github.com/plumbstore/plumb/internal/server"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/storetest"
)

var update = flag.Bool("update", false, "write the golden files")

// everyType is a project with a feature of each type and a join key of each type that keys may have.
func everyType() *plumbv1.Definitions {
	source := &plumbv1.Source{
		Name:           "rows",
		Kind:           &plumbv1.Source_Parquet{Parquet: &plumbv1.ParquetSource{Path: "rows.parquet"}},
		EventTimestamp: "at",
	}
	var features []*plumbv1.Feature
	for _, declared := range typesOfFeatures() {
		features = append(features, &plumbv1.Feature{Name: strings.ToLower(declared.String()), Type: declared})
	}
	entity := &plumbv1.Entity{Name: "thing"}
	for _, declared := range typesOfKeys {
		entity.JoinKeys = append(entity.JoinKeys, &plumbv1.JoinKey{Name: "k_" + strings.ToLower(declared.String()),
			Type: declared})
	}
	return &plumbv1.Definitions{
		Entities: []*plumbv1.Entity{entity,
			{Name: "shop", JoinKeys: []*plumbv1.JoinKey{{Name: "shop", Type: plumbv1.Type_STRING}}}},
		Sources: []*plumbv1.Source{source},
		FeatureViews: []*plumbv1.FeatureView{
			{Name: "all", Entities: []string{"thing"}, Source: "rows", Ttl: durationpb.New(time.Hour), Features: features},
			{Name: "price", Entities: []string{"shop"}, Source: "rows",
				Features: []*plumbv1.Feature{{Name: "euros", Type: plumbv1.Type_FLOAT64}}},
			{Name: "world", Source: "rows", Features: []*plumbv1.Feature{{Name: "rate", Type: plumbv1.Type_FLOAT32}}},
		},
		FeatureServices: []*plumbv1.FeatureService{{Name: "mixed", Features: []*plumbv1.ViewReference{
			{View: "all", Features: []string{"int64", "string_array"}}, {View: "world"},
			{View: "price", As: "ours", JoinKeys: map[string]string{"shop": "our_shop"}}}}},
	}
}

var typesOfKeys = []plumbv1.Type{plumbv1.Type_BOOL, plumbv1.Type_INT32, plumbv1.Type_INT64, plumbv1.Type_STRING,
	plumbv1.Type_BYTES}

func typesOfFeatures() []plumbv1.Type {
	var all []plumbv1.Type
	for number := plumbv1.Type_BOOL; number.String() != fmt.Sprint(int32(number)); number++ {
		all = append(all, number)
	}
	return all
}

// startEveryType serves everyType.
func startEveryType(t testing.TB) *running {
	r := start(t, overHTTP, func(c *server.Config) { c.MaxResponseBytes = 64 << 20 })
	r.apply(storetest.StateOf(everyType()))
	r.waitFor(healthpb.HealthCheckResponse_SERVING)
	return r
}

// The answers are read as text by programs that we do not know, and compared, cached and hashed by some.
func TestTheBytesOfLookUpsOverHTTPArePinned(t *testing.T) {
	r := startEveryType(t)
	some := []any{true, int32(-7), int64(math.MinInt64), `a"b<é>` + "\u202e", []byte{0, 255}}
	nulls := make([]any, len(typesOfFeatures()))
	texts := []any{"plain", "a\"b\\c/<&>", "\x00\n\t\x7f", "é🛫\u2028\u202e", "", nil}
	infinity, second := math.Inf(1), feature.Instant(1_000_000)
	r.write(r.view("all"),
		row(ago(time.Minute), some, true, int32(math.MinInt32), int64(math.MaxInt64), float32(0.1), 0.1, texts[1],
			[]byte("x"), 2*second-1, []any{true, nil}, []any{int32(1), nil}, []any{}, []any{float32(math.NaN()), float32(1e30)},
			[]any{math.NaN(), infinity, -infinity, math.Copysign(0, -1), 1e300, 5e-324, 1e21, 1e-7, 1.0, nil}, texts,
			[]any{[]byte(nil), []byte{255}, nil}, []any{second, nil, -second + 1}),
		row(ago(0)-1, append([]any{false}, some[1:]...), nulls...),
		row(ago(2*time.Hour), append([]any{true, int32(0)}, some[2:]...), nulls...),
	)
	r.write(r.view("world"), row(ago(time.Microsecond), nil, float32(math.Inf(-1))))
	r.write(r.view("price"), row(ago(0), []any{"a"}, 1.5))
	const keys = `"k_int32":[-7,-7,0,null,7],"k_int64":["-9223372036854775808",-9223372036854775808,` +
		`-9223372036854775808,1,2],"k_bytes":["AP8=","AP8=","AP8=","",null],` +
		`"k_string":["a\"b<\u00e9>\u202e","a\"b<é>\u202e","a\"b<é>\u202e","\u0000",""],"k_bool":[true,false,true,true,null]`
	var got strings.Builder
	for _, body := range []string{
		`{"features":["all:*"],"keys":{` + keys + `}}`,
		`{"features":["all:*"],"event_timestamps":false,"full_names":true,"keys":{` + keys + `}}`,
		`{"features":["all:float64","world:*"],"provenance":true,"keys":{` + keys + `}}`,
		`{"features":["all:bool"],"keys":{` + keys + `},"at":"2026-03-01T10:30:00.5Z"}`,
		`{"service":"mixed","keys":{"our_shop":["a","b",null,"é","a"],` + keys + `}}`,
		`{"features":["price:euros"],"keys":{"shop":["a"]}}`,
		`{"features":["world:rate"],"keys":{}}`, `{"features":["world:rate"],"provenance":true,"event_timestamps":false}`,
		`{"features":[]}`,
	} {
		fmt.Fprintf(&got, "> %s\n< %s", body, r.ask("POST", "/v1/online-features", body).body)
	}
	path := filepath.Join("testdata", "lookups.golden")
	if *update {
		if err := os.WriteFile(path, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := strings.Split(string(must(os.ReadFile(path))(t)), "\n")
	if diff := cmp.Diff(want, strings.Split(got.String(), "\n")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Both protocols answer from the same columns, each with a writer of its own. The message is read with generated code
// and written with encoding/json.
func TestHTTPAnswersWhatGRPCAnswers(t *testing.T) {
	r := startEveryType(t)
	all, price := r.view("all"), r.view("price")
	rapid.Check(t, func(t *rapid.T) {
		tuples := drawTuples(t)
		stored := map[string]bool{}
		for _, tuple := range tuples {
			known := fmt.Sprint(tuple)
			if stored[known] || rapid.IntRange(0, 3).Draw(t, "absent") == 0 || strings.Contains(known, "<nil>") {
				continue
			}
			stored[known] = true
			var features []any
			for _, declared := range typesOfFeatures() {
				features = append(features, storetest.DrawNullable(t, declared, 4))
			}
			age := time.Duration(rapid.Int64Range(0, int64(2*time.Hour)).Draw(t, "age"))
			r.write(all, row(ago(age), tuple[:len(typesOfKeys)], features...))
			r.write(price, row(ago(age), tuple[len(typesOfKeys):], age.Seconds()))
		}
		r.compareProtocols(t, drawLookUp(t), tuples)
	})
}

// drawTuples draws keys of the entities thing and shop.
func drawTuples(t *rapid.T) [][]any {
	tuples := make([][]any, rapid.IntRange(1, 5).Draw(t, "rows"))
	for i := range tuples {
		for _, declared := range append(slices.Clip(typesOfKeys), plumbv1.Type_STRING) {
			tuples[i] = append(tuples[i], storetest.DrawNullable(t, declared, 10))
		}
	}
	return tuples
}

func drawLookUp(t *rapid.T) *plumbv1.GetOnlineFeaturesRequest {
	references := rapid.SampledFrom([][]string{
		{"all:*"}, {"all:string_array", "price:*", "all:float32"}, {"price:euros", "world:rate", "all:*"}, {"world:rate"},
	}).Draw(t, "features")
	request := featuresRequest(nil, references...)
	if rapid.IntRange(0, 4).Draw(t, "service") == 0 {
		request.Selection = &plumbv1.GetOnlineFeaturesRequest_FeatureService{FeatureService: "mixed"}
	}
	request.FullNames = rapid.Bool().Draw(t, "full names")
	request.EventTimestamps = rapid.Bool().Draw(t, "event times")
	request.Provenance = rapid.Bool().Draw(t, "provenance")
	if rapid.Bool().Draw(t, "at") {
		request.At = timestamppb.New(noon.Add(-time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "ago"))))
	}
	return request
}

// compareProtocols asks both for the same and compares the answers byte for byte.
func (r *running) compareProtocols(t *rapid.T, request *plumbv1.GetOnlineFeaturesRequest, tuples [][]any) {
	fields := keysOf(request)
	keys := document.NewKeys(fields, nil)
	inJSON := map[string]any{}
	for _, column := range keys.Columns {
		at := len(typesOfKeys)
		for i, declared := range typesOfKeys {
			if column.Name == "k_"+strings.ToLower(declared.String()) {
				at = i
			}
		}
		var list []any
		for _, tuple := range tuples {
			column.Values, list = append(column.Values, tuple[at]), append(list, value.JSON(tuple[at]))
		}
		inJSON[column.Name] = list
	}
	request.Keys = keys.Wire()
	response, err := r.client.GetOnlineFeatures(r.t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	answer := document.NewAnswer(keys, response.GetColumns(), response.GetProvenance(),
		response.GetComputed())
	whole := map[string]any{"rows": answer.Rows(), "revision": response.GetRevision()}
	if err := document.Write(&want, whole); err != nil {
		t.Fatal(err)
	}
	asked := map[string]any{"keys": inJSON, "full_names": request.GetFullNames(), "provenance": request.GetProvenance(),
		"event_timestamps": request.GetEventTimestamps()}
	if request.GetAt() != nil {
		asked["at"] = value.FormatInstant(feature.InstantOf(request.GetAt().AsTime()))
	}
	if asked["service"] = request.GetFeatureService(); request.GetFeatures() != nil {
		delete(asked, "service")
		asked["features"] = request.GetFeatures().GetReferences()
	}
	// The map above puts the revision first.
	rows := strings.TrimSuffix(strings.TrimPrefix(want.String(), `{"revision":1,`), "}\n")
	got := r.ask("POST", "/v1/online-features", string(must(json.Marshal(asked))(t)))
	if diff := cmp.Diff("{"+rows+`,"revision":1}`+"\n", got.body); diff != "" {
		t.Errorf("(-gRPC +HTTP):\n%s", diff)
	}
}

// keysOf are the label columns of a request of everyType, in the order of the selection.
func keysOf(request *plumbv1.GetOnlineFeaturesRequest) []feature.Field {
	var things []feature.Field
	for _, declared := range typesOfKeys {
		things = append(things, feature.Field{Name: "k_" + strings.ToLower(declared.String()), Type: declared})
	}
	shop := feature.Field{Name: "shop", Type: plumbv1.Type_STRING}
	if request.GetFeatures() == nil {
		shop.Name = "our_shop"
		return append(things, shop)
	}
	switch references := request.GetFeatures().GetReferences(); {
	case references[0] == "world:rate":
		return nil
	case len(references) == 1:
		return things
	case references[0] == "price:euros":
		return append([]feature.Field{shop}, things...)
	}
	return append(things, shop)
}

// The memory of a text serves another reply as soon as it is sent, while others are still on their way.
func TestRepliesOverHTTPThatAreSentSideBySideKeepTheirValues(t *testing.T) {
	r := startShops(t, overHTTP)
	const shops, callers, calls = 300, 8, 30
	var stored []storetest.SourceRow
	for i := range shops {
		stored = append(stored, row(ago(0), []any{fmt.Sprint("shop ", i)}, float64(i), ""))
	}
	r.write(r.view("price"), stored...)
	var group errgroup.Group
	for caller := range callers {
		group.Go(func() error {
			for call := range calls {
				var keys, rows []string
				for i := range min(shops, 1+call*caller) {
					keys = append(keys, fmt.Sprintf(`"shop %d"`, i))
					rows = append(rows, fmt.Sprintf(
						`{"keys":{"shop":"shop %d"},"features":{"euros":{"value":%d.0,"status":"PRESENT"}}}`, i, i))
				}
				body := fmt.Sprintf(`{"features":["price:euros"],"event_timestamps":false,"keys":{"shop":[%s]}}`,
					strings.Join(keys, ","))
				request := must(http.NewRequestWithContext(t.Context(), http.MethodPost,
					"http://"+r.server.HTTPAddress()+"/v1/online-features", strings.NewReader(body)))(t)
				want := `{"rows":[` + strings.Join(rows, ",") + `],"revision":1}` + "\n"
				if got := r.sendUnchecked(request); got.body != want {
					return fmt.Errorf("got %s, want %s", got.body, want)
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
}
