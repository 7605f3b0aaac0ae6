// Package process runs programs for benchmarks, and reports what each took.
//
// Linux counts the memory of the parent as that of a new process until the process has become the program. So the
// process that measures must stay small. It runs itself again for work that takes memory.
package process

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"syscall"
	"time"
)

// Taken is what a process took, or several that ran one after the other.
type Taken struct {
	Elapsed time.Duration
	// Processor is the time on processors, of all threads. Other work on the machine changes it less than Elapsed.
	Processor time.Duration
	// Peak is the most memory that was resident at a time, in bytes.
	Peak int64
}

// Then is what both took, one after the other.
func (t Taken) Then(next Taken) Taken {
	return Taken{t.Elapsed + next.Elapsed, t.Processor + next.Processor, max(t.Peak, next.Peak)}
}

// Run runs a program in a folder.
func Run(ctx context.Context, folder, name string, args ...string) (Taken, error) {
	var output bytes.Buffer
	took, err := measure(ctx, folder, &output, name, args...)
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, output.Bytes())
	}
	return took, err
}

// Self runs this program in a folder. The program reports its progress and its errors on stderr.
func Self(ctx context.Context, folder string, args ...string) (Taken, error) {
	program, err := os.Executable()
	if err != nil {
		return Taken{}, fmt.Errorf("find this program: %w", err)
	}
	return measure(ctx, folder, os.Stderr, program, args...)
}

// measure runs a program in a folder.
func measure(ctx context.Context, folder string, output io.Writer, name string, args ...string) (Taken, error) {
	process := exec.CommandContext(ctx, name, args...)
	process.Dir, process.Stdout, process.Stderr = folder, output, output
	begin := Now()
	if err := process.Run(); err != nil {
		return Taken{}, fmt.Errorf("%s %v: %w", name, args, err)
	}
	elapsed := Now().Sub(begin)
	usage, ok := process.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return Taken{}, fmt.Errorf("%s does not tell what a process took", runtime.GOOS)
	}
	state := process.ProcessState
	return Taken{elapsed, state.UserTime() + state.SystemTime(), residentBytes(usage.Maxrss)}, nil
}

// residentBytes is a peak in the unit of the system: kilobytes, but for macOS, which counts bytes.
func residentBytes(peak int64) int64 {
	if runtime.GOOS == "darwin" {
		return peak
	}
	return peak << 10
}

// Now is the real time.
func Now() time.Time {
	return time.Now() //nolint:forbidigo // A benchmark measures how long things really take.
}

// Median is the median time and, of their own, the median time on processors and the median peak.
func Median(all []Taken) Taken {
	var median Taken
	middle := len(all) / 2
	slices.SortFunc(all, func(a, b Taken) int { return cmp.Compare(a.Peak, b.Peak) })
	median.Peak = all[middle].Peak
	slices.SortFunc(all, func(a, b Taken) int { return cmp.Compare(a.Processor, b.Processor) })
	median.Processor = all[middle].Processor
	slices.SortFunc(all, func(a, b Taken) int { return cmp.Compare(a.Elapsed, b.Elapsed) })
	median.Elapsed = all[middle].Elapsed
	return median
}
