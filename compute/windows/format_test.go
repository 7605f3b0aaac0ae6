package windows_test

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/plumbstore/plumb/compute/aggregate"
	"github.com/plumbstore/plumb/compute/expression"
	"github.com/plumbstore/plumb/compute/windows"
)

var update = flag.Bool("update", false, "write the golden files")

// stored are states whose bytes are durable, by what they have.
func stored(t testing.TB) (worlds []*world, states [][]byte, names []string) {
	t.Helper()
	for i, s := range specs {
		of := []windows.Aggregate{
			{Spec: s, Span: windows.Span{Length: hour, Hop: 5 * minute}},
			{Spec: s, Span: windows.Span{Length: 2 * day, Hop: hour, Offset: hour}}, {Spec: s},
		}
		w := &world{layout: newLayout(t, of...), aggregates: of}
		w.reader = windows.NewReader(w.layout, []int{0, 1, 2})
		for k := range int64(20) {
			e := event{time: k * 5 * hour, created: k*5*hour + minute, amount: k, price: float64(k) / 2, shop: "a"}
			if k%7 == 0 {
				e.created, e.states = aggregate.NoCreated, [3]expression.State{1, 1, 1}
			}
			w.events = append(w.events, e)
		}
		worlds = append(worlds, w)
		states = append(states, w.build(t, w.layout.Horizon(100*hour, 10*second, day), w.events))
		names = append(names, fmt.Sprintf("%d %s of column %d by %d", i, s.Function, s.Column, s.By))
	}
	return worlds, states, names
}

func TestTheBytesOfStatesAreDurable(t *testing.T) {
	const path = "testdata/states.golden"
	worlds, states, names := stored(t)
	var lines []string
	for i := range states {
		lines = append(lines, names[i]+"\n"+hex.EncodeToString(states[i])+"\n"+worlds[i].shown(t, states[i], 100*hour)+"\n")
	}
	text := strings.Join(lines, "\n")
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != text {
		t.Errorf("states have other bytes than in %s, or show something else; rows that are stored could not be read any "+
			"more", path)
	}
}

func TestAStateIsNotReadByAnotherLayout(t *testing.T) {
	worlds, states, names := stored(t)
	for i := range worlds {
		for k := range states {
			e := worlds[i].reader.Begin(1)
			// A mean keeps what a sum keeps.
			same := bytes.Equal(states[i][:5], states[k][:5])
			if _, err := e.Add(states[k], 100*hour); (err == nil) != same {
				t.Errorf("the state of %s, read as %s: %v", names[k], names[i], err)
			}
			e.Release()
		}
	}
}

// A sum, a count and a maximum of one column take about 28 bytes a tile.
func TestAStateIsSmall(t *testing.T) {
	span := windows.Span{Length: 30 * day, Hop: day}
	w := &world{layout: newLayout(t, windows.Aggregate{Spec: spec(aggregate.Sum, price), Span: span},
		windows.Aggregate{Spec: spec(aggregate.Count, price), Span: span},
		windows.Aggregate{Spec: spec(aggregate.Max, price), Span: span})}
	for k := range int64(30 * 24) {
		w.events = append(w.events, event{time: k * hour, created: aggregate.NoCreated, price: 12.34 + float64(k)/100})
	}
	size := len(w.build(t, w.layout.Horizon(30*day, 10*second, 0), w.events))
	t.Logf("%d bytes of 30 tiles", size)
	const most = 30 * 32
	if size > most {
		t.Errorf("30 tiles take %d bytes, want at most %d", size, most)
	}
}

// FuzzState reads bytes that nobody vouches for.
func FuzzState(f *testing.F) {
	worlds, states, _ := stored(f)
	for i, state := range states {
		f.Add(i, state)
	}
	f.Fuzz(func(t *testing.T, which int, state []byte) {
		if which < 0 || which >= len(worlds) {
			return
		}
		w := worlds[which]
		if len(state) > 5 {
			copy(state, states[which][:5]) // The version and the layout.
		}
		e := w.reader.Begin(1)
		defer e.Release()
		sight, err := e.Add(state, 100*hour)
		if _, told := w.layout.Extent(state, 100*hour, w.aggregates[0].Span); err == nil && sight.Found && told != nil {
			t.Errorf("what a state counts cannot be told: %v", told)
		}
		if err != nil || sight.BeforeFloor {
			return
		}
		b := windows.NewBuilder(w.layout)
		b.Begin(w.layout.Horizon(200*hour, 10*second, day))
		if err := b.Merge(state, 50*day, 50*day); err == nil {
			if again, err := b.Append(nil); err == nil && bytes.Equal(again, state) {
				t.Error("a state that is continued is complete no longer than before")
			}
		}
	})
}
