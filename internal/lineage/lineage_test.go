package lineage_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.uber.org/goleak"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/lineage"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/store/offline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

func field(name string, declared plumbv1.Type) feature.Field {
	return feature.Field{Name: name, Type: declared}
}

// views are one that reads files and keeps pushed rows, and one that reads a query over the same files.
func views() (shop, total *feature.View) {
	sources := feature.ResolveSources([]*plumbv1.Source{
		{Name: "sales", Kind: &plumbv1.Source_Parquet{Parquet: &plumbv1.ParquetSource{Path: "data/sales/*.parquet"}},
			EventTimestamp: "sold_at", CreatedTimestamp: "booked_at"},
		{Name: "totals", EventTimestamp: "day", Kind: &plumbv1.Source_Sql{
			Sql: &plumbv1.SqlSource{Query: "SELECT day, sum(price) AS euros FROM sales GROUP BY day"},
		}},
	})
	key := []feature.Field{field("shop", plumbv1.Type_INT64)}
	shop = &feature.View{Project: "shops", Name: "shop", Keys: key, Online: true,
		Source: sources["sales"].WithLog("shop", "data/pushed", nil),
		Features: []feature.Feature{
			{Field: field("euros", plumbv1.Type_FLOAT64), Column: "price"},
			{Field: field("note", plumbv1.Type_STRING), Column: "note"},
		}}
	total = &feature.View{Project: "shops", Name: "total", Source: sources["totals"],
		Features: []feature.Feature{{Field: field("euros", plumbv1.Type_FLOAT64), Column: "euros"}}}
	return shop, total
}

// joinOf is a join of both views, the first under another name.
func joinOf() lineage.JoinRequest {
	shop, total := views()
	return lineage.JoinRequest{
		JoinRequest: offline.JoinRequest{
			Selection: &feature.Selection{
				References: []feature.Reference{
					{View: shop, Alias: "nearest", LabelColumns: []string{"nearest_shop"}}, {View: total, Alias: "total"},
				},
				Outputs: []feature.Output{
					{From: feature.StoredColumn{Reference: 0, Feature: 0}, Name: "nearest__euros"},
					{From: feature.StoredColumn{Reference: 1, Feature: 0}, Name: "total__euros"},
				},
			},
			Labels: "/data/labels.parquet", TimestampColumn: "at", Statuses: true, EventTimestamps: true,
		},
		Out: "/out/train.parquet",
	}
}

func joined() offline.JoinReport {
	shop, _ := views()
	return offline.JoinReport{
		Rows: 7,
		Inputs: []feature.Input{
			{Source: "sales", Name: "data/sales/1.parquet", Version: feature.FileVersion{Size: 5, Footer: "aa"}},
			{Source: shop.Source.Name, Name: "data/sales/1.parquet", Version: feature.FileVersion{Size: 5, Footer: "aa"}},
		},
		Labels: []feature.Column{
			{Name: "nearest_shop", Type: "BIGINT"}, {Name: "at", Type: "TIMESTAMP"}, {Name: "late", Type: "BOOLEAN"},
		},
	}
}

func config(sink lineage.Sink) lineage.Config {
	return lineage.Config{Sink: sink, Project: "shops", Folder: "/project", Store: "redis://host:6379/1", Version: "1.2",
		Now: func() time.Time { return noon }, Instance: "host:1", Patience: time.Minute}
}

// recorded are the events of what record does, each valid.
func recorded(t *testing.T, record func(*lineage.Recorder)) []map[string]any {
	t.Helper()
	path := filepath.Join(t.TempDir(), "lineage.jsonl")
	recorder := lineage.New(config(lineage.File{Path: path}))
	record(recorder)
	if err := recorder.Close(); err != nil {
		t.Fatal(err)
	}
	return eventsIn(t, path)
}

func eventsIn(t *testing.T, path string) []map[string]any {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	schema, err := compiler.Compile("testdata/event.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var events []map[string]any
	for line := range strings.Lines(string(text)) {
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(line))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("%s\n%v", line, err)
		}
		var event map[string]any
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			t.Fatal(err)
		}
		checkReferences(t, event)
		events = append(events, event)
	}
	return events
}

