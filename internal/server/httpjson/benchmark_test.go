package httpjson

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/document"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// BenchmarkRequest measures what becomes of the body of a look-up before it is answered.
func BenchmarkRequest(b *testing.B) {
	for _, rows := range []int{1, 100} {
		users := make([]int64, rows)
		for i := range users {
			users[i] = int64(1000 + i)
		}
		text, err := json.Marshal(map[string]any{"service": "of5", "keys": map[string]any{"user_id": users}})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("rows=%d", rows), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := document.CheckJSON(text); err != nil {
					b.Fatal(err)
				}
				asked, request, err := parseLookUp(text)
				if err != nil {
					b.Fatal(err)
				}
				keys, err := asked.columns(document.NewKeys([]feature.Field{{Name: "user_id", Type: plumbv1.Type_INT64}}, nil))
				if err != nil {
					b.Fatal(err)
				}
				request.Keys = keys.Wire()
			}
		})
		b.Run(fmt.Sprintf("check/rows=%d", rows), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = document.CheckJSON(text)
			}
		})
	}
}
