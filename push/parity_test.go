package push_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/plumbstore/plumb/materialize"
	"github.com/plumbstore/plumb/push"
	"github.com/plumbstore/plumb/store/online"
)

// drawPrice has few instants, so that rows tie.
func drawPrice(random *rand.Rand, shops []string) price {
	pick := func(values ...any) any { return values[random.IntN(len(values))] }
	return price{
		Shop:  shops[random.IntN(len(shops))],
		At:    pick(at(4), at(5.5), at(6), at(8), at(8)+1, at(12)),
		Known: pick(nil, at(3), at(9)),
		Euros: pick(1.0, 2.0, 3.0, math.Copysign(0, -1), math.NaN(), math.Inf(1), nil),
	}
}

func drawPrices(random *rand.Rand, shops []string) []price {
	prices := make([]price, 1+random.IntN(4))
	for i := range prices {
		prices[i] = drawPrice(random, shops)
	}
	return prices
}

// What is served after pushes and materializations is what a training set has: for late pushes, for ties of the event
// time and of both times, for nulls and at the edge of the ttl.
func TestR17_OnlineEqualsOfflineAcrossPushes(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	onStores(t, func(t *testing.T, store online.Store) {
		random := rand.New(rand.NewPCG(seed, 0))
		p := newProject(t)
		p.Apply(withLog())
		for world := range 8 {
			shops := []string{fmt.Sprint("a", world), fmt.Sprint("b", world), fmt.Sprint("c", world)}
			p.Write(drawPrices(random, shops)...)
			p.pushSome(random, store, shops)
			p.Run(store, materialize.Request{To: at(12), Full: true})
			p.pushSome(random, store, shops)
			served, trained := p.Look(store, at(12), shops...), p.offlineAnswer(t, at(12), shops...)
			if !sameCells(served, trained) {
				t.Fatalf("world %d: online has %v, offline %v", world, served, trained)
			}
		}
	})
}

// pushSome pushes a few times, by one pusher or several, which become Parquet files at the end or in between.
func (p *project) pushSome(random *rand.Rand, store online.Store, shops []string) {
	p.T.Helper()
	for range random.IntN(3) {
		pusher := p.pusher(store, func(c *push.Config) { c.Retention = 24 * time.Hour })
		for range 1 + random.IntN(3) {
			must(pusher.Push(p.T.Context(), p.View("price"), rowsOf(p.T, drawPrices(random, shops)...), false))(p.T)
		}
		if err := pusher.Close(); err != nil {
			p.T.Fatal(err)
		}
	}
}
