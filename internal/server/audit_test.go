package server_test

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/google/go-cmp/cmp"

	"github.com/plumbstore/plumb/audit/auditlog"
	"github.com/plumbstore/plumb/internal/server"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/storetest"
)

// audited is a server of the shops that logs what it answers.
type audited struct {
	*running

	folder   string
	recorder *auditlog.Recorder
}

func startAudited(t *testing.T, rate float64, hasher *auditlog.Hasher, changes ...func(*server.Config)) *audited {
	t.Helper()
	a := &audited{folder: t.TempDir()}
	a.recorder = must(auditlog.NewRecorder(auditlog.RecorderConfig{
		Writer: auditlog.Config{Folder: a.folder, Project: "shops", Now: func() time.Time { return noon }},
		Rate:   rate, Hasher: hasher, Logger: slog.New(slog.DiscardHandler),
	}))(t)
	changes = append(changes, overHTTP, func(config *server.Config) { config.Audit = a.recorder })
	a.running = startShops(t, changes...)
	return a
}

// logged are the columns of all that was answered so far.
func (a *audited) logged() map[string]string {
	a.t.Helper()
	ended, end := context.WithCancel(context.Background())
	end()
	a.recorder.Run(ended, nil)
	columns := map[string]string{}
	for _, path := range must(auditlog.Find(a.folder, "shops", math.MinInt64, math.MaxInt64))(a.t) {
		file := must(auditlog.Open(path))(a.t)
		err := file.Read(a.t.Context(), func(batch arrow.RecordBatch) error {
			for i, field := range batch.Schema().Fields() {
				columns[field.Name] += fmt.Sprint(batch.Column(i))
			}
			return nil
		})
		if err != nil {
			a.t.Fatal(err)
		}
		file.Close()
	}
	return columns
}

func TestWhatIsAnsweredOverGRPCAndHTTPIsLoggedWithWhereItCameFrom(t *testing.T) {
	a := startAudited(t, 1, nil)
	a.write(a.view("price"), row(ago(time.Minute), []any{"here"}, 1.5, "fresh"),
		row(ago(2*time.Hour), []any{"old"}, 2.5, ""), row(ago(-time.Minute), []any{"soon"}, 3.5, ""))
	keys := texts("shop", "here", "none", "old", "soon")
	must(a.client.GetOnlineFeatures(t.Context(), featuresRequest([]*plumbv1.KeyColumn{keys}, "price:euros")))(t)
	answer := a.ask(http.MethodPost, "/v1/online-features", `{"features": ["price:euros"], "keys": {"shop": ["here"]}}`)
	if answer.status != http.StatusOK {
		t.Fatalf("got %+v", answer)
	}
	got := a.logged()
	origin := int64(storetest.SampleOrigin)
	minute, hours, served := int64(ago(time.Minute)), int64(ago(2*time.Hour)), int64(ago(0))
	want := map[string]string{
		auditlog.RequestColumn:     "[1 1 1 1 2]",
		auditlog.RowColumn:         "[0 1 2 3 0]",
		auditlog.ServedAtColumn:    fmt.Sprint([]int64{served, served, served, served, served}),
		auditlog.AtColumn:          fmt.Sprint([]int64{served, served, served, served, served}),
		"shop":                     `["here" "none" "old" "soon" "here"]`,
		"euros":                    "[1.5 (null) (null) (null) 1.5]",
		"euros__status":            `["PRESENT" "NOT_FOUND" "EXPIRED" "NOT_FOUND" "PRESENT"]`,
		"price__event_timestamp":   fmt.Sprintf("[%d (null) %d %d %d]", minute, hours, int64(ago(-time.Minute)), minute),
		"price__created_timestamp": "[(null) (null) (null) (null) (null)]",
		"price__schema_id":         "[1 (null) 1 1 1]",
		"price__origin":            fmt.Sprintf("[%d (null) %d %d %d]", origin, origin, origin, origin),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestOnlyTheShareOfEntitiesIsLogged(t *testing.T) {
	a := startAudited(t, 0.3, nil)
	for i := range 200 {
		for range 2 {
			request := featuresRequest([]*plumbv1.KeyColumn{texts("shop", fmt.Sprint(i))}, "price:euros")
			must(a.client.GetOnlineFeatures(t.Context(), request))(t)
		}
	}
	shops := strings.Fields(strings.Trim(a.logged()["shop"], "[]"))
	times := map[string]int{}
	for _, shop := range shops {
		times[shop]++
	}
	if len(times) < 30 || len(times) > 90 || len(shops) != 2*len(times) {
		t.Errorf("%d of 200 shops are logged, in %d rows for 2 look-ups of each", len(times), len(shops))
	}
}

func TestWhatIsSensitiveIsNeverLoggedInTheClear(t *testing.T) {
	for _, hasher := range []*auditlog.Hasher{nil, auditlog.NewHasher("a key that nobody knows")} {
		a := startAudited(t, 1, hasher)
		marked := shops()
		marked.Entities[0].JoinKeys[0].Sensitive = true
		a.apply(storetest.StateOf(marked))
		a.tick()
		must(a.client.GetOnlineFeatures(t.Context(),
			featuresRequest([]*plumbv1.KeyColumn{texts("shop", "here")}, "price:euros")))(t)
		got := a.logged()
		if strings.Contains(got["shop"], "here") {
			t.Errorf("the key is logged as %s", got["shop"])
		}
		if counts := a.recorder.Counts(); hasher == nil && counts.Withheld != 1 || hasher != nil && counts.Logged != 1 {
			t.Errorf("got %+v", counts)
		}
	}
}
