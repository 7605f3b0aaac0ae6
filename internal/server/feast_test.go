package server_test

import (
	"crypto/tls"
	"math"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/server"
	"github.com/plumbstore/plumb/internal/server/certificates"
	"github.com/plumbstore/plumb/internal/server/certificates/certtest"
	"github.com/plumbstore/plumb/store/storetest"
)

// overFeast has the server answer clients of Feast too.
func overFeast(c *server.Config) { c.FeastAddress = "127.0.0.1:0" }

// askFeast sends a request as Feast's clients do.
func (r *running) askFeast(method, path, body string, headers ...string) reply {
	r.t.Helper()
	request := must(http.NewRequestWithContext(r.t.Context(), method, "http://"+r.server.FeastAddress()+path,
		strings.NewReader(body)))(r.t)
	request.Header.Set("User-Agent", "python-requests/2.34.2")
	request.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	return r.sendUnchecked(request)
}

// expectFeast asks and compares the status and the body.
func (r *running) expectFeast(path, body string, status int, want string) {
	r.t.Helper()
	got := r.askFeast("POST", path, body)
	if got.status != status {
		r.t.Errorf("POST %s %s: status is %d, want %d: %s", path, body, got.status, status, got.body)
	}
	if diff := cmp.Diff(want, got.body); diff != "" {
		r.t.Errorf("POST %s %s (-want +got):\n%s", path, body, diff)
	}
}

const feastLookup = "/get-online-features"

// feastColumn is a column of an answer in Feast's form.
func feastColumn(values, statuses, times string) string {
	return `{"values":[` + values + `],"statuses":[` + statuses + `],"event_timestamps":[` + times + `]}`
}

func TestR13_FeastAnswersColumnsWithItsStatuses(t *testing.T) {
	r := startShops(t, overFeast)
	r.write(r.view("price"),
		row(ago(time.Minute), []any{"here"}, 1.5, "fresh"),
		row(ago(2*time.Minute), []any{"null"}, nil, ""),
		row(ago(2*time.Hour), []any{"old"}, 2.5, "stale"),
	)
	const (
		epoch = `"1970-01-01T00:00:00Z"`
		keys  = `"here","null","old","nowhere",null`
	)
	r.expectFeast(feastLookup, `{"entities":{"shop":[`+keys+`]},"full_feature_names":false,`+
		`"include_feature_view_version_metadata":false,"features":["price:note","price:euros"]}`, 200,
		`{"results":[`+
			feastColumn(keys, `"PRESENT","PRESENT","PRESENT","PRESENT","NULL_VALUE"`,
				epoch+","+epoch+","+epoch+","+epoch+","+epoch)+","+
			feastColumn(`"fresh","",null,null,null`, `"PRESENT","PRESENT","OUTSIDE_MAX_AGE","NOT_FOUND","NOT_FOUND"`,
				`"2026-03-01T11:59:00Z","2026-03-01T11:58:00Z","2026-03-01T10:00:00Z",`+epoch+","+epoch)+","+
			feastColumn(`1.5,null,null,null,null`, `"PRESENT","NULL_VALUE","OUTSIDE_MAX_AGE","NOT_FOUND","NOT_FOUND"`,
				`"2026-03-01T11:59:00Z","2026-03-01T11:58:00Z","2026-03-01T10:00:00Z",`+epoch+","+epoch)+
			`],"metadata":{"feature_names":["shop","note","euros"]}}`)
}

func TestR11_FeastTakesServicesWithAliasesAndKeysInAnyOrder(t *testing.T) {
	r := startShops(t, overFeast)
	r.write(r.view("price"), row(ago(1500*time.Microsecond), []any{"a"}, 1.0, "x"),
		row(ago(500*time.Millisecond), []any{"b"}, 2e22, "y"))
	r.expectFeast(feastLookup, `{"entities":{"their_shop":["b"],"our_shop":["a"]},"full_feature_names":true,`+
		`"feature_service":"rivals"}`, 200,
		`{"results":[`+
			feastColumn(`"b"`, `"PRESENT"`, `"1970-01-01T00:00:00Z"`)+","+
			feastColumn(`"a"`, `"PRESENT"`, `"1970-01-01T00:00:00Z"`)+","+
			feastColumn(`1.0`, `"PRESENT"`, `"2026-03-01T11:59:59.998500Z"`)+","+
			feastColumn(`2e+22`, `"PRESENT"`, `"2026-03-01T11:59:59.500Z"`)+
			`],"metadata":{"feature_names":["their_shop","our_shop","ours__euros","theirs__euros"]}}`)
}

