// Package hostiletest helps tests of untrusted files and messages: it makes damaged copies, and bounds what reading
// them may take.
package hostiletest

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Limit is what a single file or message may take.
type Limit struct {
	// Allocated bounds what Go allocates, in bytes; each byte of the content may take 500 more.
	Allocated uint64
	// Resident bounds how much the process may grow, in bytes, which counts C too; 0 for no bound.
	Resident uint64
	// Time is the deadline. It is for what never ends, so it is far beyond what anything takes.
	Time time.Duration
}

// Within runs a reading of the content, and fails the test if that exceeds the limit.
func (l Limit) Within(t testing.TB, content []byte, read func(context.Context)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), l.Time)
	defer cancel()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	resident := forgetPeak()
	read(ctx)
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > l.Allocated+500*uint64(len(content)) {
		t.Errorf("%d bytes were allocated for %d", used, len(content))
	}
	if most := peak(); l.Resident > 0 && most > resident+l.Resident {
		t.Errorf("the process grew by %d bytes for %d", most-resident, len(content))
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		t.Errorf("it took more than %s", l.Time)
	}
}

// forgetPeak returns how large the process is, and lets peak begin there.
func forgetPeak() uint64 {
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // Without it the growth is that since the peak before.
	return status("VmRSS:")
}

// peak is how large the process was at most.
func peak() uint64 { return status("VmHWM:") }

// status is a line of the process's status, in bytes; 0 on systems that have none.
func status(name string) uint64 {
	text, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == name {
			kilobytes, _ := strconv.ParseUint(fields[1], 10, 64)
			return kilobytes << 10
		}
	}
	return 0
}

// Mutation is the n-th damaged copy of the content, the same each time.
func Mutation(content []byte, n int) []byte {
	random := rand.New(rand.NewPCG(uint64(n), 0)) //nolint:gosec // The same on each run, and never negative.
	damaged := bytes.Clone(content)
	for range 1 + random.IntN(4) {
		if len(damaged) == 0 {
			return damaged
		}
		at := random.IntN(len(damaged))
		switch random.IntN(6) {
		case 0:
			damaged[at] ^= 1 << random.IntN(8)
		case 1:
			damaged[at] = []byte{0, 0x7f, 0x80, 0xff}[random.IntN(4)]
		case 2: // Lengths, counts and offsets are little-endian and of four or eight bytes.
			copy(damaged[at:], []byte("\xff\xff\xff\xff\xff\xff\xff\x7f")[:4+4*random.IntN(2)])
		case 3:
			damaged = damaged[:at]
		case 4:
			damaged = append(damaged[:at], damaged[min(len(damaged), at+1+random.IntN(8)):]...)
		case 5:
			damaged = append(damaged[:at], append(bytes.Clone(damaged[at:min(len(damaged), at+16)]), damaged[at:]...)...)
		}
	}
	return damaged
}
