package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/plumbstore/plumb/internal/config"
)

func TestPasswordsAreNeverPrinted(t *testing.T) {
	for secret, want := range map[string]string{
		"sqlite:/a/b.db":                              "sqlite:/a/b.db",
		"redis://host:6379/1":                         "redis://host:6379/1",
		"redis://:hunter2@host:6379/1":                "redis://:xxxxx@host:6379/1",
		"rediss://app:hunter2@host/1?read_timeout=1s": "rediss://app:xxxxx@host/1?read_timeout=1s",
		"redis+cluster://app:hunter2@a:1,b:2":         "redis+cluster://app:xxxxx@a:1,b:2",
		"redis+sentinel://a:1,b:2/0?master=m&sentinel_password=hunter2": "redis+sentinel://a:1,b:2/0?" +
			"master=m&sentinel_password=xxxxx",
		"redis://hunter2@host":                               "redis://xxxxx:xxxxx@host",
		"redis://host?Password=hunter2":                      "redis://host?Password=xxxxx",
		"redis://:hunter2/x@host":                            "xxxxx",
		"redis://app:/hunter2@host":                          "xxxxx",
		"redis://app:1?hunter2@host":                         "xxxxx",
		"redis://app:1#hunter2@host":                         "xxxxx",
		"hunter2":                                            "xxxxx",
		"redis:hunter2":                                      "xxxxx",
		"postgres://app:hunter2@host/db?sslpassword=hunter2": "postgres://app:xxxxx@host/db?sslpassword=xxxxx",
	} {
		loaded := config.Config{OnlineStore: config.NewConnectionString(secret)}
		if got := loaded.OnlineStore.String(); got != want {
			t.Errorf("%s is printed as %s, want %s", secret, got, want)
		}
		if loaded.OnlineStore.Reveal() != secret {
			t.Errorf("%s is revealed as %s", secret, loaded.OnlineStore.Reveal())
		}
		if printed := everyPrint(t, &loaded); strings.Contains(printed, "hunter2") {
			t.Errorf("%s is printed in %s", secret, printed)
		}
	}
}

// everyPrint prints in every way that a log line or an error might.
func everyPrint(t *testing.T, c *config.Config) string {
	t.Helper()
	var printed bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		fmt.Fprintf(&printed, verb, c.OnlineStore)
		fmt.Fprintf(&printed, verb, &c.OnlineStore)
		fmt.Fprintf(&printed, verb, *c)
	}
	encoded, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	printed.Write(encoded)
	for _, handler := range []slog.Handler{slog.NewTextHandler(&printed, nil), slog.NewJSONHandler(&printed, nil)} {
		slog.New(handler).Info("loaded", "store", c.OnlineStore, "config", c, "value", *c)
	}
	return printed.String()
}

func TestVariablesAreExpandedInConnectionStringsAlone(t *testing.T) {
	folder := project(t, `project: flights
registry: sqlite:${WHERE}/registry.db
online_store: ${STORE}
definitions: ["${WHERE}"]
`)
	environment := map[string]string{"WHERE": "/somewhere", "STORE": "redis://:${WHERE}@host"}
	loaded, err := load(t, folder, nil, environment)
	if err == nil {
		t.Fatalf("a variable is expanded twice: %+v", loaded)
	}
	environment["STORE"] = "redis://:hunter2@host"
	if loaded, err = load(t, folder, nil, environment); err != nil {
		t.Fatal(err)
	}
	if got := loaded.Registry.Reveal(); got != "sqlite:/somewhere/registry.db" {
		t.Errorf("the registry is %s", got)
	}
	if got := loaded.OnlineStore.Reveal(); got != "redis://:hunter2@host" {
		t.Errorf("the online store is %s", got)
	}
	if got := loaded.Definitions[0]; got != "${WHERE}" {
		t.Errorf("definitions are in %s", got)
	}
	environment["HOST"] = "h"
	loaded, err = load(t, folder, []string{"--registry=postgresql://app:${STORE}@${HOST}/db"}, environment)
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a password with special characters gives %+v, %v", loaded, err)
	}
	for _, address := range []string{"postgres://app@${HOST}/db?sslmode=verify-full", "postgresql:///db?host=/run"} {
		loaded, err = load(t, folder, []string{"--registry=" + address}, environment)
		if err != nil || loaded.Registry.Reveal() != strings.ReplaceAll(address, "${HOST}", "h") {
			t.Errorf("%s gives %+v, %v", address, loaded, err)
		}
	}
	loaded, err = load(t, folder, []string{"--online-store=redis://${HOST}:1"}, environment)
	if err != nil || loaded.OnlineStore.Reveal() != "redis://h:1" {
		t.Errorf("a variable in a flag gives %+v, %v", loaded, err)
	}
}

func TestConnectionStringsTellTheirParts(t *testing.T) {
	file := config.NewConnectionString("sqlite:/a/b.db")
	if file.Scheme() != "sqlite" || file.Path() != "/a/b.db" {
		t.Errorf("got %s and %s", file.Scheme(), file.Path())
	}
}