func TestR12_FeastRepeatsFeaturesWithoutKeysForEachRow(t *testing.T) {
	r := startShops(t, overFeast)
	r.write(r.view("world"), row(ago(time.Hour), nil, float32(0.1)))
	one, at := `0.10000000149011612`, `"2026-03-01T11:00:00Z"`
	r.expectFeast(feastLookup, `{"entities":{},"features":["world:rate"]}`, 200,
		`{"results":[`+feastColumn(one, `"PRESENT"`, at)+`],"metadata":{"feature_names":["rate"]}}`)
	r.expectFeast(feastLookup, `{"entities":{"__dummy_id":["",""]},"features":["world:rate"]}`, 200,
		`{"results":[`+feastColumn(one+","+one, `"PRESENT","PRESENT"`, at+","+at)+`],"metadata":{"feature_names":["rate"]}}`)
}

// The names of members differ between versions of Feast's clients, and columns that it does not need are in its frames.
func TestFeastLeavesAsideWhatItDoesNotKnow(t *testing.T) {
	r := startShops(t, overFeast)
	want := `{"results":[` + feastColumn(`7`, `"PRESENT"`, `"1970-01-01T00:00:00Z"`) + "," +
		feastColumn(`8`, `"PRESENT"`, `"1970-01-01T00:00:00Z"`) + "," +
		feastColumn(`null`, `"NOT_FOUND"`, `"1970-01-01T00:00:00Z"`) +
		`],"metadata":{"feature_names":["origin","dest","metres"]}}`
	r.expectFeast(feastLookup, `{"entities":{"origin":[7.0],"noise":[{}],"dest":["8"]},"feature_service":null,`+
		`"features":["road:metres"],"later_member":1}`, 200, want)
}

