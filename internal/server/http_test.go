package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbstore/plumb/internal/redistest"
	"github.com/plumbstore/plumb/internal/server"
	"github.com/plumbstore/plumb/store/redis"
	"github.com/plumbstore/plumb/store/storetest"
)

// overHTTP has the server answer HTTP too.
func overHTTP(c *server.Config) { c.HTTPAddress = "127.0.0.1:0" }

// reply is what HTTP answered.
type reply struct {
	status int
	header http.Header
	body   string
}

// ask sends a request to the server; a body is JSON.
func (r *running) ask(method, path, body string) reply {
	r.t.Helper()
	request := must(http.NewRequestWithContext(r.t.Context(), method, "http://"+r.server.HTTPAddress()+path,
		strings.NewReader(body)))(r.t)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	return r.send(request)
}

func (r *running) send(request *http.Request) reply {
	r.t.Helper()
	answer := r.sendUnchecked(request)
	contract(r.t).check(r.t, request.Method, request.URL.Path, answer)
	return answer
}

// sendUnchecked is send for what the contract does not describe.
func (r *running) sendUnchecked(request *http.Request) reply {
	r.t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer response.Body.Close()
	return reply{response.StatusCode, response.Header, string(must(io.ReadAll(response.Body))(r.t))}
}

// expect asks and compares the status and the body.
func (r *running) expect(method, path, body string, status int, want string) {
	r.t.Helper()
	got := r.ask(method, path, body)
	if got.status != status {
		r.t.Errorf("%s %s %s: status is %d, want %d: %s", method, path, body, got.status, status, got.body)
	}
	if diff := cmp.Diff(want, strings.TrimSpace(got.body)); diff != "" {
		r.t.Errorf("%s %s %s (-want +got):\n%s", method, path, body, diff)
	}
}

func TestR13_HTTPAnswersRowsWithTheirStatuses(t *testing.T) {
	r := startShops(t, overHTTP)
	r.write(r.view("price"),
		row(ago(time.Minute), []any{"here"}, 1.5, "fresh"),
		row(ago(2*time.Minute), []any{"null"}, nil, ""),
		row(ago(2*time.Hour), []any{"old"}, 2.5, "stale"),
	)
	const path = "/v1/online-features"
	r.expect("POST", path, `{"features":["price:euros"],"keys":{"shop":["here","null","old","nowhere",null]}}`, 200,
		`{"rows":[`+
			`{"keys":{"shop":"here"},"features":{"euros":{"value":1.5,"status":"PRESENT",`+
			`"event_timestamp":"2026-03-01T11:59:00Z"}}},`+
			`{"keys":{"shop":"null"},"features":{"euros":{"value":null,"status":"NULL",`+
			`"event_timestamp":"2026-03-01T11:58:00Z"}}},`+
			`{"keys":{"shop":"old"},"features":{"euros":{"value":null,"status":"EXPIRED",`+
			`"event_timestamp":"2026-03-01T10:00:00Z"}}},`+
			`{"keys":{"shop":"nowhere"},"features":{"euros":{"value":null,"status":"NOT_FOUND","event_timestamp":null}}},`+
			`{"keys":{"shop":null},"features":{"euros":{"value":null,"status":"NOT_FOUND","event_timestamp":null}}}`+
			`],"revision":1}`)
	r.expect("POST", path,
		`{"service":"rivals","keys":{"our_shop":["here"],"their_shop":["old"]},"event_timestamps":false,`+
			`"at":"2026-03-01T10:30:00Z"}`, 200,
		`{"rows":[{"keys":{"our_shop":"here","their_shop":"old"},"features":{`+
			`"ours__euros":{"value":null,"status":"NOT_FOUND"},`+
			`"theirs__euros":{"value":2.5,"status":"PRESENT"}}}],"revision":1}`)
	r.expect("POST", path,
		`{"features":["price:note"],"full_names":true,"event_timestamps":false,"keys":{"shop":["here"]}}`, 200,
		`{"rows":[{"keys":{"shop":"here"},"features":{"price__note":{"value":"fresh","status":"PRESENT"}}}],"revision":1}`)
	r.expect("POST", path, `{"features":["world:rate"]}`, 200, // R12
		`{"rows":[{"keys":{},"features":{"rate":{"value":null,"status":"NOT_FOUND","event_timestamp":null}}}],"revision":1}`)
}

