package server_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/plumbstore/plumb/audit/auditlog"
	"github.com/plumbstore/plumb/internal/redistest"
	"github.com/plumbstore/plumb/internal/server"
	"github.com/plumbstore/plumb/internal/telemetry"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/registry/sqldb"
	"github.com/plumbstore/plumb/store/redis"
)

// startObserved is startShops over Redis, with an address for operators. scrape returns the metrics there.
func startObserved(t *testing.T) (r *running, scrape func() string) {
	t.Helper()
	online := must(redis.Open(t.Context(), redistest.Start(t).URL))(t)
	t.Cleanup(func() { _ = online.Close() })
	metrics := telemetry.New(func() time.Time { return noon })
	metrics.RegisterPool(online)
	recorder := must(auditlog.NewRecorder(auditlog.RecorderConfig{
		Writer: auditlog.Config{Folder: t.TempDir(), Project: "shops", Now: func() time.Time { return noon }}, Rate: 1,
	}))(t)
	metrics.RegisterAudit(recorder)
	r = startShops(t, func(config *server.Config) {
		config.Online, config.Metrics, config.AdminAddress, config.Audit = online, metrics, "127.0.0.1:0", recorder
		config.Ledger = config.Registry.(*sqldb.DB)
	})
	metrics.RegisterRuns(r.registry, "shops")
	return r, func() string { return get(t, "http://"+r.admin+"/metrics") }
}

func get(t *testing.T, url string) string {
	t.Helper()
	request := must(http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil))(t)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body := must(io.ReadAll(response.Body))(t)
	if response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s\n%s", url, response.Status, body)
	}
	return string(body)
}