func TestFeastAnswersValuesAsItsClientsReadThem(t *testing.T) {
	r := start(t, overFeast)
	r.apply(storetest.StateOf(everyType()))
	second := feature.Instant(1_000_000)
	r.write(r.view("all"), row(ago(0), []any{true, int32(-7), int64(math.MinInt64), "a", []byte{0, 255}},
		false, int32(math.MinInt32), int64(math.MaxInt64), float32(0.1), math.NaN(), "é\"\n", []byte{0, 255}, -second+1,
		[]any{true, nil}, []any{int32(1)}, []any{}, []any{float32(1e30)}, []any{math.Inf(1), math.Inf(-1), 1e6, 5e-324, -0.5},
		[]any{"a", nil}, []any{[]byte{255}, nil}, []any{2*second - 1}))
	got := r.askFeast("POST", feastLookup, `{"features":["all:*"],"entities":{"k_bool":[true],"k_int32":[-7],`+
		`"k_int64":[-9223372036854775808],"k_string":["a"],"k_bytes":["AP8="]}}`)
	var want []string
	for _, values := range []string{`true`, `-7`, `-9223372036854775808`, `"a"`, `"AP8="`} {
		want = append(want, feastColumn(values, `"PRESENT"`, `"1970-01-01T00:00:00Z"`))
	}
	for _, values := range []string{`false`, `-2147483648`, `9223372036854775807`, `0.10000000149011612`, `NaN`, `"é\"\n"`,
		`"AP8="`, `-1`, `[true,null]`, `[1]`, `[]`, `[1.0000000150474662e+30]`, `[Infinity,-Infinity,1e+06,5e-324,-0.5]`,
		`["a",null]`, `["/w==",null]`, `[1]`} {
		want = append(want, feastColumn(values, `"PRESENT"`, `"2026-03-01T12:00:00Z"`))
	}
	results, _, _ := strings.Cut(got.body, `,"metadata"`)
	if diff := cmp.Diff(`{"results":[`+strings.Join(want, ",")+`]`, results); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestFeastTellsMistakesInItsOwnForms(t *testing.T) {
	r := startShops(t, overFeast)
	exception := func(class, message string) string {
		return `"{\"class\":\"` + class + `\",\"message\":\"` + message + `\",\"module\":\"feast.errors\"}"`
	}
	violations := func(all ...string) string { return `{"detail":[` + strings.Join(all, ",") + `]}` }
	violation := func(at, text string) string { return `{"type":"value_error","loc":[` + at + `],"msg":"` + text + `"}` }
	for body, want := range map[string]struct {
		status int
		body   string
	}{
		`{"entities":{"shop":["a"]},"features":["prise:euros"]}`: {404, exception("FeatureViewNotFoundException",
			`no feature view is named \\\"prise\\\"; did you mean \\\"price\\\"?`)},
		`{"entities":{"shop":["a"]},"features":["price:euro"]}`: {404, exception("FeastObjectNotFoundException",
			`no feature of view price is named \\\"euro\\\"; did you mean \\\"euros\\\"?`)},
		`{"entities":{"shop":["a"]},"feature_service":"baskets"}`: {404, exception("FeatureServiceNotFoundException",
			`no feature service is named \\\"baskets\\\"; did you mean \\\"basket\\\"?`)},
		`{"entities":{"shop":["a"]},"features":["archive:founded"]}`: {422, exception("FeastError",
			`not materialized, so there is nothing to look up: feature view archive; set online: true in its definition`)},
		`{"entities":{"dest":[1],"origin":[1,2]},"features":["road:metres","price:euros"]}`: {422, exception("FeastError",
			`origin: has 2 values where dest has 1; shop: is missing; give a list of STRING`)},
		`{"entities":{"origin":[1.5],"dest":["x"]},"features":["road:metres"]}`: {422, exception("FeastError",
			`origin: row 1: \\\"1.5\\\" is not INT64; write a whole number that fits, without a plus sign or leading zeros; `+
				`dest: row 1: \\\"x\\\" is not INT64; write a whole number that fits, without a plus sign or leading zeros`)},
		`{"entities":{"shop":[]},"features":["price:euros"]}`: {422, exception("FeastError",
			`shop: has no rows; give at least one`)},
		`{"entities":{"shop":["a"]}}`: {422, exception("FeastError",
			`features: is missing; give a list of view:feature, or feature_service`)},
		`{"features":"price:euros"}`: {422, violations(
			violation(`"body","features"`, `must be a list of texts such as \"view:feature\"`),
			violation(`"body","entities"`, `is missing; give {\"join key\": [value, …]}`))},
		`{"entities":{"shop":"a","a.b":null}}`: {422, violations(
			violation(`"body","entities","shop"`, `must be a list of values, one for each row`),
			violation(`"body","entities","a.b"`, `must be a list of values, one for each row`))},
		`{"entities":[]}`: {422, violations(violation(`"body","entities"`, `is not a JSON object`))},
		`{"entities":{},"features":["world:rate"],"include_feature_view_version_metadata":true}`: {422, violations(
			violation(`"body","include_feature_view_version_metadata"`,
				`is true, but feature views have no versions; the registry has revisions`))},
		`{"entities":`:                  {422, violations(violation(`"body"`, `is not JSON: it ends early`))},
		`{"entities":{},"entities":{}}`: {422, violations(violation(`"body"`, `has \"entities\" twice`))},
	} {
		r.expectFeast(feastLookup, body, want.status, want.body)
	}
	r.expectFeast("/search", `{}`, 404, exception("FeastError",
		`POST \\\"/search\\\" is not answered here; docs/feast.md lists what is`))
}

func TestFeastTellsCollisionsAsItsOwnException(t *testing.T) {
	r := startShops(t, overFeast)
	got := r.askFeast("POST", feastLookup, `{"entities":{"shop":["a"]},"features":["price:euros","price:euros"]}`)
	if got.status != 422 || !strings.Contains(got.body, `FeatureNameCollisionError`) {
		t.Errorf("got %d %s, want 422 and FeatureNameCollisionError", got.status, got.body)
	}
}

func TestFeastKeepsTheServersBounds(t *testing.T) {
	r := startShops(t, overFeast, func(c *server.Config) {
		c.MaxRows, c.MaxRequestBytes, c.MaxResponseBytes = 2, 200, 150
	})
	for body, status := range map[string]int{
		`{"entities":{"shop":["a","b","c"]},"features":["price:euros"]}`:                        422,
		`{"entities":{"shop":["a","b"]},"features":["price:euros","price:note"]}`:               422,
		`{"entities":{"shop":["` + strings.Repeat("a", 200) + `"]},"features":["price:euros"]}`: 413,
		`{"entities":{"noise":[` + strings.Repeat("0,", 50) + `0]},"features":["world:rate"]}`:  422,
		`{"entities":{},"features":["world:rate"]}`:                                             200,
	} {
		if got := r.askFeast("POST", feastLookup, body); got.status != status {
			t.Errorf("%s: got %d %s, want %d", body, got.status, got.body, status)
		}
	}
}

func TestFeastsHealthIsThatThereAreDefinitions(t *testing.T) {
	r := start(t, overFeast)
	if got := r.askFeast("GET", "/health", ""); got.status != 503 || got.body != "" {
		t.Errorf("before anything is applied: got %d %q, want 503", got.status, got.body)
	}
	r.apply(storetest.StateOf(shops()))
	if got := r.askFeast("GET", "/health", ""); got.status != 200 || got.body != "" {
		t.Errorf("after: got %d %q, want 200", got.status, got.body)
	}
}

func TestFeastAsksForTokensAsTheOtherAddressesDo(t *testing.T) {
	r, tokens := guarded(t, overFeast)
	const body = `{"entities":{"shop":["a"]},"features":["price:euros"]}`
	for token, want := range map[string]int{
		"": 401, "Bearer wrong": 401, "Bearer " + tokens["stranger"]: 403, "Bearer " + tokens["read"]: 200,
	} {
		var headers []string
		if token != "" {
			headers = []string{"Authorization", token}
		}
		got := r.askFeast("POST", feastLookup, body, headers...)
		if got.status != want || want != 200 && !strings.Contains(got.body, "FeastPermissionError") {
			t.Errorf("with %q: got %d %s, want %d", token, got.status, got.body, want)
		}
	}
	if got := r.askFeast("GET", "/health", ""); got.status != 200 {
		t.Errorf("health without a token: got %d", got.status)
	}
}

func TestFeastIsAnsweredUnderTheServersOwnNamesAlone(t *testing.T) {
	r := startShops(t, overFeast)
	for path, want := range map[string]int{feastLookup: 403, "/health": 200} {
		method := map[string]string{feastLookup: "POST", "/health": "GET"}[path]
		request := must(http.NewRequestWithContext(t.Context(), method, "http://"+r.server.FeastAddress()+path,
			strings.NewReader(`{"entities":{},"features":["world:rate"]}`)))(t)
		request.Host = "evil.example"
		if got := r.sendUnchecked(request); got.status != want {
			t.Errorf("%s: got %d %s, want %d", path, got.status, got.body, want)
		}
	}
}

func TestFeastIsAnsweredOverTLS(t *testing.T) {
	authority := certtest.NewAuthority(t)
	cert, key := authority.Issue("server")
	r := startSecure(t, cert, key)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: authority.Pool, Time: atNoon}}}
	request := must(http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+r.server.FeastAddress()+"/health",
		http.NoBody))(t)
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusServiceUnavailable { // Nothing is applied.
		t.Errorf("got %d", response.StatusCode)
	}
}

