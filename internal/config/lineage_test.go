package config_test

import (
	"strings"
	"testing"

	"github.com/plumbstore/plumb/internal/config"
)

func TestLineageGoesToAFileOrAnEndpoint(t *testing.T) {
	folder := project(t, "project: flights\n")
	for given, want := range map[string]string{
		"":                                 "",
		"file:lineage.jsonl":               "file:" + folder + "/lineage.jsonl",
		"file:///var/lineage.jsonl":        "file:/var/lineage.jsonl",
		"https://${HOST}/api":              "https://lineage.example.com/api",
		"http://127.0.0.1:5000":            "http://127.0.0.1:5000",
		"https://user:hunter2@example.com": "https://user:hunter2@example.com",
	} {
		loaded, err := load(t, folder, []string{"--lineage=" + given}, map[string]string{
			"HOST": "lineage.example.com", "OPENLINEAGE_API_KEY": "hunter2",
		})
		if err != nil || loaded.Lineage.To.Reveal() != want {
			t.Errorf("%s gives %s, %v", given, loaded.Lineage.To.Reveal(), err)
			continue
		}
		if strings.HasPrefix(want, "http") && loaded.Lineage.Key.Reveal() != "hunter2" {
			t.Errorf("%s has lost the key", given)
		}
		if printed := everyPrint(t, loaded); strings.Contains(printed, "hunter2") {
			t.Errorf("%s is printed in %s", given, printed)
		}
	}
}

func TestLineageThatGoesNowhereIsRefused(t *testing.T) {
	folder := project(t, "project: flights\n")
	const form = "must be of the form file:PATH, http://host:port or https://host:port"
	const secret = "must begin with https://, or be on this machine, where OPENLINEAGE_API_KEY or a password is sent"
	for given, want := range map[string]string{
		"lineage.jsonl":             form,
		"file:":                     "must be of the form file:PATH, with the path of a file",
		"http://":                   "is not of the form https://host:port[/path]",
		"https://user:hunter2/x@y":  "is not of the form https://host:port[/path]",
		"https://${NOWHERE}":        "needs ${NOWHERE} to be set in the environment",
		"http://lineage:5000":       secret,
		"http://u:hunter2@host:500": secret,
	} {
		_, err := load(t, folder, []string{"--lineage=" + given}, map[string]string{"OPENLINEAGE_API_KEY": "hunter2"})
		if err == nil || err.Error() != "--lineage: lineage "+want {
			t.Errorf("%s gives %v\nwant %s", given, err, want)
		}
	}
}

func TestTheAddressOfAStoreHasNoSecrets(t *testing.T) {
	for given, want := range map[string]string{
		"sqlite:/a/b.db": "sqlite:///a/b.db",
		"redis://:hunter2@host:6379/1?read_timeout=1s":                  "redis://host:6379/1",
		"redis+cluster://app:hunter2@a:1,b:2/":                          "redis+cluster://a:1,b:2",
		"redis+sentinel://a:1,b:2/0?master=m&sentinel_password=hunter2": "redis+sentinel://a:1,b:2/0",
		"redis://:hunter2/x@host":                                       "redis://xxxxx",
	} {
		if got := config.NewConnectionString(given).Address(); got != want {
			t.Errorf("%s is at %s, want %s", given, got, want)
		}
	}
}
