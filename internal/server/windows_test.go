package server_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// till is a project with a view of windows over payments, and an on-demand view that reads it.
var till = map[string]string{
	"plumb.yaml": `
project: shops
definitions: [features.yaml]
registry: sqlite:registry.db
online_store: sqlite:online.db
offline: {roots: [.]}
`,
	"features.yaml": `
entities: [{name: shop, join_keys: [{name: shop, type: STRING}]}]
sources:
  - name: payments
    csv: {path: payments.csv}
    event_timestamp: at
    columns: [{name: euros, type: FLOAT64}]
  - {name: prices, csv: {path: payments.csv}, event_timestamp: at}
feature_views:
  - {name: price, entities: [shop], source: prices, features: [{name: euros, type: FLOAT64}]}
  - name: spend
    entities: [shop]
    source: payments
    aggregations: [{of: euros, functions: [rows, sum], windows: [1h, 3h]}]
on_demand_views:
  - name: usual
    request: [{name: paid, type: FLOAT64}]
    views: [{view: spend}]
    features:
      - {name: more, type: BOOL, expression: paid > spend.sum_euros_3h}
      - {name: hour, type: INT64, expression: request_time.getHours()}
`,
	"payments.csv": `shop,at,euros
a,2026-03-01T08:00:00Z,16
a,2026-03-01T09:10:00Z,1
a,2026-03-01T11:30:00Z,2
a,2026-03-01T11:45:00Z,4
b,2026-03-01T11:59:45Z,8
`,
}