func TestR9_HTTPTakesEveryIntegerExactly(t *testing.T) {
	r := startShops(t, overHTTP)
	const most, least = int64(9223372036854775807), int64(-9223372036854775808)
	r.write(r.view("road"), row(ago(0), []any{most, least}, least, []any{"a", nil}))
	want := `{"rows":[{"keys":{"origin":9223372036854775807,"dest":-9223372036854775808},"features":{` +
		`"metres":{"value":-9223372036854775808,"status":"PRESENT"},"tolls":{"value":["a",null],"status":"PRESENT"}}}],` +
		`"revision":1}`
	for _, keys := range []string{
		`{"origin":[9223372036854775807],"dest":[-9223372036854775808]}`,
		`{"dest":["-9223372036854775808"],"origin":["9223372036854775807"]}`,
	} {
		r.expect("POST", "/v1/online-features", `{"features":["road:*"],"event_timestamps":false,"keys":`+keys+`}`, 200, want)
	}
}

func TestWhatIsWrongWithAnHTTPRequestIsNamed(t *testing.T) {
	r := startShops(t, overHTTP)
	const lookUp, push = "/v1/online-features", "/v1/push"
	for _, c := range []struct {
		path, body string
		status     int
		code       string
		// fields are those of the violations.
		fields, message string
	}{
		{lookUp, `{`, 400, "INVALID_ARGUMENT", "", "ends early"},
		{lookUp, `[]`, 400, "INVALID_ARGUMENT", "", "not a JSON object"},
		{lookUp, `{} {}`, 400, "INVALID_ARGUMENT", "", "behind its end"},
		{lookUp, `{"features":["price:*"],"keys":{"shop":["\ud800"]}}`, 400, "INVALID_ARGUMENT", "", `\ud800, which is half`},
		{lookUp, `{"features":["price:*"],"keys":{"\udc00":["a"]}}`, 400, "INVALID_ARGUMENT", "", "half a character"},
		{lookUp, `{"features":["price:*"],"keys":{"shop":["a"],"shop":["b"]}}`, 400, "INVALID_ARGUMENT", "", "twice"},
		{push, `{"view":"price","rows":[{"shop":"\ud83d"}]}`, 400, "INVALID_ARGUMENT", "", "half a character"},
		{lookUp, "{\"at\":\"\xff\"}", 400, "INVALID_ARGUMENT", "", "UTF-8"},
		{lookUp, `{}`, 400, "INVALID_ARGUMENT", "feature_service", "missing"},
		{lookUp, `{"featureService":"basket"}`, 400, "INVALID_ARGUMENT", "featureService", `did you mean "feature_service"`},
		{lookUp, `{"at":"x","at":"x"}`, 400, "INVALID_ARGUMENT", "", "twice"},
		{lookUp, `{"service":1,"keys":[],"full_names":"yes","features":"price:*"}`, 400, "INVALID_ARGUMENT",
			"service keys full_names features", "must be"},
		{lookUp, `{"service":"basket","features":["price:*"]}`, 400, "INVALID_ARGUMENT", "features", "exclude"},
		{lookUp, `{"features":["price:*"],"keys":{"shop":["a"]},"at":"noon"}`, 400, "INVALID_ARGUMENT", "at", "noon"},
		{lookUp, `{"features":["price:*"],"keys":{"shop":"a"}}`, 400, "INVALID_ARGUMENT", "keys.shop", "list of STRING"},
		{lookUp, `{"features":["price:*"],"keys":{"shop":[]}}`, 400, "INVALID_ARGUMENT", "keys.shop", "no rows"},
		{lookUp, `{"features":["price:*"],"keys":{"shop":["a",1]}}`, 400, "INVALID_ARGUMENT", "keys.shop", "row 2"},
		{lookUp, `{"features":["price:*"],"keys":{"shp":["a"]}}`, 400, "INVALID_ARGUMENT", "keys.shp keys.shop",
			`did you mean "shop"`},
		{lookUp, `{"features":["road:*"],"keys":{"origin":[1,2],"dest":[1]}}`, 400, "INVALID_ARGUMENT", "keys.dest",
			"1 values where origin has 2"},
		{lookUp, `{"features":["road:*"],"keys":{"origin":[1.5],"dest":[9223372036854775808]}}`, 400, "INVALID_ARGUMENT",
			"keys.origin keys.dest", "not INT64"},
		{lookUp, `{"service":"baskte","keys":{}}`, 404, "NOT_FOUND", "", `did you mean "basket"`},
		{lookUp, `{"service":"history","keys":{"shop":["a"]}}`, 400, "FAILED_PRECONDITION", "", "online: true"},
		{push, `{"rows":[{}]}`, 400, "INVALID_ARGUMENT", "view", "missing"},
		{push, `{"view":"price"}`, 400, "INVALID_ARGUMENT", "rows", "no rows"},
		{push, `{"view":"price","rows":{}}`, 400, "INVALID_ARGUMENT", "rows", "must be a list"},
		{push, `{"view":"pric","rows":[{}]}`, 404, "NOT_FOUND", "", `did you mean "price"`},
	} {
		got := r.ask("POST", c.path, c.body)
		var told struct {
			Error struct {
				Code, Message string
				Details       []struct {
					Type            string                   `json:"@type"`
					FieldViolations []struct{ Field string } `json:"field_violations"`
				}
			}
		}
		if err := json.Unmarshal([]byte(got.body), &told); err != nil {
			t.Fatalf("%s: %v: %s", c.body, err, got.body)
		}
		var fields []string
		for _, detail := range told.Error.Details {
			for _, violation := range detail.FieldViolations {
				fields = append(fields, violation.Field)
			}
		}
		if got.status != c.status || told.Error.Code != c.code || strings.TrimSpace(strings.Join(fields, " ")) != c.fields ||
			!strings.Contains(told.Error.Message, c.message) {
			t.Errorf("%s: got %d %s for fields %q, want %d %s for %q with %q", c.body, got.status, got.body, fields, c.status,
				c.code, c.fields, c.message)
		}
	}
}

