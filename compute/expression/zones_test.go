package expression_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/plumbstore/plumb/compute/expression"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// A machine that trains and one that serves may have different lists of time zones. On this one, Tokyo is in UTC.
func TestR25_TimeZonesAreThoseOfTheBinary(t *testing.T) {
	if os.Getenv("ZONEINFO") == "" {
		folder := t.TempDir()
		if err := os.Mkdir(filepath.Join(folder, "Asia"), 0o755); err != nil {
			t.Fatal(err)
		}
		// The least file of a zone: version 1, with one type of local time, which is UTC.
		zone := append([]byte("TZif"), make([]byte, 40+6+4)...)
		zone[39], zone[43] = 1, 4
		copy(zone[50:], "UTC\x00")
		if err := os.WriteFile(filepath.Join(folder, "Asia/Tokyo"), zone, 0o644); err != nil {
			t.Fatal(err)
		}
		again := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.count=1")
		again.Env = append(os.Environ(), "ZONEINFO="+folder)
		if output, err := again.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, output)
		}
		return
	}
	program, problems := expression.Compile(nil, []expression.Output{
		{Name: "hour", Type: plumbv1.Type_INT64, Expression: `request_time.getHours("Asia/Tokyo")`},
	})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	e := program.Begin(1)
	defer e.Release()
	e.Times()[0] = 0
	e.Run()
	if got := e.Output(0).Ints[0]; got != 9 {
		t.Errorf("it is %d o'clock in Tokyo when 1970 begins in UTC, want 9", got)
	}
}