// startTill serves it. Nothing is materialized.
func startTill(t *testing.T) *airport {
	t.Helper()
	folder := t.TempDir()
	for name, text := range till {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return startFolder(t, folder, noon)
}

// materialize materializes all views up to noon.
func (f *airport) materialize() {
	f.t.Helper()
	f.succeeded(f.client.StartMaterialization(f.t.Context(), &plumbv1.StartMaterializationRequest{}))
	f.tick()
}

// statusOf is the status of a view, over gRPC.
func (f *airport) statusOf(view string) *plumbv1.ViewStatus {
	f.t.Helper()
	for _, status := range must(f.client.Status(f.t.Context(), &plumbv1.StatusRequest{}))(f.t).GetViews() {
		if status.GetView() == view {
			return status
		}
	}
	f.t.Fatalf("there is no status of view %s", view)
	return nil
}

// The floor is twice the skew of clocks before the end of what is done. Shop a has three tiles; the event of shop b is
// too late for one.
func TestTheStatusOverGRPCSaysWhatIsStoredForWindows(t *testing.T) {
	f := startTill(t)
	want := &plumbv1.StoredWindows{MostTiles: 38, Windows: []*plumbv1.Window{
		{Length: "1h", Hop: "5m", Longest: "1h5m"}, {Length: "3h", Hop: "5m", Longest: "3h5m"}}}
	if diff := cmp.Diff(want, f.statusOf("spend").GetStoredWindows(), protocmp.Transform()); diff != "" {
		t.Errorf("before there is a run (-want +got):\n%s", diff)
	}
	f.materialize()
	got := f.statusOf("spend")
	if got.GetLastRun().GetTiles() != 3 || got.GetLastRun().GetWritten() != 2 {
		t.Errorf("the run is %v", got.GetLastRun())
	}
	want.FloorMicros, want.MeanTiles = new(int64(ago(20*time.Second))), new(1.5)
	want.MeanBytes = new(float64(got.GetLastRun().GetBytes()) / 2)
	if diff := cmp.Diff(want, got.GetStoredWindows(), protocmp.Transform()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if price := f.statusOf("price"); price.GetStoredWindows() != nil || price.GetLastRun().GetTiles() != 0 {
		t.Errorf("a view without windows has %v", price)
	}
}

func TestTheStatusOverHTTPSaysWhatIsStoredForWindows(t *testing.T) {
	f := startTill(t)
	const windows = `"stored_windows":{"windows":[{"window":"1h","hop":"5m","longest":"1h5m"},` +
		`{"window":"3h","hop":"5m","longest":"3h5m"}],`
	f.expectInStatus(windows + `"floor":null,"most_tiles":38,"mean_tiles":null,"mean_bytes":null}`)
	f.materialize()
	bytes := f.statusOf("spend").GetLastRun().GetBytes()
	f.expectInStatus(windows+fmt.Sprintf(
		`"floor":"2026-03-01T11:59:40Z","most_tiles":38,"mean_tiles":1.5,"mean_bytes":%v}`, float64(bytes)/2),
		fmt.Sprintf(`"bytes":%d,"tiles":3,"seconds":0`, bytes))
	run := fmt.Sprintf(`{"runs":[{"view":"spend","outcome":"succeeded","start":"2026-03-01T08:55:00Z",`+
		`"end":"2026-03-01T12:00:00Z","read":4,"written":2,"older":0,"null_keys":0,"null_times":0,"skipped":0,`+
		`"bytes":%d,"tiles":3,"seconds":0,"run":2}]}`, bytes)
	f.expect("GET", "/v1/runs/spend", "", 200, run)
}

// expectInStatus expects that the status over HTTP, which is as the OpenAPI document says, says each of these things
// exactly once.
func (f *airport) expectInStatus(wanted ...string) {
	f.t.Helper()
	got := f.ask("GET", "/v1/status", "")
	for _, want := range wanted {
		if got.status != 200 || strings.Count(got.body, want) != 1 {
			f.t.Errorf("the status is %d %s, want in it exactly once %s", got.status, got.body, want)
		}
	}
}

func TestHTTPTellsWhatWindowsCountAndWhatOnDemandViewsRead(t *testing.T) {
	f := startTill(t)
	f.materialize()
	snapshot := must(f.project.Snapshot(t.Context()))(t)
	spend := must(snapshot.View("spend"))(t).Hash
	state := func(event, age, counted string) string {
		return `"provenance":{"spend":{"view":"spend","definition_revision":1,"definition_hash":"` + spend.String() +
			`","origin":"RUN","run":2,"pushed_timestamp":null,"event_timestamp":"` + event +
			`","created_timestamp":null,"age_micros":` + age + `,"schema_id":1,` + counted + `}}`
	}
	none := func(origin string) string {
		return `"provenance":{"spend":{"view":"spend","definition_revision":1,"definition_hash":"` + spend.String() +
			`","origin":"` + origin + `","run":null,"pushed_timestamp":null,"event_timestamp":null,` +
			`"created_timestamp":null,"age_micros":null,"schema_id":null,` +
			`"events":null,"earliest_event_timestamp":null,"earliest_event_after":null}}`
	}
	computed := `,"computed":{"usual":{"view":"usual","definition_hash":"` + snapshot.OnDemandViews()[0].Hash.String() +
		`","inputs":["paid"],"views":["spend"],"request_time":true}}}`
	f.expect("POST", "/v1/online-features",
		`{"features":["spend:rows_3h","usual:*"],"provenance":true,"event_timestamps":false,`+
			`"keys":{"shop":["a","b","c"]},"inputs":{"paid":[7.5,1.0,null]}}`, 200,
		`{"rows":[{"keys":{"shop":"a"},"inputs":{"paid":7.5},"features":{"rows_3h":{"value":3,"status":"PRESENT"},`+
			`"more":{"value":true,"status":"PRESENT"},"hour":{"value":12,"status":"PRESENT"}},`+
			state("2026-03-01T11:45:00Z", "900000000",
				`"events":3,"earliest_event_timestamp":null,"earliest_event_after":"2026-03-01T09:05:00Z"`)+computed+
			`,{"keys":{"shop":"b"},"inputs":{"paid":1.0},"features":{"rows_3h":{"value":1,"status":"PRESENT"},`+
			`"more":{"value":false,"status":"PRESENT"},"hour":{"value":12,"status":"PRESENT"}},`+
			state("2026-03-01T11:59:45Z", "15000000",
				`"events":1,"earliest_event_timestamp":"2026-03-01T11:59:45Z","earliest_event_after":null`)+computed+
			`,{"keys":{"shop":"c"},"inputs":{"paid":null},"features":{"rows_3h":{"value":null,"status":"NOT_FOUND"},`+
			`"more":{"value":null,"status":"NULL"},"hour":{"value":12,"status":"PRESENT"}},`+none("NO_ROW")+computed+
			`],"revision":1}`)
	f.expect("POST", "/v1/online-features",
		`{"features":["spend:rows_3h"],"provenance":true,"event_timestamps":false,"keys":{"shop":["a"]},`+
			`"at":"2026-03-01T11:59:39Z"}`, 200,
		`{"rows":[{"keys":{"shop":"a"},"features":{"rows_3h":{"value":null,"status":"NOT_FOUND"}},`+
			none("BEFORE_FLOOR")+`}],"revision":1}`)
}
