package audit_test

import (
	"fmt"
	"testing"

	"github.com/plumbstore/plumb/audit"
)

// BenchmarkAudit audits 100,000 logged rows of two views, of which every tenth has a price that came late.
func BenchmarkAudit(b *testing.B) {
	const shops, requests, each = 10_000, 100, 1_000
	s := open(b)
	var prices, late []price
	var stocks []stock
	for i := range shops {
		name := fmt.Sprintf("shop %d", i)
		prices = append(prices, price{shop: name, at: at(-20), known: at(-20), euros: float64(i)})
		stocks = append(stocks, stock{shop: name, at: at(-20), pieces: int64(i)})
		if i%10 == 0 {
			late = append(late, price{shop: name, at: at(-10), known: at(60), euros: float64(-i)})
		}
	}
	s.writePrices("many", prices...)
	s.writeStocks("many", stocks...)
	s.materialize(at(0))
	for request := range requests {
		names := make([]string, each)
		for i := range names {
			names[i] = fmt.Sprintf("shop %d", (request*each+i)%shops)
		}
		s.lookUp(nil, names...)
	}
	s.writePrices("late", late...)
	s.finish()
	for b.Loop() {
		request := audit.Request{Project: "shops", Folder: s.logs(), From: at(-60), To: at(60)}
		report := must(s.auditor().Run(b.Context(), request))(b)
		if report.Rows != requests*each || report.Mismatched != requests*each/10 || report.Unexplained != 0 {
			b.Fatalf("%+v", report)
		}
	}
	b.ReportMetric(float64(b.N*requests*each)/b.Elapsed().Seconds(), "rows/s")
}
