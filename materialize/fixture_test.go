package materialize_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/plumbstore/plumb/internal/pricetest"
)

// project is a project of prices that are materialized.
type project struct{ *pricetest.Project }

func newProject(t testing.TB, prices ...price) *project {
	return &project{pricetest.New(t, asPrices(prices)...)}
}

func openProject(t testing.TB, folder string) *project { return &project{pricetest.Open(t, folder)} }

// price is a pricetest.Price that can be written without the names of its fields.
type price struct{ Shop, At, Known, Euros any }

func asPrices(prices []price) []pricetest.Price {
	as := make([]pricetest.Price, len(prices))
	for i, each := range prices {
		as[i] = pricetest.Price(each)
	}
	return as
}

// Write replaces the source's file.
func (p *project) Write(prices ...price) {
	p.T.Helper()
	p.Project.Write(asPrices(prices)...)
}

// What tests write often.
var (
	noon        = pricetest.Noon
	at          = pricetest.At
	definitions = pricetest.Definitions
	present     = pricetest.Present
	onStores    = pricetest.OnStores
	openSQLite  = pricetest.OpenSQLite
	openRedis   = pricetest.OpenRedis
	sameRows    = pricetest.SameRows
	sameBytes   = pricetest.SameBytes
	sameCells   = pricetest.SameCells
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// must returns the value of a call that has to succeed: must(call())(t).
func must[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}