// checkReferences checks what OpenLineage specifies only in prose: a dataset is among the inputs once, and column
// lineage names only columns that are in the schemas of the output and of the inputs.
func checkReferences(t *testing.T, event any) {
	t.Helper()
	columns := map[string]bool{}
	note := func(dataset any) {
		name := fmt.Sprint(at(t, dataset, "namespace"), " ", at(t, dataset, "name"))
		if columns[name] {
			t.Errorf("%s is there more than once", name)
		}
		columns[name] = true
		schema, _ := at(t, dataset, "facets", "schema").(map[string]any)
		fields, _ := schema["fields"].([]any)
		for _, column := range fields {
			columns[fmt.Sprint(name, " ", at(t, column, "name"))] = true
		}
	}
	for _, input := range at(t, event, "inputs").([]any) {
		note(input)
	}
	for _, output := range at(t, event, "outputs").([]any) {
		note(output)
		name := fmt.Sprint(at(t, output, "namespace"), " ", at(t, output, "name"), " ")
		lineage := at(t, output, "facets", "columnLineage").(map[string]any)
		inputs := slices.Clone(lineage["dataset"].([]any))
		for column, made := range lineage["fields"].(map[string]any) {
			inputs = append(inputs, at(t, made, "inputFields").([]any)...)
			if !columns[name+column] {
				t.Errorf("the output has no column %s", column)
			}
		}
		for _, input := range inputs {
			column := fmt.Sprint(at(t, input, "namespace"), " ", at(t, input, "name"), " ", at(t, input, "field"))
			if !columns[column] {
				t.Errorf("no input has the column %s", column)
			}
		}
	}
}

// at walks into decoded JSON.
func at(t *testing.T, value any, path ...any) any {
	t.Helper()
	for _, step := range path {
		switch step := step.(type) {
		case string:
			value = value.(map[string]any)[step]
		case int:
			value = value.([]any)[step]
		}
	}
	return value
}

// columnsOf returns a column-lineage facet as lines: what each column is made of, and what decides the rows.
func columnsOf(t *testing.T, output any) map[string]string {
	t.Helper()
	text := func(inputs any) string {
		var parts []string
		for _, input := range inputs.([]any) {
			how := at(t, input, "transformations", 0, "subtype").(string)
			parts = append(parts, at(t, input, "namespace").(string)+" "+at(t, input, "name").(string)+" "+
				at(t, input, "field").(string)+" "+how)
		}
		return strings.Join(parts, "; ")
	}
	lines := map[string]string{"": text(at(t, output, "facets", "columnLineage", "dataset"))}
	for name, column := range at(t, output, "facets", "columnLineage", "fields").(map[string]any) {
		lines[name] = text(at(t, column, "inputFields"))
	}
	return lines
}

func TestAJoinTellsWhichColumnsItsOutputIsMadeOf(t *testing.T) {
	events := recorded(t, func(r *lineage.Recorder) {
		r.StartJoin(joinOf()).End(t.Context(), joined(), "digest", nil)
	})
	if len(events) != 2 || events[0]["eventType"] != "START" || events[1]["eventType"] != "COMPLETE" {
		t.Fatalf("got %v", events)
	}
	if id := at(t, events[0], "run", "runId"); id != at(t, events[1], "run", "runId") {
		t.Errorf("START and COMPLETE tell of different runs")
	}
	if got := at(t, events[1], "eventTime"); got != "2026-03-01T12:00:00.000000Z" {
		t.Errorf("the event is of %s", got)
	}
	if got := at(t, events[1], "job", "namespace"); got != "shops" {
		t.Errorf("the job is in %s", got)
	}
	if got := at(t, events[1], "job", "name"); got != "historical.shop+total.b5691994" {
		t.Errorf("the job is %s", got)
	}
	const sales, totals = "file /project/data/sales/*.parquet ", "plumb://shops sources/totals "
	want := map[string]string{
		"nearest_shop":             "file /data/labels.parquet nearest_shop IDENTITY",
		"at":                       "file /data/labels.parquet at IDENTITY",
		"late":                     "file /data/labels.parquet late IDENTITY",
		"nearest__euros":           sales + "price IDENTITY",
		"nearest__euros__status":   sales + "price TRANSFORMATION; " + sales + "sold_at TRANSFORMATION",
		"total__euros":             totals + "euros IDENTITY",
		"total__euros__status":     totals + "euros TRANSFORMATION; " + totals + "day TRANSFORMATION",
		"nearest__event_timestamp": sales + "sold_at IDENTITY",
		"total__event_timestamp":   totals + "day IDENTITY",
		"": "file /data/labels.parquet at JOIN; file /data/labels.parquet nearest_shop JOIN; " + sales + "shop JOIN; " +
			sales + "sold_at JOIN; " + sales + "booked_at JOIN; " + totals + "day JOIN",
	}
	if diff := cmp.Diff(want, columnsOf(t, at(t, events[1], "outputs", 0))); diff != "" {
		t.Error(diff)
	}
	if got := at(t, events[1], "outputs", 0, "outputFacets", "outputStatistics", "rowCount"); got != 7.0 {
		t.Errorf("the output has %v rows", got)
	}
}

