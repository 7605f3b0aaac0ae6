package lineage_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/lineage"
	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/store/offline"
)

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
