package main_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plumbstore/plumb/internal/printable"
)

// hostile is text that moves cursors, hides itself, turns round what follows, and begins a line of its own; inYAML and
// inJSON spell it. inName is what the name of a file may have of it.
const (
	hostile = "a\x1b[31m\x1b]0;t\x07\u009b\u0085\r\b\x7f\u202e\u2066\u200f\u061c\u200b\u3164\U000e0041\t\nFORGED: fine"
	inName  = "\x1b]0;t\x07\u009b\u0085\r\b\x7f\u202e\u2066\u200f\u061c\u200b\u3164\U000e0041\t\nFORGED: fine"
	inJSON  = `a\u001b[31m\u001b]0;t\u0007\u009b\u0085\r\b\u007f\u202e\u2066\u200f\u061c\u200b\u3164\udb40\udc41\t\n` +
		`FORGED: fine`
	inYAML = `a\e[31m\e]0;t\a\x9b\x85\r\b\x7f\u202e\u2066\u200f\u061c\u200b\u3164\U000e0041\t\nFORGED: fine`
)

// Every command that prints is given hostile text wherever others can put some: descriptions, tags, queries, names and
// values in files, names of files, arguments. Nothing of it reaches a terminal as it is, as text or as JSON, on stdout
// or stderr, in a result or in an error.
func TestNoTextOfOthersReachesATerminalAsItIs(t *testing.T) {
	p := hostileProject(t)
	labels, keys, out, name := "l"+inName+".csv", "keys"+inName+".json", "o"+inName+".csv", hostile
	p.checkPrints([]string{"apply", "--yes"}, false)
	p.edit("another ")
	p.checkPrints([]string{"push", "plane", "rows.jsonl"}, false)
	for _, command := range [][]string{
		{"plan"}, {"apply", "--yes"}, {"history"}, {"list", "entities"}, {"list", "sources"}, {"list", "services"},
		{"show", "entity", "plane"}, {"show", "service", "planes"},
		{"online", "--features", "plane:*", "--key", "tailnum=" + hostile, "--provenance"},
		{"historical", "--labels", labels, "--features", "plane:*", "--out", out, "--statuses"},
		{"dataset", "verify", out}, {"dataset", "rebuild", out, "--out", "p" + out}, {"dataset", "diff", out, out},
	} {
		p.checkShows(command...)
	}
	for _, command := range [][]string{
		{"validate"}, {"plan"}, {"list", "views"}, {"show", "view", "plane"}, {"show", "view", name},
		{"show", name, "plane"}, {"list", name}, {name}, {"plan", "--" + name}, {"plan", name},
		{"--project-dir", name, "plan"}, {"--registry", "sqlite:" + name + "/x", "plan"},
		{"--online-store", "redis://" + name, "status"}, {"--definitions", name, "validate"},
		{"historical", "--labels", labels, "--features", "plane:*", "--out", "o.csv", "--explain"},
		{"historical", "--labels", labels, "--features", "plane:" + name, "--out", "o.csv"},
		{"historical", "--labels", labels, "--features", name, "--out", "o.csv"},
		{"historical", "--labels", labels, "--service", name, "--out", "o.csv"},
		{"historical", "--labels", labels, "--features", "plane:*", "--out", "o.csv", "--timestamp-column", name},
		{"historical", "--labels", "wrong.csv", "--features", "plane:*", "--out", "o.csv"},
		{"historical", "--labels", name, "--features", "plane:*", "--out", "o.csv"},
		{"dataset", "verify", labels}, {"dataset", "diff", labels, name}, {"dataset", "rebuild", name},
		{"materialize", "--to", "2013-07-02T00:00:00Z"}, {"materialize", "--to", name},
		{"materialize", "--view", name, "--to", "now"},
		{"push", "plane", "refused.jsonl"}, {"push", "plane", "wrong.jsonl"},
		{"push", name, "rows.jsonl"}, {"push", "plane", name},
		{"online", "--features", "plane:*", "--key", name + "=1"},
		{"online", "--features", "plane:*", "--keys", keys},
		{"online", "--features", "plane:*", "--key", "tailnum=1", "--at", name},
		{"verify", "--service", "planes", "--rows", "20", "--html", "v.html", "--junit", "v.xml"},
		{"audit", "--labels", labels, "--features", "plane:*"}, {"audit", "--from", name, "--to", "now"},
		{"status"}, {"online-store", "stats"}, {"teardown", name, "--yes"},
		{"token", "create", "--name", name, "--role", name},
		{"init", "."}, {"version", name},
	} {
		for _, output := range []string{"text", "json"} {
			p.checkPrints(append([]string{"--output", output}, command...), output == "json")
		}
	}
	for _, report := range []string{"v.html", "v.xml"} {
		text, err := os.ReadFile(filepath.Join(p.dir, report))
		if err != nil {
			t.Fatal(err)
		}
		p.checkText(report, string(text))
	}
}

