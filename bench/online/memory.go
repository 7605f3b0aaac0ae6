package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/plumbstore/plumb/bench/process"
	"github.com/plumbstore/plumb/bench/redis"
	"github.com/plumbstore/plumb/bench/rows"
)

// What is measured: rows of FLOAT64 features, of few views of each entity, that expire.
const (
	memoryEntities = 20_000
	memoryProject  = "memory"
	memoryTTL      = 30 * 24 * time.Hour
	// compactSetting lets Redis keep the rows of an entity as a listpack.
	compactSetting, compactValue = "hash-max-listpack-value", "1024"
)

// measureMemory prints what a row takes in Redis: as plumb keeps it, with and without the server's setting, and as
// others would.
func measureMemory(ctx context.Context, plumb, folder string) (err error) {
	if err := makeMemoryProject(ctx, plumb, folder); err != nil {
		return err
	}
	server, err := redis.Start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	byPlumb := func() error {
		_, err := process.Run(ctx, filepath.Join(folder, memoryProject), plumb, "materialize", "--to", "now", "--full",
			"--online-store", server.URL())
		return err
	}
	plain, err := grown(ctx, server, byPlumb)
	if err != nil {
		return err
	}
	_, valueBytes, err := server.BytesOfARow(ctx)
	if err != nil {
		return err
	}
	feature, err := grown(ctx, server, func() error { return writeHashes(ctx, server.Client, featureFields) })
	if err != nil {
		return err
	}
	feast, err := grown(ctx, server, func() error { return writeHashes(ctx, server.Client, feastFields) })
	if err != nil {
		return err
	}
	if err := server.Client.ConfigSet(ctx, compactSetting, compactValue).Err(); err != nil {
		return fmt.Errorf("change the setting of Redis: %w", err)
	}
	compact, err := grown(ctx, server, byPlumb)
	if err != nil {
		return err
	}
	fmt.Printf("\n| memory of a row of %d FLOAT64 features that expires, %d views of %d entities | bytes | target |\n"+
		"|---|---|---|\n", features, few, memoryEntities)
	fmt.Printf("| plumb: a value of %d bytes, with `%s %s` | %d | <= 135 |\n", valueBytes, compactSetting, compactValue,
		compact)
	fmt.Printf("| the same, with the default setting | %d | <= 205 |\n", plain)
	fmt.Printf("| one hash for each entity, a field for each feature | %d | |\n", feature)
	fmt.Printf("| the same as Feast does: fields of 4 bytes, values in protobuf, a time for each view | %d | |\n", feast)
	fmt.Printf("| the values' bytes alone | %d | |\n", 8*features)
	return nil
}

// makeMemoryProject makes a project of few views with a row for each entity and no created time.
func makeMemoryProject(ctx context.Context, plumb, folder string) error {
	project := filepath.Join(folder, memoryProject)
	if err := os.MkdirAll(project, 0o755); err != nil {
		return fmt.Errorf("make the project: %w", err)
	}
	var fields, columns []string
	for feature := range features {
		fields = append(fields, fmt.Sprintf("{name: f%d, type: FLOAT64}", feature))
		columns = append(columns, fmt.Sprintf("random() AS f%d", feature))
	}
	query := fmt.Sprintf("SELECT i AS user_id, now()::TIMESTAMP - INTERVAL 1 HOUR AS event_timestamp, %s "+
		"FROM range(%d) t(i)", strings.Join(columns, ", "), memoryEntities)
	if err := rows.Execute(ctx, fmt.Sprintf("COPY (%s) TO '%s' (FORMAT parquet)", query,
		filepath.Join(project, "rows.parquet"))); err != nil {
		return err
	}
	var text strings.Builder
	text.WriteString("entities:\n  - {name: user, join_keys: [{name: user_id, type: INT64}]}\nsources:\n" +
		"  - {name: rows, parquet: {path: rows.parquet}, event_timestamp: event_timestamp}\nfeature_views:\n")
	for view := range few {
		fmt.Fprintf(&text, "  - {name: v%d, entities: [user], source: rows, ttl: 30d, features: [%s]}\n", view,
			strings.Join(fields, ", "))
	}
	settings := "project: bench\ndefinitions: [features]\noffline: {roots: [.]}\n"
	return applyProject(ctx, plumb, project, settings, text.String())
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
	return (after - before) / (memoryEntities * few), err
}

// writeHashes writes as many features by hand, in one hash for each entity.
func writeHashes(ctx context.Context, client *goredis.Client, fieldsOf func(user int64) []any) error {
	_, err := client.Pipelined(ctx, func(pipe goredis.Pipeliner) error {
		for user := range int64(memoryEntities) {
			key := fmt.Sprintf("bench:%012d", user)
			pipe.HSet(ctx, key, fieldsOf(user)...)
			pipe.Expire(ctx, key, memoryTTL)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("write hashes: %w", err)
	}
	return nil
}

func floatOf(user int64, view, feature int) uint64 {
	return math.Float64bits(float64(numberOf(user, view, feature)) / 7)
}

// featureFields have the fewest bytes: no event time, no null, no schema.
func featureFields(user int64) []any {
	fields := make([]any, 0, 2*few*features)
	for view := range few {
		for feature := range features {
			value := binary.BigEndian.AppendUint64(nil, floatOf(user, view, feature))
			fields = append(fields, fmt.Sprintf("v%d:f%d", view, feature), value)
		}
	}
	return fields
}

// feastFields are the key-value layout of Feast's online store for Redis: a field of 4 bytes, a hash of the feature's
// name, with the value as a protobuf message, and for each view a field with the event time.
func feastFields(user int64) []any {
	fields := make([]any, 0, 2*few*(features+1))
	for view := range few {
		for feature := range features {
			name := fnv.New32a() // As long as the hash that Feast has.
			_, _ = fmt.Fprintf(name, "v%d:f%d", view, feature)
			const doubleValue = 5
			value := protowire.AppendFixed64(protowire.AppendTag(nil, doubleValue, protowire.Fixed64Type),
				floatOf(user, view, feature))
			fields = append(fields, name.Sum(nil), value)
		}
		seconds := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), uint64(rows.First/1_000_000))
		fields = append(fields, fmt.Sprintf("_ts:v%d", view), seconds)
	}
	return fields
}
