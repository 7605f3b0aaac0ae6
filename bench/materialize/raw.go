package main

import (
	"context"
	"fmt"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/plumbstore/plumb/bench/process"
)

// pipelined is how many SETs are sent at once: more do not make it faster.
const pipelined = 1000

// rawSets writes rows of these lengths as a bare program would, and returns how long the writing alone takes.
func rawSets(ctx context.Context, client *goredis.Client, count, keyBytes, valueBytes int, expiry time.Duration) (
	time.Duration, error,
) {
	keys := make([]string, count)
	for i := range keys {
		keys[i] = fmt.Sprintf("%0*d", keyBytes, i)
	}
	value := make([]byte, valueBytes)
	begin := process.Now()
	for from := 0; from < count; from += pipelined {
		pipe := client.Pipeline()
		for _, key := range keys[from:min(from+pipelined, count)] {
			pipe.Set(ctx, key, value, expiry)
		}
		if _, err := pipe.Exec(ctx); err != nil {
			return 0, fmt.Errorf("write raw values: %w", err)
		}
	}
	return process.Now().Sub(begin), nil
}
