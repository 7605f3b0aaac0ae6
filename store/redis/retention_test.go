package redis_test

import (
	"context"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/plumbstore/plumb/internal/redistest"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/redis"
)

// lives are how long the hash of an entity and the rows of two tables in it have left, in milliseconds.
type lives struct{ hash, first, second int64 }

const (
	never   = -1
	hour    = 3_600_000
	longest = (1<<63-1)/1_000_000 + 1
)

// expectLife checks a life that began within the last minute. Servers up to 7.2 know that of the hash alone.
func expectLife(t *testing.T, keys goredis.UniversalClient, entity string, want lives) {
	t.Helper()
	key := "{test:" + entity + "}"
	if !fieldsExpire(t, keys) {
		left, err := keys.Do(t.Context(), "PTTL", key).Int64()
		expectLeft(t, "the hash", left, want.hash, err)
		return
	}
	for field, left := range map[string]int64{redis.FieldOf(table): want.first, redis.FieldOf(other): want.second} {
		got, err := keys.Do(t.Context(), "HPTTL", key, "FIELDS", 1, field).Int64Slice()
		if err != nil {
			t.Fatal(err)
		}
		expectLeft(t, "a field", got[0], left, nil)
	}
	if left, err := keys.Do(t.Context(), "PTTL", key).Int64(); err != nil || left != never {
		t.Errorf("the hash goes in %d ms, %v", left, err)
	}
}

// fieldsExpire says whether a server lets fields expire by themselves.
func fieldsExpire(t *testing.T, keys goredis.UniversalClient) bool {
	t.Helper()
	return keys.Do(context.WithoutCancel(t.Context()), "HPTTL", "none", "FIELDS", 1, "none").Err() == nil
}

func expectLeft(t *testing.T, what string, left, want int64, err error) {
	t.Helper()
	const minute = 60_000
	if err != nil {
		t.Fatal(err)
	}
	if left > want || left < want-minute || want >= 0 && left < 0 {
		t.Errorf("%s goes in %d ms, want %d", what, left, want)
	}
}

var other = online.Table{Project: "test", View: "other", Generation: 1}

func TestR13_ARowIsForgottenAfterItsRetentionAndNoSooner(t *testing.T) {
	server := redistest.Start(t)
	store := open(t, server.URL)
	keys := client(t, server)
	const none = -2
	for _, c := range []struct {
		name      string
		key       string
		table     online.Table
		number    uint64
		retention time.Duration
		want      lives
	}{
		{"without a retention", "a", table, 1, 0, lives{never, never, none}},
		{"with one beside it", "a", other, 1, time.Hour, lives{never, never, hour}},
		{"with one in its place", "a", table, 2, time.Hour, lives{never, hour, hour}},
		{"a new entity", "b", table, 2, time.Hour, lives{hour, hour, none}},
		{"an older row is refused", "b", table, 1, 2 * time.Hour, lives{hour, hour, none}},
		{"the same row is written again for longer", "b", table, 2, 3 * time.Hour, lives{3 * hour, 3 * hour, none}},
		{"the same row is written again for less", "b", table, 2, time.Hour, lives{3 * hour, 3 * hour, none}},
		{"a newer row for less", "b", table, 3, time.Hour, lives{3 * hour, hour, none}},
		{"another table for longer", "b", other, 1, 4 * time.Hour, lives{4 * hour, hour, 4 * hour}},
		{"another table for less", "b", other, 2, 2 * time.Hour, lives{4 * hour, hour, 2 * hour}},
		{"another table for good", "b", other, 3, 0, lives{never, hour, never}},
		{"the longest", "c", table, 1, 1<<63 - 1, lives{longest, longest, none}},
		{"rounded up", "d", table, 1, time.Hour + time.Nanosecond, lives{hour + 1, hour + 1, none}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.table.Retention = c.retention
			if _, err := store.Write(t.Context(), c.table, []online.Row{versionedRow(c.key, c.number)}); err != nil {
				t.Fatal(err)
			}
			expectLife(t, keys, c.key, c.want)
		})
	}
}

// startAtAnInstant starts a server, and opens it by a clock that stands still.
func startAtAnInstant(t *testing.T) (*redistest.Server, *redis.Store, time.Time) {
	t.Helper()
	server, now := redistest.Start(t), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	store, err := redis.Open(t.Context(), server.URL, redis.WithClock(func() time.Time { return now }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return server, store, now
}

func TestR13_ARowAheadOfTheClockIsKeptFromItsEventTimeOn(t *testing.T) {
	server, store, now := startAtAnInstant(t)
	kept := table
	kept.Retention = time.Hour
	const skew, earlier, none = 5 * time.Minute, -24 * time.Hour, -2
	for key, ahead := range map[string]time.Duration{"ahead": skew, "behind": earlier} {
		version := uint64(now.Add(ahead).UnixMicro())
		if _, err := store.Write(t.Context(), kept, []online.Row{versionedRow(key, version)}); err != nil {
			t.Fatal(err)
		}
		want := hour + max(ahead, 0).Milliseconds()
		expectLife(t, client(t, server), key, lives{want, want, none})
	}
}

// A row that is hidden by one ahead of the clock does not take away the time that this one has.
func TestR13_ARowThatIsHiddenShortensNothing(t *testing.T) {
	server, store, now := startAtAnInstant(t)
	for _, c := range []struct {
		ahead, retention time.Duration
	}{{time.Minute, 3 * time.Hour}, {-time.Minute, time.Hour}} {
		kept := table
		kept.Retention = c.retention
		row := versionedRow("key", uint64(now.Add(c.ahead).UnixMicro()))
		if report, err := store.Write(t.Context(), kept, []online.Row{row}); err != nil || report.Written != 1 {
			t.Fatalf("%+v, %v", report, err)
		}
	}
	want := int64(3*hour + 60_000)
	expectLife(t, client(t, server), "key", lives{want, want, -2})
}
