package redis

import (
	"fmt"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"github.com/plumbstore/plumb/internal/redistest"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/packed"
)

// BenchmarkRead reads the rows of 100 entities in 5 tables, which is one round trip, beside what a bare program does
// for as many strings of the same size.
func BenchmarkRead(b *testing.B) {
	server := redistest.Start(b)
	s, err := Open(b.Context(), server.URL)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	const tables, entities = 5, 100
	header := packed.NewHeader(0, nil, 1, 0)
	value := append(header.Append(nil), make([]byte, 80)...)
	var gets []online.Get
	var keys []string
	for entity := range entities {
		for i := range tables {
			table := online.Table{Project: "test", View: fmt.Sprint("view", i), Generation: 1}
			row := online.Row{Key: fmt.Appendf(nil, "entity %d", entity), Value: value}
			if _, err := s.Write(b.Context(), table, []online.Row{row}); err != nil {
				b.Fatal(err)
			}
			gets = append(gets, online.Get{Table: table, Key: row.Key})
			keys = append(keys, fmt.Sprintf("string %d of view %d", entity, i))
			if err := s.client.Set(b.Context(), keys[len(keys)-1], value, 0).Err(); err != nil {
				b.Fatal(err)
			}
		}
	}
	if _, err := s.HasOlder(b.Context(), "test"); err != nil {
		b.Fatal(err)
	}
	b.Run("store", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := s.Read(b.Context(), gets); err != nil {
				b.Fatal(err)
			}
		}
	})
	client := goredis.NewClient(&goredis.Options{Addr: server.Address})
	defer client.Close()
	b.Run("MGET of strings", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := client.MGet(b.Context(), keys...).Result(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
