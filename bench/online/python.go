package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
)

// pythonBench is the program that measures the Python client, from the root of the repository.
const pythonBench = "sdk/python/tools/bench_lookups.py"

// withPython prints the table of the Python client beside bare gRPC calls from Python.
func (s *servers) withPython(ctx context.Context) error {
	args := []string{pythonBench, s.plumb[few].address, serviceOf(few), strconv.Itoa(entities),
		strconv.Itoa(s.chosen.rounds)}
	for _, shape := range s.chosen.shapes {
		if shape.views == few {
			args = append(args, strconv.Itoa(shape.rows))
		}
	}
	fmt.Println()
	program := exec.CommandContext(ctx, s.chosen.python, args...)
	program.Stdout, program.Stderr = os.Stdout, os.Stderr
	if err := program.Run(); err != nil {
		return fmt.Errorf("%s, which make python makes: %w", s.chosen.python, err)
	}
	return nil
}