func wantMetrics(t *testing.T, text string, want ...string) {
	t.Helper()
	lines := strings.Split(text, "\n")
	for _, line := range want {
		if !slices.Contains(lines, line) {
			t.Errorf("the metrics lack %s", line)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

// recordRun records a run as a materialization does.
func recordRun(t *testing.T, r *running, view string) {
	t.Helper()
	run := registry.Run{
		Project: "shops", View: view, Generation: 1, End: int64(ago(time.Hour)), StartedAt: noon.Add(-time.Minute),
		FinishedAt: noon.Add(-50 * time.Second), Outcome: registry.Succeeded, Read: 7, Written: 4, Older: 1, Skipped: 2,
		Bytes: 1000,
	}
	run.ID = must(r.registry.Begin(t.Context(), run))(t)
	progress := registry.Progress{View: view, Generation: 1, Rebuild: 1,
		Intervals: []registry.Interval{{End: run.End}, {Start: new(run.End + 1), End: run.End + 2}}}
	if err := r.registry.Finish(t.Context(), run, &progress); err != nil {
		t.Fatal(err)
	}
}

func TestR13_MetricsCountWhatWasServed(t *testing.T) {
	r, scrape := startObserved(t)
	r.write(r.view("price"), row(ago(10*time.Minute), []any{"fresh"}, 1.5, nil),
		row(ago(2*time.Hour), []any{"old"}, 2.5, "a"))
	request := featuresRequest([]*plumbv1.KeyColumn{texts("shop", "fresh", "old", "none")}, "price:*")
	must(r.client.GetOnlineFeatures(t.Context(), request))(t)
	unknown := featuresRequest(nil, "prize:*")
	if _, err := r.client.GetOnlineFeatures(t.Context(), unknown); err == nil {
		t.Fatal("an unknown view was served")
	}
	recordRun(t, r, "price")
	wantMetrics(t, scrape(),
		`plumb_feature_values_total{status="PRESENT",view="price"} 1`,
		`plumb_feature_values_total{status="NULL",view="price"} 1`,
		`plumb_feature_values_total{status="EXPIRED",view="price"} 2`,
		`plumb_feature_values_total{status="NOT_FOUND",view="price"} 2`,
		`plumb_lookup_duration_seconds_count{service=""} 1`,
		`plumb_requests_total{code="OK",method="/plumb.v1.ServingService/GetOnlineFeatures"} 1`,
		`plumb_requests_total{code="NotFound",method="/plumb.v1.ServingService/GetOnlineFeatures"} 1`,
		`plumb_view_staleness_seconds{view="price"} 600`,
		`plumb_store_errors_total{operation="read"} 0`,
		`plumb_audit_queue_lookups 1`,
		`plumb_audit_rows_total{outcome="dropped"} 0`,
		`plumb_registry_revision 1`,
		`plumb_materialized_gaps{view="price"} 1`,
		`plumb_materialization_last_run_succeeded{view="price"} 1`,
		`plumb_materialization_last_run_duration_seconds{view="price"} 10`,
		`plumb_materialization_last_run_rows{kind="written",view="price"} 4`,
	)
}

func TestAStoreThatIsGoneIsCounted(t *testing.T) {
	online := must(redis.Open(t.Context(), redistest.Start(t).URL))(t)
	metrics := telemetry.New(func() time.Time { return noon })
	r := startShops(t, func(config *server.Config) {
		config.Online, config.Metrics, config.AdminAddress = online, metrics, "127.0.0.1:0"
	})
	if err := online.Close(); err != nil {
		t.Fatal(err)
	}
	request := featuresRequest([]*plumbv1.KeyColumn{texts("shop", "a")}, "price:*")
	if _, err := r.client.GetOnlineFeatures(t.Context(), request); err == nil {
		t.Fatal("a look-up was answered without a store")
	}
	wrong := featuresRequest([]*plumbv1.KeyColumn{texts("ship", "a")}, "price:*")
	if _, err := r.client.GetOnlineFeatures(t.Context(), wrong); err == nil {
		t.Fatal("a look-up was answered without its key")
	}
	wantMetrics(t, get(t, "http://"+r.admin+"/metrics"), `plumb_store_errors_total{operation="read"} 1`)
}

func TestOperatorsGetProfiles(t *testing.T) {
	r, _ := startObserved(t)
	if text := get(t, "http://"+r.admin+"/debug/pprof/goroutine?debug=1"); !strings.Contains(text, "goroutine profile") {
		t.Errorf("the profile is %q", text)
	}
}

// What the dashboard and the alerts ask for is what a server that has done everything once exports.
func TestTheDashboardAndTheAlertsAskForMetricsThatThereAre(t *testing.T) {
	r, scrape := startObserved(t)
	r.write(r.view("price"), row(ago(0), []any{"a"}, 1.5, "a"))
	must(r.client.GetOnlineFeatures(t.Context(), featuresRequest([]*plumbv1.KeyColumn{texts("shop", "a")}, "price:*")))(t)
	recordRun(t, r, "price")
	r.recorded(r.view("road"), 1, 1) // The store has nothing of it.
	r.tick()
	exported := map[string]bool{}
	for line := range strings.SplitSeq(scrape(), "\n") {
		name, _, _ := strings.Cut(line, " ")
		name, _, _ = strings.Cut(name, "{")
		exported[name] = true
	}
	for _, file := range []string{"../../deploy/grafana/plumb.json", "../../deploy/prometheus/alerts.yaml"} {
		used := regexp.MustCompile(`(plumb|process)_[a-z_]+`).FindAllString(expressions(t, file), -1)
		if len(used) == 0 {
			t.Errorf("%s asks for nothing", file)
		}
		for _, name := range used {
			if !exported[name] {
				t.Errorf("%s asks for %s, which there is not", file, name)
			}
		}
	}
}

// expressions are those of a dashboard's panels or of rules, which have to be there.
func expressions(t *testing.T, file string) string {
	t.Helper()
	text := must(os.ReadFile(file))(t)
	var parsed struct {
		Panels []struct{ Targets []struct{ Expr string } }
		Groups []struct {
			Rules []struct{ Alert, Expr, For string }
		}
	}
	read := yaml.Unmarshal
	if strings.HasSuffix(file, ".json") {
		read = json.Unmarshal
	}
	if err := read(text, &parsed); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, panel := range parsed.Panels {
		for _, target := range panel.Targets {
			all = append(all, target.Expr)
		}
	}
	for _, group := range parsed.Groups {
		for _, rule := range group.Rules {
			if _, err := time.ParseDuration(rule.For); err != nil || rule.Alert == "" {
				t.Errorf("rule %q: %v", rule.Alert, err)
			}
			all = append(all, rule.Expr)
		}
	}
	return strings.Join(all, "\n")
}
