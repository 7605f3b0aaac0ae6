package winners

import (
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// offeredRow is a feature row, and the one feature that it has.
type offeredRow struct {
	hash                           uint64
	visible, event, created, order int64
	feature                        uint64
	null                           bool
}

func columnsOf(rows []offeredRow) (c Rows, feature Column) {
	feature = Column{Words: make([]uint64, len(rows)), Mask: make([]uint64, len(rows)/64+1)}
	for i, row := range rows {
		c.Hashes = append(c.Hashes, row.hash)
		c.Visible, c.Event = append(c.Visible, row.visible), append(c.Event, row.event)
		c.Created, c.Order = append(c.Created, row.created), append(c.Order, row.order)
		feature.Words[i] = row.feature
		if !row.null {
			feature.Mask[i/64] |= 1 << (i % 64)
		}
	}
	return c, feature
}

// winnerOf goes through all rows for a label, as R2 and R3 say.
func winnerOf(rows []offeredRow, hash uint64, t int64) (best offeredRow, ok bool) {
	for _, row := range rows {
		greater := cmp.Or(cmp.Compare(row.event, best.event), cmp.Compare(row.created, best.created),
			cmp.Compare(row.order, best.order)) > 0
		if row.hash == hash && row.visible <= t && (!ok || greater) {
			best, ok = row, true
		}
	}
	return best, ok
}

func drawRows(t *rapid.T, asKnown bool) []offeredRow {
	hashes, times := rapid.SampledFrom([]uint64{0, 1, 1 << 63, math.MaxUint64}), rapid.Int64Range(-3, 3)
	rows := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) offeredRow {
		row := offeredRow{hash: hashes.Draw(t, "hash"), event: times.Draw(t, "event"), created: times.Draw(t, "created"),
			feature: rapid.Uint64().Draw(t, "feature"), null: rapid.Bool().Draw(t, "null")}
		row.visible = row.event
		if asKnown {
			row.visible = max(row.event, row.created)
		}
		return row
	}), 0, 60).Draw(t, "rows")
	for i := range rows {
		rows[i].order = int64(i)
	}
	return rows
}

func TestR3_EveryLabelGetsTheGreatestRowThatItSees(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		asKnown := rapid.Bool().Draw(t, "as known")
		rows := drawRows(t, asKnown)
		labels := rapid.IntRange(0, 40).Draw(t, "labels")
		hashes, times := make([]uint64, labels), make([]int64, labels)
		for i := range hashes {
			hashes[i] = rapid.SampledFrom([]uint64{0, 1, 2, 1 << 63, math.MaxUint64}).Draw(t, "hash")
			times[i] = rapid.Int64Range(-4, 4).Draw(t, "time")
		}
		index := NewIndex(hashes, times)
		cut := rapid.IntRange(0, len(rows)).Draw(t, "cut")
		offer := func(compared bool) {
			var wait sync.WaitGroup
			for _, part := range [][]offeredRow{rows[:cut], rows[cut:]} {
				wait.Go(func() {
					columns, _ := columnsOf(part)
					if !compared {
						columns.Created = nil
					}
					index.Offer(columns, make([]bool, len(part)))
				})
			}
			wait.Wait()
		}
		if !asKnown {
			offer(false)
		}
		if asKnown || index.HasTies() {
			index.CompareCreated()
			offer(true)
		}
		index.Settle()
		kept := Keep(index, 0, 1)
		for _, part := range [][]offeredRow{rows[cut:], rows[:cut]} {
			columns, feature := columnsOf(part)
			kept.Take(columns.Order, []Column{feature}, make([]bool, len(part)))
		}
		found := make([]int64, labels)
		index.Find(hashes, times, found)
		for i, slot := range found {
			want, ok := winnerOf(rows, hashes[i], times[i])
			if ok != (slot >= 0) {
				t.Fatalf("label %d at %d: found %v, want %v", hashes[i], times[i], slot >= 0, ok)
			}
			if !ok {
				continue
			}
			event, order := index.Slots[slot].Event, index.Slots[slot].Order()
			value := make([]uint64, 1)
			null := len(Gather(kept, 0, []int64{kept.Number(order)}, value)) > 0
			if event != want.event || order != want.order || null != want.null || !null && value[0] != want.feature {
				t.Fatalf("label %d at %d: got row %d, want %d with its feature", hashes[i], times[i], order, want.order)
			}
		}
	})
}

