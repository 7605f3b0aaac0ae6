package server_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/plumbstore/plumb/internal/server"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/storetest"
)

const feastWrite = "/write-to-online-store"

// startFresh serves two views of one source, which has a created time.
func startFresh(t *testing.T, changes ...func(*server.Config)) *running {
	t.Helper()
	definitions := shops()
	definitions.FeatureServices = nil
	definitions.Sources[0].CreatedTimestamp = "known"
	definitions.FeatureViews = []*plumbv1.FeatureView{
		{Name: "fresh", Entities: []string{"shop"}, Source: "rows", Ttl: durationpb.New(time.Hour),
			Features: []*plumbv1.Feature{
				{Name: "euros", Type: plumbv1.Type_FLOAT64, Column: "price"},
				{Name: "sold", Type: plumbv1.Type_INT64}, {Name: "opened", Type: plumbv1.Type_TIMESTAMP},
				{Name: "visits", Type: plumbv1.Type_INT32_ARRAY},
			}},
		{Name: "words", Entities: []string{"shop"}, Source: "rows",
			Features: []*plumbv1.Feature{{Name: "note", Type: plumbv1.Type_STRING}}},
		{Name: "archive", Entities: []string{"shop"}, Source: "rows", Online: new(false),
			Features: []*plumbv1.Feature{{Name: "founded", Type: plumbv1.Type_STRING}}},
	}
	r := start(t, append(changes, overFeast)...)
	r.apply(storetest.StateOf(definitions))
	return r
}

// Feast's client calls the times event_timestamp and created, whatever the source calls them, and writes instants as
// seconds and whole numbers beside nulls as floats.
func TestR14_FeastWritesRowsOfAView(t *testing.T) {
	r := startFresh(t)
	frame := func(price, created string) string {
		return `{"feature_view_name":"fresh","df":{"shop":["a","b"],"price":[` + price + `,null],"sold":[7.0,null],` +
			`"opened":[1767459600,null],"visits":[[1.0,2],null],"event_timestamp":["2026-03-01T11:00:00",` +
			`"2026-03-01T11:30:00.5"],"created":[` + created + `,null]},"allow_registry_cache":false}`
	}
	r.expectFeast(feastWrite, frame("2.5", `"2026-03-01T11:00:01"`), 200, "null")
	r.expectFeast(feastWrite, frame("9.5", `"2026-03-01T11:00:00.5"`), 200, "null") // The stored row became known later.
	const at, times = `"1970-01-01T00:00:00Z"`, `"2026-03-01T11:00:00Z","2026-03-01T11:30:00.500Z"`
	const statuses = `"PRESENT","NULL_VALUE"`
	r.expectFeast(feastLookup, `{"entities":{"shop":["a","b"]},"features":["fresh:*"]}`, 200,
		`{"results":[`+feastColumn(`"a","b"`, `"PRESENT","PRESENT"`, at+","+at)+","+
			feastColumn(`2.5,null`, statuses, times)+","+feastColumn(`7,null`, statuses, times)+","+
			feastColumn(`1767459600,null`, statuses, times)+","+feastColumn(`[1,2],null`, statuses, times)+
			`],"metadata":{"feature_names":["shop","euros","sold","opened","visits"]}}`)
}

func TestFeastWritesARowWithoutACreatedTimeToASourceWithoutOne(t *testing.T) {
	r := startShops(t, overFeast)
	frame := func(created string) string {
		return `{"feature_view_name":"price","df":{"shop":["a"],"euros":[2.5],"note":["x"],` +
			`"event_timestamp":["2026-03-01T11:59:00"],"created":[` + created + `]}}`
	}
	r.expectFeast(feastWrite, frame(`null`), 200, "null")
	if got := r.askFeast("POST", feastWrite, frame(`"2026-03-01T11:59:00"`)); got.status != 422 {
		t.Errorf("a created time that nothing would keep: got %d %s", got.status, got.body)
	}
}

