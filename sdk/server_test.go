package plumb_test

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// target is the address of the server of the tests and examples: the real binary, over the project of plumb init.
var target string

func TestMain(m *testing.M) {
	flag.Parse()
	if flag.Lookup("test.fuzzworker").Value.String() == "true" { // One of many processes, none of which needs a server.
		os.Exit(m.Run())
	}
	code, err := serveAndRun(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func serveAndRun(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "plumb-sdk-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	binary, project := filepath.Join(dir, "plumb"), filepath.Join(dir, "project")
	for _, command := range [][]string{
		{"go", "build", "-o", binary, "../cmd/plumb"},
		{binary, "init", project},
		{binary, "apply", "--yes", "--project-dir", project},
		{binary, "materialize", "--to", "2013-07-04T00:00:00Z", "--project-dir", project},
	} {
		if output, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
			return 0, fmt.Errorf("%v: %w\n%s", command, err, output)
		}
	}
	stop, err := serve(binary, project)
	if err != nil {
		return 0, err
	}
	code := m.Run()
	return code, stop()
}

// serve starts the server on a free port and sets target. The server prints its address on its first line.
func serve(binary, project string) (stop func() error, err error) {
	command := exec.Command(binary, "serve", "--project-dir", project, "--serving-grpc", "127.0.0.1:0",
		"--serving-http", "", "--output", "json")
	command.Stderr = os.Stderr
	output, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(output).ReadBytes('\n')
	if err != nil {
		return nil, fmt.Errorf("plumb serve: %w", err)
	}
	var addresses struct{ GRPC string }
	if err := json.Unmarshal(line, &addresses); err != nil {
		return nil, fmt.Errorf("plumb serve: %w", err)
	}
	target = "grpc://" + addresses.GRPC
	return func() error {
		if err := command.Process.Signal(syscall.SIGTERM); err != nil {
			return err
		}
		return command.Wait()
	}, nil
}
