package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/registry/spec"
)

func TestEachErrorHasItsMessageAndExitCode(t *testing.T) {
	input := fault.Inputf("--at", "%q is not a time", "noon")
	unreachable := fmt.Errorf("ask the store: %w", fault.ErrUnavailable)
	mistakes := spec.NewProblems([]spec.Problem{
		{File: "b.yaml", Line: 2, Column: 3, Message: "unknown key"},
		{File: "a.yaml", Message: "no such file"},
	})
	for _, c := range []struct {
		name   string
		err    error
		code   int
		stderr string
	}{
		{"nothing", nil, 0, ""},
		{"changes found", errChanges, 2, ""},
		{"a fault", errors.New("disk on fire"), 1, "plumb: disk on fire\n"},
		{"input", input, 3, "plumb: --at: \"noon\" is not a time\n"},
		{"wrapped input", fmt.Errorf("view x: %w", input), 3, "plumb: view x: --at: \"noon\" is not a time\n"},
		{"a name", &fault.NotFoundError{Kind: "view", Name: "x", Suggestion: "y"}, 3,
			"plumb: no view is named \"x\"; did you mean \"y\"?\n"},
		{"a state", &fault.PreconditionError{Message: "apply first"}, 3, "plumb: apply first\n"},
		{"a collision (R10)", &fault.CollisionError{Names: []string{"a", "b"}, Hint: "rename"}, 3,
			"plumb: output columns collide: a; b; rename\n"},
		{"a conflict", fmt.Errorf("apply: %w", fault.ErrConflict), 1,
			"plumb: apply: the registry changed since this plan was made; plan again\n"},
		{"a newer format", fault.ErrNewer, 1, "plumb: written by a newer version of plumb: upgrade this one\n"},
		{"mistakes in files", mistakes, 3, "a.yaml: no such file\nb.yaml:2:3: unknown key\n"},
		{"joined input", errors.Join(input, input), 3,
			"plumb: --at: \"noon\" is not a time\nplumb: --at: \"noon\" is not a time\n"},
		{"a fault hides no input, and is a fault", errors.Join(input, errors.Join(nil, unreachable)), 1,
			"plumb: --at: \"noon\" is not a time\nplumb: ask the store: unavailable\n"},
		{"two causes of one error", fmt.Errorf("%w, since %w", input, unreachable), 3,
			"plumb: --at: \"noon\" is not a time, since ask the store: unavailable\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			a := &application{Streams: Streams{Out: &stdout, Err: &stderr}, output: text}
			if code := a.finish(context.Background(), c.err); code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			if diff := cmp.Diff(c.stderr, stderr.String()); diff != "" {
				t.Errorf("stderr (-want +got):\n%s", diff)
			}
			if stdout.Len() > 0 {
				t.Errorf("stdout: %s", &stdout)
			}
		})
	}
}

func TestAProgramReadsErrorsAsADocument(t *testing.T) {
	mistakes := spec.NewProblems([]spec.Problem{{File: "a.yaml", Line: 1, Column: 2, Message: "wrong <key>"}})
	var stdout, stderr bytes.Buffer
	a := &application{Streams: Streams{Out: &stdout, Err: &stderr}, output: jsonText}
	a.finish(context.Background(), errors.Join(mistakes, errors.New("disk on fire")))
	want := `{"error":{"message":"a.yaml:1:2: wrong <key>\nplumb: disk on fire","exit_code":1,` +
		`"problems":[{"file":"a.yaml","line":1,"column":2,"message":"wrong <key>"}]}}` + "\n"
	if diff := cmp.Diff(want, stdout.String()); diff != "" {
		t.Errorf("stdout (-want +got):\n%s", diff)
	}
}

func TestAProgramCanTellWhatKindOfErrorItIs(t *testing.T) {
	missing := &fault.NotFoundError{Kind: "view", Name: "x"}
	for _, c := range []struct {
		err  error
		want string
	}{
		{fmt.Errorf("service s: %w", missing), "not_found"},
		{&fault.PreconditionError{Message: "apply first"}, "precondition"},
		{fmt.Errorf("apply: %w", fault.ErrConflict), "conflict"},
		{fmt.Errorf("ask: %w", fault.ErrUnavailable), "unavailable"},
		{errors.New("disk on fire"), ""},
		{errors.Join(missing, errors.New("disk on fire")), ""},
	} {
		if got := failureKind(c.err); got != c.want {
			t.Errorf("%v is of kind %q, want %q", c.err, got, c.want)
		}
	}
}

func TestAfterASignalThereIsOneMessageAndTheCodeOfAFault(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var stderr bytes.Buffer
	a := &application{Streams: Streams{Err: &stderr}, output: text}
	if code := a.finish(ctx, fault.Inputf("", "half a file")); code != exitFault {
		t.Errorf("exit code %d", code)
	}
	if got := stderr.String(); got != "plumb: interrupted\n" {
		t.Errorf("stderr: %s", got)
	}
	if code := a.finish(ctx, nil); code != exitFine {
		t.Errorf("what ended well in spite of a signal exits with %d", code)
	}
}
