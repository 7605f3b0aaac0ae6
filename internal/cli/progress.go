package cli

import (
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/term"
)

// isTerminal says whether a person is at the other end of the stream.
func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// progress tells on stderr that something takes its time, until the function that it returns is called: on a terminal a
// line that counts the seconds, elsewhere a line every ten seconds, so that logs stay short.
func (a *application) progress(what string) (stop func()) {
	done := make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		if isTerminal(a.Err) {
			a.countSeconds(what, done)
		} else {
			a.logSeconds(what, done)
		}
	})
	return sync.OnceFunc(func() { close(done); wait.Wait() })
}

func (a *application) countSeconds(what string, done <-chan struct{}) {
	const frames = `|/-\`
	const clearLine = "\r\x1b[K"
	started, ticker := a.now(), time.NewTicker(200*time.Millisecond)
	defer ticker.Stop()
	for i := 0; ; i++ {
		select {
		case <-done:
			fmt.Fprint(a.Err, clearLine)
			return
		case <-ticker.C:
			fmt.Fprintf(a.Err, "%s%c %s, %.0fs", clearLine, frames[i%len(frames)], what, a.seconds(started))
		}
	}
}

func (a *application) logSeconds(what string, done <-chan struct{}) {
	started, ticker := a.now(), time.NewTicker(10*time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-done:
			return
		case <-ticker.C:
			fmt.Fprintf(a.Err, "%s, %.0fs so far\n", what, a.seconds(started))
		}
	}
}

// seconds is the time since an instant.
func (a *application) seconds(since time.Time) float64 { return a.now().Sub(since).Seconds() }
