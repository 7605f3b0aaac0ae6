package auth_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"

	"google.golang.org/grpc/metadata"

	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/server/auth"
)

// BenchmarkCheck measures what a call pays for being let in.
func BenchmarkCheck(b *testing.B) {
	for _, count := range []int{1, 10, 100} {
		b.Run(fmt.Sprintf("static/tokens=%d", count), func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "tokens.yaml")
			var token string
			for i := range count {
				made, hash := auth.NewToken()
				entry := auth.Entry{Name: fmt.Sprint(i), Hash: hash, Role: auth.Read, Projects: []string{"shops"}}
				if err := auth.AppendToken(disk.Real(), path, entry); err != nil {
					b.Fatal(err)
				}
				token = made
			}
			guard, err := auth.Open(auth.Config{Project: "shops", TokensFile: path, Now: clock, Logger: slog.Default()})
			if err != nil {
				b.Fatal(err)
			}
			checkAgain(b, guard, token)
		})
	}
	b.Run("jwt/known", func(b *testing.B) {
		p := newProvider(b)
		key := rsaKey(b, "r1")
		p.publish(key)
		checkAgain(b, p.guard, p.token(key, nil))
	})
	b.Run("jwt/new", func(b *testing.B) {
		p := newProvider(b)
		key := rsaKey(b, "r1")
		p.publish(key)
		// Past its expiry, but within the leeway, a token is judged each time.
		checkAgain(b, p.guard, p.token(key, map[string]any{"exp": noon.Unix() - 1}))
	})
}

func checkAgain(b *testing.B, guard *auth.Guard, token string) {
	ctx := metadata.NewIncomingContext(context.Background(), metadata.Pairs(
		":authority", "127.0.0.1:6570", "content-type", "application/grpc", "user-agent", "grpc-go/1.85.0",
		"authorization", "Bearer "+token))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := guard.CheckIncoming(ctx, lookUp); err != nil {
			b.Fatal(err)
		}
	}
}