// startSecure runs a server with TLS, which has nothing applied.
func startSecure(t *testing.T, cert, key string) *running {
	return start(t, overFeast, func(c *server.Config) {
		c.Certificates = must(certificates.Open(certificates.Files{Cert: cert, Key: key}, atNoon, c.Logger))(t)
	})
}

func TestWhatFeastIsAnsweredIsLoggedAndCounted(t *testing.T) {
	a := startAudited(t, 1, nil, overFeast)
	a.write(a.view("price"), row(ago(time.Minute), []any{"here"}, 1.5, "fresh"))
	a.askFeast("POST", feastLookup, `{"entities":{"shop":["here","none"]},"features":["price:euros"]}`)
	got := a.logged()
	if got["shop"] != `["here" "none"]` || got["euros__status"] != `["PRESENT" "NOT_FOUND"]` {
		t.Errorf("got %v", got)
	}
	counted := a.ask("GET", "/metrics", "").body
	want := `plumb_requests_total{code="OK",method="/feast.serving.ServingService/GetOnlineFeatures"} 1`
	if !strings.Contains(counted, want) {
		t.Errorf("want %s in the metrics", want)
	}
}

// A client that keeps its connection is told, and then the server ends.
func TestFeastIsDrained(t *testing.T) {
	r := startShops(t, overFeast)
	address := r.server.FeastAddress()
	r.stop()
	<-r.ended
	if conn, err := net.Dial("tcp", address); err == nil {
		conn.Close()
		t.Error("the address still takes connections")
	}
}

func TestFeastListensOnLoopbackAloneUnlessCallersAreKnown(t *testing.T) {
	config := server.Config{Address: "127.0.0.1:0", FeastAddress: "0.0.0.0:0", Now: atNoon}
	_, err := server.Listen(t.Context(), config)
	if err == nil || !strings.HasPrefix(err.Error(), "serving.feast: ") {
		t.Errorf("got %v", err)
	}
}
