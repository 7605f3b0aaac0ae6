package config_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestObjectsAreCheckedAndNoCredentialIsPrinted(t *testing.T) {
	environment := map[string]string{"ACCESS": "access-that-is-secret", "SECRET": "secret-that-is-secret"}
	folder := project(t, "project: flights\nobjects: {endpoint: \"https://minio:9000\", access_key: \"${ACCESS}\", "+
		"secret_key: \"${SECRET}\"}\n")
	loaded, err := load(t, folder, nil, environment)
	if err != nil {
		t.Fatal(err)
	}
	if loaded.Objects.AccessKey.Reveal() != environment["ACCESS"] || loaded.Objects.Check() != nil {
		t.Errorf("the access key is not that of the environment, or %v", loaded.Objects.Check())
	}
	if text := fmt.Sprintf("%v %+v %#v", loaded.Objects, loaded.Objects, loaded.Objects); strings.Contains(text,
		"-that-is-secret") {
		t.Errorf("the configuration prints as %s", text)
	}
	for key, test := range map[string]struct{ value, want string }{
		"endpoint":   {`"minio:9000"`, "objects.endpoint must be of the form https://host:port or http://host:port"},
		"addressing": {"host", `objects.addressing must be auto, path or virtual, not "host"`},
		"secret_key": {`"${ABSENT}"`, "objects.secret_key needs ${ABSENT} to be set in the environment"},
	} {
		folder := project(t, "project: flights\nobjects: {"+key+": "+test.value+"}\n")
		if _, err := load(t, folder, nil, environment); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: the error is %v", key, err)
		}
	}
	for given, want := range map[string]string{
		"access_key: a":    "objects.secret_key: is missing beside objects.access_key: they are one credential",
		"secret_key: a":    "objects.access_key: is missing beside objects.secret_key: they are one credential",
		"session_token: a": "objects.access_key: is missing beside objects.session_token, which belongs to one",
	} {
		loaded, err := load(t, project(t, "project: flights\nobjects: {"+given+"}\n"), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := loaded.Objects.Check(); err == nil || err.Error() != want {
			t.Errorf("%s: the error is %v", given, err)
		}
	}
}
