package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// taken is what a process took, or several that ran one after the other.
type taken struct {
	elapsed time.Duration
	// peak is the most memory that was resident at a time, in bytes.
	peak int64
}

func (t taken) then(next taken) taken {
	return taken{t.elapsed + next.elapsed, max(t.peak, next.peak)}
}

// command runs a program in a folder.
func command(ctx context.Context, folder, name string, args ...string) (taken, error) {
	var output bytes.Buffer
	took, err := measure(ctx, folder, &output, name, args...)
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, output.Bytes())
	}
	return took, err
}

// self runs this program in a folder. It tells itself on stderr what it does and what is wrong.
func self(ctx context.Context, folder string, args ...string) (taken, error) {
	program, err := os.Executable()
	if err != nil {
		return taken{}, fmt.Errorf("find this program: %w", err)
	}
	return measure(ctx, folder, os.Stderr, program, args...)
}

// measure runs a program in a folder.
//
// Linux counts what its parent holds as the new process's until it has become the program. So the process that measures
// must stay small, and lets others of itself do whatever takes memory.
func measure(ctx context.Context, folder string, output io.Writer, name string, args ...string) (taken, error) {
	process := exec.CommandContext(ctx, name, args...)
	process.Dir, process.Stdout, process.Stderr = folder, output, output
	begin := now()
	if err := process.Run(); err != nil {
		return taken{}, fmt.Errorf("%s %v: %w", name, args, err)
	}
	elapsed := now().Sub(begin)
	usage, ok := process.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return taken{}, fmt.Errorf("%s does not tell what a process took", runtime.GOOS)
	}
	return taken{elapsed, residentBytes(usage.Maxrss)}, nil
}

// residentBytes is a peak in the unit of the system: kilobytes, but for macOS, which counts bytes.
func residentBytes(peak int64) int64 {
	if runtime.GOOS == "darwin" {
		return peak
	}
	return peak << 10
}

func now() time.Time {
	return time.Now() //nolint:forbidigo // A benchmark measures how long things really take.
}
