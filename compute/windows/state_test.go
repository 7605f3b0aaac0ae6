package windows_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/plumbstore/plumb/compute/aggregate"
	"github.com/plumbstore/plumb/compute/windows"
)

// epochs are where the events of a world lie: around 1970, before it, and today.
var epochs = []int64{-40 * day, -20*day - 7, 0, 20_000 * day}

func newRandom(t testing.TB) *rand.Rand {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

func TestR27_AStateShowsWhatALoopOverTheEventsShowsAtTheFloorAndLater(t *testing.T) {
	random := newRandom(t)
	for range 400 {
		epoch := epochs[random.IntN(len(epochs))]
		w := newWorld(t, random, epoch, epoch+40*day)
		through, skew := w.instant(epoch, epoch+45*day), []int64{0, 1, 10 * second, hour}[random.IntN(4)]
		h := w.layout.Horizon(through, skew, []int64{0, hour, 3 * day}[random.IntN(3)])
		known := slices.DeleteFunc(slices.Clone(w.events), func(e event) bool { return e.time > through })
		state := w.build(t, h, w.events)
		if h.Floor != through-2*skew {
			t.Fatalf("the floor is %d, want twice the skew before %d", h.Floor, through)
		}
		for _, at := range []int64{h.Floor, h.Floor + 1, through, through + 1, w.instant(h.Floor, through+hour),
			w.instant(h.Floor, through+3*day), w.instant(h.Floor, through+60*day)} {
			w.expect(t, state, at, known)
		}
		if w.shown(t, state, h.Floor-1) != "before the floor" {
			t.Fatal("a look-up before the floor is answered")
		}
	}
}

func TestR20_AStateHasTheSameBytesWhateverTheOrderOfEventsOfOneTime(t *testing.T) {
	random := newRandom(t)
	for range 200 {
		w := newWorld(t, random, 0, 3*day)
		for i := range w.events { // Many of one time.
			w.events[i].time -= w.events[i].time % (6 * hour)
		}
		h := w.layout.Horizon(2*day, hour, day)
		w.sort()
		first := w.build(t, h, w.events)
		w.sort()
		if second := w.build(t, h, w.events); !bytes.Equal(first, second) {
			t.Fatalf("aggregates %+v: %x and %x", w.aggregates, first, second)
		}
	}
}

// history is the state of one entity over runs that each continue what the one before has stored.
type history struct {
	*world
	t              *testing.T
	skew, lookback int64
	stored         []byte
	// recorded is up to when the registry says that the view is complete.
	recorded int64
	builds   int
}

// run builds what a run through an instant does, from the events that have arrived by now.
func (s *history) run(through, now int64) {
	h := s.layout.Horizon(through, s.skew, s.lookback)
	var known []event
	for _, e := range s.events {
		if e.arrived <= now && e.time <= through {
			known = append(known, e)
		}
	}
	before := s.layout.Boundary(s.recorded, s.skew, s.lookback)
	after := slices.DeleteFunc(slices.Clone(known), func(e event) bool { return e.time <= before })
	if len(after) == 0 {
		return
	}
	b := windows.NewBuilder(s.layout)
	b.Begin(h)
	if s.stored != nil {
		complete, err := s.layout.Through(s.stored)
		if err != nil {
			s.t.Fatal(err)
		}
		if err := b.Merge(s.stored, before, s.layout.Boundary(complete, s.skew, s.lookback)); err != nil {
			s.t.Fatal(err)
		}
	}
	s.add(b, h, after)
	s.stored = appended(s.t, b)
	if at := s.build(s.t, h, known); !bytes.Equal(s.stored, at) {
		s.t.Fatalf("aggregates %+v, through %d after %d: continued\n%x, at once\n%x", s.aggregates, through, s.recorded,
			s.stored, at)
	}
	s.builds++
}

func TestR17_AStateThatContinuesAnotherHasTheBytesOfOneThatWasBuiltAtOnce(t *testing.T) {
	random := newRandom(t)
	builds := 0
	for range 250 {
		epoch := epochs[random.IntN(len(epochs))]
		w := newWorld(t, random, epoch, epoch+40*day)
		s := &history{world: w, t: t, skew: []int64{0, 10 * second, 20 * minute}[random.IntN(3)],
			lookback: []int64{0, 30 * minute, 3 * day}[random.IntN(3)]}
		for i := range w.events {
			w.events[i].arrived = w.events[i].time + w.Int64N(s.lookback+1)
		}
		now := epoch + w.Int64N(20*day)
		s.recorded = now
		s.stored = w.build(t, w.layout.Horizon(now, s.skew, s.lookback), slices.DeleteFunc(slices.Clone(w.events),
			func(e event) bool { return e.arrived > now }))
		for now < epoch+45*day {
			now = w.instant(now+1, now+[]int64{hour, day, 10 * day}[w.IntN(3)]+2)
			s.run(now, now)
			if killed := w.IntN(4) == 0; !killed {
				s.recorded = now
			}
			var known []event
			for _, e := range w.events {
				if e.arrived <= now && e.time <= s.recorded {
					known = append(known, e)
				}
			}
			if s.recorded == now {
				w.expect(t, s.stored, now+w.Int64N(day), known)
			}
		}
		builds += s.builds
	}
	if builds < 250 {
		t.Errorf("there were %d builds, which is too few to show anything", builds)
	}
}

func TestAStateIsNotContinuedIfItsBorderIsTooLateOrAnEventIsGone(t *testing.T) {
	lifetime := windows.Aggregate{Spec: spec(aggregate.Sum, amount)}
	w := &world{Rand: newRandom(t), layout: newLayout(t, lifetime)}
	w.events = []event{{time: day / 2, amount: 1}, {time: 5 * day, amount: 2}}
	state := w.build(t, w.layout.Horizon(10*day, 0, 0), w.events)
	b := windows.NewBuilder(w.layout)
	b.Begin(w.layout.Horizon(12*day, 0, 3*day))
	err := b.Merge(state, w.layout.Boundary(10*day, 0, 3*day), w.layout.Boundary(10*day, 0, 3*day))
	if !errors.Is(err, windows.ErrNotMergeable) {
		t.Errorf("a greater lookback than the state was built with gives %v", err)
	}
	hours := windows.Aggregate{Spec: spec(aggregate.Sum, amount), Span: windows.Span{Length: 20 * day, Hop: hour}}
	w.layout = newLayout(t, hours)
	state = w.build(t, w.layout.Horizon(10*day, 0, 0), w.events)
	b = windows.NewBuilder(w.layout)
	b.Begin(w.layout.Horizon(12*day, 0, 0))
	if err := b.Merge(state, 4*day, 4*day); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Append(nil); !errors.Is(err, windows.ErrNotMergeable) {
		t.Errorf("an event that the source has no more gives %v", err)
	}
}

func TestR19_HopsThatDoNotGoTogetherAreRefused(t *testing.T) {
	of := func(length, hop int64) windows.Aggregate {
		return windows.Aggregate{Spec: spec(aggregate.Sum, amount), Span: windows.Span{Length: length, Hop: hop}}
	}
	if _, err := windows.NewLayout([]windows.Aggregate{of(hour, 5*minute), of(7*hour, 7*minute)}, types); err == nil {
		t.Error("hops of 5m and 7m are accepted")
	}
	if _, err := windows.NewLayout([]windows.Aggregate{of(hour, 5*minute), of(day, 10*minute)}, types); err != nil {
		t.Error(err)
	}
}
