package config

import (
	"strings"

	"github.com/plumbstore/plumb/registry/spec"
)

// loader fills a configuration, and gathers what is wrong.
type loader struct {
	config   *Config
	getenv   func(string) string
	problems []spec.Problem
}

// value is what a setting was given, and its origin.
type value struct {
	items []string
	// origin has the place; its message is empty.
	origin spec.Problem
}

// apply gives a setting the value that counts: the flag's, the variable's, the file's, or the default. faulty says that
// the file has the key with something that is not a value, which was reported. A flag that is given with nothing is a
// value, and a variable that is set to nothing is none, since many ways of starting a program can set a variable and
// not unset it.
func (l *loader) apply(setting Setting, flag *override, written *value, faulty bool) {
	given := value{items: setting.split(setting.Default), origin: spec.Problem{File: FileName}}
	variable := l.getenv(setting.Variable())
	switch {
	case flag != nil && flag.given:
		given = value{setting.split(flag.value), spec.Problem{File: setting.Flag()}}
	case variable != "":
		given = value{setting.split(variable), spec.Problem{File: setting.Variable()}}
	case faulty:
		return
	case written != nil:
		given = *written
	case setting.Default == "" && !setting.Optional:
		l.report(given.origin, "%q is missing: %s; write it here, or give %s or %s", setting.Key, setting.Usage,
			setting.Flag(), setting.Variable())
		return
	}
	if err := setting.set(l, given.items); err != nil {
		l.report(given.origin, "%s %s", setting.Key, err)
	}
}

// split splits a value from a flag or variable if the setting is a list or has names.
func (s Setting) split(value string) []string {
	switch s.kind {
	case named:
		return strings.Fields(value)
	case list:
	default:
		return []string{value}
	}
	items := strings.Split(value, ",")
	for i, item := range items {
		items[i] = strings.TrimSpace(item)
	}
	return items
}
