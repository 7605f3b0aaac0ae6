package redis

import (
	"context"
	_ "embed"
	"net/url"
	"strconv"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/packed"
)

//go:embed newestwins.lua
var newestWinsSource string

// newestWins is sent by its digest, and whole if the server does not know it: at first, and after a restart.
var newestWins = goredis.NewScript(newestWinsSource)

const (
	// readChunk and writeChunk bound how long one command keeps the server from serving others. The script hands twice
	// writeChunk values to one command; Lua takes a few thousand at the most.
	readChunk  = 1000
	writeChunk = 500
	// writeBytes bounds the size of one command.
	writeBytes = 4 << 20
)

// appendKey makes the Redis key of a row:
//
//	{project:<entity key>}view@generation
//
// The braces make project and entity key the hash tag, so that all views of an entity are in one slot of a cluster. An
// entity key is binary and may itself hold a '}'; the tag then ends there. That is sufficient: the tag is still the
// same for all views of the entity, and never empty, since the project comes first. Only some entities share a slot.
// Different rows have different keys, since the project holds no ':', the view no '}' and the generation no '@': names
// are escaped, which does not change those of valid definitions (R16).
func appendKey(dst []byte, table online.Table, key []byte) []byte {
	dst = append(dst, '{')
	dst = append(dst, url.QueryEscape(table.Project)...)
	dst = append(dst, ':')
	dst = append(dst, key...)
	dst = append(dst, '}')
	dst = append(dst, url.QueryEscape(table.View)...)
	dst = append(dst, '@')
	return strconv.AppendInt(dst, table.Generation, 10)
}

// Write implements online.Store. Each chunk of rows is one run of a script, which is atomic. If keys are spread over
// slots, there is one run for each slot.
func (s *Store) Write(ctx context.Context, table online.Table, rows []online.Row) (online.WriteReport, error) {
	var report online.WriteReport
	for chunk := range chunks(rows) {
		written, err := s.writeChunk(ctx, table, chunk)
		if err != nil {
			return report, s.explain(ctx, "write", err)
		}
		report.Written += written
		report.Older += int64(len(chunk)) - written
	}
	return report, ctx.Err()
}

// chunks yields the rows in pieces of at most writeChunk rows and, unless a single row is larger, writeBytes bytes.
// Redis serves nobody else while a script runs, so these bounds are those of the delay that a write may cause a
// look-up.
func chunks(rows []online.Row) func(yield func([]online.Row) bool) {
	return func(yield func([]online.Row) bool) {
		start, size := 0, 0
		for i, row := range rows {
			if i > start && (i-start == writeChunk || size+len(row.Value) > writeBytes) {
				if !yield(rows[start:i]) {
					return
				}
				start, size = i, 0
			}
			size += len(row.Value)
		}
		if start < len(rows) {
			yield(rows[start:])
		}
	}
}

// settings is how many arguments of the script precede the values.
const settings = 2

func (s *Store) writeChunk(ctx context.Context, table online.Table, rows []online.Row) (int64, error) {
	keys := make([]string, len(rows))
	args := make([]any, 0, settings+len(rows))
	args = append(args, s.expiry(table, rows), packed.VersionOf(feature.InstantOf(s.now())))
	var buffer []byte
	for i, row := range rows {
		buffer = appendKey(buffer[:0], table, row.Key)
		keys[i] = string(buffer)
		args = append(args, row.Value)
	}
	if s.spread {
		return s.writeSlots(ctx, keys, args)
	}
	return newestWins.Run(ctx, s.client, keys, args...).Int64()
}

// expiry is the life of rows in milliseconds, or 0 for ever. It counts from now, or from the latest event time if that
// is later (R15 allows some clock skew): a row with that time is within its ttl for longer (R13).
func (s *Store) expiry(table online.Table, rows []online.Row) int64 {
	if table.Retention <= 0 {
		return 0
	}
	now := feature.InstantOf(s.now())
	latest := now
	for _, row := range rows {
		latest = max(latest, packed.EventOf(row.Value))
	}
	ahead := int64(latest) - int64(now)
	return milliseconds(table.Retention) + ahead/1000 + min(ahead%1000, 1)
}

// milliseconds rounds up, so that no key goes before its time (R13).
func milliseconds(d time.Duration) int64 {
	return int64(d/time.Millisecond) + int64(min(d%time.Millisecond, 1))
}
