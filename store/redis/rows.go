package redis

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/packed"
)

//go:embed newestwins.lua
var newestWinsSource string

// newestWins is sent by its digest, and whole if the server does not know it: at first, and after a restart.
var newestWins = goredis.NewScript(newestWinsSource)

const (
	// readChunk bounds the rows of one round trip, writeChunk those of one run of the script, during which the server
	// serves nobody else.
	readChunk  = 1000
	writeChunk = 500
	// writeBytes bounds the size of one command.
	writeBytes = 4 << 20
)

// Write implements online.Store. Each chunk of rows is one run of a script, which is atomic. If keys are spread over
// slots, there is one run for each slot.
func (s *Store) Write(ctx context.Context, table online.Table, rows []online.Row) (online.WriteReport, error) {
	var report online.WriteReport
	if len(rows) == 0 {
		return report, ctx.Err()
	}
	entry := s.entry(table)
	if err := s.registered(ctx, entry); err != nil {
		return report, s.explain(ctx, "write", err)
	}
	for chunk := range chunks(rows) {
		written, err := s.writeChunk(ctx, entry, s.expiry(table, chunk), chunk)
		if err != nil {
			return report, s.explain(ctx, "write", err)
		}
		report.Written += written
		report.Older += int64(len(chunk)) - written
	}
	if err := s.fence(ctx, entry, rows); err != nil {
		return report, s.explain(ctx, "write", err)
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
const settings = 3

// writeChunk writes rows that the store may forget after life milliseconds, or never if life is 0. It returns how many
// it stored.
func (s *Store) writeChunk(ctx context.Context, entry *tableEntry, life int64, rows []online.Row) (int64, error) {
	keys := make([]string, len(rows))
	args := make([]any, 0, settings+len(rows))
	args = append(args, life, packed.VersionOf(feature.InstantOf(s.now())), entry.field)
	var buffer []byte
	for i, row := range rows {
		if packed.PrecedenceSize(row.Value) == 0 {
			return 0, errors.New("a value is not a packed row")
		}
		buffer = appendKey(buffer[:0], entry.project, row.Key)
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

// milliseconds rounds up, so that nothing goes before its time (R13).
func milliseconds(d time.Duration) int64 {
	return int64(d/time.Millisecond) + int64(min(d%time.Millisecond, 1))
}

// fence keeps older versions, which know layout 1 alone, from materializing a table whose rows are in layout 2. They
// would not find its marks, conclude that its rows are lost, and write all of them in layout 1, which look-ups no
// longer read. So each mark comes with a hash under the key that the mark has in layout 1. A materialization by an
// older version fails on it.
func (s *Store) fence(ctx context.Context, entry *tableEntry, rows []online.Row) error {
	if entry.older() {
		return nil
	}
	for _, row := range rows {
		if !online.IsMark(row.Key) {
			continue
		}
		err := s.client.HSetNX(ctx, olderKey(entry, row.Key), "layout", "2").Err()
		if goredis.HasErrorPrefix(err, "WRONGTYPE") {
			return &fault.RefusedError{Err: fmt.Errorf("%s has marks in layout 1", entry.name),
				Advice: "an older version of plumb has written to this view; stop it, and run plumb online-store upgrade"}
		}
		if err != nil {
			return err
		}
	}
	return nil
}