func TestHTTPRequestsOfTheWrongFormAreRefused(t *testing.T) {
	r := startShops(t, overHTTP, func(c *server.Config) { c.MaxRequestBytes, c.MaxResponseBytes = 1000, 2000 })
	url := "http://" + r.server.HTTPAddress()
	form := func(path, body string) reply { // As curl -d sends it.
		request := must(http.NewRequestWithContext(t.Context(), http.MethodPost, url+path, strings.NewReader(body)))(t)
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return r.send(request)
	}
	many := `{"features":["price:*"],"keys":{"shop":[` + strings.Repeat(`"a",`, 40) + `"a"]}}`
	for name, c := range map[string]struct {
		got    reply
		status int
		words  string
	}{
		"a form that pushes": {form("/v1/push", `{"view":"price","rows":[{}]}`), 415, "application/json"},
		"a form":             {form("/v1/online-features", "a=b"), 400, "not JSON"},
		"a look-up by curl":  {form("/v1/online-features", `{"features":["world:rate"]}`), 200, "NOT_FOUND"},
		"a GET of a look-up": {r.ask("GET", "/v1/online-features", ""), 405, "POST"},
		"a POST of a list":   {r.ask("POST", "/v1/registry/views", "{}"), 405, "GET"},
		"an unknown path":    {r.ask("GET", "/v2", ""), 404, "/v1/openapi.yaml"},
		"a large body":       {r.ask("POST", "/v1/push", `{"view":"`+strings.Repeat("a", 1000)+`"}`), 413, "1000 bytes"},
		"a large reply":      {r.ask("POST", "/v1/online-features", many), 400, "ask for fewer rows"},
	} {
		if c.got.status != c.status || !strings.Contains(c.got.body, c.words) {
			t.Errorf("%s: got %d %s, want %d with %q", name, c.got.status, c.got.body, c.status, c.words)
		}
		if c.status == 405 && c.got.header.Get("Allow") != c.words {
			t.Errorf("%s: Allow is %q", name, c.got.header.Get("Allow"))
		}
	}
}