func TestR2_MatchedCountsNoLabelOlderThanTheTTL(t *testing.T) {
	index := NewIndex([]uint64{7, 7, 7}, []int64{10, 20, 21})
	rows, _ := columnsOf([]offeredRow{{hash: 7, visible: 10, event: 10}})
	index.Offer(rows, make([]bool, 1))
	index.Settle()
	for ttl, want := range map[int64]int64{0: 3, 9: 1, 10: 2, 11: 3} {
		if got := index.Matched(ttl); got != want {
			t.Errorf("with a ttl of %d: %d matched, want %d", ttl, got, want)
		}
	}
}

func TestOfferingRowsAllocatesNothing(t *testing.T) {
	index := NewIndex([]uint64{1, 2}, []int64{5, 5})
	rows, feature := columnsOf(make([]offeredRow, 5000))
	answers, features := make([]bool, 5000), []Column{feature}
	if allocated := testing.AllocsPerRun(10, func() { index.Offer(rows, answers) }); allocated > 0 {
		t.Errorf("%v allocations", allocated)
	}
	kept := Keep(index, 0, 1)
	if allocated := testing.AllocsPerRun(10, func() { kept.Take(rows.Order, features, answers) }); allocated > 0 {
		t.Errorf("%v allocations to keep features", allocated)
	}
}

func BenchmarkLabelIndex(b *testing.B) {
	const labels, rows, keys = 2_000_000, 1 << 20, 1_000_000
	mix := func(k uint64) uint64 { k *= 0x9E3779B97F4A7C15; return k ^ k>>29 }
	hashes, times := make([]uint64, labels), make([]int64, labels)
	for i := range hashes {
		hashes[i], times[i] = mix(rand.Uint64N(keys)), rand.Int64N(1e12)
	}
	b.Run("build", func(b *testing.B) {
		for range b.N {
			NewIndex(hashes, times)
		}
	})
	x := NewIndex(hashes, times)
	var batch Rows
	for i := range rows {
		batch.Hashes = append(batch.Hashes, mix(rand.Uint64N(keys)))
		batch.Event = append(batch.Event, int64(i)*1e12/rows)
		batch.Order = append(batch.Order, int64(i))
	}
	batch.Visible = batch.Event
	answers := make([]bool, rows)
	b.Run("offer", func(b *testing.B) {
		for range b.N {
			b.StopTimer()
			fresh := x.WithoutRows()
			b.StartTimer()
			fresh.Offer(batch, answers)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
	})
	x.Offer(batch, answers)
	b.Run("settle", func(b *testing.B) {
		for range b.N {
			x.Settle()
		}
	})
	features := make([]Column, 10)
	for i := range features {
		features[i].Words = batch.Hashes
	}
	b.Run("winners", func(b *testing.B) {
		for range b.N {
			Keep(x, 0, len(features))
		}
	})
	kept := Keep(x, 0, len(features))
	b.Run("keep", func(b *testing.B) {
		for range b.N {
			kept.Take(batch.Order, features, answers)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
	})
}

// A thread that holds a slot is interrupted, and the threads that wait for the slot occupy every processor.
// Asynchronous preemption is off, so the runtime cannot interrupt them: they have to yield.
func TestWaitersLetTheHolderOfASlotGoOn(t *testing.T) {
	const inside = "PLUMB_TEST_WAIT_FOR_A_SLOT"
	if os.Getenv(inside) == "" {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		again := exec.CommandContext(ctx, os.Args[0], "-test.run", "^"+t.Name()+"$")
		again.Env = append(os.Environ(), inside+"=1", "GODEBUG=asyncpreemptoff=1", "GOMAXPROCS=1")
		if out, err := again.CombinedOutput(); err != nil {
			t.Fatalf("the holder never went on: %v\n%s", err, out)
		}
		return
	}
	s := &Slot{row: noRow}
	s.lock()
	var waiting sync.WaitGroup
	for range 3 {
		waiting.Go(func() { atomic.StoreInt64(&s.row, s.lock()) })
	}
	runtime.Gosched()
	atomic.StoreInt64(&s.row, noRow)
	waiting.Wait()
}
