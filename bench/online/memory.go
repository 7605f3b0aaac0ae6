package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	goredis "github.com/redis/go-redis/v9"

	"github.com/plumbstore/plumb/bench/redis"
)

// measureMemory prints what a row takes in Redis: as plumb keeps it, in one hash for each entity, and its bytes alone.
func measureMemory(ctx context.Context, plumb, folder string) (err error) {
	server, err := redis.Start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	packed, err := grown(ctx, server, func() error { return materialize(ctx, plumb, folder, few, few, server.URL()) })
	if err != nil {
		return err
	}
	keyBytes, valueBytes, err := server.BytesOfARow(ctx)
	if err != nil {
		return err
	}
	hashes, err := grown(ctx, server, func() error { return writeHashes(ctx, server.Client) })
	if err != nil {
		return err
	}
	fmt.Printf("\n| memory of a row of %d features, %d views of %d entities | bytes |\n|---|---|\n", features, few,
		entities)
	fmt.Printf("| plumb: one key for each row, of %d bytes, with a value of %d | %d |\n", keyBytes, valueBytes, packed)
	fmt.Printf("| one hash for each entity, a field for each feature | %d |\n", hashes)
	fmt.Printf("| the values' bytes alone | %d |\n", valuesBytes())
	return nil
}

// grown empties Redis and returns by how much its memory grows, for each row.
func grown(ctx context.Context, server *redis.Server, write func() error) (int64, error) {
	if err := server.Client.FlushAll(ctx).Err(); err != nil {
		return 0, fmt.Errorf("empty Redis: %w", err)
	}
	before, err := server.UsedMemory(ctx)
	if err != nil {
		return 0, err
	}
	if err := write(); err != nil {
		return 0, err
	}
	after, err := server.UsedMemory(ctx)
	return (after - before) / (entities * few), err
}

// writeHashes writes the same features by hand, in the fewest bytes: no event time, no null, no schema.
func writeHashes(ctx context.Context, client *goredis.Client) error {
	_, err := client.Pipelined(ctx, func(pipe goredis.Pipeliner) error {
		for user := range int64(entities) {
			fields := make([]any, 0, 2*few*features)
			for view := range few {
				for feature := range features {
					fields = append(fields, fmt.Sprintf("v%d:f%d", view, feature), packedValue(user, view, feature))
				}
			}
			pipe.HSet(ctx, fmt.Sprintf("bench:%d", user), fields...)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("write hashes: %w", err)
	}
	return nil
}

func packedValue(user int64, view, feature int) []byte {
	number := numberOf(user, view, feature)
	switch typeOf(feature) {
	case "FLOAT64":
		return binary.BigEndian.AppendUint64(nil, math.Float64bits(float64(number)/7))
	case "INT64":
		return binary.BigEndian.AppendUint64(nil, uint64(number))
	case "STRING":
		return fmt.Appendf(nil, "item %d", number)
	}
	return []byte{byte(1 - number%2)}
}

// valuesBytes is the mean of a row's values.
func valuesBytes() int {
	total := 0
	for user := range int64(entities) {
		for feature := range features {
			total += len(packedValue(user, 0, feature))
		}
	}
	return total / entities
}
