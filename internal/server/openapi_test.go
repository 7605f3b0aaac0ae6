package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"
)

// openAPI is the document that describes HTTP. Every reply that a test gets is checked against it.
type openAPI struct {
	document map[string]any
	compiler *jsonschema.Compiler
	mu       sync.Mutex
	schemas  map[string]*jsonschema.Schema
}

const openAPIFile = "httpjson/openapi.yaml"

var loadOpenAPI = sync.OnceValues(func() (*openAPI, error) {
	text, err := os.ReadFile(openAPIFile)
	if err != nil {
		return nil, err
	}
	var document map[string]any
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, err
	}
	asJSON, err := json.Marshal(document) // The schemas are JSON; YAML has other types of numbers.
	if err != nil {
		return nil, err
	}
	resource, err := jsonschema.UnmarshalJSON(strings.NewReader(string(asJSON)))
	if err != nil {
		return nil, err
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	return &openAPI{document: document, compiler: compiler, schemas: map[string]*jsonschema.Schema{}},
		compiler.AddResource("openapi.json", resource)
})

func contract(t rapid.TB) *openAPI { return must(loadOpenAPI())(t) }

// schema compiles the schema at a JSON pointer.
func (o *openAPI) schema(pointer ...string) (*jsonschema.Schema, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i, part := range pointer {
		pointer[i] = strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(part)
	}
	location := "openapi.json#/" + strings.Join(pointer, "/")
	if o.schemas[location] == nil {
		compiled, err := o.compiler.Compile(location)
		if err != nil {
			return nil, err
		}
		o.schemas[location] = compiled
	}
	return o.schemas[location], nil
}

// at follows names into the document; nil if one does not exist.
func (o *openAPI) at(names ...string) map[string]any {
	found := o.document
	for _, name := range names {
		found, _ = found[name].(map[string]any)
	}
	return found
}

// path is the described path that matches, the one with the fewest parameters first; empty for none.
func (o *openAPI) path(given string) string {
	var paths []string
	for path := range o.at("paths") {
		paths = append(paths, path)
	}
	slices.SortFunc(paths, func(a, b string) int { return strings.Count(a, "{") - strings.Count(b, "{") })
	parameter := regexp.MustCompile(`\{[a-z]+\}`)
	for _, path := range paths {
		if regexp.MustCompile("^" + parameter.ReplaceAllString(path, "[^/]+") + "$").MatchString(given) {
			return path
		}
	}
	return ""
}

// check checks a reply against what the document says of it. Paths that are not described are no part of it.
func (o *openAPI) check(t testing.TB, method, given string, got reply) {
	t.Helper()
	path := o.path(given)
	verb := strings.ToLower(method)
	operation := o.at("paths", path, verb)
	pointer := []string{"components", "schemas", "Error"}
	switch {
	case path == "" && got.status < 300:
		return // Such as a handler that a test adds.
	case path != "" && operation != nil:
		status := strconv.Itoa(got.status)
		if o.at("paths", path, verb, "responses", status) != nil {
			pointer = []string{"paths", path, verb, "responses", status, "content", "application/json", "schema"}
		} else if o.at("paths", path, verb, "responses", "default") == nil {
			t.Errorf("%s %s answers %d, which %s does not know", method, path, got.status, openAPIFile)
			return
		}
	}
	if kind := got.header.Get("Content-Type"); kind != "application/json" {
		t.Errorf("%s %s answers %s", method, given, kind)
	}
	if err := o.holds(got.body, pointer...); err != nil {
		t.Errorf("%s %s answers %d %s\nwhich is not as %s says: %v", method, given, got.status, got.body, openAPIFile, err)
	}
}

// holds validates a text against a schema.
func (o *openAPI) holds(text string, pointer ...string) error {
	schema, err := o.schema(pointer...)
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return fmt.Errorf("it is not JSON: %w", err)
	}
	return schema.Validate(value)
}

func TestTheOpenAPIDocumentIsServedAndItsSchemasCompile(t *testing.T) {
	r := start(t, overHTTP)
	request := must(http.NewRequestWithContext(t.Context(), http.MethodGet,
		"http://"+r.server.HTTPAddress()+"/v1/openapi.yaml", nil))(t)
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var served map[string]any
	if err := yaml.NewDecoder(response.Body).Decode(&served); err != nil || served["openapi"] != "3.1.0" {
		t.Errorf("what is served is %v, %v", served["openapi"], err)
	}
	o := contract(t)
	for name := range o.at("components", "schemas") {
		if _, err := o.schema("components", "schemas", name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What the document takes for a request the server does not call malformed, and the other way round.
func TestRequestsAreRightForTheServerAsTheyAreForTheOpenAPIDocument(t *testing.T) {
	r := startShops(t, overHTTP)
	for body, right := range map[string]bool{
		`{"feature_service":"basket","keys":{"shop":["a"],"origin":[1],"dest":["2"]}}`:                 true,
		`{"service":"rivals","keys":{"our_shop":["a",null],"their_shop":["a","b"]},"at":"2026-03-01"}`: true,
		`{"features":["world:rate"],"full_names":true,"event_timestamps":false}`:                       true,
		`{"features":["world:rate"],"keys":{}}`:                                                        true,
		`{"features":["price:*"],"keys":{"shop":[]}}`:                                                  false,
		`{"features":["price:*"],"keys":{"shop":[["a"]]}}`:                                             false,
		`{"features":["price:*"],"keys":{"shop":[1.5]}}`:                                               false,
		`{"features":["price:*"],"keys":{"shop":"a"}}`:                                                 false,
		`{"features":["price:*"],"service":"basket","keys":{"shop":["a"]}}`:                            false,
		`{"features":[1],"keys":{"shop":["a"]}}`:                                                       false,
		`{"keys":{"shop":["a"]}}`:                                                                      false,
		`{"features":["world:rate"],"limit":1}`:                                                        false,
		`{"features":["world:rate"],"at":7}`:                                                           false,
		`{"features":["world:rate"],"full_names":null}`:                                                false,
	} {
		if err := contract(t).holds(body, "components", "schemas", "LookUp"); (err == nil) != right {
			t.Errorf("%s: by the document it is right: %t, want %t: %v", body, err == nil, right, err)
		}
		if got := r.ask("POST", "/v1/online-features", body); (got.status == 200) != right {
			t.Errorf("%s: the server answers %d %s, want it right: %t", body, got.status, got.body, right)
		}
	}
	for body, right := range map[string]bool{
		`{"view":"price","rows":[{"shop":"a","at":"2026-03-01T11:00:00Z","euros":1,"note":null}]}`: true,
		`{"view":"price","rows":[7],"atomic":true}`:                                                true,
		`{"view":"price","rows":[]}`:                                                               false,
		`{"view":"price","rows":[{}],"atomic":1}`:                                                  false,
		`{"rows":[{}]}`:                       false,
		`{"view":"price","rows":[{}],"of":1}`: false,
	} {
		if err := contract(t).holds(body, "components", "schemas", "Push"); (err == nil) != right {
			t.Errorf("%s: by the document it is right: %t, want %t: %v", body, err == nil, right, err)
		}
		if got := r.ask("POST", "/v1/push", body); (got.status == 200) != right {
			t.Errorf("%s: the server answers %d %s, want it right: %t", body, got.status, got.body, right)
		}
	}
}
