package config_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestDatabasesHaveNamesAndTheirPasswordsAreNeverPrinted(t *testing.T) {
	folder := project(t, `project: flights
databases:
  warehouse: postgres://app:${PASSWORD}@db.example.com/sales
  other: postgres://app:${OTHER}@db.example.com/sales
`)
	loaded, err := load(t, folder, nil, map[string]string{"PASSWORD": "hunter2"})
	if err != nil {
		t.Fatal(err)
	}
	address, err := loaded.Database("warehouse")
	if err != nil || address.Reveal() != "postgres://app:hunter2@db.example.com/sales" {
		t.Errorf("warehouse is %q, %v", address.Reveal(), err)
	}
	printed := everyPrint(t, loaded) + fmt.Sprintf("%v %+v %#v", address, loaded.Databases, loaded.Databases)
	if strings.Contains(printed, "hunter2") {
		t.Errorf("the password is printed in %s", printed)
	}
	for name, want := range map[string]string{
		"other":     "databases.other: needs ${OTHER} to be set in the environment",
		"warehuose": "there is no databases.warehuose in the configuration; did you mean warehouse?",
		"lake": "there is no databases.lake in the configuration; add it to plumb.yaml, as in " +
			"databases: {lake: postgres://…}",
	} {
		if _, err := loaded.Database(name); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", name, err, want)
		}
	}
}

func TestDatabasesInAVariableOrFlagHaveSpacesBetweenThem(t *testing.T) {
	folder := project(t, "project: flights\n")
	loaded, err := load(t, folder, []string{"--databases=a=postgres://h/x?application_name=b  b=postgres://i/y"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"a": "postgres://h/x?application_name=b", "b": "postgres://i/y"} {
		if address, err := loaded.Database(name); err != nil || address.Reveal() != want {
			t.Errorf("%s is %q, %v", name, address.Reveal(), err)
		}
	}
}

func TestDatabasesThatAreNone_AreRefusedWithoutTheirAddress(t *testing.T) {
	for text, want := range map[string]string{
		"databases: [a]":                            "must be a mapping of names to texts",
		"databases: {a: redis://:hunter2@h}":        "databases has a, which must be of the form postgres://",
		"databases: {A b: postgres://:hunter2@h/x}": "databases has a database with a name that is none",
		"databases: {a: 'postgres://:hun/ter2@h'}":  "databases has a, which is not of the form postgres://",
		"databases: {a: 1}":                         "must be a mapping of names to texts",
	} {
		_, err := load(t, project(t, "project: flights\n"+text+"\n"), nil, nil)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "ter2") {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}
