package cli

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/google/go-cmp/cmp"

	"github.com/plumbstore/plumb/store/offline"
)

// watch is a clock and a ticker that move when a test says so.
type watch struct {
	at    time.Time
	every time.Duration
	ticks chan time.Time
	// read has an entry when the clock has been read.
	read chan struct{}
}

// told returns an application that reports progress on stderr, and its watch.
func told(stderr io.Writer, output format) (*application, *watch) {
	w := &watch{ticks: make(chan time.Time), read: make(chan struct{}, 1)}
	screen, _ := stderr.(*os.File)
	return &application{
		Streams: Streams{Err: stderr},
		screen:  screen,
		output:  output,
		now: func() time.Time {
			select {
			case w.read <- struct{}{}:
			default:
			}
			return w.at
		},
		ticks: func(every time.Duration) (<-chan time.Time, func()) {
			w.every = every
			return w.ticks, func() {}
		},
	}, w
}

// tick lets time pass and the ticker tick once, and returns when what it shows is settled: the clock is read under the
// progress's lock, and so is all that is shown.
func (w *watch) tick(passed time.Duration, p *progress) {
	p.mu.Lock()
	w.at = w.at.Add(passed)
	p.mu.Unlock()
	select {
	case <-w.read:
	default:
	}
	w.ticks <- w.at
	<-w.read
}

func tellAJoin(p *progress, w *watch) {
	w.tick(2*time.Second, p)
	p.report(offline.Progress{Step: "reading view weather", Rows: 0, Total: 20_000_000})
	w.tick(500*time.Millisecond, p)
	p.report(offline.Progress{Step: "reading view weather", Rows: 8_400_000, Total: 20_000_000})
	w.tick(2500*time.Millisecond, p)
	p.report(offline.Progress{Step: "writing", Rows: 20_000_000, Total: 20_000_000})
	w.tick(time.Second, p)
	p.stop()
	p.stop() // A second time is no fault.
}