func TestHTTPPushesRowsAndListsThoseThatItRefuses(t *testing.T) {
	r := startShops(t, overHTTP)
	push := `{"view":"price","rows":[` +
		`{"shop":"a","at":"2026-03-01T11:59:00Z","euros":"NaN","note":"x"},` +
		`{"shop":"b","event_timestamp":"2026-03-01T13:00:00Z","euros":1,"note":"x"},` +
		`{"shop":"c","event_timestamp":"2026-03-01T11:00:00Z","euros":"dear","note":"x"},` +
		`7],"atomic":`
	refused := `"refused":[{"row":1,"field":"at","reason":"…"},{"row":2,"field":"euros","reason":"…"},` +
		`{"row":3,"field":"","reason":"…"}],"revision":1}`
	for _, c := range []struct{ atomic, want string }{
		{"true", `{"written":0,"older":0,` + refused}, {"false", `{"written":1,"older":0,` + refused},
	} {
		got := r.ask("POST", "/v1/push", push+c.atomic+"}")
		if diff := cmp.Diff(c.want, withoutReasons(t, got.body)); got.status != 200 || diff != "" {
			t.Errorf("atomic %s: %d (-want +got):\n%s", c.atomic, got.status, diff)
		}
	}
	r.expect("POST", "/v1/online-features",
		`{"features":["price:euros"],"keys":{"shop":["a","c"]},"event_timestamps":false}`, 200,
		`{"rows":[{"keys":{"shop":"a"},"features":{"euros":{"value":"NaN","status":"PRESENT"}}},`+
			`{"keys":{"shop":"c"},"features":{"euros":{"value":null,"status":"NOT_FOUND"}}}],"revision":1}`)
}

// withoutReasons is the reply of a push whose reasons, which must be there, are elided.
func withoutReasons(t *testing.T, body string) string {
	var told struct {
		Written int `json:"written"`
		Older   int `json:"older"`
		Refused []struct {
			Row    int    `json:"row"`
			Field  string `json:"field"`
			Reason string `json:"reason"`
		} `json:"refused"`
		Revision int `json:"revision"`
	}
	if err := json.Unmarshal([]byte(body), &told); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	for i, row := range told.Refused {
		if row.Reason == "" {
			t.Errorf("row %d is refused without a reason", row.Row)
		}
		told.Refused[i].Reason = "…"
	}
	return string(must(json.Marshal(told))(t))
}

func TestHTTPReadsTheRegistry(t *testing.T) {
	r := start(t, overHTTP)
	r.expect("GET", "/v1/registry/revision", "", 200, `{"revision":0}`)
	r.expect("GET", "/v1/registry/views", "", 200, `{"revision":0,"views":[]}`)
	r.expect("GET", "/v1/registry/history", "", 200, `{"revisions":[]}`)
	r.apply(storetest.StateOf(shops()))
	r.expect("GET", "/v1/registry/revision", "", 200, `{"revision":1}`)
	r.expect("GET", "/v1/registry/entities/shop", "", 200,
		`{"name":"shop","join_keys":[{"name":"shop","type":"STRING"}]}`)
	r.expect("GET", "/v1/registry/history?limit=1", "", 200,
		`{"revisions":[{"revision":1,"by":"test","at":"2026-03-01T12:00:00Z","changes":[]}]}`)
	for path, words := range map[string]string{
		"/v1/registry/entities": `"route"`, "/v1/registry/sources": `"rows.parquet"`, "/v1/registry/views": `"ttl":"3600s"`,
		"/v1/registry/services": `"rivals"`, "/v1/registry/sources/rows": `"event_timestamp":"at"`,
		"/v1/registry/views/price": `"euros"`, "/v1/registry/services/basket": `"metres"`,
	} {
		if got := r.ask("GET", path, ""); got.status != 200 || !strings.Contains(got.body, words) {
			t.Errorf("%s: got %d %s, want %s in it", path, got.status, got.body, words)
		}
	}
	if got := r.ask("GET", "/v1/registry/views/pric", ""); got.status != 404 || !strings.Contains(got.body, "price") {
		t.Errorf("an unknown view: %d %s", got.status, got.body)
	}
	if got := r.ask("GET", "/v1/registry/history?limit=none", ""); got.status != 400 {
		t.Errorf("a limit that is none: %d %s", got.status, got.body)
	}
}