func TestTheColumnsOfProvenanceAreMadeOfTimes(t *testing.T) {
	request := joinOf()
	request.Statuses, request.EventTimestamps, request.Provenance = false, false, true
	events := recorded(t, func(r *lineage.Recorder) { r.StartJoin(request).End(t.Context(), joined(), "digest", nil) })
	output := at(t, events[1], "outputs", 0)
	var names []string
	for _, column := range at(t, output, "facets", "schema", "fields").([]any) {
		names = append(names, at(t, column, "name").(string))
	}
	want := []string{"nearest_shop", "at", "late", "nearest__euros", "total__euros"}
	for _, alias := range []string{"nearest", "total"} {
		for _, column := range offline.ProvenanceColumns {
			want = append(want, alias+"__"+column.Name)
		}
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("the columns: %s", diff)
	}
	made := map[string]string{}
	for name, inputs := range columnsOf(t, output) {
		if strings.HasPrefix(name, "nearest__") || strings.HasPrefix(name, "total__") {
			made[name] = inputs
		}
	}
	const sales, totals = "file /project/data/sales/*.parquet ", "plumb://shops sources/totals "
	const instant = "file /data/labels.parquet at TRANSFORMATION"
	if diff := cmp.Diff(map[string]string{
		"nearest__euros":             sales + "price IDENTITY",
		"nearest__event_timestamp":   sales + "sold_at IDENTITY",
		"nearest__created_timestamp": sales + "booked_at IDENTITY",
		"nearest__age_micros":        sales + "sold_at TRANSFORMATION; " + instant,
		"total__euros":               totals + "euros IDENTITY",
		"total__event_timestamp":     totals + "day IDENTITY",
		"total__age_micros":          totals + "day TRANSFORMATION; " + instant,
	}, made); diff != "" {
		t.Errorf("what they are made of: %s", diff)
	}
}

