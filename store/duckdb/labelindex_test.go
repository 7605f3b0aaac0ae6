package duckdb

import (
	"math/rand/v2"
	"testing"
)

func BenchmarkLabelIndex(b *testing.B) {
	const labels, rows, keys = 2_000_000, 1 << 20, 1_000_000
	mix := func(k uint64) uint64 { k *= 0x9E3779B97F4A7C15; return k ^ k>>29 }
	hashes, times := make([]uint64, labels), make([]int64, labels)
	for i := range hashes {
		hashes[i], times[i] = mix(rand.Uint64N(keys)), rand.Int64N(1e12)
	}
	b.Run("build", func(b *testing.B) {
		for range b.N {
			newLabelIndex(hashes, times)
		}
	})
	x := newLabelIndex(hashes, times)
	var batch featureRows
	for i := range rows {
		batch.hashes = append(batch.hashes, mix(rand.Uint64N(keys)))
		batch.event = append(batch.event, int64(i)*1e12/rows)
		batch.order = append(batch.order, int64(i))
	}
	batch.visible, batch.created = batch.event, batch.event
	kept := make([]bool, rows)
	for range 10 {
		batch.features = append(batch.features, featureColumn{words: batch.hashes})
	}
	b.Run("offer", func(b *testing.B) {
		for range b.N {
			b.StopTimer()
			fresh := x.forRows(10)
			b.StartTimer()
			fresh.offer(batch, kept)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
	})
	b.Run("settle", func(b *testing.B) {
		x := x.forRows(10)
		x.offer(batch, kept)
		for range b.N {
			x.settle()
		}
	})
}
