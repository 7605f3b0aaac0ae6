// Plumb is a feature store: definitions, registered once, drive point-in-time joins for training and look-ups for
// serving.
package main

import (
	"os"

	"github.com/plumbstore/plumb/internal/cli"
)

// version is set by the linker.
var version = "dev"

func main() {
	streams := cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}
	os.Exit(cli.Main(version, os.Args[1:], streams))
}