func TestHTTPTellsHealthAndReadiness(t *testing.T) {
	cache := redistest.Start(t)
	online := must(redis.Open(t.Context(), cache.URL))(t)
	t.Cleanup(func() { online.Close() })
	away := &flaky{}
	r := start(t, overHTTP, func(c *server.Config) { away.Registry = c.Registry; c.Registry, c.Online = away, online })
	r.tick()
	r.expect("GET", "/healthz", "", 200, `{"status":"alive"}`)
	r.expect("GET", "/readyz", "", 503,
		`{"ready":false,"reasons":["nothing has been applied yet: run plumb apply"],"revision":0}`)
	r.apply(storetest.StateOf(shops()))
	r.expect("GET", "/readyz", "", 200, `{"ready":true,"revision":1}`)
	away.gone.Store(true)
	r.tick()
	r.expect("GET", "/readyz", "", 200, `{"ready":true,"revision":1,"stale_since":"2026-03-01T12:00:00Z"}`)
	away.gone.Store(false)
	cache.Kill()
	r.tick()
	r.expect("GET", "/readyz", "", 503, `{"ready":false,"reasons":["the online store does not answer"],"revision":1}`)
	r.expect("GET", "/healthz", "", 200, `{"status":"alive"}`)
	got := r.ask("POST", "/v1/online-features", `{"features":["price:euros"],"keys":{"shop":["a"]}}`)
	if got.status != 503 || !strings.Contains(got.body, `"UNAVAILABLE"`) || got.header.Get("Retry-After") == "" {
		t.Errorf("a look-up without a store: %d %v %s", got.status, got.header, got.body)
	}
}

func TestHTTPRefusesCallsBeyondTheLimitAndDrains(t *testing.T) {
	online := &hooked{Store: openSQLite(t)}
	r := startShops(t, overHTTP, func(c *server.Config) { c.Online, c.MaxConcurrent = online, 1 })
	entered, release := online.holdReads()
	const lookUp = `{"features":["price:euros"],"keys":{"shop":["a"]}}`
	held := make(chan reply, 1)
	go func() { held <- r.ask("POST", "/v1/online-features", lookUp) }()
	<-entered
	if got := r.ask("POST", "/v1/online-features", lookUp); got.status != 429 || got.header.Get("Retry-After") == "" {
		t.Errorf("beyond the limit: %d %s", got.status, got.body)
	}
	r.stop()
	release()
	if got := <-held; got.status != 200 {
		t.Errorf("a call in flight at the drain: %d %s", got.status, got.body)
	}
	<-r.ended
}

func TestAClientOfHTTPThatGoesAwayEndsItsCall(t *testing.T) {
	online := &hooked{Store: openSQLite(t)}
	r := startShops(t, overHTTP, func(c *server.Config) { c.Online, c.Timeout = online, time.Hour })
	entered, release := online.holdReads()
	defer release()
	ctx, cancel := context.WithCancel(t.Context())
	url := "http://" + r.server.HTTPAddress() + "/v1/online-features"
	request := must(http.NewRequestWithContext(ctx, http.MethodPost, url,
		bytes.NewBufferString(`{"features":["price:euros"],"keys":{"shop":["a"]}}`)))(t)
	request.Header.Set("Content-Type", "application/json")
	go func() { <-entered; cancel() }()
	if response, err := (&http.Client{Transport: &http.Transport{}}).Do(request); err == nil {
		response.Body.Close()
		t.Fatal("the call that was given up succeeded")
	}
	r.end() // The drain does not wait for the held read, which its context has ended.
	if strings.Contains(r.log.String(), "cut off") {
		t.Errorf("the call went on: %s", r.log)
	}
}

func TestCallsOverHTTPAreCountedAndMetricsAreThereToo(t *testing.T) {
	r := startShops(t, overHTTP)
	r.ask("POST", "/v1/online-features", `{"features":["price:euros"],"keys":{"shop":["a"]}}`)
	got := r.ask("GET", "/metrics", "")
	counted := regexp.MustCompile(`(?m)^plumb_\w+\{.*GetOnlineFeatures.*\} 1$`)
	if got.status != 200 || !counted.MatchString(got.body) {
		t.Errorf("got %d without %s:\n%s", got.status, counted, got.body)
	}
}