func TestALogGetsALineWithRowsAndAnEstimateEveryFiveSeconds(t *testing.T) {
	var stderr bytes.Buffer
	a, w := told(&stderr, text)
	tellAJoin(a.progress("planning the join"), w)
	if w.every != 5*time.Second {
		t.Errorf("a line every %s", w.every)
	}
	want := []string{
		"planning the join, 2s",
		"reading view weather: 0 of 20M rows, 0%, 3s",
		"reading view weather: 8.4M of 20M rows, 42%, 5s, about 4s left",
		"writing: 20M of 20M rows, 100%, 6s",
		"",
	}
	if diff := cmp.Diff(want, strings.Split(stderr.String(), "\n")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAProgramGetsADocumentEverySecond(t *testing.T) {
	var stderr bytes.Buffer
	a, w := told(&stderr, jsonText)
	tellAJoin(a.progress("planning the join"), w)
	if w.every != time.Second {
		t.Errorf("a document every %s", w.every)
	}
	want := []string{
		`{"progress":{"step":"planning the join","rows":0,"total":0,"seconds":2}}`,
		`{"progress":{"step":"reading view weather","rows":0,"total":20000000,"seconds":2.5}}`,
		`{"progress":{"step":"reading view weather","rows":8400000,"total":20000000,"seconds":5}}`,
		`{"progress":{"step":"writing","rows":20000000,"total":20000000,"seconds":6}}`,
		"",
	}
	if diff := cmp.Diff(want, strings.Split(stderr.String(), "\n")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestATerminalGetsOneLineThatFitsAndIsClearedAtTheEnd(t *testing.T) {
	master, terminal, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	if err := pty.Setsize(master, &pty.Winsize{Rows: 24, Cols: 40}); err != nil {
		t.Fatal(err)
	}
	seen := make(chan string)
	go func() {
		shown, _ := io.ReadAll(master) // It ends with an error when the terminal is closed.
		seen <- string(shown)
	}()
	a, w := told(terminal, text)
	tellAJoin(a.progress("planning the join"), w)
	if w.every != 200*time.Millisecond {
		t.Errorf("drawn every %s", w.every)
	}
	terminal.Close()
	draws := strings.Split(<-seen, clearLine)
	want := []string{
		"",
		"| planning the join, 2s",
		"/ reading view weather: 0 of 20M rows, ",
		"- reading view weather: 8.4M of 20M row",
		`\ writing: 20M of 20M rows, 100%, 6s`,
		"",
	}
	if diff := cmp.Diff(want, draws); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWorkThatIsDoneBeforeTheFirstTickTellsNothing(t *testing.T) {
	var stderr bytes.Buffer
	for _, output := range []format{text, jsonText} {
		a, _ := told(&stderr, output)
		a.progress("joining").stop()
	}
	if stderr.Len() > 0 {
		t.Errorf("it told %q", &stderr)
	}
}

func TestAnEstimateIsThereOnlyWhereItRestsOnSomething(t *testing.T) {
	start := time.Unix(0, 0)
	for _, c := range []struct {
		name        string
		first, last offline.Progress
		taken       time.Duration
		want        time.Duration
	}{
		{"half of the rows", offline.Progress{Total: 100}, offline.Progress{Rows: 50, Total: 100}, 10 * time.Second,
			10 * time.Second},
		{"rows done before counting began do not count", offline.Progress{Rows: 40, Total: 100},
			offline.Progress{Rows: 60, Total: 100}, 10 * time.Second, 20 * time.Second},
		{"the total has grown", offline.Progress{Total: 100}, offline.Progress{Rows: 50, Total: 150}, 10 * time.Second,
			20 * time.Second},
		{"the first second", offline.Progress{Total: 100}, offline.Progress{Rows: 50, Total: 100}, 999 * time.Millisecond, 0},
		{"no total", offline.Progress{}, offline.Progress{Rows: 50}, 10 * time.Second, 0},
		{"no row yet", offline.Progress{Total: 100}, offline.Progress{Total: 100}, time.Hour, 0},
		{"too few rows", offline.Progress{Total: 1e9}, offline.Progress{Rows: 1, Total: 1e9}, time.Hour, 0},
		{"fewer rows than at first", offline.Progress{Rows: 9, Total: 100}, offline.Progress{Rows: 5, Total: 100},
			time.Hour, 0},
		{"all rows", offline.Progress{Total: 100}, offline.Progress{Rows: 100, Total: 100}, time.Hour, 0},
		{"more rows than all", offline.Progress{Total: 100}, offline.Progress{Rows: 120, Total: 100}, time.Hour, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r rate
			r.start(c.first, start)
			if left := r.left(c.last, start.Add(c.taken)); left != c.want {
				t.Errorf("%s left, want %s", left, c.want)
			}
		})
	}
}

func TestAnEstimateRestsOnThePieceOfWorkAtHand(t *testing.T) {
	var r rate
	at := time.Unix(0, 0)
	after := func(taken time.Duration, step offline.Progress) time.Duration {
		at = at.Add(taken)
		r.start(step, at)
		return r.left(step, at)
	}
	after(0, offline.Progress{Step: "reading", Total: 1000})
	if left := after(time.Second, offline.Progress{Step: "reading", Rows: 500, Total: 1000}); left != time.Second {
		t.Errorf("half of the reading is left, and that is %s", left)
	}
	after(time.Second, offline.Progress{Step: "comparing", Total: 100})
	if left := after(10*time.Second, offline.Progress{Step: "comparing", Rows: 10, Total: 100}); left != 90*time.Second {
		t.Errorf("nine tenths of the comparing are left, and that is %s", left)
	}
	if left := after(time.Second, offline.Progress{Step: "counting"}); left != 0 {
		t.Errorf("of what is not counted %s is left", left)
	}
	after(time.Minute, offline.Progress{Step: "looking up", Rows: 20, Total: 100})
	if left := after(time.Second, offline.Progress{Step: "looking up", Rows: 60, Total: 100}); left != time.Second {
		t.Errorf("40 of the 80 that were left are left, and that is %s", left)
	}
}

func TestCountsAndDurationsAreShort(t *testing.T) {
	for count, want := range map[int64]string{
		0: "0", 950: "950", 9999: "9999", 10_000: "10K", 12_345: "12.3K", 123_456: "123K", 999_499: "999K", 999_500: "1M",
		8_400_000: "8.4M", 20_000_000: "20M", 2_500_000_000: "2.5G", 25_000_000_000: "25G",
	} {
		if got := shortCount(count); got != want {
			t.Errorf("%d is %q, want %q", count, got, want)
		}
	}
	for seconds, want := range map[float64]string{0.4: "0s", 59.4: "59s", 59.6: "1m00s", 125: "2m05s", 3725: "1h02m"} {
		if got := shortDuration(time.Duration(seconds * float64(time.Second))); got != want {
			t.Errorf("%g s are %q, want %q", seconds, got, want)
		}
	}
}
