package materialize_test

import (
	"fmt"
	"strings"
	"testing"
)

// process is an actor of a scenario. It runs until its next gate, and goes on when the explorer says so.
type process struct {
	name   string
	body   func(*process)
	turn   chan struct{}
	paused chan bool
	trace  *[]string
	// connected, once the process has used the store, is how often that had been started anew by then.
	connected *int
	// coarse says that only the recording of runs is a step.
	coarse bool
}

// gate is the end of one step, and names the next.
func (p *process) gate(next string) {
	p.paused <- true
	<-p.turn
	*p.trace = append(*p.trace, p.name+": "+next)
}

func (p *process) run() {
	<-p.turn
	*p.trace = append(*p.trace, p.name+" begins")
	p.body(p)
	p.paused <- false
}

// order is one order of steps: at each point which of the processes that could go on did.
type order struct {
	picks []pick
	at    int
}

type pick struct{ taken, of int }

// next picks one of the given number of processes: the one that the order names, or the first if the order names none
// yet.
func (o *order) next(of int) int {
	if o.at == len(o.picks) {
		o.picks = append(o.picks, pick{0, of})
	}
	o.at++
	return o.picks[o.at-1].taken
}

// advance makes it the next order, depth first, and says whether there is one.
func (o *order) advance() bool {
	o.picks, o.at = o.picks[:o.at], 0
	for len(o.picks) > 0 {
		last := &o.picks[len(o.picks)-1]
		if last.taken++; last.taken < last.of {
			return true
		}
		o.picks = o.picks[:len(o.picks)-1]
	}
	return false
}

// explore runs a scenario once for each order of its processes' steps, each time in a world of its own, and returns how
// many those were. It ends with the first order after which the judge finds something wrong.
func explore(t *testing.T, worlds *worlds, scenario func(w *world) []*process, judge func(w *world) error) int {
	t.Helper()
	var o order
	for count := 1; ; count++ {
		w := worlds.next(t)
		var trace []string
		var ready []*process
		for _, p := range scenario(w) {
			p.turn, p.paused, p.trace = make(chan struct{}), make(chan bool), &trace
			ready = append(ready, p)
			go p.run()
		}
		for len(ready) > 0 {
			i := o.next(len(ready))
			ready[i].turn <- struct{}{}
			if goesOn := <-ready[i].paused; !goesOn {
				ready = append(ready[:i:i], ready[i+1:]...)
			}
		}
		if err := judge(w); err != nil {
			t.Errorf("order %d: %v\n  %s", count, err, strings.Join(append(trace, w.told...), "\n  "))
			return count
		}
		if !o.advance() {
			return count
		}
	}
}

// tell adds to what is shown of an order that went wrong.
func (w *world) tell(format string, args ...any) {
	w.told = append(w.told, fmt.Sprintf(format, args...))
}