func TestDatasetsHaveTheirColumnsAndVersions(t *testing.T) {
	changed := joined()
	for i := range changed.Inputs {
		changed.Inputs[i].Version = feature.FileVersion{Size: 5, Footer: "bb"}
	}
	events := recorded(t, func(r *lineage.Recorder) {
		r.StartJoin(joinOf()).End(t.Context(), joined(), "digest", nil)
		r.StartJoin(joinOf()).End(t.Context(), changed, "digest", nil)
	})
	names, versions := []string{}, [2][]any{}
	for i, event := range []any{events[1], events[3]} {
		for _, input := range at(t, event, "inputs").([]any) {
			if i == 0 {
				names = append(names, at(t, input, "name").(string))
			}
			versions[i] = append(versions[i], at(t, input, "facets", "version"))
		}
	}
	want := []string{"/data/labels.parquet", "/project/data/pushed", "/project/data/sales/*.parquet", "sources/totals"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
	for i, name := range names {
		known, same := versions[0][i] != nil, cmp.Equal(versions[0][i], versions[1][i])
		if follows := i >= 2; known != follows || same == follows {
			t.Errorf("%s has version %v, and %v once the file differs", name, versions[0][i], versions[1][i])
		}
	}
	if got := at(t, events[1], "outputs", 0, "facets", "version", "datasetVersion"); got != "digest" {
		t.Errorf("the output is of version %v", got)
	}
	fields := at(t, events[1], "inputs", 2, "facets", "schema", "fields").([]any)
	if got := at(t, fields[1], "name"); len(fields) != 5 || got != "price" || at(t, fields[1], "type") != "FLOAT64" {
		t.Errorf("the files have %v", fields)
	}
}

func TestLabelsThatAreASourceTooAreOneInput(t *testing.T) {
	request := joinOf()
	request.Labels = "/project/data/sales/*.parquet"
	events := recorded(t, func(r *lineage.Recorder) { r.StartJoin(request).End(t.Context(), joined(), "digest", nil) })
	labels := at(t, events[1], "inputs", 0)
	if at(t, labels, "name") != request.Labels || at(t, labels, "facets", "version") == nil {
		t.Errorf("the labels are %v", labels)
	}
	names := []string{}
	for _, column := range at(t, labels, "facets", "schema", "fields").([]any) {
		names = append(names, at(t, column, "name").(string))
	}
	want := []string{"nearest_shop", "at", "late", "shop", "price", "note", "sold_at", "booked_at"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
}

func TestAMaterializationTellsWhatTheOnlineStoreHolds(t *testing.T) {
	shop, _ := views()
	done := registry.Run{ID: 17, Written: 3, Inputs: []feature.Input{{Source: shop.Source.Name, Name: "x",
		Version: feature.FileVersion{Size: 1}}}}
	events := recorded(t, func(r *lineage.Recorder) {
		r.StartMaterialization(shop).End(t.Context(), done, nil)
		r.StartMaterialization(shop).End(t.Context(), registry.Run{}, nil) // There was nothing to do.
	})
	output := at(t, events[1], "outputs", 0)
	if at(t, output, "namespace") != "redis://host:6379/1" || at(t, output, "name") != "shops.shop" {
		t.Errorf("the output is %v", output)
	}
	if got := at(t, output, "facets", "version", "datasetVersion"); got != "17" {
		t.Errorf("the output is of version %v", got)
	}
	const sales = "file /project/data/sales/*.parquet "
	want := map[string]string{
		"shop": sales + "shop IDENTITY", "euros": sales + "price IDENTITY", "note": sales + "note IDENTITY",
		"event_timestamp": sales + "sold_at IDENTITY", "created_timestamp": sales + "booked_at IDENTITY",
		"": sales + "sold_at FILTER; " + sales + "booked_at FILTER",
	}
	if diff := cmp.Diff(want, columnsOf(t, output)); diff != "" {
		t.Error(diff)
	}
	if at(t, events[3], "outputs", 0, "facets", "version") != nil || at(t, events[3], "eventType") != "COMPLETE" {
		t.Errorf("a run without work is %v", events[3])
	}
}

func TestWhatFailedAndWhatWasInterruptedAreToldApart(t *testing.T) {
	shop, _ := views()
	interrupted, cancel := context.WithCancel(t.Context())
	cancel()
	events := recorded(t, func(r *lineage.Recorder) {
		r.StartJoin(joinOf()).End(t.Context(), offline.JoinReport{}, "", errors.New("the disk is full"))
		r.StartMaterialization(shop).End(interrupted, registry.Run{}, context.Canceled)
	})
	if at(t, events[1], "eventType") != "FAIL" || at(t, events[3], "eventType") != "ABORT" {
		t.Errorf("got %v and %v", events[1]["eventType"], events[3]["eventType"])
	}
	if got := at(t, events[1], "run", "facets", "errorMessage", "message"); got != "the disk is full" {
		t.Errorf("the failure is told as %v", got)
	}
	if at(t, events[1], "outputs", 0, "outputFacets") != nil {
		t.Error("a failed run has statistics")
	}
}

func TestRunsHaveIDsThatFollowFromThemAndOrderByTime(t *testing.T) {
	id := func(change func(*lineage.Config)) string {
		path := filepath.Join(t.TempDir(), "lineage.jsonl")
		c := config(lineage.File{Path: path})
		change(&c)
		recorder := lineage.New(c)
		recorder.StartJoin(joinOf())
		if err := recorder.Close(); err != nil {
			t.Fatal(err)
		}
		return at(t, eventsIn(t, path)[0], "run", "runId").(string)
	}
	first := id(func(*lineage.Config) {})
	if again := id(func(*lineage.Config) {}); again != first {
		t.Errorf("one run is %s and %s", first, again)
	}
	if first[14] != '7' {
		t.Errorf("%s is no UUID of version 7", first)
	}
	if other := id(func(c *lineage.Config) { c.Instance = "host:2" }); other == first || other[:13] != first[:13] {
		t.Errorf("another process has %s beside %s", other, first)
	}
	later := id(func(c *lineage.Config) { c.Now = func() time.Time { return noon.Add(time.Millisecond) } })
	if later <= first {
		t.Errorf("a later run has %s, which is not after %s", later, first)
	}
}

func TestAServiceNamesItsJob(t *testing.T) {
	request := joinOf()
	request.Service = "prices"
	events := recorded(t, func(r *lineage.Recorder) { r.StartJoin(request) })
	if got := at(t, events[0], "job", "name"); got != "historical.prices" {
		t.Errorf("the job is %v", got)
	}
}

func TestNothingIsRecordedWhereNobodyAsks(t *testing.T) {
	var recorder *lineage.Recorder
	shop, _ := views()
	recorder.StartJoin(joinOf()).End(t.Context(), joined(), "", nil)
	recorder.StartMaterialization(shop).End(t.Context(), registry.Run{}, nil)
	if err := recorder.Close(); err != nil {
		t.Error(err)
	}
}

// receiver is an HTTP endpoint that keeps what it is sent, unless answer does otherwise.
type receiver struct {
	mu       sync.Mutex
	requests []*http.Request
	bodies   []string
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, _ := io.ReadAll(request.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests, r.bodies = append(r.requests, request), append(r.bodies, string(body))
	w.WriteHeader(http.StatusCreated)
}

func endpoint(t *testing.T, address, key string) *lineage.Endpoint {
	t.Helper()
	made, err := lineage.NewEndpoint(address, key)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestAnEndpointIsPostedEachEventInOrder(t *testing.T) {
	received := &receiver{}
	server := httptest.NewServer(received)
	defer server.Close()
	recorder := lineage.New(config(endpoint(t, server.URL, "secret")))
	recorder.StartJoin(joinOf()).End(t.Context(), joined(), "", nil)
	if err := recorder.Close(); err != nil {
		t.Fatal(err)
	}
	if len(received.bodies) != 2 || !strings.Contains(received.bodies[0], `"START"`) ||
		!strings.Contains(received.bodies[1], `"COMPLETE"`) {
		t.Fatalf("got %q", received.bodies)
	}
	for _, request := range received.requests {
		if request.URL.Path != "/api/v1/lineage" || request.Method != http.MethodPost ||
			request.Header.Get("Authorization") != "Bearer secret" || request.Header.Get("Content-Type") != "application/json" {
			t.Errorf("got %s %s with %v", request.Method, request.URL, request.Header)
		}
	}
	recorder = lineage.New(config(endpoint(t, server.URL+"/other/path?a=b", "")))
	recorder.StartJoin(joinOf())
	if err := recorder.Close(); err != nil {
		t.Fatal(err)
	}
	last := received.requests[2]
	if last.URL.String() != "/other/path?a=b" || last.Header.Get("Authorization") != "" {
		t.Errorf("got %s with %v", last.URL, last.Header)
	}
}

func TestEventsThatAreLostAreCountedInOneLine(t *testing.T) {
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "no room\nfor this", http.StatusInsufficientStorage)
	}))
	defer refusing.Close()
	gone := httptest.NewServer(nil)
	gone.Close()
	hanging := make(chan struct{})
	stuck := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hanging }))
	defer stuck.Close()
	defer close(hanging)
	nowhere := lineage.File{Path: filepath.Join(t.TempDir(), "nowhere", "lineage.jsonl")}
	secret := strings.Replace(gone.URL, "http://", "http://user:hunter2@", 1) + "/x?token=hunter2"
	for want, sink := range map[string]lineage.Sink{
		"lineage: 2 of 2 events did not reach " + refusing.URL + "/api/v1/lineage: 507 Insufficient Storage " +
			"no room for this": endpoint(t, refusing.URL, ""),
		"lineage: 2 of 2 events did not reach " + gone.URL + "/x: dial tcp " + gone.Listener.Addr().String() +
			": connect: connection refused": endpoint(t, secret, ""),
		"lineage: 2 of 2 events did not reach " + stuck.URL + "/api/v1/lineage: " +
			"no answer in time": endpoint(t, stuck.URL, ""),
		"lineage: 2 of 2 events did not reach " + nowhere.Path + ": no such file or directory": nowhere,
	} {
		c := config(sink)
		c.Patience = 100 * time.Millisecond
		recorder := lineage.New(c)
		recorder.StartJoin(joinOf()).End(t.Context(), joined(), "", nil)
		if err := recorder.Close(); err == nil || err.Error() != want {
			t.Errorf("got %v\nwant %s", err, want)
		}
	}
}
