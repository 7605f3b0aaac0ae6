// Serve runs a command, such as go test, with a Spark server that all tests in it share: serve COMMAND ARGUMENT….
package main

import (
	"errors"
	"log"
	"os"
	"os/exec"
	"os/signal"

	"github.com/plumbstore/plumb/store/spark/sparktest"
)

func main() {
	log.SetFlags(0)
	signal.Ignore(os.Interrupt) // The command gets it too, and the server ends after it.
	server, err := sparktest.Launch()
	if err != nil {
		log.Fatal(err)
	}
	command := exec.Command(os.Args[1], os.Args[2:]...)
	command.Env = append(os.Environ(), sparktest.Variable+"="+server.Address)
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	err = command.Run()
	server.Kill()
	if failed := (*exec.ExitError)(nil); errors.As(err, &failed) {
		os.Exit(failed.ExitCode())
	} else if err != nil {
		log.Fatal(err)
	}
}
