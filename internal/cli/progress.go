package cli

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/plumbstore/plumb/internal/document"
	"github.com/plumbstore/plumb/internal/printable"
	"github.com/plumbstore/plumb/store/offline"
)

// isTerminal says whether a person is at the other end of the stream.
func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// progress reports on stderr how far a piece of long work is, until it is stopped. It is safe for concurrent use.
//
// report may be called for every batch, from any goroutine, and only takes a note. What is shown follows a ticker of
// its own, so a slow terminal does not slow the work.
type progress struct {
	now     func() time.Time
	started time.Time
	done    chan struct{}
	wait    sync.WaitGroup

	// mu guards what follows.
	mu     sync.Mutex
	latest offline.Progress
	rate   rate
}

// progress starts to report a step: on a terminal with a line that is redrawn, elsewhere with a line every few seconds,
// so that logs stay short, and with --output json with a document a second.
func (a *application) progress(step string) *progress {
	p := &progress{now: a.now, started: a.now(), done: make(chan struct{}), latest: offline.Progress{Step: step}}
	shown := a.progressDisplay()
	ticks, stopTicks := a.ticks(shown.every())
	p.wait.Go(func() {
		defer stopTicks()
		defer shown.clear()
		for {
			select {
			case <-p.done:
				return
			case <-ticks:
				shown.show(p.moment())
			}
		}
	})
	return p
}

// report takes note of how far the work is. It returns at once.
func (p *progress) report(latest offline.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.latest = latest
	p.rate.start(latest, p.now())
}

// stop ends the telling, and takes the line off a terminal. A second call does nothing.
func (p *progress) stop() {
	p.mu.Lock()
	select {
	case <-p.done:
	default:
		close(p.done)
	}
	p.mu.Unlock()
	p.wait.Wait()
}

func (p *progress) moment() moment {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	return moment{p.latest, now.Sub(p.started), p.rate.left(p.latest, now)}
}

// newTicks is a real ticker.
func newTicks(every time.Duration) (<-chan time.Time, func()) {
	ticker := time.NewTicker(every)
	return ticker.C, ticker.Stop
}

// progressDisplay is how progress is shown on a stream.
type progressDisplay interface {
	every() time.Duration
	show(moment)
	clear()
}

func (a *application) progressDisplay() progressDisplay {
	switch {
	case a.output == jsonText:
		return progressDocuments{a.Err}
	case isTerminal(a.screen):
		return &progressLine{file: a.screen}
	}
	return progressLog{a.Err}
}

// progressLine is one line of a terminal.
type progressLine struct {
	file  *os.File
	frame int
}

const clearLine = "\r\x1b[K"

func (*progressLine) every() time.Duration { return 200 * time.Millisecond }

// show draws the line, cut to the terminal's width: a line that wraps could not be taken back.
func (l *progressLine) show(m moment) {
	const frames = `|/-\`
	text := []rune(printable.Text(fmt.Sprintf("%c %s", frames[l.frame%len(frames)], m)))
	l.frame++
	if width, _, err := term.GetSize(int(l.file.Fd())); err == nil && width > 0 {
		text = text[:min(len(text), width-1)]
	}
	_, _ = l.file.WriteString(clearLine + string(text)) // There is nowhere else to tell of it.
}

func (l *progressLine) clear() {
	if l.frame > 0 {
		_, _ = l.file.WriteString(clearLine)
	}
}

// progressLog is lines of a log.
type progressLog struct{ io.Writer }

func (progressLog) every() time.Duration { return 5 * time.Second }
func (l progressLog) show(m moment)      { _ = printable.To(l).Printf("%s\n", m) }
func (progressLog) clear()               {}

// progressDocuments are lines of JSON for programs.
type progressDocuments struct{ io.Writer }

func (progressDocuments) every() time.Duration { return time.Second }
func (d progressDocuments) show(m moment)      { _ = document.Write(d, m.document()) }
func (progressDocuments) clear()               {}
