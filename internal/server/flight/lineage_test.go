package flight_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbstore/plumb/internal/lineage"
	"github.com/plumbstore/plumb/internal/server"
)

// catalog keeps the events of joins.
type catalog struct{ events []event }

type event struct {
	Kind    string  `json:"eventType"`
	Job     named   `json:"job"`
	Inputs  []*data `json:"inputs"`
	Outputs []*data `json:"outputs"`
}

type named struct{ Namespace, Name string }

type data struct {
	named
	Facets struct {
		Version struct{ DatasetVersion string } `json:"version"`
	} `json:"facets"`
	OutputFacets struct {
		OutputStatistics struct{ RowCount int64 } `json:"outputStatistics"`
	} `json:"outputFacets"`
}

func (*catalog) String() string { return "a test" }

func (s *catalog) Deliver(_ context.Context, text []byte) error {
	var next event
	err := json.Unmarshal(text, &next)
	s.events = append(s.events, next)
	return err
}

// A join over Flight is reported to the catalog as one of plumb historical is. What goes between caller and server is
// not stored, and is named after the job.
func TestJoinsAreToldToTheCatalog(t *testing.T) {
	sink := &catalog{}
	recorder := lineage.New(lineage.Config{Sink: sink, Project: "nycflights", Folder: t.TempDir(), Store: "sqlite:x",
		Version: "v1", Now: func() time.Time { return time.Unix(0, 0) }, Patience: time.Minute})
	r := start(t, func(c *server.Config) { c.Lineage = recorder })
	_, _, err := r.join(r.with("statuses", true), labels(0, 10))
	ok(t, err)
	r.write("data/labels.arrow", labels(0, 20))
	_, _, err = r.get(r.with("labels_file", "data/labels.arrow"))
	ok(t, err)
	if _, _, err := r.join(r.with("timestamp_column", "nothing"), labels(0, 10)); err == nil {
		t.Error("a join by a column that is not there succeeded")
	}
	r.end()
	ok(t, recorder.Close())

	var got []string
	for _, event := range sink.events {
		var inputs []string
		for _, input := range event.Inputs {
			inputs = append(inputs, input.Namespace+" "+input.Name[strings.LastIndex(input.Name, "/")+1:])
		}
		output := event.Outputs[0]
		name, _, _ := strings.Cut(event.Job.Name, ".weather.")
		result := strings.HasPrefix(output.Name, event.Job.Name+"/")
		got = append(got, strings.Join([]string{event.Kind, name, strings.Join(inputs, ", "), output.Namespace,
			output.Name[strings.LastIndex(output.Name, "/")+1:]}, "; "))
		if event.Kind == "COMPLETE" && output.OutputFacets.OutputStatistics.RowCount == 0 || !result {
			t.Errorf("the output is %+v", output)
		}
	}
	const sent, file = "plumb://nycflights labels, file weather.parquet", "file labels.arrow, file weather.parquet"
	const result = "; plumb://nycflights; result"
	want := []string{
		"START; historical; " + sent + result, "COMPLETE; historical; " + sent + result,
		"START; historical; " + file + result, "COMPLETE; historical; " + file + result,
		"START; historical; " + sent + result, "FAIL; historical; " + sent + result,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