func TestFeastPushesToEachViewOfASource(t *testing.T) {
	r := startFresh(t)
	const columns = `"df":{"shop":["a"],"euros":[2.5],"sold":[1],"opened":[null],"visits":[[]],"note":["x"],` +
		`"event_timestamp":["2026-03-01T11:00:00Z"]}`
	r.expectFeast("/push", `{"push_source_name":"rows",`+columns+`,"to":"online"}`, 200, "")
	got := r.askFeast("POST", feastLookup, `{"entities":{"shop":["a"]},"features":["fresh:euros","words:note"]}`)
	if !strings.Contains(got.body, `{"values":[2.5]`) || !strings.Contains(got.body, `{"values":["x"]`) {
		t.Errorf("got %s", got.body)
	}
	for body, want := range map[string]string{
		`{"push_source_name":"rows",` + columns + `,"to":"offline"}`:            `to: is \\\"offline\\\"; a push goes to`,
		`{"push_source_name":"rows",` + columns + `,"to":"online_and_offline"}`: `source rows has no push log`,
		`{"push_source_name":"raws",` + columns + `}`:                           `PushSourceNotFoundException`,
	} {
		if got := r.askFeast("POST", "/push", body); got.status != 422 || !strings.Contains(got.body, want) {
			t.Errorf("%s: got %d %s, want %s", body, got.status, got.body, want)
		}
	}
}

// Feast's answer has no place for a row that is refused, so none is written then.
func TestR15_FeastWritesAllRowsOrNone(t *testing.T) {
	r := startShops(t, overFeast)
	frame := func(more string) string {
		return `{"feature_view_name":"price","df":{"shop":["a","b"],"euros":[1.5,2.5],"note":["",""]` + more + `}}`
	}
	for body, want := range map[string]struct {
		status int
		text   string
	}{
		frame(`,"event_timestamp":["2026-03-01T11:59:00Z","2026-03-02T11:59:00Z"]`): {422, `at: row 2: `},
		frame(``): {422, `FeastError`},
		frame(`,"event_timestamp":["2026-03-01T11:59:00Z","x"]`):                                {422, `row 2: `},
		frame(`,"event_timestamp":["2026-03-01T11:59:00Z"]`):                                    {422, `has 1 values where`},
		frame(`,"event_timestamp":["2026-03-01T11:59:00Z","2026-03-01T11:59:00Z"],"eur":[1,1]`): {422, `eur`},
		`{"feature_view_name":"prise","df":{"shop":["a"]}}`:                                     {404, `FeatureViewNotFound`},
		`{"feature_view_name":"archive","df":{"shop":["a"],"founded":[1],"event_timestamp":["2026-03-01"]}}`: {422,
			`online: true`},
		`{"feature_view_name":"price","df":{}}`:             {422, `"body","df"`},
		`{"feature_view_name":"price","df":{"shop":"a"}}`:   {422, `"body","df","shop"`},
		`{"feature_view_name":"price","df":{"shop":[NaN]}}`: {422, `"body"`},
		`{"df":{"shop":["a"]}}`:                             {422, `"body","feature_view_name"`},
		`[]`:                                                {422, `"body"`},
	} {
		if got := r.askFeast("POST", feastWrite, body); got.status != want.status || !strings.Contains(got.body, want.text) {
			t.Errorf("%s: got %d %s, want %d %s", body, got.status, got.body, want.status, want.text)
		}
	}
	got := r.askFeast("POST", feastLookup, `{"entities":{"shop":["a","b"]},"features":["price:euros"]}`)
	if !strings.Contains(got.body, `"NOT_FOUND","NOT_FOUND"`) {
		t.Errorf("something was written: %s", got.body)
	}
}

func TestFeastWritesForThoseWhoMayAlone(t *testing.T) {
	r, tokens := guarded(t, overFeast)
	const body = `{"feature_view_name":"price","df":{"shop":["a"],"euros":[1.5],"note":[""],` +
		`"event_timestamp":["2026-03-01T11:59:00Z"]}}`
	for name, want := range map[string]int{"read": 403, "write": 200} {
		if got := r.askFeast("POST", feastWrite, body, "Authorization", "Bearer "+tokens[name]); got.status != want {
			t.Errorf("%s: got %d %s, want %d", name, got.status, got.body, want)
		}
	}
	plain := r.askFeast("POST", feastWrite, body, "Authorization", "Bearer "+tokens["write"], "Content-Type", "text/plain")
	if plain.status != http.StatusUnsupportedMediaType {
		t.Errorf("a body that a page of another site could send: got %d", plain.status)
	}
	readOnly := startShops(t, overFeast, func(c *server.Config) { c.ReadOnly = true })
	if got := readOnly.askFeast("POST", feastWrite, body); got.status != 403 {
		t.Errorf("a read-only server: got %d %s", got.status, got.body)
	}
}
