package lookup_test

import (
	"fmt"
	"testing"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/lookup"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/online/onlinetest"
	"github.com/plumbstore/plumb/store/storetest"
)

// BenchmarkReply measures a look-up of 50 features of 5 views without a store's round trip, and each form of the reply.
func BenchmarkReply(b *testing.B) {
	for _, rows := range []int{1, 100} {
		b.Run(fmt.Sprintf("rows=%d", rows), func(b *testing.B) {
			memory := onlinetest.NewMemory()
			names := make([]string, rows)
			var views []*feature.View
			for i := range 5 {
				var features []feature.Field
				values := make([]any, 10)
				for j := range values {
					features = append(features, feature.Field{Name: fmt.Sprint("f", i, j), Type: plumbv1.Type_FLOAT64})
					values[j] = float64(j)
				}
				view := storetest.NewView(fmt.Sprint("view", i), []feature.Field{origin}, features...)
				views = append(views, view)
				for row := range names {
					names[row] = fmt.Sprint("entity", row)
					write(b, memory, view, storetest.SourceRow{Keys: []any{names[row]}, Event: new(feature.Instant(1)),
						Features: values})
				}
			}
			prepared := storetest.NewLookup(b, views...)
			request := lookup.Request{Keys: []*plumbv1.KeyColumn{texts("origin", names...)}, At: 5}
			b.Run("wire", func(b *testing.B) {
				measure(b, prepared, memory, request, func(reply *lookup.Reply) error { _, err := reply.Wire(); return err })
			})
			var text []byte
			b.Run("JSON", func(b *testing.B) {
				measure(b, prepared, memory, request, func(reply *lookup.Reply) (err error) {
					text = text[:0]
					for row := range rows {
						if text, err = reply.AppendJSON(text, row); err != nil {
							return err
						}
					}
					return nil
				})
			})
		})
	}
}

func measure(b *testing.B, prepared *lookup.Lookup, store online.Reader, request lookup.Request,
	write func(*lookup.Reply) error,
) {
	b.ReportAllocs()
	for b.Loop() {
		reply, err := prepared.Reply(b.Context(), store, request)
		if err != nil {
			b.Fatal(err)
		}
		if err := write(reply); err != nil {
			b.Fatal(err)
		}
		reply.Release()
	}
}
