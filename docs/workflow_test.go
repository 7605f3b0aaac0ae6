package docs

import (
	"os"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// workflow is what a GitHub Actions workflow has that can be tried here.
type workflow struct {
	Jobs map[string]struct {
		Steps []struct {
			Run  string            `yaml:"run"`
			With map[string]string `yaml:"with"`
		} `yaml:"steps"`
	} `yaml:"jobs"`
}

func TestTheStepsOfTheGatePassInANewProjectAndLeaveWhatTheyUpload(t *testing.T) {
	text, err := os.ReadFile("../examples/github-actions/features.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var gate workflow
	if err := yaml.Unmarshal(text, &gate); err != nil {
		t.Fatal(err)
	}
	s := startSession(t, buildPlumb(t))
	if printed, err := s.run("plumb init project && cd project"); err != nil || strings.Contains(printed, "exit code") {
		t.Fatalf("%v\n%s", err, printed)
	}
	tried := 0
	for _, step := range gate.Jobs["parity"].Steps {
		command := step.Run
		if paths := step.With["path"]; paths != "" {
			command = "test -s " + strings.Join(strings.Fields(paths), " && test -s ")
		}
		if command == "" || strings.HasPrefix(command, "go install ") {
			continue
		}
		tried++
		if printed, err := s.run(command); err != nil || strings.Contains(printed, "exit code") {
			t.Errorf("%s: %v\n%s", command, err, printed)
		}
	}
	if tried < 4 {
		t.Errorf("only %d steps were tried", tried)
	}
}
