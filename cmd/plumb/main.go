// Plumb is a feature store: definitions, registered once, drive point-in-time joins for training and look-ups for
// serving.
package main

import (
	"os"
	"runtime/debug"

	"github.com/plumbstore/plumb/internal/cli"
)

// version is set by the linker in make build.
var version string

func main() {
	if version == "" {
		version = moduleVersion()
	}
	streams := cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}
	os.Exit(cli.Main(version, os.Args[1:], streams))
}

// moduleVersion is the version that go install has built, or what go build makes of the commit.
func moduleVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "dev"
}