type hostileFiles struct {
	t   *testing.T
	dir string
}

func hostileProject(t *testing.T) hostileFiles {
	t.Helper()
	p := hostileFiles{t, filepath.Join(t.TempDir(), "project")}
	if output, err := exec.Command(filepath.Join(binaries, "plumb"), "init", p.dir).CombinedOutput(); err != nil {
		t.Fatalf("init: %v\n%s", err, output)
	}
	p.edit("")
	p.write("features/more.yaml", "feature_services:\n  - {name: planes, description: \""+inYAML+
		"\", tags: {\""+inYAML+"\": \""+inYAML+"\"}, features: [{view: plane}]}\n")
	header := "tailnum,event_timestamp,\"" + strings.ReplaceAll(hostile, "\n", " ") + "\"\n"
	p.write("l"+inName+".csv", header+"N187DN,2013-07-02T00:00:00Z,\""+hostile+"\"\n")
	p.write("wrong.csv", header+"N187DN,\""+hostile+"\",1\n")
	p.write("rows.jsonl", `{"tailnum": "`+inJSON+`", "event_timestamp": "2013-07-01T00:00:00Z", "year": 1, `+
		`"manufacturer": "`+inJSON+`", "engines": 1, "seats": 1}`+"\n")
	p.write("refused.jsonl", `{"tailnum": null, "event_timestamp": "2013-07-01T00:00:00Z", "year": 1, "manufacturer": "`+
		inJSON+`", "engines": 1, "seats": 1}`+"\n")
	p.write("wrong.jsonl", `{"tailnum": "1", "`+inJSON+`": 1, "year": "`+inJSON+`"}`+"\n")
	p.write("keys"+inName+".json", `[{"tailnum": "`+inJSON+`"}, {"`+inJSON+`": 1}]`)
	return p
}

// edit gives each definition of the template that has a description a hostile one.
func (p hostileFiles) edit(beginning string) {
	p.t.Helper()
	files, err := filepath.Glob(filepath.Join(p.dir, "features", "*.yaml"))
	if err != nil {
		p.t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			p.t.Fatal(err)
		}
		lines := strings.Split(string(text), "\n")
		for i, line := range lines {
			if indent, _, found := strings.Cut(line, "description: "); found && strings.TrimSpace(indent) == "" {
				lines[i] = indent + `description: "` + beginning + inYAML + `"`
			}
		}
		p.write(filepath.Join("features", filepath.Base(file)), strings.Join(lines, "\n"))
	}
}

func (p hostileFiles) write(name, text string) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// checkShows runs a command that has to succeed and to show some of the text, as far as it can be shown.
func (p hostileFiles) checkShows(command ...string) {
	p.t.Helper()
	shown := p.checkPrints(append([]string{"--output", "text"}, command...), false)
	if !strings.Contains(shown, "FORGED") {
		p.t.Errorf("%q shows nothing of what it was given:\n%s", command, shown)
	}
	p.checkPrints(append([]string{"--output", "json"}, command...), true)
}

// checkPrints runs a command, whatever comes of it, and returns what it printed.
func (p hostileFiles) checkPrints(args []string, asJSON bool) string {
	p.t.Helper()
	cmd := exec.Command(filepath.Join(binaries, "plumb"), args...)
	cmd.Dir = p.dir
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	_ = cmd.Run() // Most of these fail, and say so.
	if stdout.Len()+stderr.Len() == 0 {
		p.t.Errorf("%q prints nothing", args)
	}
	p.checkText(strings.Join(args, " "), stdout.String())
	p.checkText(strings.Join(args, " "), stderr.String())
	for document := range strings.Lines(stdout.String()) {
		if asJSON && !json.Valid([]byte(document)) {
			p.t.Errorf("%q prints what is not JSON: %s", args, document)
		}
	}
	return stdout.String() + stderr.String()
}

func (p hostileFiles) checkText(of, text string) {
	p.t.Helper()
	if printable.Lines(text) != text || strings.Contains(text, "\nFORGED") || strings.Contains(text, "\tFORGED") {
		p.t.Errorf("%q prints\n%q", of, text)
	}
}
