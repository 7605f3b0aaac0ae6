// Command online measures look-ups through plumb serve, a whole process, with a real redis-server, which it starts.
//
//	online [-tables …] [-shapes …] [-callers …] [-rounds …] [-python …] [-feast …] [-profile …] PLUMB
//
// PLUMB is the binary. All tables but audit, computed, windows and feast are measured, of all shapes, with 1, 16 and 64
// callers, in 5 rounds, unless the flags choose some, as in -tables client,undecoded -shapes 1x50 -callers 1,16.
//
// Callers ask over gRPC, each on a connection of its own that stays open: with the Go client, with generated code, and
// leaving answers as they come. The floor is a bare program with go-redis, in a process too: one MGET of as many keys
// and values of as many bytes for each call, and gRPC that hands on as many bytes without looking at them. Both take
// turns, and the tables, in Markdown, have medians of several runs. Every value is checked before anything is measured,
// and each answer's shape while it is.
//
// The table json compares the processor time that the server takes over HTTP and over gRPC, and python the client for
// Python with bare calls, by a program that -python runs. The table feast compares look-ups over HTTP with those of a
// server of Feast, which is installed in the environment that -feast names. With -profile, a profile of the server is
// written to a file while callers ask it, and no table. With -tables windows they ask for windows.
//
// Redis, the servers and the callers share the machine.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
)

// floor is what this program does for itself in a process of its own.
const floor = "floor"

func main() {
	if err := start(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func start(args []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if len(args) == 3 && args[0] == floor {
		keyBytes, err := strconv.Atoi(args[2])
		if err != nil {
			return fmt.Errorf("how long keys are: %w", err)
		}
		return serveFloor(ctx, args[1], keyBytes)
	}
	chosen, plumb, err := parseArguments(args)
	if err != nil {
		return err
	}
	return run(ctx, plumb, chosen)
}

// run makes the projects in a folder that goes at the end, and measures.
func run(ctx context.Context, plumb string, chosen choice) (err error) {
	if plumb, err = filepath.Abs(plumb); err != nil {
		return fmt.Errorf("find %s: %w", plumb, err)
	}
	folder, err := os.MkdirTemp("", "plumb-bench-")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	if err := makeSources(ctx, folder); err != nil {
		return err
	}
	if err := measureSpeed(ctx, plumb, folder, chosen); err != nil || !chosen.has(memory) || chosen.profile != "" {
		return err
	}
	return measureMemory(ctx, plumb, folder)
}
