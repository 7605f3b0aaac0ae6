package docs

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/plumbstore/plumb/internal/postgrestest"
	"github.com/plumbstore/plumb/internal/redistest"
)

// systemd's own check loads the units and says what it would ignore. It wants to find the programs that they start, so
// another one stands for plumb.
func TestSystemdTakesTheUnits(t *testing.T) {
	units, err := filepath.Glob("../deploy/systemd/*")
	if err != nil || len(units) == 0 {
		t.Fatalf("%d units, %v", len(units), err)
	}
	folder := t.TempDir()
	arguments := []string{"verify", "--man=no"}
	for _, unit := range units {
		text, err := os.ReadFile(unit)
		if err != nil {
			t.Fatal(err)
		}
		there := strings.ReplaceAll(string(text), "/usr/local/bin/plumb ", "/bin/true ")
		copied := filepath.Join(folder, filepath.Base(unit))
		if err := os.WriteFile(copied, []byte(there), 0o600); err != nil {
			t.Fatal(err)
		}
		arguments = append(arguments, copied)
	}
	output, err := exec.Command("systemd-analyze", arguments...).CombinedOutput()
	if err != nil || len(output) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, output)
	}
}

// A variable that Plumb does not know is an error when it starts.
func TestDeploymentsSetWhatPlumbKnows(t *testing.T) {
	known, err := os.ReadFile("configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	err = filepath.WalkDir("../deploy", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		for _, variable := range regexp.MustCompile(`\bPLUMB_[A-Z_]+\b`).FindAllString(string(text), -1) {
			found++
			// The folder of the project is a variable of the Compose file's own.
			if !strings.Contains(string(known), "`"+variable+"`") && variable != "PLUMB_PROJECT" {
				t.Errorf("%s sets %s, which docs/configuration.md does not have", path, variable)
			}
		}
		return err
	})
	if err != nil || found == 0 {
		t.Errorf("%d variables, %v", found, err)
	}
}

// compose is what a Compose file has that can be tried here.
type compose struct {
	Services map[string]struct {
		Entrypoint, Command []string
		Environment         map[string]string
	}
}

// The services of the Compose file run here as processes, with the file's commands and variables. Only the addresses
// differ.
func TestTheServicesOfTheComposeFileWorkTogether(t *testing.T) {
	var file compose
	text, err := os.ReadFile("../deploy/docker/compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	redis := redistest.StartWith(t, redistest.Config{Args: file.Services["redis"].Command[1:]})
	serve := file.Services["serve"]
	serve.Environment["PLUMB_REGISTRY"] = postgrestest.Start(t).Database()
	serve.Environment["PLUMB_ONLINE_STORE"] = redis.URL
	delete(serve.Environment, "PLUMB_SERVING_GRPC")
	delete(serve.Environment, "PLUMB_SERVING_HTTP")
	var variables []string
	for name, value := range serve.Environment {
		variables = append(variables, name+"="+value)
	}
	s := startSession(t, buildPlumb(t), variables...)
	schedule := filepath.Join(t.TempDir(), "schedule")
	script := strings.ReplaceAll(file.Services["materialize"].Entrypoint[2], "$$", "$")
	if err := os.WriteFile(schedule, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{
		"plumb init project && cd project",
		strings.Join(file.Services["apply"].Entrypoint, " "),
		"plumb " + strings.Join(serve.Command, " ") + " 2>serve.log & server=$!",
		"curl -sf --retry 9 --retry-connrefused http://127.0.0.1:6571/readyz",
		healthCheck(t),
		// It materializes, waits for an hour, and ends when it is told to.
		"bash " + schedule + " >runs.log & runs=$!",
		"until grep -q '^wind.*succeeded' runs.log || ! kill -0 $runs; do sleep 0.1; done",
		"kill $runs && wait $runs",
		"kill $server && wait $server",
		"! " + healthCheck(t),
	} {
		if printed, err := s.run(command); err != nil || strings.Contains(printed, "exit code") {
			t.Fatalf("%s: %v\n%s", command, err, printed)
		}
	}
}

// healthCheck is the command with which the image's health is checked.
func healthCheck(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../deploy/docker/Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "HEALTHCHECK")
	_, after, _ = strings.Cut(after, "CMD ")
	line, _, _ := strings.Cut(after, "\n")
	var command []string
	if err := json.Unmarshal([]byte(line), &command); err != nil || len(command) != 3 {
		t.Fatalf("the command %s: %v", line, err)
	}
	script := strings.Replace(command[2], "127.0.0.1/6571", "${PLUMB_SERVING_HTTP/://}", 1)
	return command[0] + " " + command[1] + ` "` + strings.ReplaceAll(script, `"`, `\"`) + `"`
}
