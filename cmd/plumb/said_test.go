package main_test

import (
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// progressLine is a line that says how far long work is, as JSON or text. There are some on a busy machine alone.
var progressLine = regexp.MustCompile(`^(\{"progress":.*\}|.*[,:] [0-9hm]+s(, about .* left)?)$`)

// said returns the stderr of the last command without its progress lines.
func said(ts *testscript.TestScript) string {
	var lines strings.Builder
	for line := range strings.Lines(ts.ReadFile("stderr")) {
		if !progressLine.MatchString(strings.TrimSuffix(line, "\n")) {
			lines.WriteString(line)
		}
	}
	return lines.String()
}

// saidNothing fails if the last command wrote anything but progress to stderr.
func saidNothing(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: said-nothing")
	}
	if text := said(ts); text != "" {
		ts.Fatalf("stderr has:\n%s", text)
	}
}

// saidAs fails if the stderr of the last command, without progress lines, differs from the file.
func saidAs(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: said FILE")
	}
	if text, want := said(ts), ts.ReadFile(args[0]); text != want {
		ts.Fatalf("stderr has:\n%sand %s:\n%s", text, args[0], want)
	}
}
