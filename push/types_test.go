package push_test

import (
	"math"
	"path/filepath"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/pricetest"
	"github.com/plumbstore/plumb/materialize"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/packed"
	"github.com/plumbstore/plumb/store/storetest"
)

// kinds are features whose columns have other types in the source than what is declared and pushed.
var kinds = []struct {
	name     string
	declared plumbv1.Type
	form     arrow.DataType
	old      any
	pushed   []any
}{
	{"truth", plumbv1.Type_BOOL, arrow.FixedWidthTypes.Boolean, true, []any{false, nil}},
	{"narrow", plumbv1.Type_INT32, arrow.PrimitiveTypes.Int64, int64(1), []any{int32(math.MinInt32), nil}},
	{"wide", plumbv1.Type_INT64, arrow.PrimitiveTypes.Int32, int32(1), []any{int64(math.MaxInt64), nil}},
	{"unsigned", plumbv1.Type_INT64, arrow.PrimitiveTypes.Uint64, int64(1), []any{int64(math.MinInt64), nil}},
	{"single", plumbv1.Type_FLOAT32, arrow.PrimitiveTypes.Float64, 0.5, []any{float32(0.1), float32(math.Inf(-1))}},
	{"double", plumbv1.Type_FLOAT64, arrow.PrimitiveTypes.Float32, float32(0.5), []any{0.1, math.Copysign(0, -1)}},
	{"whole", plumbv1.Type_FLOAT64, arrow.PrimitiveTypes.Int32, int32(3), []any{math.NaN(), 1e300}},
	{"text", plumbv1.Type_STRING, arrow.BinaryTypes.String, "a", []any{"", "a\x00é"}},
	{"bytes", plumbv1.Type_BYTES, arrow.BinaryTypes.Binary, []byte("a"), []any{[]byte{}, []byte{0xff}}},
	{"instant", plumbv1.Type_TIMESTAMP, arrow.FixedWidthTypes.Timestamp_ms, feature.Instant(0),
		[]any{feature.Instant(-1), feature.Instant(1)}},
	{"numbers", plumbv1.Type_INT32_ARRAY, arrow.ListOf(arrow.PrimitiveTypes.Int64), []any{int64(1)},
		[]any{[]any{int32(1), nil}, []any{}}},
	{"texts", plumbv1.Type_STRING_ARRAY, arrow.ListOf(arrow.BinaryTypes.String), []any{"a"}, []any{nil, []any{"", nil}}},
	{"floats", plumbv1.Type_FLOAT64_ARRAY, arrow.ListOf(arrow.PrimitiveTypes.Float64), []any{0.5},
		[]any{[]any{math.NaN(), math.Copysign(0, -1)}, nil}},
	{"instants", plumbv1.Type_TIMESTAMP_ARRAY, arrow.ListOf(arrow.FixedWidthTypes.Timestamp_us), []any{feature.Instant(1)},
		[]any{[]any{feature.Instant(-1)}, []any{nil}}},
}

// What was pushed is stored bit for bit as a materialization from the log stores it, whatever types the source has.
func TestR17_PushedValuesOfEveryTypeComeBackFromTheLogBitForBit(t *testing.T) {
	p := openProject(t, t.TempDir())
	definition := &plumbv1.FeatureView{Name: "price", Entities: []string{"shop"}, Source: "prices",
		PushLog: &plumbv1.PushLog{Path: "data/pushed"}}
	columns := []storetest.Column{
		{Name: "shop", Form: arrow.BinaryTypes.String, Values: []any{"a"}},
		{Name: "at", Form: arrow.FixedWidthTypes.Date32, Values: []any{at(0)}},
		{Name: "known", Form: arrow.FixedWidthTypes.Timestamp_us, Values: []any{nil}},
	}
	rows := rowsOf(t, price{Shop: "a", At: at(11), Known: at(11) + 1}, price{Shop: "b", At: at(-1000), Euros: nil})
	rows.Features = nil
	for _, kind := range kinds {
		definition.Features = append(definition.Features, &plumbv1.Feature{Name: kind.name, Type: kind.declared})
		columns = append(columns, storetest.Column{Name: kind.name, Form: kind.form, Values: []any{kind.old}})
		rows.Features = append(rows.Features, storetest.ArrowColumn(t, kind.declared, kind.pushed...))
	}
	file := storetest.File{Path: filepath.Join(p.Folder, "data", "prices.parquet"), Columns: columns}
	if err := file.Write(); err != nil {
		t.Fatal(err)
	}
	changed := pricetest.Definitions()
	changed.FeatureViews = []*plumbv1.FeatureView{definition}
	p.Apply(changed)

	online := openSQLite(t, filepath.Join(t.TempDir(), "online.db"))
	pusher := p.pusher(online)
	if report := must(pusher.Push(t.Context(), p.View("price"), rows, true))(t); report.Written != 2 {
		t.Fatalf("report is %+v", report)
	}
	if err := pusher.Close(); err != nil {
		t.Fatal(err)
	}
	again := openSQLite(t, filepath.Join(t.TempDir(), "again.db"))
	p.Run(again, materialize.Request{To: at(12)})
	if served, trained := p.storedIn(online), p.storedIn(again); !sameRows(served, trained) {
		t.Errorf("pushed:       %x\nfrom the log: %x", served, trained)
	}
}

// storedIn is the packed rows of both shops, which have to be there.
func (p *project) storedIn(store online.Store) [][]byte {
	p.T.Helper()
	view := p.View("price")
	var gets []online.Get
	for _, shop := range []string{"a", "b"} {
		encoder := packed.NewKeyEncoder(view.Keys)
		if err := encoder.Bind([]arrow.Array{storetest.ArrowColumn(p.T, plumbv1.Type_STRING, shop)}); err != nil {
			p.T.Fatal(err)
		}
		gets = append(gets, online.Get{Table: online.NewTable(view, 0), Key: encoder.AppendKey(nil, 0)})
	}
	rows := must(store.Read(p.T.Context(), gets))(p.T)
	if rows[0] == nil || rows[1] == nil {
		p.T.Fatalf("stored are %x", rows)
	}
	return rows
}
